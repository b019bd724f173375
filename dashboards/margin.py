"""Project gross margin as the pages read it: what it is made of, what moved it, and where it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from dashboards import data, names, numbers
from dashboards.components.cards import Kpi
from dashboards.components.rows import condition
from dashboards.components.sums import Sum
from dashboards.filters import Filters
from dashboards.readings import History, first_month

MARGIN = Kpi("project_gross_margin", "Project gross margin", is_balance=False, kind="share")
REVENUE = Kpi(
    "recognised_revenue", "Revenue", is_balance=False, kind="money", controls=("BIL-003", "BIL-010")
)
LABOUR = Kpi("labour_cost", "Labour cost", is_balance=False, kind="money", good="none")
SUBCONTRACTORS = Kpi("subcontractor_cost", "Subcontractor cost", is_balance=False, kind="money", good="none")

# what margin is made of -> the movements it holds; what none of them holds follows under its own name
PARTS = {
    "Revenue": ("recognised",),
    "Labour": ("labour_cost",),
    "Subcontractors": ("subcontractor_accrual", "subcontractor_accrual_released", "subcontractor_cost"),
    "Expenses": ("expense_cost",),
}


@dataclass(frozen=True)
class Made:
    """What a client or project earned in a period and what is left of it; None where a cost is unknown."""

    key: str
    revenue: Decimal
    margin: Decimal | None

    @property
    def share(self) -> Decimal | None:
        """Margin over revenue."""
        return self.margin / self.revenue if self.margin is not None and self.revenue else None


def compared(chosen: Filters) -> Filters:
    """The filters of the period compared with."""
    return replace(chosen, as_of=chosen.compare_as_of)


def parts(chosen: Filters) -> dict[str, Decimal | None]:
    """What the period's margin is made of, costs negative; None where a part of it is unknown."""
    where, parameters = condition(MARGIN.metric_id, chosen, chosen.period)
    found = {
        r["movement_type"]: None if r["amount"] is None else Decimal(r["amount"])
        for r in data.rows(
            "select movement_type, case when count(*) = count(amount_rc) then sum(amount_rc) end as amount "
            f"from marts.metric_drill where {where} group by movement_type",
            *parameters,
        )
    }
    said: dict[str, Decimal | None] = {}
    for name, kinds in (*PARTS.items(), *_others(found)):
        amounts = [found[kind] for kind in kinds if kind in found]
        known = [amount for amount in amounts if amount is not None]
        said[name] = sum(known, Decimal(0)) if len(known) == len(amounts) else None
    return said


def _others(found: Mapping[str, Decimal | None]) -> list[tuple[str, tuple[str, ...]]]:
    """Movements that no part names."""
    named = {kind for kinds in PARTS.values() for kind in kinds}
    return [(names.movement(kind), (kind,)) for kind in sorted(found) if kind not in named]


def bridge_steps(chosen: Filters, history: History) -> list[tuple[str, Decimal, str]] | None:
    """The margin compared with, what each part did to it, the margin now; None where a part is unknown."""
    readings = [
        history.at(MARGIN.metric_id, MARGIN.period(one), one.as_of) for one in (chosen, compared(chosen))
    ]
    # of a person's month with an hour that has no cost, the rows hold the hours that have one
    if any(reading is not None and reading.value is None for reading in readings):
        return None
    now, before = parts(chosen), parts(compared(chosen))
    if None in now.values() or None in before.values():
        return None
    opening, closing = (sum((a or Decimal(0) for a in side.values()), Decimal(0)) for side in (before, now))
    steps = [
        (name, (now.get(name) or Decimal(0)) - (before.get(name) or Decimal(0)), "step")
        for name in dict.fromkeys([*before, *now])
    ]
    return [
        (numbers.day(chosen.compare_as_of), opening, "total"),
        *(step for step in steps if step[1]),
        (numbers.day(chosen.as_of), closing, "total"),
    ]


def part_sums(chosen: Filters) -> list[Sum]:
    """Every part of both periods with the rows that add up to it."""
    found = []
    for period in (chosen, compared(chosen)):
        where, parameters = condition(MARGIN.metric_id, period, period.period)
        for name, amount in parts(period).items():
            kinds = PARTS.get(name)
            if not amount or kinds is None:
                continue
            listed = ", ".join(f"'{kind}'" for kind in kinds)
            found.append(
                Sum(
                    f"{name}, {period.period_label.lower()}",
                    "select business_date as happened_on, movement_type as kind, customer_id, project_id, "
                    "contract_line_id, record_id as case_id, amount_rc as amount from marts.metric_drill "
                    f"where {where} and movement_type in ({listed})",
                    tuple(parameters),
                    amount,
                    data.currency(),
                )
            )
    return found


# hours in a scope's period that have no cost, and what they are of
UNKNOWN = """
unknown as (
    select m.{column} as key, sum(m.hours) as hours from marts.metric_drill m
    where m.metric_id = 'labour_cost' and m.amount_rc is null
        and m.period_month >= $1 and m.period_month <= $2 {narrow}
    group by m.{column}
)"""


def made_by(chosen: Filters, grain: str) -> list[Made]:
    """Revenue and margin of every client or project (``grain``) of the scope in the period, most first."""
    column = f"{grain.lower()}_id"
    narrow, member = data.narrowing(chosen.scope, "m.")
    narrow = narrow.replace("?", "$3")
    found = data.rows(
        f"with {UNKNOWN.format(column=column, narrow=narrow)} "
        f"select m.{column} as key, sum(m.base) as revenue, "
        "case when count(*) = count(m.amount_rc) and max(unknown.hours) is null then sum(m.amount_rc) end "
        f"as margin from marts.metric_drill m left join unknown on unknown.key = m.{column} "
        f"where m.metric_id = '{MARGIN.metric_id}' and m.period_month >= $1 and m.period_month <= $2 "
        f"{narrow} group by m.{column} order by revenue desc, key",
        first_month(chosen.as_of, chosen.period),
        chosen.as_of.replace(day=1),
        *member,
    )
    return [
        Made(
            str(r["key"]),
            Decimal(r["revenue"] or 0),
            None if r["margin"] is None else Decimal(r["margin"]),
        )
        for r in found
    ]


def known_margin(made: Sequence[Made]) -> Decimal | None:
    """The margin of several; None where one of them is unknown."""
    amounts = [one.margin for one in made if one.margin is not None]
    return sum(amounts, Decimal(0)) if len(amounts) == len(made) else None
