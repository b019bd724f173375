"""Executive overview: are we on track, what changed, what needs a decision, can the numbers be trusted."""

from __future__ import annotations

from decimal import Decimal

import streamlit as st

from dashboards import data, numbers
from dashboards.components.cards import Kpi, kpi_card, read
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import page_head
from dashboards.components.rows import rows_dialog
from dashboards.figures.charts import bridge, ranked_bars, time_columns
from dashboards.filters import Filters

REVENUE = Kpi("recognised_revenue", "Revenue", is_balance=False, kind="money")
MARGIN = Kpi("project_gross_margin", "Project gross margin", is_balance=False, kind="ratio", part="ratio")
BOOKINGS = Kpi("net_bookings", "Net bookings", is_balance=False, kind="money")
BACKLOG = Kpi("total_backlog", "Backlog", is_balance=True, kind="money")
WIP = Kpi("wip_operational", "Work done, not invoiced", is_balance=True, kind="money", good="down")
UTILISATION = Kpi("billable_utilisation_net", "Billable utilisation (net)", is_balance=False, kind="ratio")
CARDS = (REVENUE, MARGIN, BOOKINGS, BACKLOG, WIP, UTILISATION)
MONTHS_SHOWN = 13

# Movements of the roll-forward in the words of the page, in the order of the bridge.
STEPS = (
    ("booked", "Signed"),
    ("amended", "Scope change"),
    ("recognised", "Delivered"),
    ("cancelled", "Cancelled"),
    ("completed_under_run", "Closed under value"),
    ("beyond_value", "Beyond value"),
    ("fx_translation", "Exchange rates"),
)


def render(filters: Filters, currency: str) -> None:
    """Draws the page."""
    page_head("Executive overview", "Are we on track, what moved, and what needs a decision?", filters)
    headline(filters, currency)
    with st.grid(3, min_column_width=260, gap="small"):
        for kpi in CARDS:
            kpi_card(kpi, filters, currency)
    left, right = st.columns(2)
    with left:
        _revenue_chart(filters, currency)
    with right:
        _backlog_bridge(filters, currency)
    _practices(filters, currency)
    left, right = st.columns(2)
    with left:
        _handoff(filters, currency)
    with right:
        _decisions(currency)


def headline(filters: Filters, currency: str) -> None:
    """Two sentences from the same reads as the cards."""
    sentences: list[str] = []
    now, before = read(BACKLOG, filters), read(BACKLOG, filters, compare=True)
    if now is not None and before is not None:
        change = now - before
        verb = "rose" if change > 0 else "fell" if change < 0 else "stayed"
        share = f" ({numbers.percent(abs(change) / before)})" if before and change else ""
        moved = f" {numbers.money(abs(change), currency)}{share} to" if change else " at"
        sentences.append(f"Backlog {verb}{moved} {numbers.money(now, currency)} {filters.compare_label}.")
    revenue, bookings = read(REVENUE, filters), read(BOOKINGS, filters)
    if revenue is not None and bookings is not None and revenue > 0:
        ratio = (bookings / revenue).quantize(Decimal("0.01"))
        sentences.append(
            f"{numbers.money(revenue, currency)} of revenue met {numbers.money(bookings, currency)} "
            f"of net bookings (book-to-bill {ratio}×)."
        )
    risk = data.row(
        "select count(*) as n, sum(amount_at_risk) as amount from reconciliation.exception "
        "where outcome = 'EXCEPTION' and counted_in_headline"
    )
    if risk and risk["n"]:
        sentences.append(
            f"{risk['n']} exceptions between the systems put "
            f"{numbers.money(risk['amount'], currency)} at risk."
        )
    if sentences:
        st.markdown(" ".join(sentences).replace("$", "\\$"))


