"""Writes the truth of each load beside the sandbox: cases, counts per control and metrics, as Parquet."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.emission.drop.deliveries import PLAN, Delivery, standing
from sandbox.firm.state import Firm
from sandbox.oracle import documents
from sandbox.oracle.controls import Case, Outcome, evaluate
from sandbox.oracle.deliveries import delivered_rows
from sandbox.oracle.metrics import Row, estimate_rows, metric_rows, outlook_rows, window_rows
from sandbox.oracle.money import ZERO
from sandbox.oracle.view import View

# The controls each fault strikes by itself; what else it causes is a cascade.
FAULT_CONTROLS = {
    "F01": {"MDM-001", "CRM-ERP-001", "CRM-PSA-001", "INT-001"},
    "F02": {"CRM-ERP-001", "ERP-PSA-001"},
    "F06": {"CRM-ERP-004"},
    "F14": {"ERP-PSA-002"},
    "F18": {"ERP-PSA-001", "MDM-003"},
    "F26": {"PSA-ERP-001", "INT-001"},
    "F27": {"PSA-ERP-002"},
    "F29": {"BIL-001"},
    "F32": {"BIL-010", "BIL-003"},
    "F63": {"MDM-002"},
    "F66": {"MDM-002"},
    "F72": {"MDM-003", "CRM-ERP-003"},
    "FX03": {"CRM-ERP-003"},
    "FX04": {"MDM-003"},
    "F10": {"DOC-ERP-001"},
    "F12": {"DOC-ERP-003"},
    "FX10": {"DOC-ERP-002"},
    "FX11": {"DOC-ERP-002"},
    "FX12": {"DOC-ERP-002"},
    "FX13": {"DOC-ERP-002"},
    "FX21": {"INT-001"},
    "FX22": {"INT-001"},
}

MONEY = pa.decimal128(19, 4)
WIDE = pa.decimal128(38, 10)
INSTANT = pa.timestamp("us", tz="UTC")
EXCEPTIONS = pa.schema(
    [
        ("load_id", pa.string()),
        ("case_id", pa.string()),
        ("control_id", pa.string()),
        ("grain_key", pa.string()),
        ("outcome", pa.string()),
        ("amount_at_risk", MONEY),
        ("amount_at_risk_tc", MONEY),
        ("severity", pa.string()),
        ("visible_from", INSTANT),
        ("becomes_exception_on", pa.date32()),
        ("is_cascade", pa.bool_()),
    ]
)
COUNTS = pa.schema(
    [
        ("load_id", pa.string()),
        ("control_id", pa.string()),
        ("outcome", pa.string()),
        ("n", pa.int64()),
        ("amount", MONEY),
    ]
)
METRICS = pa.schema(
    [
        ("metric_id", pa.string()),
        ("as_of", pa.date32()),
        ("known_at", INSTANT),
        ("period_type", pa.string()),
        ("grain", pa.string()),
        ("legal_entity_id", pa.string()),
        ("region_id", pa.string()),
        ("practice_id", pa.string()),
        ("customer_id", pa.string()),
        ("project_id", pa.string()),
        ("contract_line_id", pa.string()),
        ("resource_id", pa.string()),
        ("currency_view", pa.string()),
        ("currency_code", pa.string()),
        ("numerator", WIDE),
        ("denominator", WIDE),
        ("value", WIDE),
    ]
)


DELIVERIES = pa.schema(
    [
        ("port", pa.string()),
        ("record_id", pa.string()),
        ("subject", pa.string()),
        ("period", pa.string()),
        ("currency_code", pa.string()),
        ("amount", MONEY),
    ]
)


ESTIMATES = pa.schema(
    [
        ("project_id", pa.string()),
        ("vintage_number", pa.int32()),
        ("estimated_on", pa.date32()),
        ("eac_cost_tc", MONEY),
        ("eac_hours", MONEY),
        ("cost_to_date_tc", MONEY),
        ("revenue_effect_tc", MONEY),
    ]
)


# cases of the two windows of the return, and what was lost of their work; of either the other is empty
WINDOWS = pa.schema(
    [
        ("time_window", pa.string()),
        ("measure", pa.string()),
        ("mix", pa.string()),
        ("legal_entity_id", pa.string()),
        ("practice_id", pa.string()),
        ("took", MONEY),
        ("calendar_days", MONEY),
        ("is_open", pa.bool_()),
        ("cases", pa.int64()),
        ("lost_rc", MONEY),
        ("contract_rc", MONEY),
    ]
)


# revenue of a month: ACTUAL (recognised, by the day its contract was signed), PLAN, and what was expected of
# it on the load's own day: SIGNED, PIPELINE
OUTLOOK = pa.schema(
    [
        ("basis", pa.string()),
        ("month_start", pa.date32()),
        ("legal_entity_id", pa.string()),
        ("practice_id", pa.string()),
        ("signed_on", pa.date32()),
        ("amount_rc", MONEY),
        ("amount_cc", MONEY),
    ]
)


def load_id(at: datetime) -> str:
    """The load id of a landing run that starts at ``at``."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def write_truth(
    firm: Firm,
    directory: Path,
    load_times: Sequence[datetime],
    delivered: Sequence[Delivery] = (),
    loads: Sequence[datetime] = (),
) -> None:
    """Write ``truth/<load id>/*.parquet`` below ``directory`` for each load time.

    ``delivered``: what the firm delivers by file. ``loads``: all the loads that are played; those before a
    load time are known at it.
    """
    for at in load_times:
        view = View(firm, at, loads or load_times)
        target = directory / "truth" / load_id(at)
        target.mkdir(parents=True, exist_ok=True)
        outcomes = [*evaluate(view), *documents.evaluate(view)]
        _write(exception_rows(firm, outcomes, at), EXCEPTIONS, target / "exceptions.parquet")
        _write(count_rows(outcomes, at), COUNTS, target / "control_counts.parquet")
        _write(delivered_rows(delivered, at), DELIVERIES, target / "deliveries.parquet")
        _write(estimate_rows(view), ESTIMATES, target / "estimates.parquet")
        _write(window_rows(view), WINDOWS, target / "windows.parquet")
        plans = standing(delivered, at)[PLAN]
        _write(outlook_rows(view, plans), OUTLOOK, target / "outlook.parquet")
        _write(_sorted_metrics(metric_rows(view, plans)), METRICS, target / "metrics.parquet")


