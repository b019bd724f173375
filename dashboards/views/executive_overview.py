"""Executive overview: are we on track, what changed, what needs a decision, can the numbers be trusted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import streamlit as st

from dashboards import cases, data, filters, names, numbers
from dashboards.components.cards import Kpi, kpi_card
from dashboards.components.chart_card import chart_card
from dashboards.components.frame import Frame, empty, page_head
from dashboards.components.links import link
from dashboards.components.rows import rows_dialog
from dashboards.figures.charts import bridge, ranked_bars, time_columns
from dashboards.filters import Filters, is_month_end
from dashboards.readings import History

REVENUE = Kpi(
    "recognised_revenue", "Revenue", is_balance=False, kind="money", controls=("BIL-003", "BIL-010")
)
MARGIN = Kpi("project_gross_margin", "Project gross margin", is_balance=False, kind="share")
BOOKINGS = Kpi(
    "net_bookings", "Net bookings", is_balance=False, kind="money", controls=("CRM-ERP-001", "CRM-ERP-003")
)
BACKLOG = Kpi(
    "total_backlog",
    "Backlog",
    is_balance=True,
    kind="money",
    controls=("CRM-ERP-001", "CRM-ERP-003", "CRM-ERP-004"),
)
WIP = Kpi(
    "wip_operational",
    "Work done, not invoiced",
    is_balance=True,
    kind="money",
    good="down",
    controls=("BIL-001", "ERP-PSA-001", "ERP-PSA-002", "PSA-ERP-001", "PSA-ERP-002"),
)
UTILISATION = Kpi("billable_utilisation_net", "Billable utilisation", is_balance=False, kind="share")
CARDS = (REVENUE, MARGIN, BOOKINGS, BACKLOG, WIP, UTILISATION)
MONTHS_SHOWN = 13
# a change below this share is not news
MATERIAL = Decimal("0.005")
RISKS_SHOWN = 6

# Movements in the order of the bridge; what is not named here follows.
STEPS = (
    "booked",
    "amended",
    "recognised",
    "cancelled",
    "completed_under_run",
    "beyond_value",
    "fx_translation",
)
STAGE_GRAINS = ("FIRM", "LEGAL_ENTITY", "PRACTICE")


def render(frame: Frame) -> None:
    """Draws the page."""
    chosen = frame.filters
    page_head("Executive overview", "Are we on track, what moved, and what needs a decision?", frame)
    history = History(data.metric_rows(chosen.scope, chosen.period), data.as_of_dates())
    definitions = data.definitions()
    risks = cases.by_control(chosen.scope)
    if not any(history.has(kpi.metric_id) for kpi in CARDS):
        empty("Nothing has been signed, worked or invoiced yet in", chosen)
    headline(chosen, history, risks)
    blocking = {r["control_id"]: int(r["blocking"]) for r in risks}
    with st.grid(3, min_column_width=260, gap="small", key="cards"):
        for kpi in CARDS:
            kpi_card(kpi, chosen, history, definitions, blocking)
    with st.grid(2, min_column_width=340, gap="small", key="charts"):
        _revenue_chart(chosen, history, definitions)
        _backlog_bridge(chosen, history, definitions)
    _practices(chosen)
    with st.grid(2, min_column_width=340, gap="small", key="attention"):
        _handoff(chosen)
        _decisions(chosen)
    _risk(chosen, risks)


def headline(chosen: Filters, history: History, risks: Sequence[data.Row]) -> None:
    """Two or three sentences from the same reads as the cards."""
    currency = data.currency()
    sentences: list[str] = []
    now, before = BACKLOG.read(history, chosen), BACKLOG.read(history, chosen, compare=True)
    if now is not None and before is not None:
        sentences.append(_moved("Backlog", now, before, currency, chosen))
    elif now is not None:
        sentences.append(f"Backlog stands at {numbers.money(now, currency)}.")
    revenue, bookings = REVENUE.read(history, chosen), BOOKINGS.read(history, chosen)
    if revenue is not None and bookings is not None and revenue > 0:
        sentences.append(
            f"{numbers.money(revenue, currency)} of revenue met {numbers.money(bookings, currency)} of net "
            f"bookings, a book-to-bill of {numbers.times(bookings / revenue)}."
        )
    count = sum(int(r["cases"]) for r in risks)
    if count:
        amount = sum((Decimal(r["amount"]) for r in risks), Decimal(0))
        sentences.append(
            f"{numbers.counted(count, 'open exception')} between the systems "
            f"{'puts' if count == 1 else 'put'} {numbers.money(amount, currency)} at risk."
        )
    if sentences:
        st.markdown(f"##### {numbers.md(' '.join(sentences))}")


def _moved(name: str, now: Decimal, before: Decimal, currency: str, chosen: Filters) -> str:
    change = now - before
    if not change:
        return f"{name} stayed at {numbers.money(now, currency)}."
    verb = "rose" if change > 0 else "fell"
    share = f" ({numbers.percent(abs(change) / abs(before))})" if before else ""
    return (
        f"{name} {verb} {numbers.money(abs(change), currency)}{share} to {numbers.money(now, currency)} "
        f"since {numbers.day(chosen.compare_as_of)}."
    )


def _revenue_chart(chosen: Filters, history: History, definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    series = history.months(REVENUE.metric_id, chosen.as_of)[-MONTHS_SHOWN:]
    with st.container(key="revenue_place"):
        if not series:
            empty(f"No revenue up to {numbers.day(chosen.as_of)}.")
            return
        values = [reading.value for _, reading in series]
        partial = not is_month_end(series[-1][0])
        whole = [reading.value for day, reading in series if is_month_end(day)]
        title = "Revenue by month"
        if len(whole) > 1 and whole[-1] is not None and whole[-2]:
            change = (whole[-1] - whole[-2]) / abs(whole[-2])
            last = [day for day, _ in series if is_month_end(day)][-1]
            title = f"{last:%B} revenue about the same as the month before"
            if abs(change) >= MATERIAL:
                verb = "up" if change > 0 else "down"
                title = f"{last:%B} revenue {verb} {numbers.percent(abs(change))} on the month before"
        note = "; the hatched month is not over" if partial else ""
        chart_card(
            "revenue_by_month",
            title,
            f"Revenue, {currency}, months to {numbers.day(chosen.as_of)}{note}",
            time_columns(
                [numbers.month(day) for day, _ in series],
                values,
                currency,
                _meta(REVENUE, chosen),
                last_is_partial=partial,
            ),
            [{"Month": numbers.month(day), f"Revenue, {currency}": r.value} for day, r in series],
            f"Columns of revenue per month; the last is {numbers.money(values[-1], currency)}.",
            lambda: rows_dialog(REVENUE.metric_id, "Revenue", chosen, "T12M"),
            REVENUE.metric_id,
            definitions,
        )


def _meta(kpi: Kpi, chosen: Filters) -> dict[str, object]:
    return {
        "metric": kpi.metric_id,
        "grain": chosen.scope.grain,
        "filters": chosen.query(),
        "run_id": data.pinned().run_id,
    }


def bridge_steps(chosen: Filters, history: History) -> list[tuple[str, Decimal, str]]:
    """Opening, movements, what they do not explain (never left out), closing."""
    opening = BACKLOG.read(history, chosen, compare=True) or Decimal(0)
    closing = BACKLOG.read(history, chosen) or Decimal(0)
    amounts = data.backlog_steps(chosen.scope, chosen.compare_as_of, chosen.as_of)
    order = [*STEPS, *sorted(kind for kind in amounts if kind not in STEPS)]
    moves = [(names.movement(kind), amounts[kind], "step") for kind in order if amounts.get(kind)]
    rest = closing - opening - sum((amount for _, amount, _ in moves), Decimal(0))
    if abs(rest) >= Decimal("0.005"):
        moves.append(("Not explained", rest, "step"))
    return [
        (numbers.day(chosen.compare_as_of), opening, "total"),
        *moves,
        (numbers.day(chosen.as_of), closing, "total"),
    ]


def _backlog_bridge(chosen: Filters, history: History, definitions: Mapping[str, data.Row]) -> None:
    currency = data.currency()
    with st.container(key="bridge_place"):
        if not history.has(BACKLOG.metric_id):
            empty("No backlog in", chosen)
            return
        steps = bridge_steps(chosen, history)
        opening, closing = steps[0][1], steps[-1][1]
        verb = "rose" if closing > opening else "fell" if closing < opening else "did not move"
        title = (
            f"Backlog {verb} from {numbers.money(opening, currency)} to {numbers.money(closing, currency)}"
        )
        moves = steps[1:-1]
        if moves:
            most = max(moves, key=lambda step: abs(step[1]))
            title += f"; {most[0].lower()} moved it most"
        chart_card(
            "backlog_bridge",
            title,
            f"Backlog bridge, {currency}, {numbers.day(chosen.compare_as_of)} to {numbers.day(chosen.as_of)}",
            bridge(steps, currency, _meta(BACKLOG, chosen)),
            [{"Step": label, f"Amount, {currency}": amount} for label, amount, _ in steps],
            f"Bridge from {numbers.money(opening, currency)} to {numbers.money(closing, currency)}.",
            lambda: rows_dialog(BACKLOG.metric_id, "Backlog", chosen, "POINT"),
            BACKLOG.metric_id,
            definitions,
        )


def _practices(chosen: Filters) -> None:
    """One row per practice; a practice chosen narrows the pages to it. Shown for the whole firm."""
    if chosen.scope.grain != "FIRM":
        return
    currency = data.currency()
    by_practice: dict[str, list[data.Row]] = {}
    called: dict[str, str] = {}
    for r in data.practice_rows(chosen.period):
        by_practice.setdefault(r["practice_id"], []).append(r)
        called[r["practice_id"]] = r["practice"] or r["practice_id"]
    dates = data.as_of_dates()
    table: list[dict[str, object]] = []
    for code, found in by_practice.items():
        history = History(found, dates)
        if not history.has(REVENUE.metric_id) and not history.has(BACKLOG.metric_id):
            continue
        revenue, before = REVENUE.read(history, chosen), REVENUE.read(history, chosen, compare=True)
        table.append(
            {
                "Practice": called[code],
                "Revenue": _float(revenue),
                "Change": _per_cent((revenue - before) / abs(before))
                if revenue is not None and before
                else None,
                "Margin": _per_cent(MARGIN.read(history, chosen)),
                "Backlog": _float(BACKLOG.read(history, chosen)),
                "Not invoiced": _float(WIP.read(history, chosen)),
                "Utilisation": _per_cent(UTILISATION.read(history, chosen)),
                "Trend": REVENUE.trend(history, chosen),
                "key": f"PRACTICE:{code}",
            }
        )
    table.sort(key=lambda r: -(r["Revenue"] if isinstance(r["Revenue"], float) else 0.0))
    with st.container(border=True, key="practices", gap="small"):
        st.subheader(_practice_title(table), anchor=False)
        st.caption(
            f"{chosen.period_label}, {currency}; change {chosen.compare_label}. Choose a row to narrow."
        )
        event = st.dataframe(
            [{name: value for name, value in r.items() if name != "key"} for r in table],
            hide_index=True,
            key="practice_table",
            on_select="rerun",
            selection_mode="single-row",
            placeholder=numbers.NO_VALUE,
            column_config={
                **{
                    name: st.column_config.NumberColumn(format="%,.0f")
                    for name in ("Revenue", "Backlog", "Not invoiced")
                },
                **{
                    name: st.column_config.NumberColumn(format="%.1f%%") for name in ("Margin", "Utilisation")
                },
                "Change": st.column_config.NumberColumn(format="%.1f%%", help=chosen.compare_label),
                "Trend": st.column_config.LineChartColumn("Revenue by month", width="medium"),
            },
            alt="One row per practice with revenue, margin, backlog, unbilled work and utilisation.",
        )
        for at in event.selection.rows:
            st.button(
                f"Show only {table[at]['Practice']}",
                key="narrow_practice",
                icon=":material/filter_alt:",
                on_click=filters.narrow,
                args=(str(table[at]["key"]),),
            )


def _practice_title(table: Sequence[Mapping[str, object]]) -> str:
    earning = [r for r in table if isinstance(r["Revenue"], float) and r["Revenue"] > 0]
    if not earning:
        return "Practices"
    revenue = sum(float(str(r["Revenue"])) for r in earning)
    share = Decimal(str(earning[0]["Revenue"])) / Decimal(str(revenue))
    return f"{earning[0]['Practice']} earns {numbers.percent(share, 0)} of the revenue"


def _float(value: Decimal | None) -> float | None:
    """For a grid that sorts; no sum is taken over these."""
    return None if value is None else float(value)


def _per_cent(value: Decimal | None) -> float | None:
    """A share for a grid that sorts."""
    return None if value is None else float(value * 100)


def _handoff(chosen: Filters) -> None:
    currency = data.currency()
    scope = chosen.scope if chosen.scope.grain in STAGE_GRAINS else data.FIRM
    stages = data.handoff_stages(scope)
    as_of = data.run_info()["as_of"]
    with st.container(border=True, key="handoff", gap="small"):
        waiting = max(stages, key=lambda r: r["open_amount_rc"] or 0, default=None)
        if waiting is None:
            st.subheader("From signature to cash", anchor=False)
            empty("No deal has been won yet in", chosen)
            return
        title = "From signature to cash: nothing waits"
        if waiting["open_amount_rc"]:
            title = (
                f"{numbers.money(waiting['open_amount_rc'], currency)} waits at "
                f"“{_stage(waiting['stage']).lower()}”"
            )
        st.subheader(numbers.md(title), anchor=False)
        delayed = data.row(
            "select value from marts.metric_value where metric_id = 'delayed_revenue_currency_days' "
            "and grain = 'FIRM' order by as_of desc limit 1"
        )
        words = f"{scope.label}, {numbers.day(as_of)}. Medians of what is done, in working days (paid: days)."
        if delayed and scope.grain == "FIRM":
            words += f" Amount × days late: {numbers.money(delayed['value'], currency)}-days."
        st.caption(numbers.md(words))
        st.dataframe(
            [
                {
                    "Stage": _stage(r["stage"]),
                    "Median days": _float(r["median_lag"]),
                    "Waiting": r["open_count"],
                    f"Waiting, {currency}": _float(r["open_amount_rc"]),
                    "Late": _per_cent(r["breach_rate"]),
                    "Done": r["completed"],
                }
                for r in sorted(stages, key=lambda r: list(names.STAGES).index(r["stage"]))
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
                    format="%.1f%%", help="Share of all, done or waiting, that took or takes too long."
                ),
            },
            alt="Per stage from signature to cash: median days, what waits and its amount, share late.",
        )


def _stage(code: str) -> str:
    return names.STAGES.get(code, code)


def _decisions(chosen: Filters) -> None:
    currency = data.currency()
    top = cases.largest(chosen.scope, 5)
    known = names.names()
    with st.container(border=True, key="decisions", gap="small"):
        st.subheader("Decisions waiting", anchor=False)
        if not top:
            empty("No open exception in this run.")
            return
        st.caption(numbers.md(f"The five largest open exceptions, each risk once, {currency}."))
        for r in top:
            what = names.readable(r["what"] or r["control_name"], known)
            with st.container(gap=None, key=f"decision_{r['exception_id']}"):
                link(
                    "exceptions",
                    numbers.md(f"**{numbers.money(r['amount_at_risk'], currency)}** · {r['control_name']}"),
                    ":material/arrow_forward:",
                    {"exception": r["exception_id"]},
                )
                st.caption(
                    numbers.md(
                        f"{what}. {names.SEVERITIES.get(r['severity'], r['severity'])}, open "
                        f"{numbers.days(r['age_days'])}, {names.role(r['owner'])}."
                    )
                )


def _risk(chosen: Filters, risks: Sequence[data.Row]) -> None:
    currency = data.currency()
    weighty = [r for r in risks if r["amount"]]
    if not weighty:
        return
    head, tail = weighty[:RISKS_SHOWN], weighty[RISKS_SHOWN:]
    labels = [r["control_name"] or r["control_id"] for r in head]
    values = [Decimal(r["amount"]) for r in head]
    if tail:
        labels.append(numbers.counted(len(tail), "other control"))
        values.append(sum((Decimal(r["amount"]) for r in tail), Decimal(0)))
    total = sum(values, Decimal(0))
    chart_card(
        "risk_by_control",
        f"{labels[0]}: {numbers.percent(values[0] / total, 0)} of the money at risk",
        f"Open amount by control, {currency}, each risk once, {numbers.day(data.run_info()['as_of'])}",
        ranked_bars(
            labels,
            values,
            currency,
            {"metric": "amount_at_risk", "grain": chosen.scope.grain, "run_id": data.pinned().run_id},
        ),
        [
            {"Control": r["control_name"], "Id": r["control_id"], "Cases": r["cases"], "Amount": r["amount"]}
            for r in weighty
        ],
        f"Horizontal bars of open amount at risk per control, largest first, {labels[0]} on top.",
        link_to_queue,
    )


def link_to_queue() -> None:
    """Rows of the money at risk are the cases themselves."""
    st.switch_page(st.session_state["pages"]["exceptions"])
