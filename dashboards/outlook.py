"""Revenue of the year as the pages read it: earned, to come and planned, and how good forecasts were.

Amounts are at budget rates, so that what was planned, earned and expected can be set against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dashboards import data, names, numbers
from dashboards.components.cards import Kpi
from dashboards.components.sums import Sum
from dashboards.data import Scope
from dashboards.filters import Filters, on_run_day
from dashboards.readings import History, first_month

TO_PLAN = Kpi("revenue_to_plan", "Revenue to plan", is_balance=False, kind="share")
BOOKED_TO_PLAN = Kpi("bookings_to_plan", "Bookings to plan", is_balance=False, kind="share")
TO_COME = Kpi("revenue_to_come", "Revenue to come this year", is_balance=True, kind="money", run_day=True)
NEXT_YEAR = Kpi(
    "backlog_next_12m", "Backlog, next twelve months", is_balance=True, kind="money", run_day=True
)
PIPELINE = Kpi("weighted_pipeline", "Pipeline, weighted", is_balance=True, kind="money")
COVERAGE = Kpi("pipeline_coverage", "Pipeline coverage", is_balance=True, kind="times")
WIN_RATE = Kpi("win_rate", "Win rate, twelve months", is_balance=False, kind="share", only="T12M")

ACTUAL, PLAN = "ACTUAL", "PLAN"
AHEAD = ("SCHEDULED", "TENTATIVE", "UNSCHEDULED", "PIPELINE")
# what the outlook of the year consists of, surest first
PARTS = {part: names.movement(part) for part in (ACTUAL, *AHEAD)}


@dataclass(frozen=True)
class Month:
    """A month of the year: what each part comes to (None: unknown), and the plan (None: there is none)."""

    first_day: date
    parts: dict[str, Decimal | None]
    plan: Decimal | None


@dataclass(frozen=True)
class Year:
    """The run's calendar year: its months, and what is expected after it or nobody knows when."""

    months: tuple[Month, ...]
    beyond: Decimal | None
    undated: Decimal | None

    def part(self, name: str) -> Decimal | None:
        """What a part comes to in the whole year; None when a month of it is unknown."""
        return _total([month.parts.get(name, Decimal(0)) for month in self.months])

    @property
    def outlook(self) -> Decimal | None:
        """Earned and to come, all parts."""
        return _total([self.part(name) for name in PARTS])

    @property
    def plan(self) -> Decimal | None:
        """The year's plan; None when nothing is planned."""
        planned = [month.plan for month in self.months if month.plan is not None]
        return sum(planned, Decimal(0)) if planned else None


def _total(parts: Sequence[Decimal | None]) -> Decimal | None:
    known = [part for part in parts if part is not None]
    return sum(known, Decimal(0)) if len(known) == len(parts) else None


def year(scope: Scope, as_of: date) -> Year:
    """The year of the run's day, month by month."""
    narrow, member = data.narrowing(scope)
    found = data.rows(
        "select basis, month_start, case when count(*) = count(amount_cc) then sum(amount_cc) end as amount "
        f"from marts.revenue_outlook where true {narrow} group by basis, month_start order by month_start",
        *member,
    )
    held = {(r["basis"], r["month_start"]): r["amount"] for r in found}
    months = tuple(
        Month(
            first,
            {part: _amount(held[part, first]) for part in PARTS if (part, first) in held},
            _amount(held.get((PLAN, first))),
        )
        for first in (date(as_of.year, number, 1) for number in range(1, 13))
    )
    ahead = [r for r in found if r["basis"] in AHEAD]
    later = [r["amount"] for r in ahead if r["month_start"] and r["month_start"].year > as_of.year]
    never = [r["amount"] for r in ahead if r["month_start"] is None]
    return Year(months, _total([_amount(a) for a in later]), _total([_amount(a) for a in never]))


def _amount(value: object) -> Decimal | None:
    return None if value is None else Decimal(str(value))


_ROWS = (
    "select basis as kind, month_start as happened_on, customer_id, practice_id, legal_entity_id, "
    "record_id as case_id, amount_cc as amount from marts.revenue_outlook where {where} {narrow}"
)


