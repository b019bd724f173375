"""recon: exceptions as lists, one by one, as a workbook; and what people say of them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from throughline import clock, state
from throughline.commands.common import AsJson, actor, day, home
from throughline.errors import error
from throughline.home import Home
from throughline.output import emit, plain, say
from throughline.recon.columns import EXCEPTIONS
from throughline.recon.digest import row_hash
from throughline.recon.people import Said
from throughline.recon.published import Filter, Report, Row, read_report
from throughline.recon.rows import exception_row, plain_sentence

app = typer.Typer(help="Exceptions, the workbook, people's decisions.", no_args_is_help=True)

LIST_COLUMNS = [
    "exception_id", "severity", "outcome", "status", "entity_code", "amount_at_risk", "age_days", "due_on",
    "change", "root_exception_id", "what",
]  # fmt: skip
Entities = Annotated[
    list[str] | None, typer.Option("--entity", help="Legal entity, code or key; repeatable.")
]
States = Annotated[list[str] | None, typer.Option("--status", help="NEW, ASSIGNED ...; may repeat.")]
Controls = Annotated[list[str] | None, typer.Option("--control", help="Control id; may repeat.")]
Severities = Annotated[list[str] | None, typer.Option("--severity", help="S1 to S4; may repeat.")]
AsOf = Annotated[str | None, typer.Option("--as-of", help="The newest published run made for this day.")]
RunId = Annotated[str | None, typer.Option("--run", help="A published run; the current one unless given.")]
REASON_LENGTH, LONGEST_ACKNOWLEDGEMENT = 15, 90


def _words(given: list[str] | None, *, upper: bool = True) -> tuple[str, ...]:
    """Options that may repeat or hold commas, as one tuple."""
    parts = [part.strip() for one in given or [] for part in one.split(",") if part.strip()]
    return tuple(part.upper() if upper else part for part in parts)


def _report(
    found: Home,
    entities: list[str] | None,
    states: list[str] | None,
    controls: list[str] | None,
    severities: list[str] | None,
    as_of: str | None,
    run_id: str | None,
) -> Report:
    scope = Filter(_words(entities, upper=False), _words(states), _words(controls), _words(severities))
    return read_report(found, scope, run_id=run_id, as_of=day(as_of, "--as-of"))


def _one(report: Report, given: str) -> Row:
    """The exception whose id is or unambiguously begins with `given`. Raises E-REC-001."""
    rows = [row for row in report.exceptions if row["exception_id"].lower().startswith(given.lower())]
    exact = [row for row in rows if row["exception_id"].lower() == given.lower()]
    if len(exact or rows) != 1:
        raise error("E-REC-001", given=given, number=len(rows), run_id=report.run_id)
    return (exact or rows)[0]


def _listed(report: Report, row: Row) -> Row:
    """A row of the list: the warehouse's, with what history, calendar and people know of it."""
    history = report.history.get(row["exception_id"], {})
    said = report.said.get(row["exception_id"]) or Said()
    return {
        **{name: value for name, value in row.items() if name != "facts"},
        "first_seen_on": history.get("first_seen_on"),
        "occurrences": history.get("occurrences"),
        "change": history.get("change"),
        "assignee": said.owner,
        "due_on": said.due or report.due.get(row["exception_id"], {}).get("due_on"),
        "what": plain_sentence(row["facts"].get("what")),
    }


def _end(report: Report) -> None:
    """Exit code 1 unless all is clean: what could not be checked is no better news than what is open."""
    if report.verdict != "CLEAN":
        raise typer.Exit(1)


@app.command("list")
def list_(
    entity: Entities = None,
    status: States = None,
    control: Controls = None,
    severity: Severities = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    json_: AsJson = False,
) -> None:
    """What did not pass; ends with 1 while exceptions are open or something could not be checked.

    Example: throughline recon list --severity S1
    """
    report = _report(home(), entity, status, control, severity, as_of, run_id)
    rows = [_listed(report, row) for row in report.exceptions]
    emit(rows, LIST_COLUMNS, json_=json_)
    say(
        f"{report.verdict}: {len(report.open)} exceptions, {len(report.of('PENDING'))} pending,"
        f" {len(report.of('NOT_EVALUABLE'))} not evaluable; headline {report.headline:,.2f}"
        f" {report.reporting_currency} at risk ({report.run_id}, as of {report.as_of})"
    )
    _end(report)


