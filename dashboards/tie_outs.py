"""The warehouse's sums beside what a system itself says: which statements tie at a date, and what differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dashboards import data
from dashboards.filters import Filters


@dataclass(frozen=True)
class Statement:
    """One pair of sides. ``ours`` and ``theirs`` say what each of them is."""

    statement_id: str
    title: str
    ours: str
    theirs: str
    member: str


STATEMENTS = {
    one.statement_id: one
    for one in (
        Statement(
            "AR_CONTROL",
            "General ledger",
            "open documents less cash not applied",
            "accounts of receivables in the general ledger",
            "invoice",
        ),
        Statement(
            "AR_AGEING", "ERP's ageing report", "open documents", "the ageing the ERP prints", "customer"
        ),
        Statement(
            "REVENUE",
            "ERP's revenue report",
            "revenue of the month",
            "the revenue the ERP prints",
            "customer",
        ),
        Statement(
            "BILLINGS",
            "ERP's billing report",
            "posted documents of the month, net",
            "the billing the ERP prints",
            "customer",
        ),
    )
}
STATUS = {
    "TIES": "Ties",
    "ENTERED_LATER": "Explained: entered later",
    "DIFFERS": "Does not tie",
    "NO_REPORT": "Nothing to hold it against",
    "UNKNOWN": "Unknown: no exchange rate",
}
EXPLAINED = ("TIES", "ENTERED_LATER")

# each statement at the newest day it has up to the page's: reports come by month's end
_LINES = """
with day_of as (
    select statement_id, max(as_of) as as_of from reconciliation.tie_out
    where as_of <= $1 and statement_id in (select unnest($2)) group by statement_id
)
select t.* from reconciliation.tie_out t
join day_of d on d.statement_id = t.statement_id and d.as_of = t.as_of
where true {narrow}
order by t.statement_id, t.legal_entity_id, t.currency_code, t.gl_account_id
"""
_ITEMS = """
select i.* from reconciliation.tie_out_item i
where i.statement_id = $1 and i.as_of = $2 and i.legal_entity_id = $3 and i.currency_code = $4
order by abs(i.difference) desc, i.member_id
"""


def lines(chosen: Filters, statements: Sequence[str]) -> tuple[data.Row, ...]:
    """The lines of some statements in the scope, which is the firm or a legal entity."""
    narrow, member = data.narrowing(chosen.scope, "t.")
    return data.rows(_LINES.format(narrow=narrow.replace("?", "$3")), chosen.as_of, list(statements), *member)


def items(line: data.Row) -> tuple[data.Row, ...]:
    """What the difference of a line consists of, the largest first."""
    return data.rows(
        _ITEMS, line["statement_id"], line["as_of"], line["legal_entity_id"], line["currency_code"]
    )


def against(found: Sequence[data.Row]) -> str:
    """The other sides of some lines, in words: ``general ledger and the ERP's ageing report``."""
    sides = [STATEMENTS[one].title for one in dict.fromkeys(r["statement_id"] for r in found)]
    return " and the ".join(side if side.startswith("ERP") else side.lower() for side in sides)


def unexplained(found: Sequence[data.Row]) -> list[data.Row]:
    """The lines that neither tie nor are explained."""
    return [r for r in found if r["status"] not in EXPLAINED]