def _revenue_chart(filters: Filters, currency: str) -> None:
    series = [
        r
        for r in data.metric_series("recognised_revenue", "MONTH", filters.scope)
        if r["as_of"] <= filters.as_of
    ][-MONTHS_SHOWN:]
    if not series:
        st.info(f"No revenue for {filters.scope.label} up to {numbers.day(filters.as_of)}.")
        return
    labels = [f"{r['as_of']:%b %y}" for r in series]
    values = [r["value"] for r in series]
    title = "Revenue by month"
    if len(values) > 1 and values[-2]:
        change = (values[-1] - values[-2]) / abs(values[-2])
        title = f"Revenue {'up' if change > 0 else 'down'} {numbers.percent(abs(change))} on the month before"
    chart_card(
        "revenue_by_month",
        title,
        f"Recognised revenue, {currency}, months to {numbers.day(filters.as_of)}",
        time_columns(
            labels, values, currency, {"metric": "recognised_revenue", "scope": filters.scope.label}
        ),
        [{"month": label, "revenue": value} for label, value in zip(labels, values, strict=True)],
        f"Columns of recognised revenue per month; the last is {numbers.money(values[-1], currency)}.",
        lambda: rows_dialog("recognised_revenue", "Revenue", filters, "T12M"),
    )


def _backlog_bridge(filters: Filters, currency: str) -> None:
    if filters.scope.grain not in ("FIRM", "LEGAL_ENTITY", "PRACTICE", "REGION", "CUSTOMER"):
        return
    member = "" if filters.scope.grain == "FIRM" else f"and {data.MEMBER_COLUMN[filters.scope.grain]} = ?"
    parameters = () if filters.scope.grain == "FIRM" else (filters.scope.member,)
    steps = data.rows(
        "select movement_type, sum(amount_rc) as amount from marts.backlog_bridge "
        f"where as_of > ? and as_of <= ? {member} group by movement_type",
        filters.compare_as_of,
        filters.as_of,
        *parameters,
    )
    amounts = {r["movement_type"]: Decimal(r["amount"]) for r in steps}
    opening = read(BACKLOG, filters, compare=True) or Decimal(0)
    closing = read(BACKLOG, filters) or Decimal(0)
    moves = [(label, amounts[kind], "step") for kind, label in STEPS if amounts.get(kind)]
    bars = [(numbers.day(filters.compare_as_of), opening, "total"), *moves]
    bars.append((numbers.day(filters.as_of), closing, "total"))
    direction = "rose" if closing > opening else "fell" if closing < opening else "did not move"
    chart_card(
        "backlog_bridge",
        f"Backlog {direction}: {numbers.money(opening, currency)} to {numbers.money(closing, currency)}",
        f"Backlog bridge, {currency}, {filters.compare_label} to {numbers.day(filters.as_of)}",
        bridge(bars, currency, {"metric": "total_backlog", "scope": filters.scope.label}),
        [{"step": label, "amount": amount} for label, amount, _ in bars],
        f"Waterfall from {numbers.money(opening, currency)} to {numbers.money(closing, currency)}.",
        lambda: rows_dialog("total_backlog", "Backlog", filters, "POINT"),
    )


def _practices(filters: Filters, currency: str) -> None:
    units = data.rows(
        "select distinct code, name from master.dim_org_unit where unit_type = 'practice' order by code"
    )
    table: list[data.Row] = []
    for unit in units:
        scoped = Filters(
            filters.as_of, filters.period, filters.compare, data.Scope("PRACTICE", unit["code"], unit["name"])
        )
        revenue, backlog = read(REVENUE, scoped), read(BACKLOG, scoped)
        if revenue is None and backlog is None:
            continue
        trend = [
            float(r["value"])
            for r in data.metric_series("recognised_revenue", "MONTH", scoped.scope)
            if r["value"] is not None and r["as_of"] <= filters.as_of
        ]
        table.append(
            {
                "Practice": unit["name"],
                "Revenue": numbers.money(revenue, currency),
                "Margin": numbers.percent(read(MARGIN, scoped)),
                "Backlog": numbers.money(backlog, currency),
                "Not invoiced": numbers.money(read(WIP, scoped), currency),
                "Utilisation": numbers.percent(read(UTILISATION, scoped)),
                "Trend": trend[-MONTHS_SHOWN:],
                "key": f"PRACTICE:{unit['code']}",
            }
        )
    with st.container(border=True, key="practices"):
        st.subheader("Practices", anchor=False)
        st.caption(f"{filters.period_label}, {currency}. Select a row to narrow the page to it.")
        shown = [{name: value for name, value in r.items() if name != "key"} for r in table]
        event = st.dataframe(
            shown,
            hide_index=True,
            key="practice_table",
            on_select="rerun",
            selection_mode="single-row",
            column_config={"Trend": st.column_config.LineChartColumn("Revenue, 13 months", width="medium")},
            alt="One row per practice with revenue, margin, backlog, unbilled work and utilisation.",
        )
        chosen = event.selection.rows if hasattr(event, "selection") else []
        if chosen:
            st.page_link(
                st.session_state["overview_page"],
                label=f"Show only {table[chosen[0]]['Practice']}",
                query_params={"scope": table[chosen[0]]["key"]},
                icon=":material/filter_alt:",
            )


