"""What revenue should have come to by each line's method, beside what is posted, on the page of revenue."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.cards import Kpi, kpi_card
from dashboards.components.frame import empty
from dashboards.components.rows import money_columns
from dashboards.components.sums import Sum, sums_dialog
from dashboards.filters import Filters
from dashboards.readings import History

LISTED = 100
KPIS = (
    Kpi("expected_revenue", "Expected revenue", is_balance=False, kind="money", good="none"),
    Kpi(
        "revenue_posted_less_expected",
        "Revenue posted less expected",
        is_balance=False,
        kind="money",
        good="none",
    ),
    Kpi("loss_provision", "Provision for contract losses", is_balance=True, kind="money", good="down"),
)
METHODS = {
    "TM": "By the hour",
    "TM_CAPPED": "By the hour, capped",
    "FIXED_MILESTONE": "By instalment",
    "POC_COST": "By progress of cost",
    "POC_HOURS": "By progress of hours",
    "RETAINER": "Retainer",
    "EXPENSE": "Expenses",
}
FINDINGS = {
    "COST_UNKNOWN": "A cost is unknown",
    "NO_ESTIMATE": "No estimate",
    "ENDED": "Ended",
    "ESTIMATE_PASSED": "Past its estimate",
    "LOSS": "Will lose money",
    "BEYOND_CAP": "Will pass its cap",
    "FINE": "",
}
_LINES = (
    "select contract_line_id, customer_id, method, finding, currency_code, transaction_price_tc, "
    "expected_revenue_tc, posted_revenue_tc, revenue_difference_tc, loss_provision_tc "
    "from marts.expected_revenue where as_of = ? {narrow} "
    "and (finding not in ('FINE', 'ENDED') or revenue_difference_tc <> 0) "
    "order by abs(revenue_difference_tc) desc nulls last, contract_line_id"
)


def lines(chosen: Filters) -> tuple[data.Row, ...]:
    """Lines whose posted revenue differs from what is expected, or whose estimate needs a look."""
    narrow, member = data.narrowing(chosen.scope)
    return data.rows(_LINES.format(narrow=narrow), chosen.as_of, *member)


_BLANK = (
    "select contract_line_id, max(case when expected_in_month_rc is null then 1 else 0 end) as expected, "
    "max(case when as_of = ? and loss_provision_rc is null then 1 else 0 end) as loss "
    "from marts.expected_revenue where as_of between ? and ? {narrow} "
    "group by contract_line_id order by contract_line_id"
)
NAMED = 3


def blanks(chosen: Filters) -> list[str]:
    """Of how many lines, and which, it is not known what is expected in the period or to be provided for."""
    narrow, member = data.narrowing(chosen.scope)
    found = data.rows(_BLANK.format(narrow=narrow), chosen.as_of, chosen.starts_on, chosen.as_of, *member)
    known, said = names.names(), []
    for column, what in (("expected", "What is expected"), ("loss", "The provision for losses")):
        lines = [
            names.of_key("contract_line", row["contract_line_id"], known) for row in found if row[column]
        ]
        if lines:
            more = f" and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
            said.append(
                f"{what} is not known of {len(lines)} of {numbers.counted(len(found), 'contract line')}, "
                f"which leaves the sum blank: {', '.join(lines[:NAMED])}{more}."
            )
    return said


def posted_sums(chosen: Filters, listed: tuple[data.Row, ...]) -> list[Sum]:
    """Of each line what is posted, posting by posting, in the contract's currency."""
    known = names.names()
    return [
        Sum(
            f"{names.of_key('contract_line', row['contract_line_id'], known)}: posted",
            "select business_date as happened_on, movement_type as kind, customer_id, project_id, "
            "record_id as case_id, amount_tc as amount from marts.metric_drill "
            "where metric_id = 'recognised_revenue' and contract_line_id = ? and business_date <= ?",
            (row["contract_line_id"], chosen.as_of),
            row["posted_revenue_tc"],
            str(row["currency_code"]),
        )
        for row in listed
        if row["posted_revenue_tc"]
    ]


def expected_revenue(chosen: Filters, history: History, definitions: Mapping[str, data.Row]) -> None:
    """The list, the furthest from what is expected first; nothing in runs that were published without it."""
    if not data.holds("expected_revenue"):
        return
    if any(data.measured(kpi.metric_id, chosen.scope) for kpi in KPIS):
        with st.grid(3, min_column_width=230, gap="small", key="expected_cards"):
            for kpi in KPIS:
                kpi_card(kpi, chosen, history, definitions, ())
        for one in blanks(chosen):
            st.caption(one)
    with st.container(border=True, key="expected_revenue", gap="small"):
        found = lines(chosen)
        off = [row for row in found if row["revenue_difference_tc"]]
        whose = "its method says" if len(off) == 1 else "their method says"
        counted = numbers.counted(len(off), "contract line")
        st.subheader(f"{counted} posted otherwise than {whose}", anchor=False)
        st.caption(
            f"{chosen.scope.label}, to {numbers.day(chosen.as_of)}, each in its contract's currency. "
            "A test of posted revenue and no ledger of its own: nothing is posted from it."
        )
        if not found:
            empty("Every line is posted as its method says, and no estimate needs a look, in", chosen)
            return
        known = names.names()
        st.dataframe(
            [
                {
                    "Contract line": names.of_key("contract_line", row["contract_line_id"], known),
                    "Client": names.of_key("customer", row["customer_id"], known),
                    "Earned": METHODS.get(row["method"], row["method"]),
                    "Currency": row["currency_code"],
                    "Price": numbers.plain(row["transaction_price_tc"]),
                    "Expected": numbers.plain(row["expected_revenue_tc"]),
                    "Posted": numbers.plain(row["posted_revenue_tc"]),
                    "Difference": numbers.plain(row["revenue_difference_tc"]),
                    "Loss to provide for": numbers.plain(row["loss_provision_tc"] or None),
                    "To look at": FINDINGS.get(row["finding"], row["finding"]),
                }
                for row in found[:LISTED]
            ],
            hide_index=True,
            key="expected_revenue_table",
            placeholder=numbers.NO_VALUE,
            column_config=money_columns("Price", "Expected", "Posted", "Difference", "Loss to provide for"),
            alt="Contract lines with expected and posted revenue to date and the difference.",
        )
        if len(found) > LISTED:
            st.caption(f"The first {LISTED} of {len(found)}.")
        if st.button("Rows", key="rows_expected_lines", type="tertiary", icon=":material/table_rows:"):
            sums_dialog(
                "Posted revenue",
                f"{chosen.scope.label} · {numbers.day(chosen.as_of)}",
                "Line",
                posted_sums(chosen, found[:LISTED]),
                "expected_revenue",
            )
