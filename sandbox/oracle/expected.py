"""What revenue of every contract line should have come to by its method, and the loss that is foreseen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal

from sandbox.firm.state import Contract, ContractLine, Project
from sandbox.oracle.money import ZERO, r4, r10
from sandbox.oracle.view import Dims, View, certinia, status_at

BY_THE_HOUR = ("TM", "TM_CAPPED")
NO_FIXED_PRICE = ("TM", "EXPENSE")
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)

# day -> amount of that day, None where nobody knows it
ByDay = dict[date, Decimal | None]
# day, cost, hours
Estimate = tuple[date, Decimal, Decimal]
# project, day, amount (None: unknown), its currency
Cost = tuple[Project, date, Decimal | None, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """A line at a date: its revenue to date by method and the loss to provide for; None where unknown."""

    revenue: Decimal | None
    loss: Decimal | None
    ended: bool


@dataclass(frozen=True, slots=True)
class Expectation:
    """A line's amounts per date, in its contract's currency: revenue of the month, loss at the date."""

    dims: Dims
    currency: str
    in_month: dict[date, Decimal | None]
    loss: dict[date, Decimal | None]


def expectations(view: View, dates: Sequence[date], costs: Iterable[Cost]) -> list[Expectation]:
    """Every signed line at every date; ``costs``: what was spent on projects."""
    firm = _Firm(view, costs)
    eve = dates[0].replace(day=1) - timedelta(days=1)
    found = []
    for contract in view.contracts:
        if view.contract_status(contract) == "DRAFT":
            continue
        for line in contract.lines:
            one = Expectation(view.line_dims(line), contract.currency, {}, {})
            before: Standing | None = None
            for day in (eve, *dates):
                if contract.signed_on > day:
                    continue
                now = firm.standing(contract, line, day)
                if day != eve:
                    one.in_month[day] = _moved(before, now)
                    one.loss[day] = now.loss
                before = now
            found.append(one)
    return found


def vintages(view: View, costs: Iterable[Cost]) -> list[dict[str, object]]:
    """Every estimate that a load has seen of a client's project, and what it did to the line's revenue."""
    firm = _Firm(view, costs)
    found: list[dict[str, object]] = []
    for project in view.projects:
        line = view.line_of(project)
        if line is None and not project.is_billable:
            continue
        seen: list[Estimate] = []
        for at in view.loads:
            told = estimate_at(project, at)
            if told is not None and (not seen or seen[-1] != told):
                seen.append(told)
        for number, told in enumerate(seen, start=1):
            row: dict[str, object] = {
                "project_id": certinia(project.project_id),
                "vintage_number": number,
                "estimated_on": told[0],
                "eac_hours": told[2],
            }
            before = seen[number - 2] if number > 1 else None
            found.append(row | firm.effect(project, line, told, before))
    return found


def earned_by_month(view: View) -> dict[str, dict[date, Decimal | None]]:
    """Line -> first day of a month -> what was earned in it by the hour, by acceptance or by expenses."""
    found: dict[str, dict[date, Decimal | None]] = {}
    for line_key, days in _Firm(view, ()).value.items():
        months: dict[date, list[Decimal | None]] = defaultdict(list)
        for day, amount in days.items():
            months[day.replace(day=1)].append(amount)
        found[line_key] = {month: _known(amounts) for month, amounts in months.items()}
    return found


def _moved(before: Standing | None, now: Standing) -> Decimal | None:
    """What revenue to date has changed by; nothing where an ended line was and stays unknown."""
    if before is None:
        return now.revenue
    if before.revenue is None and now.revenue is None and before.ended:
        return ZERO
    if before.revenue is None or now.revenue is None:
        return None
    return now.revenue - before.revenue


def _share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    return r4(_EXACT.divide(_EXACT.multiply(amount, part), whole))


class _Firm:
    """What the lines earned and cost, by day, in their contracts' currencies."""

    def __init__(self, view: View, costs: Iterable[Cost]) -> None:
        self.view = view
        self.hours: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
        # rates apply to what came together of one day and currency
        self.cost = self._by_day(
            (line, day, amount, currency)
            for project, day, amount, currency in costs
            if (line := view.line_of(project)) is not None
        )
        self.value = self._by_day(self._earned())

    def _by_day(self, items: Iterable[tuple[ContractLine, date, Decimal | None, str]]) -> dict[str, ByDay]:
        sums: dict[tuple[str, date, str], Decimal | None] = {}
        for line, day, amount, currency in items:
            key = line.line_key, day, currency
            so_far = sums.get(key, ZERO)
            sums[key] = None if amount is None or so_far is None else so_far + amount
        found: dict[str, ByDay] = defaultdict(dict)
        for (line_key, day, currency), amount in sums.items():
            target = self.view.contract_of_line[line_key].currency
            worth = None if amount is None else self.view.rates.worth(amount, currency, target, day)
            so_far = found[line_key].get(day, ZERO)
            found[line_key][day] = None if worth is None or so_far is None else so_far + worth
        return found

    def _earned(self) -> Iterable[tuple[ContractLine, date, Decimal | None, str]]:
        view = self.view
        for entry in view.entries:
            line = view.line_of(entry.project)
            if line is not None and line.method in BY_THE_HOUR and entry.status == "approved":
                self.hours[line.line_key][entry.work_date] += entry.hours
                if entry.billable:
                    yield line, entry.work_date, entry.amount, entry.project.currency
        for milestone in view.firm.milestones:
            line = view.line_of(milestone.project)
            if line is None or line.method != "FIXED_MILESTONE" or milestone.created_at > view.at:
                continue
            if milestone.accepted_on and milestone.accepted_at and milestone.accepted_at <= view.at:
                yield line, milestone.accepted_on, milestone.amount, milestone.project.currency
        for expense in view.expenses:
            line = passed_on_to(view, expense.project)
            if line is None or not expense.billable:
                continue
            if expense.approved_at is not None and expense.approved_at <= view.at:
                yield line, expense.expense_date, expense.billing_amount, expense.billing_currency

    def standing(self, contract: Contract, line: ContractLine, day: date) -> Standing:
        """The line at a date, by its method."""
        status = self.view.contract_status(contract)
        has_ended = status in ("COMPLETED", "CANCELLED") and (
            contract.closed_on is not None and contract.closed_on <= day
        )
        ended = status if has_ended else ""
        price = self.view.amended_value(line, day)
        cost = _upto(self.cost.get(line.line_key, {}), day)
        value = _upto(self.value.get(line.line_key, {}), day)
        eac_cost, eac_hours = self._estimate(line, contract.currency, day)
        most = price
        if line.method == "TM_CAPPED":
            ceiling = None if line.ceiling is None else self.view.amended_ceiling(line, day)
            most = price if ceiling is None else ceiling
            hours = sum((h for on, h in self.hours[line.line_key].items() if on <= day), ZERO)
            revenue = _under_cap(value, hours, ceiling, None if ended else eac_hours)
        elif line.method == "RETAINER":
            revenue = self._retained(line, day)
        elif line.method == "FIXED_POC":
            revenue = price if ended == "COMPLETED" else _by_progress(price, cost, eac_cost)
        else:
            revenue = value
        loss: Decimal | None = ZERO
        if not ended and line.method not in NO_FIXED_PRICE:
            loss = None
            if eac_cost is not None and revenue is not None and cost is not None:
                foreseen = max(eac_cost, cost) - most
                loss = max(ZERO, foreseen + revenue - cost) if foreseen > 0 else ZERO
        return Standing(revenue, loss, bool(ended))

    def effect(
        self, project: Project, line: ContractLine | None, told: Estimate, before: Estimate | None
    ) -> dict[str, object]:
        """What an estimate says in the contract's currency, and what it moves on its own day."""
        view, day = self.view, told[0]
        if line is None:
            return {"eac_cost_tc": told[1], "cost_to_date_tc": None, "revenue_effect_tc": None}
        contract = view.contract_of_line[line.line_key]
        cost = _upto(self.cost.get(line.line_key, {}), day)
        eac = view.rates.worth(told[1], project.currency, contract.currency, day)
        row: dict[str, object] = {"eac_cost_tc": eac, "cost_to_date_tc": cost, "revenue_effect_tc": None}
        projects = [p for p in view.projects if view.line_of(p) is line]
        over = contract.closed_on is not None and contract.closed_on <= view.as_of
        if over and view.contract_status(contract) in ("COMPLETED", "CANCELLED"):
            assert contract.closed_on is not None
            if contract.closed_on <= day:
                return row
        if before is None or len(projects) != 1 or view.contract_status(contract) == "DRAFT":
            return row
        after = self._revenue_by(line, day, cost, eac, told[2])
        was = view.rates.worth(before[1], project.currency, contract.currency, day)
        then = self._revenue_by(line, day, cost, was, before[2])
        if after is not None and then is not None:
            row["revenue_effect_tc"] = after - then
        return row

    def _revenue_by(
        self, line: ContractLine, day: date, cost: Decimal | None, eac: Decimal | None, eac_hours: Decimal
    ) -> Decimal | None:
        """Revenue to date of a line whose revenue hangs on its estimate, by an estimate."""
        if line.method == "FIXED_POC":
            return _by_progress(self.view.amended_value(line, day), cost, eac)
        if line.method != "TM_CAPPED":
            return None
        ceiling = None if line.ceiling is None else self.view.amended_ceiling(line, day)
        hours = sum((h for on, h in self.hours[line.line_key].items() if on <= day), ZERO)
        return _under_cap(_upto(self.value.get(line.line_key, {}), day), hours, ceiling, eac_hours)

    def _estimate(
        self, line: ContractLine, currency: str, day: date
    ) -> tuple[Decimal | None, Decimal | None]:
        """Cost and hours at completion: the newest seen that was made by the day, of every project."""
        view = self.view
        projects = [p for p in view.projects if view.line_of(p) is line]
        costs: list[Decimal | None] = []
        hours: list[Decimal | None] = []
        for project in projects:
            seen = (told for at in reversed(view.loads) if (told := estimate_at(project, at)) is not None)
            standing = next((told for told in seen if told[0] <= day), None)
            if standing is None:
                costs.append(None)
                hours.append(None)
            else:
                costs.append(view.rates.worth(standing[1], project.currency, currency, day))
                hours.append(standing[2])
        return _known(costs), _known(hours)

    def _retained(self, line: ContractLine, day: date) -> Decimal:
        """A fee day by day; a change over what is left of the term, or as if it had always been so."""
        if day < line.effective_from:
            return ZERO
        parts = [(line.effective_from, line.original_value)]
        for change in self.view.signed[line.line_key]:
            signed, effective = change.signed_on, change.effective_on
            if signed is None or effective is None or max(signed, effective) > day:
                continue
            whole = change.treatment == "CUMULATIVE"
            start = line.effective_from if whole else max(effective, line.effective_from)
            parts.append((start, change.delta_value))
        earned = ZERO
        for start, amount in parts:
            gone = (min(day, line.effective_to) - start).days + 1
            earned += r10(_EXACT.divide(amount * gone, Decimal((line.effective_to - start).days + 1)))
        return r4(earned)