def _handoff(filters: Filters, currency: str) -> None:
    stages = data.rows(
        "select metric_id, value, denominator from marts.metric_value where metric_id like 'handoff_lag_%' "
        "and grain = 'FIRM' and period_type = 'POINT' order by metric_id"
    )
    delayed = data.row(
        "select value from marts.metric_value where metric_id = 'delayed_revenue_currency_days' "
        "and grain = 'FIRM' order by as_of desc limit 1"
    )
    table = [
        {
            "Stage": (data.definition(r["metric_id"]) or {}).get("name", r["metric_id"]),
            "Median": numbers.days(r["value"]),
            "Completed": int(r["denominator"] or 0),
        }
        for r in stages
    ]
    with st.container(border=True, key="handoff"):
        st.subheader("From signature to cash: where it waits", anchor=False)
        words = numbers.money(delayed["value"], currency) if delayed else numbers.NO_VALUE
        st.caption(f"Whole firm, latest data. Delayed revenue now: {words} × days late.".replace("$", "\\$"))
        st.dataframe(table, hide_index=True, key="handoff_table", alt="Median days per handoff stage.")


def _decisions(currency: str) -> None:
    top = data.rows(
        "select e.exception_id, c.name as control_name, e.severity, e.amount_at_risk, e.age_days, d.owner "
        "from reconciliation.exception e join reconciliation.control_catalogue c using (control_id) "
        "left join reconciliation.control_catalogue d using (control_id) "
        "where e.outcome = 'EXCEPTION' and e.counted_in_headline "
        "order by e.amount_at_risk desc nulls last, e.exception_id limit 5"
    )
    by_control = data.rows(
        "select control_id, sum(amount_at_risk) as amount from reconciliation.exception "
        "where outcome = 'EXCEPTION' and counted_in_headline group by control_id "
        "order by 2 desc nulls last limit 8"
    )
    with st.container(border=True, key="decisions"):
        st.subheader("Decisions waiting", anchor=False)
        st.caption("The five largest open exceptions, each counted once.")
        if not top:
            st.success("No open exceptions in this run.")
            return
        st.dataframe(
            [
                {
                    "What": r["control_name"],
                    "At risk": numbers.money(r["amount_at_risk"], currency),
                    "Severity": r["severity"],
                    "Days open": r["age_days"],
                    "Owner": r["owner"],
                    "Exception": r["exception_id"],
                }
                for r in top
            ],
            hide_index=True,
            key="decisions_table",
            alt="The five largest open exceptions with amount, severity, age and owner.",
        )
        st.page_link(
            st.session_state["exceptions_page"],
            label="Open the exception queue",
            icon=":material/arrow_forward:",
        )
    chart_card(
        "risk_by_control",
        "Where the money at risk sits",
        f"Open amount at risk by control, {currency}, each case once",
        ranked_bars(
            [r["control_id"] for r in by_control],
            [Decimal(r["amount"] or 0) for r in by_control],
            currency,
            {"metric": "amount_at_risk"},
        ),
        by_control,
        "Horizontal bars of open amount at risk per control, largest first.",
    )