def year_sums(chosen: Filters, told: Year) -> list[Sum]:
    """What each part of the year, what lies beyond it and the plan are made of, row by row."""
    as_of = on_run_day(chosen).as_of
    narrow, member = data.narrowing(chosen.scope)
    first, last = date(as_of.year, 1, 1), date(as_of.year, 12, 31)
    within = _ROWS.format(where="basis = ? and month_start between ? and ?", narrow=narrow)
    unit = f"{data.currency()} at budget rates"
    sums = [
        Sum(words, within, (part, first, last, *member), told.part(part), unit)
        for part, words in PARTS.items()
    ]
    if told.plan is not None:
        sums.append(Sum("Plan", within, (PLAN, first, last, *member), told.plan, unit))
    ahead = ", ".join(f"'{part}'" for part in AHEAD)
    later = _ROWS.format(where=f"basis in ({ahead}) and month_start > ?", narrow=narrow)
    sums.append(Sum("After this year", later, (last, *member), told.beyond, unit))
    never = _ROWS.format(where=f"basis in ({ahead}) and month_start is null", narrow=narrow)
    sums.append(Sum("Nobody knows when", never, member, told.undated, unit))
    return sums


def largest(scope: Scope, limit: int) -> tuple[data.Row, ...]:
    """The contract lines and deals with most to come, and what of them falls into this year and later."""
    narrow, member = data.narrowing(scope, "o.")
    ahead = ", ".join(f"'{part}'" for part in AHEAD)
    known = (
        "case when count(*) filter (where {0}) = count(o.amount_cc) filter (where {0}) "
        "then coalesce(sum(o.amount_cc) filter (where {0}), 0) end"
    )
    this_year = "o.month_start <= make_date(year(o.as_of), 12, 31)"
    return data.rows(
        "select o.record_id, any_value(o.customer_id) as customer_id, "
        "any_value(o.practice_id) as practice_id, "
        "bool_or(o.basis = 'PIPELINE') as is_deal, max(o.month_start) as last_month, "
        f"{known.format(this_year)} as this_year, "
        f"{known.format('o.month_start > make_date(year(o.as_of), 12, 31)')} as later, "
        f"{known.format('o.month_start is null')} as undated "
        f"from marts.revenue_outlook o where o.basis in ({ahead}) {narrow} group by o.record_id "
        "order by sum(abs(o.amount_cc)) desc nulls first, o.record_id "
        f"limit {limit}",
        *member,
    )


def all_rows(scope: Scope) -> tuple[str, tuple[str, ...]]:
    """The read of every row of the outlook, and its parameters."""
    narrow, member = data.narrowing(scope)
    sql = (
        "select basis, month_start, legal_entity_id, region_id, practice_id, customer_id, project_id, "
        f"record_id, amount_rc, amount_cc from marts.revenue_outlook where true {narrow} "
        "order by basis, month_start nulls last, record_id"
    )
    return sql, member


# what of, as the table of forecasts says it; the first is the whole, the others make it up
FORECASTS = {
    "REVENUE": "All revenue",
    "BACKLOG_BURN": "Of what was signed",
    "PIPELINE": "Of what was still to be won",
}


def accuracy(scope: Scope) -> tuple[data.Row, ...]:
    """How good forecasts were, by what of and months ahead; nothing where none has met its month yet."""
    if scope.grain not in ("FIRM", "LEGAL_ENTITY", "PRACTICE"):
        return ()
    entity = scope.member if scope.grain == "LEGAL_ENTITY" else "ALL"
    practice = scope.member if scope.grain == "PRACTICE" else "ALL"
    # a run of before the two were told apart judged the whole alone
    measure = "measure" if data.holds_column("forecast_accuracy", "measure") else "'REVENUE' as measure"
    found = data.rows(
        f"select {measure}, horizon, months, cases, forecasts, absolute_error, error, absolute_actual, wape,"
        " bias from marts.forecast_accuracy where grain = ? and legal_entity_id = ? and practice_id = ? "
        "order by horizon",
        scope.grain,
        entity,
        practice,
    )
    order = list(FORECASTS)
    return tuple(sorted(found, key=lambda row: order.index(str(row["measure"]))))


