"""Roll-forwards as the pages read them: a balance, what moved it, and the rows behind each step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dashboards import data, names, numbers
from dashboards.components.cards import Kpi
from dashboards.components.sums import Sum
from dashboards.filters import Filters
from dashboards.readings import History

# a balance at a day as the rows that add up to it: (label, filters, day, what the page says)
Level = Callable[[str, Filters, date, Decimal | None], Sum]


@dataclass(frozen=True)
class RollForward:
    """A table of marts whose columns ``steps`` move the balance ``kpi``; ``record`` names its rows."""

    table: str
    kpi: Kpi
    steps: tuple[str, ...]
    level: Level
    record: str = "project_id, contract_line_id"

    def moved(self, chosen: Filters) -> dict[str, Decimal | None]:
        """What moved between the two dates, in the reporting currency; None: a part has no rate."""
        narrow, member = data.narrowing(chosen.scope)
        # a run published before a step was told apart has none of it
        steps = [step for step in self.steps if data.holds_column(self.table, step)]
        wanted = ", ".join(
            f"case when count(*) = count({s}) then coalesce(sum({s}), 0) end as {s}" for s in steps
        )
        found = data.row(
            f"select {wanted} from marts.{self.table} "
            f"where currency_view = 'RC' and as_of > ? and as_of <= ? {narrow}",
            chosen.compare_as_of,
            chosen.as_of,
            *member,
        )
        assert found is not None, "an aggregate has a row"
        return {step: None if found[step] is None else Decimal(found[step]) for step in steps}

    def levels(self, chosen: Filters, history: History) -> tuple[Decimal | None, Decimal | None]:
        """The balance compared with and the one shown; None where it is unknown."""
        opening = self.kpi.read(history, chosen, compare=True)
        if opening is None and chosen.compare_as_of < min(data.as_of_dates()):
            # the first date's roll-forward holds all that came before it
            opening = Decimal(0)
        return opening, self.kpi.read(history, chosen)

    def shown(self, chosen: Filters, history: History) -> list[tuple[str, Decimal, str]] | None:
        """Opening, movements, what they do not explain, closing; None where a part of it is unknown."""
        moved = self.moved(chosen)
        opening, closing = self.levels(chosen, history)
        if opening is None or closing is None or None in moved.values():
            return None
        steps = [(names.movement(step), amount, "step") for step, amount in moved.items() if amount]
        rest = closing - opening - sum((amount for _, amount, _ in steps), Decimal(0))
        if abs(rest) >= Decimal("0.005"):
            steps.append(("Not explained", rest, "step"))
        return [
            (numbers.day(chosen.compare_as_of), opening, "total"),
            *steps,
            (numbers.day(chosen.as_of), closing, "total"),
        ]

    def sums(self, chosen: Filters, history: History) -> list[Sum]:
        """Every bar with the rows that add up to it."""
        narrow, member = data.narrowing(chosen.scope)
        opening, closing = self.levels(chosen, history)
        moves = [
            Sum(
                names.movement(step),
                f"select customer_id, {self.record}, sum({step}) as amount from marts.{self.table} "
                f"where currency_view = 'RC' and as_of > ? and as_of <= ? {narrow} "
                f"group by all having sum({step}) <> 0",
                (chosen.compare_as_of, chosen.as_of, *member),
                amount,
                data.currency(),
            )
            for step, amount in self.moved(chosen).items()
            if amount
        ]

        def level(day: date, expected: Decimal | None) -> Sum:
            return self.level(f"{self.kpi.title} at {numbers.day(day)}", chosen, day, expected)

        return [level(chosen.compare_as_of, opening), *moves, level(chosen.as_of, closing)]


def drilled_level(kpi: Kpi) -> Level:
    """The level of a balance from the rows behind its number."""

    def level(label: str, chosen: Filters, day: date, expected: Decimal | None) -> Sum:
        narrow, member = data.narrowing(chosen.scope)
        return Sum(
            label,
            "select business_date as happened_on, movement_type as kind, customer_id, project_id, "
            "contract_line_id, record_id as case_id, amount_rc as amount from marts.metric_drill "
            f"where metric_id = '{kpi.metric_id}' and as_of = ? {narrow}",
            (day, *member),
            expected,
            data.currency(),
        )

    return level
