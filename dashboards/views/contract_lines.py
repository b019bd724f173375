"""Contract lines that earned more, or less, than was billed of them, on the page of WIP."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.case_list import case_list, gravest
from dashboards.components.frame import empty
from dashboards.components.rows import money_columns
from dashboards.filters import Filters

_LINES = (
    gravest("contract_line_id")
    + """
select p.customer_id, p.project_id, p.contract_line_id, p.legal_entity_id, p.billing_method, p.is_liability,
    p.currency_code, p.recognised_tc, p.billed_tc, p.conditional_tc, p.position_tc, p.position_rc,
    p.unbilled_receivable_rc, p.contract_asset_rc, p.contract_liability_rc, told.control_name,
    told.exception_id
from marts.contract_position p
left join told on told.contract_line_id = p.contract_line_id
where p.as_of = $1 {narrow}
order by abs(p.position_rc) desc nulls last, p.record_id
"""
)


def statement(scope: data.Scope) -> tuple[str, tuple[str, ...]]:
    """The read of a scope's lines, and its parameters behind the date."""
    narrow, member = data.narrowing(scope, "p.")
    return _LINES.format(narrow=narrow.replace("?", "$2")), member


def contract_lines(chosen: Filters) -> None:
    """Lines that are not even; one that is chosen leads to its open case."""
    currency = data.currency()
    sql, member = statement(chosen.scope)
    found = data.rows(sql, chosen.as_of, *member)
    known = names.names()
    with st.container(border=True, key="contract_lines", gap="small"):
        st.subheader("Earned against billed", anchor=False)
        if not found:
            empty("Every contract line is billed as far as it is earned in", chosen)
            return
        amounts = [r["position_rc"] for r in found]
        total = None if None in amounts else sum(map(Decimal, amounts), Decimal(0))
        st.caption(
            numbers.md(
                f"{numbers.counted(len(found), 'contract line')} with {numbers.money(total, currency)} "
                f"earned less billed at {numbers.day(chosen.as_of)}, the largest first. "
                "A contract is an asset or a liability as a whole."
            )
        )

        def cells(r: data.Row) -> dict[str, object]:
            return {
                "Client": names.of_key("customer", r["customer_id"], known),
                "Contract line": names.of_key("contract_line", r["contract_line_id"], known),
                "Project": names.of_key("project", r["project_id"], known),
                "Billed by": names.CODES.get(r["billing_method"], numbers.NO_VALUE),
                "Earned": f"{numbers.full_money(r['recognised_tc'])} {r['currency_code']}",
                "Billed": f"{numbers.full_money(r['billed_tc'])} {r['currency_code']}",
                f"Earned less billed, {currency}": numbers.plain(r["position_rc"]),
                f"Unbilled, {currency}": numbers.plain(r["unbilled_receivable_rc"]),
                f"Contract asset, {currency}": numbers.plain(r["contract_asset_rc"]),
                f"Deferred, {currency}": numbers.plain(r["contract_liability_rc"]),
                "Entity": names.of_key("legal_entity", r["legal_entity_id"], known),
                "Open case": r["control_name"],
            }

        columns = ("Earned less billed", "Unbilled", "Contract asset", "Deferred")
        case_list(
            "positions",
            found,
            cells,
            money_columns(*(f"{name}, {currency}" for name in columns)),
            "Contract lines that earned more or less than was billed of them, the largest first.",
            lambda _: "No control has anything against this line.",
            ("All lines as CSV", "contract_positions.csv"),
            sql,
            (chosen.as_of, *member),
        )
