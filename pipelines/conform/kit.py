"""Running the checks, each in a home of its own, and what came of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pipelines.conform.bench import Bench, FoundWrongError
from pipelines.conform.checks import CHECKS, Check
from pipelines.conform.subject import Subject
from pipelines.conform.vendor import Vendor
from pipelines.manifest import Manifest
from throughline.errors import ThroughlineError

PASS, FAIL, NOT_RUN, EXEMPT = "PASS", "FAIL", "NOT_RUN", "DOES_NOT_APPLY"
GREEN = frozenset({PASS, EXEMPT})
MARKS = {PASS: "✓", FAIL: "✗", NOT_RUN: "·", EXEMPT: "–"}


@dataclass(frozen=True)
class Outcome:
    """One check's outcome. `detail`: what was found, which check must be green first, or why none is made."""

    source: str
    check: str
    outcome: str
    says: str
    detail: str = ""
    effect: str = ""
    fix: str = ""

    def row(self) -> dict[str, Any]:
        """As one mapping."""
        return asdict(self)


def conform(
    manifest: Manifest, subject: Subject, vendor: Callable[[], Vendor], only: str | None = None
) -> Iterator[Outcome]:
    """All checks on a source, in order, each against a vendor of its own; or `only` and what it needs."""
    wanted = _with_needs(only) if only else {check.name for check in CHECKS}
    red: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="conform-") as folder:
        landed = Path(folder) / "landed"
        for check in CHECKS:
            if check.name not in wanted:
                continue
            outcome = _outcome(check, Bench(manifest, subject, vendor(), landed), red)
            if outcome.outcome not in GREEN:
                red.add(check.name)
            yield outcome


def _with_needs(name: str) -> set[str]:
    known = {check.name: check for check in CHECKS}
    return {name}.union(*(_with_needs(need) for need in known[name].needs))


def _outcome(check: Check, bench: Bench, red: set[str]) -> Outcome:
    source = bench.manifest.source
    if check.name in bench.vendor.exempt:
        return Outcome(source, check.name, EXEMPT, check.says, bench.vendor.exempt[check.name])
    before = [name for name in check.needs if name in red]
    if before:
        return Outcome(source, check.name, NOT_RUN, check.says, f"needs {', '.join(before)} to be green")
    try:
        _settle(bench)
        check.run(bench)
    except FoundWrongError as found:
        detail = str(found)
    except ThroughlineError as problem:
        detail = str(problem)
    else:
        return Outcome(source, check.name, PASS, check.says)
    finally:
        bench.vendor.trouble(None)
    return Outcome(source, check.name, FAIL, check.says, detail, check.effect, check.fix)


def _settle(bench: Bench) -> None:
    """Give the bench a home in which the subject was landed once: the first one's, copied for the others."""
    landed = bench.home
    bench.now = bench.vendor.begin()
    if not landed.exists():
        landed.mkdir()
        bench.good("the first load failed")
    bench.home = landed.with_name("home")
    shutil.rmtree(bench.home, ignore_errors=True)
    shutil.copytree(landed, bench.home)
    if bench.vendor.remembers:
        bench.good("the load of what earlier checks have changed failed")
