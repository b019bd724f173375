"""Which rows of `marts.metric_drill` a number of `marts.metric_value` is the sum of, and whether they tie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from throughline.content import literal, quoted

Row = dict[str, Any]
MEMBERS = (
    "legal_entity_id", "region_id", "practice_id", "customer_id", "project_id", "contract_line_id",
    "resource_id",
)  # fmt: skip
MONTHS = {"MONTH": 1, "QUARTER": 3, "T3M": 3, "T12M": 12}
# The column that adds up to a number's numerator, by its currency view; hours and days have no currency.
AMOUNT = {"RC": "amount_rc", "CC": "amount_cc", "TC": "amount_tc", "NA": "amount_tc"}
CENT = Decimal("0.005")


@dataclass(frozen=True)
class Total:
    """What all rows behind a number add up to, beside the number (its numerator). None: cannot be told."""

    rows: int
    total: Decimal | None
    number: Decimal | None

    @property
    def ties(self) -> bool | None:
        """To the cent; None where either side is unknown or the rows are not listed."""
        if self.rows == 0 or self.total is None or self.number is None:
            return None
        return abs(self.total - self.number) < CENT

    def text(self) -> str:
        """One line for people."""
        if self.rows == 0:
            return "no rows are listed behind this number"
        verdict = {True: "ties", False: "DIFFERS", None: "cannot be compared"}[self.ties]
        total, number = _shown(self.total), _shown(self.number)
        return f"{self.rows:,} rows add up to {total}, the number is {number}: {verdict}"


def _shown(amount: Decimal | None) -> str:
    return "unknown" if amount is None else f"{amount:,.4f}"


def first_month(as_of: date, period: str) -> date:
    """The first day of the first month of a period that ends with `as_of`."""
    if period == "YTD":
        return as_of.replace(month=1, day=1)
    if period == "QUARTER":
        return as_of.replace(month=as_of.month - (as_of.month - 1) % 3, day=1)
    index = as_of.year * 12 + as_of.month - MONTHS.get(period, 1)
    return date(index // 12, index % 12 + 1, 1)


def amount(number: Row) -> str | None:
    """The rows' column that adds up to the number; None for a view the rows do not hold."""
    return AMOUNT.get(str(number["currency_view"]))


def condition(number: Row, columns: Sequence[str]) -> str:
    """SQL on the rows (whose columns are given): those that make up the number."""
    as_of, period = number["as_of"], str(number["period_type"])
    parts = [f"metric_id = {literal(number['metric_id'])}"]
    if period == "POINT":
        parts.append(f"as_of = {literal(as_of)}")
    else:
        month = as_of.replace(day=1)
        parts.append(f"period_month between {literal(first_month(as_of, period))} and {literal(month)}")
    if number["currency_view"] == "TC":
        parts.append(f"currency_code = {literal(number['currency_code'])}")
    for name in MEMBERS:
        if name in columns and number.get(name) not in (None, "ALL"):
            parts.append(f"{quoted(name)} = {literal(number[name])}")
    return " and ".join(parts)


def journal(row: Row, columns: Sequence[str]) -> str:
    """SQL on the journal (whose columns are given): the movements that one row behind a number came from.

    A flow's row is a movement, or (a margin's labour) a person's month of them. A position's row is what is
    left of a record's movements; a backlog's, of a contract line's; a utilisation's, of a person's month.
    """
    if row["metric_id"] == "total_backlog":
        line, as_of = literal(row["contract_line_id"]), literal(row["as_of"])
        return f"contract_line_id = {line} and business_date <= {as_of}"
    record = row.get("source_record_id")
    own = f"source_system = {literal(row['source_system'])} and "
    if row.get("source_instance") is not None and "source_instance" in columns:
        own += f"source_instance = {literal(row['source_instance'])} and "
    own += f"(source_record_id = {literal(record)}"
    own += f" or starts_with(source_record_id, {literal(str(record) + '|')}))"
    if row["period_month"] is None:
        parts = [own, f"business_date <= {literal(row['as_of'])}"]
        if row["metric_id"] in ("ar_gross", "wip_operational"):
            # One number may name records of several kinds; theirs stand under the same line and customer.
            parts += [
                f"{name} = {literal(row[name])}"
                for name in ("contract_line_id", "customer_id")
                if name in columns
            ]
        return " and ".join(parts)
    if row["movement_type"] == "hours" or record is None:
        members = ["resource_id"] if record is not None else list(MEMBERS)
        same = [
            f"{name} is not distinct from {literal(row[name])}"
            for name in members
            if name in columns and name in row
        ]
        kind = "hours <> 0" if record is not None else f"movement_type = {literal(row['movement_type'])}"
        within = f"business_date between {literal(row['period_month'])} and {literal(row['as_of'])}"
        return " and ".join([*same, kind, within])
    exact = [own, f"movement_type = {literal(row['movement_type'])}"]
    exact.append(f"business_date = {literal(row['business_date'])}")
    if row["load_id"] is not None:
        exact.append(f"load_id = {literal(row['load_id'])}")
    return " and ".join(exact)
