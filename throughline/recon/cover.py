"""The cover: what this report is, what it says, how to check it, and who signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from throughline import clock
from throughline.recon.archive import months
from throughline.recon.digest import content_hash, parameter_hash
from throughline.recon.published import SEVERITIES, Report

SIGNERS = ("preparer", "reviewer", "controller")


@dataclass(frozen=True)
class Line:
    """One line of the cover: its machine name, its value (None = to be filled in by hand), what it means."""

    name: str
    value: Any
    meaning: str


def _entities(report: Report) -> str:
    known = report.names["legal_entity"]
    if not report.filter.entities:
        return "ALL"
    said = []
    for asked in report.filter.entities:
        row = next((row for key, row in known.items() if asked in (key, row.get("entity_code"))), {})
        name = row.get("name")
        said.append(f"{row.get('entity_code') or asked}" + (f" ({name})" if name else ""))
    return ", ".join(said)


def _prior(report: Report) -> str:
    month = months(report.as_of, 2)[0]
    row = next((row for row in report.trend if row["period"] == month), None)
    return f"{month}, as of {row['as_of']} (run {row['run_id']})" if row else f"none published for {month}"


def _periods(report: Report) -> str:
    """The state of the newest three months: one word where areas and entities agree, else all of them."""
    said = []
    for month in months(report.as_of, 3)[::-1]:
        found = sorted({row["state"] for row in report.periods if row["period"] == month})
        changed = sum(row["restatements"] for row in report.periods if row["period"] == month)
        late = f", {_counted(changed, 'restatement', 'restatements')}" if changed else ""
        said.append(f"{month} {' and '.join(found) or 'not known'}{late}")
    return "; ".join(said)


def _overdue(report: Report) -> int:
    return sum(1 for row in report.open if report.due.get(row["exception_id"], {}).get("is_overdue"))


def _counted(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def sentence(report: Report) -> str:
    """The verdict in words."""
    opened, unknown = len(report.open), len(report.of("NOT_EVALUABLE"))
    said = [
        f"{_counted(opened, 'exception is', 'exceptions are')} open, {report.headline:,.2f}"
        f" {report.reporting_currency} at risk with every risk counted once"
        if opened
        else "No exception is open"
    ]
    pending = len(report.of("PENDING"))
    if pending:
        said.append(f"{_counted(pending, 'case is', 'cases are')} still within the days of grace")
    if unknown:
        said.append(
            f"{_counted(unknown, 'check', 'checks')} could not be made, so this report is not complete"
        )
    unpriced = sum(1 for row in report.open if row["amount_at_risk"] is None)
    if unpriced:
        said.append(f"the amount of {_counted(unpriced, 'exception is', 'exceptions are')} not known")
    return "; ".join(said) + "."


def cover(report: Report, software: str) -> list[Line]:
    """The cover's lines, in order."""
    versions = {name: int(row["version"]) for name, row in report.controls.items()}
    of = report.of
    return [
        Line("report", "Reconciliation exceptions", "One published run, read-only; nothing in it changes."),
        Line("entity", _entities(report), "Legal entities in scope."),
        Line("scope", report.filter.text(), "Filters this report was made with."),
        Line("period", report.as_of.isoformat()[:7], "Month of the business date."),
        Line("period_state", _periods(report), "The newest three months; what changed: 10_Restatements."),
        Line("as_of_date", report.as_of, "Business date, inclusive."),
        Line("known_at", clock.iso(report.known_at), "Nothing learnt later is in it (UTC)."),
        Line("prior_period", _prior(report), "What prior-period columns compare with."),
        Line("run_id", report.run_id, "The published run."),
        Line("snapshot_id", report.snapshot, "SHA-256 of everything that run published."),
        Line("software_version", software, "What made this file."),
        Line(
            "control_set_version",
            f"{len(versions)} controls, {content_hash((), versions)[:16]}",
            "Fingerprint of the controls' versions; each stands in 12_Dictionary.",
        ),
        Line("parameter_hash", parameter_hash(report.controls), "Of tolerances, grace, floors and SLAs."),
        Line("generated_at", clock.iso(report.started_at), "When the run started (UTC)."),
        Line("reporting_currency", report.reporting_currency, "Currency of every amount ending in _rc."),
        Line("verdict", report.verdict, "CLEAN, EXCEPTIONS, or INCOMPLETE: something was not checked."),
        Line("in_words", sentence(report), "The verdict in a sentence."),
        Line("open_exceptions", len(report.open), "Rows of 02_Exceptions that no waiver covers."),
        *(
            Line(
                f"open_{level}",
                sum(1 for row in report.open if row["severity"] == level),
                f"Of these, severity {level}.",
            )
            for level in SEVERITIES
        ),
        Line("explained", sum(1 for row in report.open if row["root_exception_id"]),
             "Of these, follow from another exception and stay out of the headline."),
        Line("overdue", _overdue(report), "Of these, past the day their SLA gives."),
        Line("pending", len(of("PENDING")), "Within grace: 05_Pending."),
        Line("waived", len(of("WAIVED")), "Covered by a waiver: in 02_Exceptions, not counted as open."),
        Line("not_evaluable", len(of("NOT_EVALUABLE")), "Could not be checked: 09_NotEvaluable."),
        Line("headline_amount_at_risk", report.headline,
             "Sum over each object at risk and kind of risk of its largest amount, causes only."),
        Line("content_sha256", report.hash, "Of the rows in scope and the control versions; see the guide."),
        *(
            Line(name, None, meaning)
            for signer, meaning in (
                ("preparer", "Name and signature."),
                ("reviewer", "Name and signature; not the preparer."),
                ("controller", "Name and signature."),
            )
            for name, meaning in (
                (signer, meaning), (f"{signer}_date", "Date."), (f"{signer}_comment", "Comment."),
            )
        ),
    ]  # fmt: skip
