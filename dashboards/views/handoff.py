"""From signature to cash, on the executive overview: what is late, which deals, every stage with its rows."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers, sentences
from dashboards.components.frame import empty
from dashboards.components.links import link
from dashboards.components.sums import Sum, sums_dialog
from dashboards.filters import Filters
from dashboards.readings import History

STAGE_GRAINS = ("FIRM", "LEGAL_ENTITY", "PRACTICE")
DEALS_SHOWN = 5
KINDS = {
    "deal": ("deal not set up", "deals not set up"),
    "item": ("item not invoiced", "items not invoiced"),
    "invoice": ("invoice not paid", "invoices not paid"),
}
# stages whose finished cases are single items: too many to publish one by one
BY_ITEM = ("t6_t7", "t7_t8")


def delayed(chosen: Filters, late: Sequence[data.Row], history: History) -> None:
    """Money that waits beyond its due day, and the five deals with most of it, each with the reason."""
    currency = data.currency()
    run_day = data.run_info()["as_of"]
    with st.container(border=True, key="delayed", gap="small"):
        if not late:
            st.subheader("No money waits beyond its due day", anchor=False)
            st.caption(f"{chosen.scope.label}, {numbers.day(run_day)}.")
            return
        unpriced = sum(int(r["unpriced"]) for r in late)
        amount = sum((Decimal(r["amount"] or 0) for r in late), Decimal(0))
        st.subheader(numbers.md(f"{numbers.money(amount, currency)} waits beyond its due day"), anchor=False)
        parts = [
            f"{numbers.counted(r['cases'], *KINDS.get(r['movement_type'], (r['movement_type'], None)))} "
            f"{numbers.money(r['amount'], currency)}"
            for r in sorted(late, key=lambda r: -(r["amount"] or 0))
        ]
        st.caption(numbers.md(f"{chosen.scope.label}, {numbers.day(run_day)}: {', '.join(parts)}."))
        if unpriced:
            st.caption(f"{numbers.counted(unpriced, 'amount')} without an exchange rate not in it.")
        times = history.at(data.LATE, "POINT", run_day)
        value = times.value if times else None
        if value is not None and amount:
            days = value / amount
            st.caption(
                numbers.md(
                    f"Amount × days late: {numbers.money(value, currency)}-days, on average "
                    f"{numbers.days(days.quantize(Decimal(1)))} per {currency}."
                )
            )
        with st.container(horizontal=True, gap="small"):
            if st.button("Rows", key="rows_delayed", type="tertiary", icon=":material/table_rows:"):
                where = f"{chosen.scope.label} · {numbers.day(run_day)}"
                sums_dialog(
                    "Delayed revenue", where, "Number", late_sums(chosen, late, value), "delayed_revenue"
                )
        st.markdown("**Deals that wait with most money**")
        known = names.names()
        for at, deal in enumerate(data.blocked_deals(chosen.scope, DEALS_SHOWN)):
            _deal(chosen, at, deal, known)


def _deal(chosen: Filters, at: int, deal: data.Row, known: names.Names) -> None:
    currency = data.currency()
    run_day = data.run_info()["as_of"]
    client = names.of_key("customer", deal["customer_id"], known)
    # a project that is called by its client says both
    project = deal["project"] or ""
    named = bool(project) and client.split()[0].lower() in project.lower()
    title = project if named else f"{client} · {project}" if project else client
    with st.container(gap=None, key=f"blocked_{at}"):
        if st.button(
            numbers.md(f"**{numbers.money(deal['amount'], currency)}** · {title}"),
            key=f"rows_blocked_{at}",
            type="tertiary",
            icon=":material/table_rows:",
            help="The rows that add up to it",
        ):
            where = f"{chosen.scope.label} · {numbers.day(run_day)}"
            sums_dialog(title, where, "Number", [deal_sum(chosen, deal)], "blocked_deal")
        st.caption(numbers.md(sentences.waits(deal, run_day)))
        if deal["exception_id"]:
            link(
                "exceptions",
                f"Why: {deal['control_name']}",
                ":material/arrow_forward:",
                {"exception": deal["exception_id"]},
            )


_LATE_ROWS = (
    "select movement_type as kind, business_date as due_on, customer_id, project_id, record_id as case_id, "
    "{other}{amount} as amount from marts.metric_drill where metric_id = '{metric}' {where}"
)


def late_sums(chosen: Filters, late: Sequence[data.Row], value: Decimal | None) -> list[Sum]:
    """What waits in all, by kind, and times the days it is late."""
    currency = data.currency()
    narrow, member = data.narrowing(chosen.scope)
    amounts = _LATE_ROWS.format(
        other="amount_rc as currency_days, ", amount="base", metric=data.LATE, where=narrow + " {kind}"
    )
    whole = sum((Decimal(r["amount"] or 0) for r in late), Decimal(0))
    cases = sum(int(r["cases"]) for r in late)
    found = [Sum("All that waits", amounts.format(kind=""), member, whole, currency, cases)]
    found += [
        Sum(
            KINDS.get(r["movement_type"], (r["movement_type"], r["movement_type"]))[1].capitalize(),
            amounts.format(kind="and movement_type = ?"),
            (*member, r["movement_type"]),
            r["amount"],
            currency,
            int(r["cases"]),
        )
        for r in late
    ]
    if value is not None:
        times = _LATE_ROWS.format(other="", amount="amount_rc", metric=data.LATE, where=narrow)
        found.append(Sum("Amount × days late", times, member, value, f"{currency}-days"))
    return found


def deal_sum(chosen: Filters, deal: data.Row) -> Sum:
    """What waits of one deal."""
    narrow, member = data.narrowing(chosen.scope)
    of_deal = "and record_id = ?" if deal["deal_id"] else ""
    sql = _LATE_ROWS.format(
        other="amount_rc as currency_days, ",
        amount="base",
        metric=data.LATE,
        where=f"{narrow} and customer_id = ? and project_id = ? {of_deal}",
    )
    key = (deal["deal_id"],) if deal["deal_id"] else ()
    parameters = (*member, deal["customer_id"], deal["project_id"], *key)
    count = int(deal["deals"]) + int(deal["items"]) + int(deal["invoices"])
    return Sum("Waits", sql, parameters, deal["amount"], data.currency(), count)


def stages(chosen: Filters) -> None:
    """How long each stage takes, and what waits at it; the firm where the scope is not measured."""
    currency = data.currency()
    scope = chosen.scope if chosen.scope.grain in STAGE_GRAINS else data.FIRM
    run_day = data.run_info()["as_of"]
    order = list(names.STAGES)
    found = sorted(data.handoff_stages(scope), key=lambda r: order.index(r["stage"]))
    with st.container(border=True, key="handoff", gap="small"):
        if not found:
            st.subheader("From signature to cash", anchor=False)
            empty("No deal has been won yet in", chosen)
            return
        st.subheader(numbers.md(_stage_title(found, currency)), anchor=False)
        st.caption(
            f"{scope.label}, {numbers.day(run_day)}. Medians of what is done, in working days. "
            "What waits is counted, never dropped."
        )
        st.dataframe(
            [
                {
                    "Stage": _stage(r["stage"]),
                    "Median days": _float(r["median_lag"]),
                    "Waiting": r["open_count"],
                    f"Waiting, {currency}": _float(r["open_amount_rc"]),
                    "Late": None if r["breach_rate"] is None else float(r["breach_rate"] * 100),
                    "Oldest": r["oldest_open_age"],
                    "Done": r["completed"],
                }
                for r in found
            ],
            hide_index=True,
            key="handoff_table",
            placeholder=numbers.NO_VALUE,
            column_config={
                "Median days": st.column_config.NumberColumn(format="%.1f"),
                **{
                    name: st.column_config.NumberColumn(format="%,.0f")
                    for name in ("Waiting", f"Waiting, {currency}", "Done")
                },
                "Late": st.column_config.NumberColumn(
                    format="%.1f%%",
                    help="Of what is done or waits too long, the share that took or takes too long.",
                ),
                "Oldest": st.column_config.NumberColumn(help="Days the oldest waiting case has waited."),
            },
            alt="Per stage from signature to cash: median days, what waits and its amount, share late.",
        )
        if st.button("Rows", key="rows_stages", type="tertiary", icon=":material/table_rows:"):
            where = f"{scope.label} · {numbers.day(run_day)}"
            sums_dialog("From signature to cash", where, "Number", stage_sums(scope, found), "handoff")


def _stage_title(found: Sequence[data.Row], currency: str) -> str:
    """The stage that is late most often; the cash stage only when no other is."""
    late = [r for r in found if r["breach_rate"]]
    if not late:
        return "From signature to cash: nothing took too long"
    worst = max(late, key=lambda r: (r["stage"] not in names.CASH_STAGES, r["breach_rate"]))
    return f"“{_stage(worst['stage'])}” is late {numbers.percent(worst['breach_rate'], 0)} of the time"


def stage_sums(scope: data.Scope, found: Sequence[data.Row]) -> list[Sum]:
    """What waits at each stage, and the days of what is done where the cases are published."""
    currency = data.currency()
    narrow, member = data.narrowing(scope)
    waiting = [
        Sum(
            f"{_stage(r['stage'])}: waiting",
            "select customer_id, case_id, started_on as happened_on, due_on, open_age as days, "
            f"amount_rc as amount from marts.handoff_waiting where stage = ? {narrow}",
            (r["stage"], *member),
            r["open_amount_rc"],
            currency,
            int(r["open_count"]),
        )
        for r in found
        if r["open_count"] and data.holds("handoff_waiting")
    ]
    done = [
        Sum(
            f"{_stage(r['stage'])}: median days of what is done",
            "select business_date as happened_on, customer_id, record_id as case_id, amount_tc as amount "
            f"from marts.metric_drill where metric_id = ? {narrow}",
            (f"handoff_lag_{r['stage']}", *member),
            r["median_lag"],
            "days",
            int(r["completed"]),
            middle=True,
        )
        for r in found
        if r["completed"] and r["stage"] not in BY_ITEM
    ]
    return [*waiting, *done]


def _stage(code: str) -> str:
    return names.STAGES.get(code, code)


def _float(value: Decimal | None) -> float | None:
    """For a grid that sorts; no sum is taken over these."""
    return None if value is None else float(value)