def passed_on_to(view: View, project: Project) -> ContractLine | None:
    """The line that a project's billable expenses are billed on."""
    line = view.expense_line_of(project) or view.line_of(project)
    return line if line is not None and line.method in (*BY_THE_HOUR, "EXPENSE") else None


def estimate_at(project: Project, at: datetime) -> Estimate | None:
    """Day, cost and hours of the estimate that the PSA showed at an instant."""
    return status_at(project.estimates, at)


def _under_cap(
    value: Decimal | None, hours: Decimal, ceiling: Decimal | None, eac_hours: Decimal | None
) -> Decimal | None:
    if value is None or ceiling is None:
        return value
    if eac_hours is not None and hours and _share(value, eac_hours, hours) > ceiling:
        return ceiling if hours >= eac_hours else _share(ceiling, hours, eac_hours)
    return min(value, ceiling)


def _by_progress(price: Decimal, cost: Decimal | None, eac_cost: Decimal | None) -> Decimal | None:
    if cost is None:
        return None
    if cost == 0:
        return ZERO
    if eac_cost is None or eac_cost <= 0:
        return None
    return price if cost >= eac_cost else _share(price, cost, eac_cost)


def _upto(days: ByDay, last: date) -> Decimal | None:
    return _known([amount for day, amount in days.items() if day <= last], nothing=ZERO)


def _known(amounts: Sequence[Decimal | None], nothing: Decimal | None = None) -> Decimal | None:
    """The sum; unknown when a part of it is."""
    known = [amount for amount in amounts if amount is not None]
    if len(known) < len(amounts):
        return None
    return sum(known, ZERO) if known else nothing