def accuracy_sums(scope: Scope, judged: Sequence[data.Row], currency: str) -> list[Sum]:
    """The two sums of each accuracy with the months they are of: errors without sign, and what came."""
    narrow, member = data.narrowing(scope)
    sums = []
    for told in judged:
        narrowed, parameters = "", member
        if data.holds_column("forecast_vintage", "measure"):
            narrowed, parameters = "and measure = ? ", (*member, told["measure"])
        label = f"{FORECASTS[told['measure']]}, {numbers.counted(told['horizon'], 'month')} ahead"
        for side, amount, wanted in (
            ("errors", "abs(sum(forecast_cc) - sum(actual_cc))", told["absolute_error"]),
            ("what came", "abs(sum(actual_cc))", told["absolute_actual"]),
        ):
            sql = (
                f"select month_start as happened_on, {amount} as amount, sum(forecast_cc) as forecast_cc, "
                "sum(actual_cc) as actual_cc, max(made_on) as made_on, max(run_id) as run_id "
                f"from marts.forecast_vintage where true {narrow} {narrowed}and horizon = ? "
                "group by month_start order by month_start"
            )
            asked = (*parameters, told["horizon"])
            sums.append(Sum(f"{label}: {side}", sql, asked, wanted, currency, count=told["cases"]))
    return sums


# ratio -> what its two sides are made of: (metric, sign) and the column of the drill they are sums of
_SIDES = {
    TO_PLAN.metric_id: ((("recognised_revenue", 1),), (("planned_revenue", 1),), "amount_cc"),
    BOOKED_TO_PLAN.metric_id: ((("gross_bookings", 1),), (("planned_bookings", 1),), "amount_cc"),
    WIN_RATE.metric_id: ((("deals_won", 1),), (("deals_won", 1), ("deals_lost", 1)), "amount_rc"),
    COVERAGE.metric_id: (
        (("pipeline_this_quarter", 1),),
        (("planned_bookings", 1), ("net_bookings", -1)),
        "amount_cc",
    ),
}


def ratio_sums(kpi: Kpi, chosen: Filters, history: History) -> list[Sum]:
    """The two sides of a ratio, row by row."""
    reading = history.at(kpi.metric_id, kpi.period(chosen), chosen.as_of)
    above, below, column = _SIDES[kpi.metric_id]
    narrow, member = data.narrowing(chosen.scope)
    unit = data.currency() + (" at budget rates" if column == "amount_cc" else "")
    if kpi is COVERAGE:
        # what is planned for the quarter counts to its end
        first = first_month(chosen.as_of, "QUARTER")
        last = date(first.year, first.month + 2, 1)
    else:
        first, last = first_month(chosen.as_of, kpi.period(chosen)), chosen.as_of.replace(day=1)
    definitions = data.definitions()
    sums = []
    for side, expected in (
        (above, reading.numerator if reading else None),
        (below, reading.denominator if reading else None),
    ):
        parts, parameters = [], []
        for metric, sign in side:
            is_balance = definitions[metric]["kind"] == "balance"
            where = "as_of = ?" if is_balance else "period_month between ? and ?"
            parts.append(
                "select movement_type as kind, business_date as happened_on, customer_id, practice_id, "
                f"legal_entity_id, record_id as case_id, {sign} * {column} as amount "
                f"from marts.metric_drill where metric_id = ? and {where} {narrow}"
            )
            parameters += [metric, *([chosen.as_of] if is_balance else [first, last]), *member]
        words = " and ".join(definitions[metric]["name"] for metric, sign in side if sign > 0)
        less = "".join(f", less {definitions[metric]['name'].lower()}" for metric, sign in side if sign < 0)
        sums.append(Sum(words + less, " union all ".join(parts), tuple(parameters), expected, unit))
    return sums