@app.command("show")
def show(
    exception_id: Annotated[str, typer.Argument(help="An exception's id, or its unambiguous beginning.")],
    run_id: RunId = None,
    json_: AsJson = False,
) -> None:
    """All that is known of one exception. Example: throughline recon show CRM-ERP-001-1f0c"""
    report = _report(home(), None, None, None, None, None, run_id)
    row = _one(report, exception_id)
    control = report.controls[row["control_id"]]
    history = report.history.get(row["exception_id"], {})
    said = report.people.get(row["exception_id"], [])
    explained = [
        one["exception_id"] for one in report.exceptions if one["root_exception_id"] == row["exception_id"]
    ]
    # every column of the workbook, then what only the warehouse's row holds
    told: dict[str, Any] = dict(
        zip((column.name for column in EXCEPTIONS), exception_row(report, row), strict=True)
    )
    told |= {name: value for name, value in row.items() if name not in (*told, "evidence", "facts")}
    told |= {
        "grain": control["grain"],
        "change": history.get("change"),
        "prior_run_id": history.get("prior_run_id"),
        "prior_amount_at_risk": history.get("prior_amount_at_risk"),
        "prior_period_as_of": history.get("prior_period_as_of"),
        "is_overdue": report.due.get(row["exception_id"], {}).get("is_overdue"),
        "row_sha256": row_hash(row),
        "run_id": report.run_id,
        "as_of": report.as_of,
        "known_at": report.known_at,
        "reporting_currency": report.reporting_currency,
        "evidence": row["facts"],
        "control": {
            name: control[name] for name in ("name", "version", "rule", "risk", "fix", "owner", "sla")
        },
        "explains": explained,
        "events": [{"kind": one.kind, "actor": one.actor, "at": one.at, **one.payload} for one in said],
    }
    if json_:
        emit([told], list(told), json_=True)
        return
    lines: list[tuple[str, Any]] = [("what_is_wrong", told["what_is_wrong"])]
    lines += [
        (name, value)
        for name, value in told.items()
        if name != "what_is_wrong" and not isinstance(value, (dict, list))
    ]
    lines += [(f"evidence.{name}", value) for name, value in row["facts"].items() if name != "what"]
    lines += [(f"control.{name}", value) for name, value in told["control"].items()]
    lines += [("explains", one) for one in explained]
    lines += [
        (
            f"{one.kind} {clock.iso(one.at)} {one.actor}",
            "; ".join(f"{k}: {plain(v)}" for k, v in one.payload.items()),
        )
        for one in said
    ]
    emit([{"field": name, "value": value} for name, value in lines if value is not None], ["field", "value"],
         json_=False)  # fmt: skip


@app.command("export")
def export(
    entity: Entities = None,
    status: States = None,
    control: Controls = None,
    severity: Severities = None,
    as_of: AsOf = None,
    run_id: RunId = None,
    format_: Annotated[str, typer.Option("--format", help="xlsx, csv, or both.")] = "xlsx,csv",
    out: Annotated[Path | None, typer.Option("--out", help="Folder; else the home's exports.")] = None,
    bom: Annotated[bool, typer.Option("--bom", help="CSV with a byte order mark.")] = False,
    json_: AsJson = False,
) -> None:
    """The exception workbook and its CSV twin; ends with 1 as `recon list` does.

    Example: throughline recon export --entity GB01 --as-of 2026-06-08
    """
    from throughline.recon.export import FORMATS
    from throughline.recon.export import export as write

    formats = tuple(part.strip().lower() for part in format_.split(",") if part.strip())
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        raise error("E-RUN-001", detail=f"--format {format_!r}: known are {', '.join(FORMATS)}")
    found = home()
    report = _report(found, entity, status, control, severity, as_of, run_id)
    done = write(report, found, actor=actor(), folder=out, formats=formats, bom=bom)
    rows = [
        {
            "path": str(path),
            "run_id": report.run_id,
            "as_of": report.as_of,
            "verdict": report.verdict,
            "exceptions": len(report.open),
            "headline": report.headline,
            "currency": report.reporting_currency,
            "content_sha256": done.content_sha256,
        }
        for path in done.paths
    ]
    emit(rows, list(rows[0]), json_=json_)
    _end(report)


def _say(exception_id: str, kind: str, payload: dict[str, Any]) -> None:
    found = home()
    row = _one(read_report(found), exception_id)
    event = state.append(found, kind, row["exception_id"], actor(), payload)
    say(f"{row['exception_id']}: {kind} recorded for {event.actor} at {clock.iso(event.at)}")


@app.command("assign")
def assign(
    exception_id: Annotated[str, typer.Argument(help="An exception's id, or its unambiguous beginning.")],
    to: Annotated[str, typer.Option("--to", help="Who works on it.")],
    due: Annotated[str | None, typer.Option("--due", help="Until when, a day.")] = None,
) -> None:
    """Give an exception to somebody. Example: throughline recon assign BIL-001-9ac2 --to j.ortega"""
    until = day(due, "--due")
    _say(exception_id, "assignment", {"owner": to, **({"due": until.isoformat()} if until else {})})


@app.command("comment")
def comment(
    exception_id: Annotated[str, typer.Argument(help="An exception's id, or its unambiguous beginning.")],
    text: Annotated[str, typer.Argument(help="What there is to say.")],
) -> None:
    """Say something about an exception.

    Example: throughline recon comment BIL-001-9ac2 "Asked the client"
    """
    if not text.strip():
        raise error("E-RUN-001", detail="the comment is empty")
    _say(exception_id, "comment", {"text": text})


@app.command("acknowledge")
def acknowledge(
    exception_id: Annotated[str, typer.Argument(help="An exception's id, or its unambiguous beginning.")],
    reason: Annotated[str, typer.Option("--reason", help="Why it may stand, at least 15 characters.")],
    until: Annotated[str, typer.Option("--until", help="Until when, at most 90 days from now.")],
) -> None:
    """Take note of an exception for a while; it keeps counting.

    Example: throughline recon acknowledge BIL-001-9ac2 --reason "Client signs on Friday" --until 2026-07-31
    """
    limit = day(until, "--until")
    assert limit is not None
    if len(reason.strip()) < REASON_LENGTH:
        raise error("E-RUN-001", detail=f"--reason needs at least {REASON_LENGTH} characters")
    if not clock.today() <= limit <= clock.today() + timedelta(days=LONGEST_ACKNOWLEDGEMENT):
        raise error(
            "E-RUN-001",
            detail=f"--until {until}: a day from today to {LONGEST_ACKNOWLEDGEMENT} days from now",
        )
    _say(exception_id, "acknowledgement", {"reason": reason, "until": limit.isoformat()})
