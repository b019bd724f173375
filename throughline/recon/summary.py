"""The summary per control: what was looked at, what came of it, the month before, the trend of six months."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from throughline.recon.archive import months
from throughline.recon.columns import COUNT, MONEY, SUMMARY, Column
from throughline.recon.published import Report, Row


def trend_columns(report: Report) -> tuple[Column, ...]:
    """Six months' counts and amounts, the last one this run's; each says which run tells it."""
    told = {row["period"]: row for row in report.trend}
    found = []
    for kind, name, width, word in (
        (COUNT, "count", 10, "Exceptions"),
        (MONEY, "amount", 16, "Their amount at risk"),
    ):
        for month in months(report.as_of):
            row = told.get(month)
            source = (
                f"as of {row['as_of']}, from run {row['run_id']}" if row else "no run was published for it"
            )
            found.append(Column(f"{name}_{month}", kind, width, f"{word} in {month}: {source}."))
    return tuple(found)


def columns(report: Report) -> tuple[Column, ...]:
    """The summary's columns; the reason comes last."""
    return (*SUMMARY[:-1], *trend_columns(report), SUMMARY[-1])


def _in_scope(report: Report, row: Row) -> bool:
    """Whether a row by control and legal entity adds to the scope: the entities asked for, else all."""
    entities = report.filter.entities
    if not entities:
        return bool(row["legal_entity_id"] == "ALL")
    codes = report.names["legal_entity"].get(str(row["legal_entity_id"]), {})
    return row["legal_entity_id"] in entities or codes.get("entity_code") in entities


def known_sum(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of amounts; None when one of them is unknown."""
    total = Decimal("0.0000")
    for amount in amounts:
        if amount is None:
            return None
        total += amount
    return total


def period(report: Report, control_id: str, month: str) -> tuple[int, Decimal | None] | None:
    """Exceptions of a control in the scope and their amount (None: unknown), as published for a month.

    None where no run was published for the month, the control could not run, or the scope holds a part of
    its exceptions only: what was a part of them then is not known.
    """
    if report.filter.is_narrow:
        return None
    rows = [row for row in report.trend if row["control_id"] == control_id and row["period"] == month]
    # the row of all entities says that the control ran; an entity without a row had nothing to look at
    if not any(row["legal_entity_id"] == "ALL" for row in rows) or any(row["is_blocked"] for row in rows):
        return None
    rows = [row for row in rows if _in_scope(report, row)]
    return sum(row["exception_count"] for row in rows), known_sum(row["exception_amount"] for row in rows)


def _entry(report: Report, control_id: str, control: Row) -> Row:
    runs = [one for one in report.control_runs if one["control_id"] == control_id and _in_scope(report, one)]
    rows = [one for one in report.exceptions if one["control_id"] == control_id]
    entry: Row = {
        "control_id": control_id,
        "control_name": control["name"],
        "owner_role": control["owner"],
    }
    for name in ("population", "pass"):
        entry[f"{name}_count"] = sum(one[f"{name}_count"] for one in runs)
        entry[f"{name}_amount"] = known_sum(one[f"{name}_amount"] for one in runs)
    for outcome in ("PENDING", "EXCEPTION", "WAIVED", "NOT_EVALUABLE"):
        of = [one for one in rows if one["outcome"] == outcome]
        entry[f"{outcome.lower()}_count"] = len(of)
        entry[f"{outcome.lower()}_amount"] = known_sum(one["amount_at_risk"] for one in of)
    reasons = sorted({one["reason"] for one in runs if one["reason"]})
    unknown = [one for one in rows if one["outcome"] != "NOT_EVALUABLE" and one["amount_at_risk"] is None]
    if unknown:
        reasons.append(f"Of {len(unknown)} rows nobody knows the amount, so the sum is blank")
    entry["reason"] = "; ".join(reasons) or None
    shown = months(report.as_of)
    for month in shown:
        told = period(report, control_id, month)
        entry[f"count_{month}"], entry[f"amount_{month}"] = told or (None, None)
    prior = period(report, control_id, shown[-2])
    entry["prior_exception_count"], entry["prior_exception_amount"] = prior or (None, None)
    entry["change_count"] = entry["exception_count"] - prior[0] if prior else None
    is_known = prior is not None and prior[1] is not None and entry["exception_amount"] is not None
    entry["change_amount"] = entry["exception_amount"] - prior[1] if prior and is_known else None
    entry["status"] = (
        "NOT_EVALUABLE" if entry["not_evaluable_count"]
        else "EXCEPTIONS" if entry["exception_count"]
        else "CLEAN" if entry["population_count"] else "NO_POPULATION"
    )  # fmt: skip
    return entry


def summary_rows(report: Report) -> list[Row]:
    """One row per control in scope: exceptions counted from rows, populations from control runs."""
    return [
        _entry(report, control_id, control)
        for control_id, control in report.controls.items()
        if not report.filter.controls or control_id in report.filter.controls
    ]


def summary(report: Report) -> list[list[Any]]:
    """The summary sheet's rows, in the order of `columns`."""
    names = [column.name for column in columns(report)]
    return [[entry[name] for name in names] for entry in summary_rows(report)]
