"""Overdue documents, the largest first, on the page of collections."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.case_list import case_list, first_of
from dashboards.components.frame import empty
from dashboards.components.rows import count_columns, money_columns
from dashboards.filters import Filters

# a case is a document's when it is about it or names its number; the gravest of several is shown
_WORK_LIST = """
with case_of as (
    select e.exception_id, e.control_id, e.severity, e.legal_entity_id,
        replace(e.risk_object, 'invoice:', '') as invoice_id, null as invoice_number
    from reconciliation.exception e
    where e.outcome = 'EXCEPTION' and starts_with(e.risk_object, 'invoice:')
    union all
    select e.exception_id, e.control_id, e.severity, e.legal_entity_id, null,
        unnest(string_split(json_extract_string(e.evidence, '$.document_no'), ', '))
    from reconciliation.exception e
    where e.outcome = 'EXCEPTION'
),
about as (
    select d.invoice_id, o.exception_id, o.control_id, o.severity
    from marts.ar_document d
    join case_of o on o.invoice_id = d.invoice_id
    where d.as_of = $1
    union all
    select d.invoice_id, o.exception_id, o.control_id, o.severity
    from marts.ar_document d
    join case_of o on o.invoice_number = d.invoice_number and o.legal_entity_id = d.legal_entity_id
    where d.as_of = $1
),
told as (
    select o.invoice_id, arg_min(o.exception_id, (o.severity, o.exception_id)) as exception_id,
        arg_min(c.name, (o.severity, o.exception_id)) as control_name
    from about o
    left join reconciliation.recon__control c on c.control_id = o.control_id
    group by o.invoice_id
)
select d.customer_id, d.legal_entity_id, d.invoice_id, d.invoice_number, d.invoice_date, d.due_date,
    d.days_past_due, d.currency_code, d.amount_tc, d.amount_rc, told.control_name, told.exception_id
from marts.ar_document d
left join told on told.invoice_id = d.invoice_id
where d.as_of = $1 and d.days_past_due > 0 {narrow}
order by d.amount_rc desc nulls last, d.days_past_due desc, d.invoice_id
"""

_COUNTED = """
select count(*) as documents, sum(d.amount_rc) as amount, count(*) - count(d.amount_rc) as unpriced
from marts.ar_document d
where d.as_of = $1 and d.days_past_due > 0 {narrow}
"""


def statement(scope: data.Scope) -> tuple[str, tuple[str, ...]]:
    """The read of a scope's overdue documents, and its parameters behind the date."""
    narrow, member = data.narrowing(scope, "d.")
    return _WORK_LIST.format(narrow=narrow.replace("?", "$2")), member


def counted(scope: data.Scope, as_of: date) -> data.Row:
    """How many documents these are, and their amount."""
    narrow, member = data.narrowing(scope, "d.")
    found = data.row(_COUNTED.format(narrow=narrow.replace("?", "$2")), as_of, *member)
    assert found is not None, "an aggregate has a row"
    return found


def work_list(chosen: Filters) -> None:
    """Overdue documents, the largest first; one that is chosen leads to its open case."""
    currency = data.currency()
    sql, member = statement(chosen.scope)
    found = first_of(sql, chosen.as_of, *member)
    known = names.names()
    with st.container(border=True, key="work_list", gap="small"):
        st.subheader("Whom to ask first", anchor=False)
        if not found:
            empty("No document is overdue in", chosen)
            return
        told = counted(chosen.scope, chosen.as_of)
        st.caption(
            numbers.md(
                f"{numbers.counted(int(told['documents']), 'overdue document')} worth "
                f"{numbers.money(told['amount'] or Decimal(0), currency)} at {numbers.day(chosen.as_of)}, "
                "the largest first."
            )
        )
        if told["unpriced"]:
            st.caption(
                f"{numbers.counted(int(told['unpriced']), 'amount')} without an exchange rate not in it."
            )

        def cells(r: data.Row) -> dict[str, object]:
            return {
                "Client": names.of_key("customer", r["customer_id"], known),
                "Document": r["invoice_number"] or names.of_key("invoice", r["invoice_id"], known),
                "Due": r["due_date"],
                "Days late": r["days_past_due"],
                currency: None if r["amount_rc"] is None else float(r["amount_rc"]),
                "Own currency": f"{numbers.full_money(r['amount_tc'])} {r['currency_code']}",
                "Entity": names.of_key("legal_entity", r["legal_entity_id"], known),
                "Open case": r["control_name"],
            }

        case_list(
            "work",
            found,
            cells,
            {**money_columns(currency), **count_columns("Days late")},
            "Overdue documents, the largest first.",
            lambda r: f"No control has anything against document {r['invoice_number']}.",
            ("All overdue documents as CSV", "overdue_documents.csv"),
            sql,
            (chosen.as_of, *member),
        )
