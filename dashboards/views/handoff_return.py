"""What integration brought: two windows compared like with like, on the page of handoff lag."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers, returns
from dashboards.components.address import pick_number
from dashboards.components.frame import empty
from dashboards.components.rows import money_columns, to_csv
from dashboards.filters import Filters
from dashboards.returns import FIRM_ONLY, LEVERS, PARTS, RECKONED
from dashboards.roi import Given, Lever, Range, Return, Window, reckon

# the picker of the cost of capital stands above, with what the wait costs
CAPITAL = "cost_of_capital"
SHARES = ("share", "share of a year")
FILE_ONLY = ("Of", "Cases not alike", "No amount because")


def handoff_return(chosen: Filters, per_cent: Decimal) -> None:
    """The return at a cost of capital in per cent; nothing in runs published before it was measured."""
    if not data.holds("roi_assumption") or not returns.can_be_read():
        return
    with st.container(border=True, key="roi", gap="small"):
        why_not = _why_not(chosen.scope)
        told = None if why_not else returns.given(chosen.scope)
        if told is None:
            st.subheader("What integration brought", anchor=False)
            if why_not:
                empty(why_not, chosen)
            else:
                empty("A window before and one after are needed, and in one of them nothing began.")
            return
        assumptions = returns.assumptions()
        head = st.container(gap="small")
        asked = _asked(assumptions, per_cent, told.is_part)
        found = reckon(told, returns.ranges(assumptions, asked))
        with head:
            _said(found, told, chosen.scope)
        _levers(found, told, {r["name"]: r["label"] for r in assumptions}, chosen.scope)


def _why_not(scope: data.Scope) -> str:
    """Why the scope has no return of its own; empty where it has one."""
    if scope == data.FIRM:
        return ""
    if scope.grain not in PARTS:
        return "The return is measured for the firm, an entity or a practice, not by"
    return "" if returns.is_cut() else "This run measured the return of the whole firm alone, not of"


def _asked(assumptions: tuple[data.Row, ...], per_cent: Decimal, is_part: bool) -> dict[str, Decimal | None]:
    """What the reader puts in the place of an assumption, by name; None where the run's stands."""
    capital = next(r for r in assumptions if r["name"] == CAPITAL)
    own = capital["base"] is not None and per_cent == capital["base"] * 100
    asked: dict[str, Decimal | None] = {CAPITAL: None if own else per_cent / 100}
    with st.expander("What is assumed", icon=":material/tune:", key="assumed"):
        st.caption(
            "A value you set here takes the place of low, base and high, on this page only. "
            "The cost of capital is chosen above."
        )
        with st.grid(3, min_column_width=220, gap="small", key="assumptions"):
            for r in assumptions:
                if r["name"] != CAPITAL and not (is_part and r["name"] in FIRM_ONLY):
                    with st.container(gap=None):
                        asked[r["name"]] = _ask(r)
        st.dataframe(
            [
                {
                    "Assumption": r["label"],
                    "Low": numbers.plain(r["low"]),
                    "Base": numbers.plain(r["base"]),
                    "High": numbers.plain(r["high"]),
                    "Unit": data.currency() if r["unit"] == "money" else r["unit"],
                    "Where it comes from": r["source"],
                    "Parameter": r["name"],
                }
                for r in assumptions
            ],
            hide_index=True,
            key="assumption_table",
            placeholder=numbers.NO_VALUE,
            alt="Every assumption with its low, base and high value and where it comes from.",
        )
    return asked


def _ask(assumption: data.Row) -> Decimal | None:
    by = 100 if assumption["unit"] in SHARES else 1
    base = assumption["base"]
    label = f"{assumption['label']}, %" if by == 100 else assumption["label"]
    shown = None if base is None else (base * by).normalize()
    found = pick_number(label, assumption["name"], shown, assumption["source"])
    return None if found is None else found / by


def _said(found: Return, told: Given, scope: data.Scope) -> None:
    """Title and sentences: what it comes to a year, what comes once, and what that is against its cost."""
    currency = data.currency()
    known = [lever for lever in found.levers if lever.yearly is not None]
    if found.yearly is None:
        st.subheader("What integration brought cannot be reckoned yet", anchor=False)
    else:
        amount = numbers.money(found.yearly.base, currency)
        st.subheader(numbers.md(f"What integration brought: {amount} a year"), anchor=False)
    st.caption(
        numbers.md(
            f"{scope.label}. Began {_window(told.before)} against {_window(told.now)}, alike in entity, size "
            "and billing method. Medians with those that still wait reckoned in."
        )
    )
    if told.is_part:
        one, several = PARTS[scope.grain]
        st.caption(
            f"From the cases of this {one} alone. All cases, alike or not, and what was billed add up over "
            f"{several} to the firm's; days, shares and amounts do not, because medians do not add up."
        )
    said = []
    if found.yearly is not None:
        low, high = (numbers.money(v, currency) for v in (found.yearly.low, found.yearly.high))
        said.append(
            f"{len(known)} of {len(found.levers)} effects can be reckoned, between {low} and {high} a year."
        )
    if found.released is not None and found.released.base:
        comes = "comes in earlier" if found.released.base > 0 else "comes in later"
        amount = numbers.money(abs(found.released.base), currency)
        said.append(f"{amount} {comes}, once, and is in no sum.")
    if told.is_part:
        said.append("Its costs are the firm's: net benefit, return and payback are told of the whole firm.")
    elif found.yearly is not None:
        said.append(_return(found, currency))
    if said:
        st.markdown(numbers.md(" ".join(said)))


