"""People's hours as the pages read them: shares of them, person by person, and the weeks ahead."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from dashboards import data
from dashboards.components.cards import Kpi
from dashboards.components.sums import Sum
from dashboards.filters import Filters, on_run_day
from dashboards.readings import first_month

HOURS = "hours"
# what billable hours can be set against: code -> (card, the page's word for it)
DENOMINATORS = {
    "net": (
        Kpi("billable_utilisation_net", "Billable utilisation", is_balance=False, kind="share"),
        "Hours they were there",
    ),
    "working": (
        Kpi("billable_utilisation_working", "Billable utilisation", is_balance=False, kind="share"),
        "Working days, before leave",
    ),
    "standard": (
        Kpi("billable_utilisation_standard", "Billable utilisation", is_balance=False, kind="share"),
        "All weekdays, before holidays",
    ),
}
# what is booked ahead is told for the run's own day only: of an earlier one, later bookings are known too
AHEAD = {
    4: Kpi("forward_utilisation_4w", "Booked ahead, 4 weeks", is_balance=True, kind="share"),
    8: Kpi("forward_utilisation_8w", "Booked ahead, 8 weeks", is_balance=True, kind="share"),
    12: Kpi("forward_utilisation_12w", "Booked ahead, 12 weeks", is_balance=True, kind="share"),
}

# part of a week -> what it is called, by the columns of marts.capacity_week
BOOKED = {
    "firm_billable_hours": "Firm, billable",
    "firm_other_hours": "Firm, not billable",
    "tentative_hours": "Tentative",
}
# from where on, in per cent of the hours they are set against -> what the bar is called
BANDS = (
    (0, "Under 25%"),
    (25, "25–50%"),
    (50, "50–75%"),
    (75, "75–90%"),
    (90, "90–100%"),
    (100, "100% and more"),
)


def by_person(chosen: Filters, metric_id: str) -> tuple[data.Row, ...]:
    """Each person's hours that count in the period, and the hours they are set against."""
    narrow, member = data.narrowing(chosen.scope)
    return data.rows(
        "select resource_id, any_value(practice_id) as practice_id, "
        "any_value(legal_entity_id) as legal_entity_id, sum(amount_tc) as counted, "
        "case when count(*) = count(base) then sum(base) end as set_against from marts.metric_drill "
        f"where metric_id = ? and period_month >= ? and period_month <= ? {narrow} "
        "group by resource_id order by resource_id",
        metric_id,
        first_month(chosen.as_of, chosen.period),
        chosen.as_of.replace(day=1),
        *member,
    )


def share(person: data.Row) -> Decimal | None:
    """A person's share of hours; None where they were not there, or nobody knows."""
    if not person["set_against"]:
        return None
    return Decimal(person["counted"]) / Decimal(person["set_against"])


def bands(people: Sequence[data.Row]) -> list[tuple[str, int]]:
    """How many people are in each band; who was not there is in none."""
    counts = [0] * len(BANDS)
    for person in people:
        ratio = share(person)
        if ratio is not None:
            counts[max(at for at, (low, _) in enumerate(BANDS) if at == 0 or ratio * 100 >= low)] += 1
    return [(name, count) for (_, name), count in zip(BANDS, counts, strict=True)]


def weeks(chosen: Filters) -> tuple[data.Row, ...]:
    """The twelve weeks after the run's day: hours people are there for, and booked for."""
    narrow, member = data.narrowing(chosen.scope)
    wanted = ", ".join(f"sum({column}) as {column}" for column in BOOKED)
    return data.rows(
        f"select week_number, first_day, {wanted}, "
        "case when count(*) = count(available_hours) then sum(available_hours) end as available_hours "
        f"from marts.capacity_week where as_of = ? {narrow} group by week_number, first_day "
        "order by week_number",
        on_run_day(chosen).as_of,
        *member,
    )


def unbooked(chosen: Filters) -> tuple[int, int] | None:
    """People with no firm billable booking in the next four weeks, and all who are there; None: unknown."""
    narrow, member = data.narrowing(chosen.scope)
    found = data.row(
        "select count(*) as people, count(*) filter (where amount_tc = 0) as idle, "
        "count(*) filter (where base is null) as unknown from marts.metric_drill "
        f"where metric_id = ? and as_of = ? and coalesce(base, 1) > 0 {narrow}",
        AHEAD[4].metric_id,
        on_run_day(chosen).as_of,
        *member,
    )
    assert found is not None, "an aggregate has a row"
    return None if found["unknown"] or not found["people"] else (int(found["idle"]), int(found["people"]))


def week_sums(chosen: Filters, found: Sequence[data.Row]) -> list[Sum]:
    """Every part of the weeks ahead with what adds up to it, by week and practice."""
    narrow, member = data.narrowing(chosen.scope)

    def part(name: str, column: str) -> Sum:
        amounts = [r[column] for r in found]
        return Sum(
            name,
            f"select first_day as happened_on, practice_id, legal_entity_id, {column} as amount "
            f"from marts.capacity_week where as_of = ? and coalesce({column}, 1) <> 0 {narrow}",
            (on_run_day(chosen).as_of, *member),
            None if None in amounts else sum(map(Decimal, amounts), Decimal(0)),
            HOURS,
        )

    return [part("There", "available_hours"), *(part(name, column) for column, name in BOOKED.items())]