def exception_rows(firm: Firm, outcomes: Sequence[Outcome], at: datetime) -> list[Row]:
    """Cases as rows, labelled with the fault or look-alike that made them; unexplained: case_id ''."""
    rows: list[Row] = []
    for outcome in outcomes:
        for case in outcome.cases:
            label = _label(firm, case)
            rows.append(
                {
                    "load_id": load_id(at),
                    "case_id": label,
                    "control_id": case.control_id,
                    "grain_key": case.grain_key,
                    "outcome": case.outcome,
                    "amount_at_risk": case.amount,
                    "amount_at_risk_tc": case.amount_tc,
                    "severity": case.severity,
                    "visible_from": datetime.combine(case.becomes_exception_on, time(0), UTC),
                    "becomes_exception_on": case.becomes_exception_on,
                    "is_cascade": label in FAULT_CONTROLS and case.control_id not in FAULT_CONTROLS[label],
                }
            )
    return sorted(rows, key=lambda row: (str(row["control_id"]), str(row["grain_key"])))


def _label(firm: Firm, case: Case) -> str:
    """The fault whose marked objects the case touches (that of this control first), or a look-alike."""
    touched = [
        mark.fault_id
        for mark in firm.fault_marks
        if any(native in case.objects for natives in mark.objects.values() for native in natives)
    ]
    touched.sort(key=lambda fault: (case.control_id not in FAULT_CONTROLS.get(fault, set()), fault))
    if touched:
        return touched[0]
    if case.outcome == "PENDING":
        for alike in firm.look_alikes:
            if any(native in case.objects for natives in alike.objects.values() for native in natives):
                return alike.case_id
    return ""


def count_rows(outcomes: Sequence[Outcome], at: datetime) -> list[Row]:
    """Number and amount per control and outcome; PASS counts where the oracle knows the population."""
    rows: list[Row] = []
    for outcome in outcomes:
        amounts: dict[str, list[Decimal | None]] = defaultdict(list)
        for case in outcome.cases:
            amounts[case.outcome].append(case.amount)
        if outcome.passes >= 0:
            rows.append(_count(outcome.control_id, "PASS", outcome.passes, ZERO, at))
        for name in sorted(amounts):
            known = [amount for amount in amounts[name] if amount is not None]
            # one amount that nobody knows makes the sum unknown
            total = sum(known, ZERO) if len(known) == len(amounts[name]) else None
            rows.append(_count(outcome.control_id, name, len(amounts[name]), total, at))
    return rows


def _count(control: str, outcome: str, n: int, amount: Decimal | None, at: datetime) -> Row:
    return {"load_id": load_id(at), "control_id": control, "outcome": outcome, "n": n, "amount": amount}


def _sorted_metrics(rows: list[Row]) -> list[Row]:
    keys = [name for name in METRICS.names if name not in ("known_at", "numerator", "denominator", "value")]
    return sorted(rows, key=lambda row: tuple(str(row[key]) for key in keys))


def _write(rows: list[Row], schema: pa.Schema, path: Path) -> None:
    table = pa.Table.from_pylist(rows, schema=schema)
    pq.write_table(table, path, compression="zstd", write_statistics=False)
