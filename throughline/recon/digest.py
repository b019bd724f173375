"""The one hash of a report's content, printed on the workbook, in its footers and beside the CSV files.

It covers what the warehouse computed: the rows of `reconciliation.exception` in scope, and the versions of
the controls. What people wrote (states, assignees, comments) is not in it, so a comment does not void a
sign-off.

Anybody can work it out again. A row's hash is the SHA-256 of its columns below as one JSON list (no spaces,
UTF-8, decimals as text without trailing zeros, dates as ISO text, null as null). The content hash is the
SHA-256 of one line `exception_id=row hash` per row and one line `control_id=version` per control, each sorted
by its id and ended by a line feed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from throughline import clock

# reconciliation.exception, in the order of its contract, without `state`, which is people's
EXCEPTION_COLUMNS = (
    "exception_id", "control_id", "grain_key", "outcome", "severity", "break_type", "risk_type",
    "risk_object", "legal_entity_id", "customer_id", "contract_id", "contract_line_id", "project_id",
    "period", "currency_code", "value_a", "value_b", "difference", "amount_at_risk", "amount_at_risk_tc",
    "becomes_exception_on", "age_days", "root_exception_id", "counted_in_headline", "evidence",
)  # fmt: skip
# reconciliation.recon__control's numbers
PARAMETERS = (
    "abs_tol", "rel_tol", "hard_cap", "grace", "grace_unit", "floor", "floor_when", "sla", "effective_from",
    "effective_to", "settings", "general_settings",
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


def row_hash(row: Mapping[str, Any], columns: Sequence[str] = EXCEPTION_COLUMNS) -> str:
    """SHA-256 of one row of `reconciliation.exception`: it changes when anything computed of it changes."""
    line = json.dumps([plain(row[name]) for name in columns], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(line.encode("utf-8")).hexdigest()


def content_hash(exceptions: Iterable[Mapping[str, Any]], control_versions: Mapping[str, int]) -> str:
    """SHA-256 over the rows' hashes by exception_id and over the control versions."""
    digest = hashlib.sha256()
    for exception_id, hashed in sorted((str(row["exception_id"]), row_hash(row)) for row in exceptions):
        digest.update(f"{exception_id}={hashed}\n".encode())
    for control_id in sorted(control_versions):
        digest.update(f"{control_id}={control_versions[control_id]}\n".encode())
    return digest.hexdigest()


def parameter_hash(controls: Mapping[str, Mapping[str, Any]]) -> str:
    """SHA-256 over the numbers in force: tolerances, grace, floors, SLAs and further settings per control."""
    digest = hashlib.sha256()
    for control_id in sorted(controls):
        held = [plain(controls[control_id][name]) for name in PARAMETERS]
        line = json.dumps([control_id, *held], ensure_ascii=False, separators=(",", ":"))
        digest.update(line.encode("utf-8") + b"\n")
    return digest.hexdigest()