def _return(found: Return, currency: str) -> str:
    if found.net is None:
        return "What running it costs is not given, so there is no net benefit and no return."
    net = f"Less what running it costs, {numbers.money(found.net.base, currency)} a year is left"
    if found.ratio is None or found.payback is None:
        return f"{net}. What building it cost is not given, so there is no return."
    low, base, high = (numbers.percent(v, 0) for v in (found.ratio.low, found.ratio.base, found.ratio.high))
    best, back, worst = (_months(v) for v in (found.payback.high, found.payback.base, found.payback.low))
    return (
        f"{net}: **{base} of what it cost, each year** ({low} to {high}). "
        f"Paid back: **{back}** (at best {best}, at worst {worst})."
    )


def _months(value: Decimal | None) -> str:
    return "never" if value is None else f"in {numbers.months(value)}"


def _window(window: Window) -> str:
    return f"{numbers.day(window.first)} to {numbers.day(window.last)}"


def _levers(found: Return, told: Given, labels: Mapping[str, str], scope: data.Scope) -> None:
    currency = data.currency()
    listed = returns.table(found, labels, currency, scope)
    shown = [name for name in listed[0] if name not in FILE_ONLY]
    st.dataframe(
        [
            {k: numbers.plain(v) if isinstance(v, Decimal) else v for k in shown for v in (line[k],)}
            for line in listed
        ],
        hide_index=True,
        key="roi_table",
        placeholder=numbers.NO_VALUE,
        column_config={
            **money_columns(f"A year, {currency}", "Low", "High", "Once"),
            "Cases": st.column_config.TextColumn(help="Compared, before and now."),
            "Once": st.column_config.NumberColumn(
                format="%,.2f", help="Comes in earlier, once; it is in no sum and is no yearly benefit."
            ),
        },
        alt="Per effect: before, now, cases, and what it is worth a year.",
    )
    without = [
        f"{line['What']} ({line['No amount because']})".lower()
        for line in listed
        if line["No amount because"]
    ]
    if without:
        st.caption(numbers.md(f"Without an amount: {'; '.join(without)}."))
    with st.container(horizontal=True, gap="small"):
        if st.button("Rows", key="rows_roi", type="tertiary", icon=":material/table_rows:"):
            _dialog(found, told)
        st.download_button(
            "CSV",
            data=lambda: to_csv([*listed, *_totals(found, listed[0], currency)]),
            file_name="return_of_integration.csv",
            mime="text/csv",
            key="csv_roi",
            type="tertiary",
            icon=":material/download:",
            on_click="ignore",
        )


def _totals(found: Return, like: Mapping[str, object], currency: str) -> list[dict[str, object]]:
    """The sums below the levers, in the same columns."""
    sums: tuple[tuple[str, Range | None], ...] = (
        ("In all", found.yearly),
        ("Less what running it costs", found.net),
        ("Of what building it cost", found.ratio),
        ("Months until it is paid back", found.payback),
    )
    blank: dict[str, object] = dict.fromkeys(like) | {"Of": like["Of"]}
    listed = [
        blank
        | {
            "What": name,
            f"A year, {currency}": one.base,
            "Low": one.low,
            "High": one.high,
        }
        for name, one in sums
        if one is not None
    ]
    if listed and found.released is not None:
        listed[0]["Once"] = found.released.base
    return listed


@st.dialog("Rows behind the number", width="large", icon=":material/table_rows:")
def _dialog(found: Return, told: Given) -> None:
    """Of each effect the mixes that are compared, and every group of cases behind them in a file."""
    at = st.selectbox(
        "Effect", range(len(found.levers)), format_func=lambda i: LEVERS[found.levers[i].name][0], key="lever"
    )
    lever = found.levers[at]
    how = RECKONED[lever.name]
    st.caption(numbers.md(f"{how[:1].upper()}{how[1:]}."))
    _sum(lever)
    listed = returns.cells(lever, _mixes(lever))
    if listed:
        st.dataframe(
            [{k: numbers.plain(v) if isinstance(v, Decimal) else v for k, v in r.items()} for r in listed],
            hide_index=True,
            key="roi_cells",
            placeholder=numbers.NO_VALUE,
            alt="The mixes that are in both windows, with cases and medians.",
        )
    st.download_button(
        "All cases as CSV",
        data=lambda: to_csv(_groups(told)),
        file_name="roi_measure.csv",
        mime="text/csv",
        key="roi_cases_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _sum(lever: Lever) -> None:
    unit = LEVERS[lever.name][1]
    compared = lever.compared
    if compared.saved is None:
        st.info(f"No number: {compared.why}.", icon=":material/info:")
        return
    weighted = sum((cell.cases_now * cell.saved for cell in compared.cells), Decimal(0))
    st.markdown(
        f"{numbers.quantity(round(weighted, 4))} ÷ {compared.cases_now:,} cases now = "
        f"**{returns.amount(compared.saved, unit)}** saved per case."
    )


def _mixes(lever: Lever) -> dict[str, str]:
    known = names.names()
    return {cell.mix: _mix(cell.mix, known) for cell in lever.compared.cells}


def _mix(mix: str, known: names.Names) -> str:
    """``US01, large, time and materials``; a kind of event as it is."""
    entity, *rest = mix.split("|")
    parts = [names.of_key("legal_entity", entity, known) if ":" in entity else entity]
    return ", ".join([*parts, *(names.CODES.get(one, one.lower()) for one in rest if one != "NONE")])


def _groups(told: Given) -> list[dict[str, object]]:
    return [
        {
            "window": one.window,
            "measure": one.measure,
            "mix": one.mix,
            "took": one.took,
            "calendar_days": one.days,
            "still_waits": one.is_open,
            "cases": one.cases,
        }
        for one in told.groups
    ]
