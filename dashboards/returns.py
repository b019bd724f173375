"""The return of integration as the page reads it: windows, cases, what is assumed, and in which words."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from dashboards import data, numbers
from dashboards.readings import History
from dashboards.roi import BEFORE, NOT_TOLD, NOW, Cell, Given, Group, Lever, Part, Range, Return, Window
from dashboards.waiting import BILLED

# lever -> what it is called, and the unit of what is compared
LEVERS = {
    "set_up": ("Projects are set up sooner", "working day"),
    "transfer": ("Work reaches billing sooner", "day"),
    "invoice": ("Work is invoiced sooner", "day"),
    "cash": ("Invoices are paid sooner", "day"),
    "failures": ("Fewer deliveries fail", "share"),
    "recovery": ("Failed deliveries are mended sooner", "hour"),
    "leakage": ("Less of agreed work is lost", "share"),
}
_SOONER = (
    "billed in twelve months ÷ 365 × days saved × share due to integration comes in once; "
    "times cost of capital it is the amount a year"
)
# lever -> what its amount a year is made of
RECKONED = {
    "set_up": "deals won a year × working days saved × hours of work per day × cost of an hour × "
    "share due to integration",
    "transfer": _SOONER,
    "invoice": _SOONER,
    "cash": _SOONER,
    "failures": "deliveries a year × share that fails no more × minutes ÷ 60 × cost of an hour × "
    "share due to integration",
    "recovery": "failures a year × hours saved ÷ 8,760 × money held up by each × cost of capital × "
    "share due to integration",
    "leakage": "agreed value of a year's work × share that is lost no more × share due to integration",
}
# what only the firm has: its costs, and what rests on deliveries
FIRM_ONLY = ("yearly_run_cost", "one_off_cost", "minutes_per_failure", "blocked_per_failure")
# grain of a part that has a return of its own -> what such parts are called
PARTS = {"LEGAL_ENTITY": ("entity", "entities"), "PRACTICE": ("practice", "practices")}
_WINDOWS = "select distinct time_window, window_from, window_to from marts.roi_measure"
_MEASURES = """
select time_window, measure, mix, took, calendar_days, is_open, sum(cases) as cases
from marts.roi_measure
where true {narrowed}
group by all order by measure, mix, time_window, took, calendar_days, is_open
"""
_LEAKAGE = """
select case when month_start >= ? then 'CURRENT' else 'BASELINE' end as time_window, legal_entity_id as mix,
    case when count(*) = count(leakage_rc) then sum(leakage_rc) end as part,
    case when count(*) = count(contract_rc) then sum(contract_rc) end as whole, count(*) as cases
from marts.leakage_bridge
where (month_start >= ? and month_start + interval 1 month - interval 1 day <= ?
    or month_start >= ? and month_start + interval 1 month - interval 1 day <= ?) {narrowed}
group by 1, 2
"""


def given(scope: data.Scope = data.FIRM) -> Given | None:
    """What the run measured of the scope in both windows; None where the firm has nothing in a window."""
    windows = {r["time_window"]: Window(r["window_from"], r["window_to"]) for r in data.rows(_WINDOWS)}
    if BEFORE not in windows or NOW not in windows:
        return None
    narrowed, parameters = data.narrowing(scope)
    found = data.rows(_MEASURES.format(narrowed=narrowed), *parameters)
    before, now = windows[BEFORE], windows[NOW]
    as_of = data.run_info()["as_of"]
    groups = tuple(
        Group(
            r["time_window"],
            r["measure"],
            r["mix"],
            r["took"],
            r["calendar_days"],
            r["is_open"],
            int(r["cases"]),
        )
        for r in found
    )
    leakage: tuple[Part, ...] = ()
    if data.holds("leakage_bridge"):
        days = (now.first, before.first, before.last, now.first, now.last)
        told = data.rows(_LEAKAGE.format(narrowed=narrowed), *days, *parameters)
        leakage = tuple(
            Part(r["time_window"], r["mix"], r["part"], r["whole"], int(r["cases"])) for r in told
        )
    year = History(data.metric_rows(scope, "T12M"), data.as_of_dates()).at(BILLED, "T12M", as_of)
    billed = None if year is None else year.value
    return Given(before, now, as_of, groups, leakage, billed, is_part=scope.grain != data.FIRM.grain)


def can_be_read() -> bool:
    """Whether the run's windows hold single times; runs published before that hold medians."""
    return data.holds_column("roi_measure", "took")


def is_cut() -> bool:
    """Whether the run's windows tell entity and practice; runs published before that hold the firm alone."""
    return data.holds_column("roi_measure", "practice_id")


def assumptions() -> tuple[data.Row, ...]:
    """What is assumed, with where it comes from, in the order it is shown."""
    return data.rows("select * from marts.roi_assumption order by place")


def ranges(found: tuple[data.Row, ...], asked: Mapping[str, Decimal | None]) -> dict[str, Range]:
    """The run's assumptions; a value the reader asks with takes the place of all three."""
    told = {r["name"]: Range(r["low"], r["base"], r["high"]) for r in found}
    return told | {name: Range.of(value) for name, value in asked.items() if value is not None}


def amount(value: Decimal | None, unit: str) -> str:
    """A number that is compared, in its unit."""
    return numbers.percent(value) if unit == "share" else numbers.days(value, unit)


def table(
    found: Return, labels: Mapping[str, str], currency: str, scope: data.Scope = data.FIRM
) -> list[dict[str, object]]:
    """A line per lever: both windows, how many cases, what it is worth, and why it has no amount."""
    return [_line(lever, labels, currency, scope) for lever in found.levers]


def _line(lever: Lever, labels: Mapping[str, str], currency: str, scope: data.Scope) -> dict[str, object]:
    name, unit = LEVERS[lever.name]
    compared, yearly = lever.compared, lever.yearly
    return {
        "Of": scope.label,
        "What": name,
        "Before": amount(compared.before, unit),
        "Now": amount(compared.now, unit),
        "Cases": numbers.NO_VALUE
        if compared.why == NOT_TOLD
        else f"{compared.cases_before:,} and {compared.cases_now:,}",
        f"A year, {currency}": yearly.base if yearly else None,
        "Low": yearly.low if yearly else None,
        "High": yearly.high if yearly else None,
        "Once": lever.released.base if lever.released else None,
        "Cases not alike": compared.left_out,
        "No amount because": why(lever, labels),
    }


def why(lever: Lever, labels: Mapping[str, str]) -> str:
    """Why a lever has no amount; empty where it has one."""
    if lever.compared.why:
        return lever.compared.why[:1].upper() + lever.compared.why[1:]
    if lever.missing == ("billed",):
        return "Nothing was billed in twelve months, or an amount has no rate"
    if lever.missing:
        return f"Not given: {', '.join(labels.get(name, name).lower() for name in lever.missing)}"
    return ""


def cells(lever: Lever, mix_name: Mapping[str, str]) -> list[dict[str, object]]:
    """The mixes compared, as a calculator takes them: cases now times the difference adds up to the whole."""
    return [_cell(cell, mix_name) for cell in lever.compared.cells]


def _cell(cell: Cell, mix_name: Mapping[str, str]) -> dict[str, object]:
    return {
        "Alike in": mix_name.get(cell.mix, cell.mix),
        "Cases before": cell.cases_before,
        "Of them wait": cell.open_before,
        "Before": cell.before,
        "Cases now": cell.cases_now,
        "Wait now": cell.open_now,
        "Now": cell.now,
        "Cases now × saved": cell.cases_now * cell.saved,
    }
