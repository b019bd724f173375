"""Which rows that came by file a warehouse has to hold at an instant: those that stand in the folder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sandbox.emission.drop.deliveries import PLAN, REPORT, Delivery, standing
from sandbox.oracle.metrics import Row

# whose records they are where a row does not say
SYSTEM = "erp"
INSTANCE = "files"
NAMES = {PLAN: ("plan_target_id", "plan_name"), REPORT: ("native_report_line_id", "report")}


def delivered_rows(delivered: Sequence[Delivery], at: datetime) -> list[Row]:
    """One row per record that stands at `at`: port, record, report or plan, month, currency, amount."""
    rows: list[Row] = []
    for port, held in standing(delivered, at).items():
        key, subject = NAMES[port]
        rows += [
            {
                "port": port,
                "record_id": f"{row.get('source_system', SYSTEM)}:{INSTANCE}:{row[key]}",
                "subject": row[subject],
                "period": row["period"],
                "currency_code": row["currency_code"],
                "amount": row["amount"],
            }
            for row in held
        ]
    return sorted(rows, key=lambda row: (str(row["port"]), str(row["record_id"])))
