"""The one hash of a report's content, printed on the workbook, in its footers and beside the CSV files.

It covers what the warehouse computed: the rows of `reconciliation.exception` in scope, and the versions of
the controls. What people wrote (assignees, comments) is not in it, so a comment does not void a sign-off.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from throughline import clock

# reconciliation.exception, in the order of its contract
EXCEPTION_COLUMNS = (
    "exception_id", "control_id", "grain_key", "outcome", "state", "severity", "break_type", "risk_type",
    "risk_object", "legal_entity_id", "customer_id", "contract_id", "contract_line_id", "project_id",
    "period", "currency_code", "value_a", "value_b", "difference", "amount_at_risk", "amount_at_risk_tc",
    "becomes_exception_on", "age_days", "root_exception_id", "counted_in_headline", "evidence",
)  # fmt: skip


def plain(value: Any) -> Any:
    """`value` as the canonical rows write it: decimals as text without trailing zeros, times as ISO text."""
    if isinstance(value, bool) or value is None or isinstance(value, (int, str)):
        return value
    if isinstance(value, Decimal):
        text = format(value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"no canonical form for {type(value).__name__}")


def content_hash(
    exceptions: Iterable[Mapping[str, Any]],
    control_versions: Mapping[str, int],
    columns: Sequence[str] = EXCEPTION_COLUMNS,
) -> str:
    """SHA-256 over the rows sorted by exception_id, in fixed column order, and over the control versions."""
    digest = hashlib.sha256()
    for row in sorted(exceptions, key=lambda one: str(one["exception_id"])):
        line = json.dumps([plain(row[name]) for name in columns], ensure_ascii=False, separators=(",", ":"))
        digest.update(line.encode("utf-8") + b"\n")
    for control_id in sorted(control_versions):
        digest.update(f"{control_id}={control_versions[control_id]}\n".encode())
    return digest.hexdigest()
