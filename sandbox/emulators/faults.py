"""The fault profile: rules in DIR/profile.json that make the emulators misbehave, re-read when it changes.

A rule is {"vendor", "path" or "object" match, "kind", "times", "after", "params"}. `path` and `object` are
shell patterns (an absent one matches anything), `times` how often the rule strikes (absent: always), `after`
how many matching requests pass first. Writing the file starts all counts anew. Kinds:

before the answer   429_seconds, 429_date, 503, unexpected_error, session_expired, request_limit,
                    query_timeout (params.over_rows: only for results larger than that), html_200,
                    slow (params.seconds), echo (a refusal that repeats the request, login and all)
on the answer       truncated_json
on pages            repeat_cursor, page_shift (params.rows), duplicate_rows (params.rows), empty_page,
                    unordered, truncate_extract (params.share)
on jobs             job_failed
on the schema       permission_lost, field_hidden (params.field), schema_rename (params.field, params.new),
                    schema_retype (params.field, params.to), schema_add (params.field, params.value)
on pushed batches   gap (params.events are never sent), replay (all of three days before once more, as it was
                    signed then), bad_signature, unknown_type (an event of a kind that nobody knows)

The parameters may also stand beside "kind" instead of inside "params".
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from sandbox.emulators.store import WatchedJson

BEFORE = (
    "slow",
    "429_seconds",
    "429_date",
    "503",
    "unexpected_error",
    "session_expired",
    "request_limit",
    "html_200",
    "echo",
)
ON_PAGES = ("repeat_cursor", "page_shift", "duplicate_rows", "empty_page", "unordered", "truncate_extract")
ON_SCHEMA = ("permission_lost", "field_hidden", "schema_rename", "schema_retype", "schema_add")
ON_PUSH = ("gap", "replay", "bad_signature", "unknown_type")
KINDS = frozenset((*BEFORE, *ON_PAGES, *ON_SCHEMA, *ON_PUSH, "query_timeout", "truncated_json", "job_failed"))
_OWN_KEYS = ("vendor", "path", "object", "kind", "times", "after", "params")


class ProfileError(Exception):
    """profile.json holds a rule that no emulator understands."""


@dataclass
class Rule:
    """One rule of the profile with what it has counted so far."""

    vendor: str
    kind: str
    path: str
    object: str
    times: int | None
    after: int
    params: dict[str, Any]
    seen: int = field(default=0)
    struck: int = field(default=0)

    def matches(self, vendor: str, path: str, obj: str | None) -> bool:
        """Whether a request for `path` about `obj` (None: not known) is the rule's concern."""
        if self.vendor not in ("*", vendor) or not fnmatchcase(path, self.path):
            return False
        if self.object == "*":
            return True
        return obj is not None and fnmatchcase(obj.lower(), self.object.lower())


def parse_rule(raw: Mapping[str, Any]) -> Rule:
    """A rule from its JSON form. Raises ProfileError on an unknown kind."""
    kind = str(raw.get("kind"))
    if kind not in KINDS:
        raise ProfileError(f"unknown fault kind {kind!r}; known: {', '.join(sorted(KINDS))}")
    params = {key: value for key, value in raw.items() if key not in _OWN_KEYS}
    params.update(raw.get("params") or {})
    times = raw.get("times")
    return Rule(
        vendor=str(raw.get("vendor") or "*"),
        kind=kind,
        path=str(raw.get("path") or "*"),
        object=str(raw.get("object") or params.get("object") or "*"),
        times=None if times is None else int(times),
        after=int(raw.get("after") or 0),
        params=params,
    )


class Faults:
    """The rules that concern one vendor, hot-reloaded. Thread-safe."""

    def __init__(self, root: Path, vendor: str) -> None:
        self.vendor = vendor
        self.generation = 0
        self._file = WatchedJson(root / "profile.json", [])
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self.refresh()

    def refresh(self) -> None:
        """Read the profile again if it changed. Raises ProfileError."""
        with self._lock:
            value, changed = self._file.read()
            if changed:
                rules = value.get("rules", []) if isinstance(value, dict) else value
                self._rules = [parse_rule(raw) for raw in rules or []]
                self.generation += 1

    def reset(self) -> None:
        """Forget what was counted."""
        with self._lock:
            for rule in self._rules:
                rule.seen = rule.struck = 0

    def take(self, kind: str, path: str, obj: str | None) -> Rule | None:
        """The rule of `kind` that strikes this request, counted; None when none does."""
        with self._lock:
            for rule in self._rules:
                if rule.kind != kind or not rule.matches(self.vendor, path, obj):
                    continue
                rule.seen += 1
                if rule.seen <= rule.after or (rule.times is not None and rule.struck >= rule.times):
                    continue
                rule.struck += 1
                return rule
        return None

    def awaits(self, kind: str, path: str, obj: str | None) -> bool:
        """Whether a rule of `kind` could strike this or a later such request; counts nothing."""
        with self._lock:
            return any(
                rule.kind == kind
                and rule.matches(self.vendor, path, obj)
                and (rule.times is None or rule.struck < rule.times)
                for rule in self._rules
            )

    def standing(self, kind: str, obj: str) -> list[Rule]:
        """Schema rules of `kind` in force for `obj`; these are states, not strikes, and are not counted."""
        with self._lock:
            return [rule for rule in self._rules if rule.kind == kind and rule.matches(self.vendor, "", obj)]
