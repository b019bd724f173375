"""source new, conform: a source to begin with, and the checks that every source passes."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from throughline import files
from throughline.commands.common import AsJson
from throughline.errors import error
from throughline.home import PROJECT_ROOT
from throughline.output import emit, plain, say

if TYPE_CHECKING:
    from pipelines.conform.kit import Outcome


def new(
    name: Annotated[str, typer.Argument(help="Lower-case letters and digits, as kantata.")],
    domain: Annotated[str, typer.Option("--domain", help="crm, psa, hr, erp or procurement.")],
    kind: Annotated[str, typer.Option("--kind", help="json_pages, soql or suiteql.")] = "json_pages",
    pages: Annotated[
        str, typer.Option("--pages", help="How JSON lists are paged: page, offset, cursor or link.")
    ] = "page",
    root: Annotated[
        Path, typer.Option("--root", help="The checkout to write into; this one unless given.")
    ] = PROJECT_ROOT,
    json_: AsJson = False,
) -> None:
    """Write a source that lands, maps and conforms at once, with invented fields and records to replace.

    Example: throughline source new kantata --domain psa --kind json_pages
    """
    from throughline.scaffold.scaffold import scaffold

    written = scaffold(root, name, domain, kind, pages)
    emit([{"created": str(path)} for path in written], ["created"], json_=json_)
    say(f"next: throughline source conform {name}")
    say("then: docs/engineer/add-a-source.md, from step 2 on")


def conform(
    name: Annotated[str | None, typer.Argument(help="One source; all of them unless given.")] = None,
    check: Annotated[
        str | None, typer.Option("--check", help="Only this check, after those it needs.")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option("--junit", help="Write the outcomes into this file as JUnit XML, for CI.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """Check sources offline: against what was recorded of the vendor, or the sandbox's emulators; exit 1 on a
    red check. Example: throughline source conform kantata
    """
    from pipelines.conform.checks import CHECKS
    from pipelines.conform.kit import EXEMPT, GREEN, PASS
    from pipelines.sources import source_names

    # what the checks provoke is told by them, not by the connectors' warnings
    logging.getLogger().addHandler(logging.NullHandler())
    known = [one.name for one in CHECKS]
    if check is not None and check not in known:
        raise error("E-SRC-018", kind="check", name=check, known=", ".join(known))
    rows: list[Outcome] = []
    for outcome in _outcomes([name] if name else source_names(), check):
        rows.append(outcome)
        if not json_:
            _print(outcome)
    if json_:
        print(json.dumps([plain(one.row()) for one in rows], indent=2))
    if junit is not None:
        from throughline.junit import as_junit

        files.write_text(junit, as_junit(rows))
    red = [one for one in rows if one.outcome not in GREEN]
    passed, exempt = ([one for one in rows if one.outcome == word] for word in (PASS, EXEMPT))
    apart = f", {len(exempt)} do not apply" if exempt else ""
    say(f"{len(passed)} of {len(rows) - len(exempt)} checks passed{apart}")
    if red:
        raise typer.Exit(1)


def _outcomes(names: list[str], check: str | None) -> Iterator[Outcome]:
    """All checks on the sources named. The emulators are started once, for the first that needs them."""
    from pipelines.conform import source
    from pipelines.conform.kit import conform as judge
    from pipelines.conform.subject import subject
    from pipelines.sources import load_source
    from throughline import emulated

    with contextlib.ExitStack() as stack:
        firm: emulated.Firm | None = None
        for name in names:
            manifest = load_source(name).manifest
            if name in emulated.VENDORS and not source.is_recorded(name):
                if firm is None:
                    say("building and serving a tiny firm for the emulators ...")
                    firm = stack.enter_context(emulated.firm())
                found = subject(manifest, emulated.VENDORS[name][1])
                served = firm
                yield from judge(manifest, found, lambda: emulated.Emulated(name, served), check)  # noqa: B023
            else:
                yield from source.conform_source(name, check)


def _print(outcome: Outcome) -> None:
    from pipelines.conform.kit import EXEMPT, MARKS, NOT_RUN

    line = f"{MARKS[outcome.outcome]} {outcome.source}  {outcome.check:<18} {outcome.says}"
    if outcome.outcome == NOT_RUN:
        line += f": not run, {outcome.detail}"
    if outcome.outcome == EXEMPT:
        line += f": does not apply, {outcome.detail}"
    print(line)
    if outcome.effect:
        for label, text in (("Found", outcome.detail), ("Effect", outcome.effect), ("Fix", outcome.fix)):
            print(f"    {label:<7} {text}")
