"""Errors that teach: what happened, what it means for the numbers, why, how to fix it, what to run then.

The texts live in `errors.yml`, keyed by code; code raises `error("E-RUN-001", name=value)` and the
placeholders of the texts are filled with what is known where it happened. A room (pipelines, sandbox, ...)
may keep the codes it raises in an `errors.yml` of its own folder; they are one catalogue.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("throughline", "pipelines", "expectations", "dashboards", "sandbox")
FIELDS = ("what", "effect", "why", "fix", "then")


class ThroughlineError(Exception):
    """A failure with its explanation. `exit_code` is what the command line ends with."""

    def __init__(
        self,
        code: str,
        what: str,
        effect: str = "",
        why: str = "",
        fix: str = "",
        then: str = "",
        *,
        exit_code: int = 3,
        more: str = "",
    ) -> None:
        super().__init__(f"{code}  {what}")
        self.code = code
        self.what = what
        self.effect = effect
        self.why = why
        self.fix = fix
        self.then = then
        self.exit_code = exit_code
        self.more = more

    def __str__(self) -> str:
        return f"{self.code}  {self.what}"


@dataclass(frozen=True)
class Entry:
    """One error of the catalogue: its texts with `{placeholders}`, and the exit code it leads to."""

    code: str
    what: str
    effect: str
    why: str
    fix: str
    then: str
    exit_code: int


class _Known(dict[str, Any]):
    """Leaves a placeholder standing when its value is not known."""

    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


@cache
def catalogue() -> dict[str, Entry]:
    """All errors by code. Raises ValueError when one misses a text or stands twice."""
    texts_of: dict[str, dict[str, Any]] = {}
    for room in ROOMS:
        path = ROOT / room / "errors.yml"
        if not path.exists():
            continue
        for code, texts in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).items():
            if code in texts_of:
                raise ValueError(f"{room}/errors.yml: {code} stands in another room's catalogue already")
            texts_of[code] = texts
    entries: dict[str, Entry] = {}
    for code, texts in texts_of.items():
        missing = [field for field in FIELDS if field not in texts]
        if missing:
            raise ValueError(f"errors.yml: {code} has no {', '.join(missing)}")
        entries[code] = Entry(
            code=code,
            exit_code=int(texts.get("exit_code", 3)),
            **{field: str(texts[field]).strip() for field in FIELDS},
        )
    return entries


def error(code: str, /, *, more: str = "", **known: object) -> ThroughlineError:
    """The catalogue's error `code` with its placeholders filled. Raises KeyError for an unknown code."""
    entry = catalogue()[code]
    texts = {field: getattr(entry, field).format_map(_Known(known)) for field in FIELDS}
    return ThroughlineError(code, exit_code=entry.exit_code, more=more, **texts)


def render(problem: ThroughlineError) -> str:
    """The error as people read it: one headline, then its labelled lines."""
    lines = [f"{problem.code}  {problem.what}"]
    for label, text in (
        ("Effect", problem.effect),
        ("Why", problem.why),
        ("Fix", problem.fix),
        ("Then", problem.then),
    ):
        for number, line in enumerate(text.splitlines()):
            lines.append(f"  {label if number == 0 else '':<8} {line}".rstrip())
    more = f"throughline explain {problem.code}" + (f" · {problem.more}" if problem.more else "")
    lines.append(f"  {'More':<8} {more}")
    return "\n".join(lines)
