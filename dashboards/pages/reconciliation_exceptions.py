"""Reconciliation exceptions: the queue, the evidence of one case, the export."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboards import data, numbers
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import page_head
from dashboards.figures.charts import ranked_bars
from dashboards.filters import Filters
from dashboards.recon_export import export_bytes

OUTCOMES = {
    "EXCEPTION": "Open",
    "PENDING": "Pending (in grace)",
    "NOT_EVALUABLE": "Could not be checked",
    "WAIVED": "Waived",
}
ENTITY_GRAINS = {"LEGAL_ENTITY": "legal_entity_id", "CUSTOMER": "customer_id", "PROJECT": "project_id"}


def render(filters: Filters, currency: str) -> None:
    """Draws the page."""
    page_head("Reconciliation exceptions", "What does not tie, how much is it worth, who has it?", filters)
    if filters.scope.grain in ("PRACTICE", "REGION"):
        st.info(
            "Exceptions are held per entity, client and project; a practice or region does not narrow them."
        )
    found = _cases(filters)
    _cards(found, currency)
    shown = _facets(found)
    left, right = st.columns([3, 2])
    with left:
        chosen = _queue(shown, currency)
    with right:
        _evidence(chosen, currency)
    _by_control(shown, currency)
    _controls_run(currency)


def _cases(filters: Filters) -> list[data.Row]:
    column = ENTITY_GRAINS.get(filters.scope.grain)
    narrowing = f"and e.{column} = ?" if column else ""
    parameters = (filters.scope.member,) if column else ()
    return data.rows(
        "select e.*, c.name as control_name, c.owner, c.risk, c.fix, cu.name as customer_name "
        "from reconciliation.exception e "
        "left join reconciliation.control_catalogue c on c.control_id = e.control_id "
        "left join master.dim_customer cu on cu.customer_id = e.customer_id "
        f"where true {narrowing} "
        "order by e.severity, e.amount_at_risk desc nulls last, e.age_days desc, e.exception_id",
        *parameters,
    )


def _cards(found: list[data.Row], currency: str) -> None:
    opened = [r for r in found if r["outcome"] == "EXCEPTION"]
    headline: dict[tuple[str, str], Decimal] = {}
    for r in opened:
        if r["counted_in_headline"]:
            key = (r["risk_type"], r["risk_object"])
            headline[key] = max(headline.get(key, Decimal(0)), Decimal(r["amount_at_risk"] or 0))
    ages = sorted(int(r["age_days"] or 0) for r in opened)
    with st.grid(5, min_column_width=170, gap="small"):
        st.metric("Open", numbers.count(len(opened)), border=True)
        st.metric(
            "At risk, counted once", numbers.money(sum(headline.values(), Decimal(0)), currency), border=True
        )
        blocking = sum(1 for r in opened if r["severity"] in ("S1", "S2"))
        st.metric("Blocking (S1, S2)", numbers.count(blocking), border=True)
        pending = sum(1 for r in found if r["outcome"] == "PENDING")
        st.metric("Pending", numbers.count(pending), border=True, help="Inside the grace of their control.")
        st.metric("Median age", numbers.days(Decimal(ages[len(ages) // 2])) if ages else "–", border=True)


def _facets(found: list[data.Row]) -> list[data.Row]:
    controls = sorted({r["control_id"] for r in found})
    with st.container(horizontal=True, gap="small"):
        outcome = st.pills(
            "Outcome",
            list(OUTCOMES),
            default="EXCEPTION",
            key="outcome",
            bind="query-params",
            format_func=lambda key: f"{OUTCOMES[key]} ({sum(1 for r in found if r['outcome'] == key)})",
        )
        severities = st.pills(
            "Severity", ["S1", "S2", "S3", "S4"], selection_mode="multi", key="sev", bind="query-params"
        )
        chosen = st.multiselect(
            "Control", controls, key="control", bind="query-params", placeholder="All controls"
        )
    return [
        r
        for r in found
        if (not outcome or r["outcome"] == outcome)
        and (not severities or r["severity"] in severities)
        and (not chosen or r["control_id"] in chosen)
    ]


def _queue(shown: list[data.Row], currency: str) -> data.Row | None:
    total = sum((Decimal(r["amount_at_risk"] or 0) for r in shown), Decimal(0))
    with st.container(border=True, key="queue"):
        st.subheader(f"{len(shown)} cases", anchor=False)
        st.caption(f"Amounts in {currency}; rows add up to {numbers.full_money(total)}.".replace("$", "\\$"))
        if not shown:
            st.info("No case matches these filters.")
            return None
        event = st.dataframe(
            [
                {
                    "Exception": r["exception_id"],
                    "Severity": r["severity"],
                    "What is wrong": r["control_name"] or r["control_id"],
                    "Client": r["customer_name"] or r["customer_id"],
                    "At risk": None if r["amount_at_risk"] is None else float(r["amount_at_risk"]),
                    "Age": r["age_days"],
                    "State": r["state"],
                    "Owner": r["owner"],
                    "Key": r["grain_key"],
                }
                for r in shown
            ],
            hide_index=True,
            key="queue_table",
            on_select="rerun",
            selection_mode="single-row",
            column_config={"At risk": st.column_config.NumberColumn(format="%,.2f")},
            alt="One row per case: id, severity, what is wrong, client, amount at risk, age, state, owner.",
        )
        st.download_button(
            "Export workbook",
            data=lambda: export_bytes(data.pinned().run_id),
            file_name=f"recon_{data.pinned().run_id}.xlsx",
            mime="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            key="export_workbook",
            icon=":material/download:",
            on_click="ignore",
        )
        positions = event.selection.rows if hasattr(event, "selection") else []
        return shown[positions[0]] if positions else shown[0]


def _evidence(case: data.Row | None, currency: str) -> None:
    with st.container(border=True, key="evidence"):
        st.subheader("Evidence", anchor=False)
        if case is None:
            st.caption("Choose a case to see both sides.")
            return
        st.caption(case["exception_id"])
        st.markdown(sentence(case, currency).replace("$", "\\$"))
        sides = [
            {"": "Side A (system of record)", "Value": numbers.full_money(case["value_a"])},
            {"": "Side B", "Value": numbers.full_money(case["value_b"])},
            {"": "Difference", "Value": numbers.full_money(case["difference"])},
            {"": f"At risk, {currency}", "Value": numbers.full_money(case["amount_at_risk"])},
        ]
        st.dataframe(
            sides, hide_index=True, key="sides", alt="Both sides, their difference and the amount at risk."
        )
        details = _details(case["evidence"])
        if details:
            st.dataframe(details, hide_index=True, key="evidence_fields", alt="What the control looked at.")
        if case["root_exception_id"]:
            st.caption(f"Caused by {case['root_exception_id']}; not counted again in the headline.")
        st.markdown(f"**Why it matters** {case['risk'] or ''}")
        st.markdown(f"**What to do** {case['fix'] or ''} Owner: {case['owner'] or 'not assigned'}.")


def sentence(case: data.Row, currency: str) -> str:
    """One plain sentence about a case."""
    amount = numbers.money(case["amount_at_risk"], currency)
    name = case["control_name"] or case["control_id"]
    if case["outcome"] == "PENDING":
        return f"{name}: {amount} would become an exception on {numbers.day(case['becomes_exception_on'])}."
    if case["outcome"] == "NOT_EVALUABLE":
        return f"{name}: could not be checked, because an input is missing or incomplete."
    since = numbers.day(case["becomes_exception_on"])
    return f"{name}: {amount} at risk since {since} ({case['age_days']} days)."


def _details(evidence: Any) -> list[data.Row]:
    if not evidence:
        return []
    fields = json.loads(evidence)
    return [
        {"Field": name.replace("_", " "), "Value": "–" if value is None else str(value)}
        for name, value in fields.items()
    ]


def _by_control(shown: list[data.Row], currency: str) -> None:
    totals: dict[str, Decimal] = {}
    for r in shown:
        totals[r["control_id"]] = totals.get(r["control_id"], Decimal(0)) + Decimal(r["amount_at_risk"] or 0)
    ranked = sorted(totals.items(), key=lambda pair: -pair[1])[:12]
    if ranked:
        chart_card(
            "by_control",
            f"{ranked[0][0]} holds most of the money in this list",
            f"Amount at risk by control, {currency}; controls may overlap, the headline above does not",
            ranked_bars(
                [k for k, _ in ranked], [v for _, v in ranked], currency, {"metric": "amount_at_risk"}
            ),
            [{"control": key, "amount_at_risk": amount} for key, amount in ranked],
            "Horizontal bars of amount at risk per control.",
        )


def _controls_run(currency: str) -> None:
    ran = data.rows(
        "select control_id, max(status) as status, sum(pass_count) as passed, sum(pending_count) as pending, "
        "sum(exception_count) as exceptions, sum(not_evaluable_count) as not_evaluable, "
        "sum(exception_amount) as amount from reconciliation.control_run "
        "group by control_id order by control_id"
    )
    with st.container(border=True, key="controls_run"):
        st.subheader("Every control that ran", anchor=False)
        st.caption(
            f"Passes are counted too; a control that could not run is never green. Amounts in {currency}."
        )
        st.dataframe(
            [
                {
                    "Control": r["control_id"],
                    "Passed": int(r["passed"] or 0),
                    "Pending": int(r["pending"] or 0),
                    "Exceptions": int(r["exceptions"] or 0),
                    "Not checked": int(r["not_evaluable"] or 0),
                    "At risk": numbers.full_money(r["amount"]),
                }
                for r in ran
            ],
            hide_index=True,
            key="controls_table",
            alt="One row per control with counts per outcome and the amount at risk.",
        )
