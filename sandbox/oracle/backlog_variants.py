"""What of backlog an order covers, what of it stands still, and what of it is not billed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from sandbox.firm.state import Contract, ContractLine
from sandbox.oracle.money import ZERO
from sandbox.oracle.view import Dims, View, netsuite, status_at

STALLED_AFTER = timedelta(days=60)
Place = tuple[Dims, str]
Balances = dict[Place, dict[date, Decimal | None]]


def variants(
    view: View, dates: Sequence[date], backlog: Mapping[Place, Mapping[date, Decimal]]
) -> dict[str, Balances]:
    """Metric -> (dims, currency) -> day -> amount; None where a rate is missing."""
    sold = [
        (contract, line)
        for contract in view.contracts
        if view.contract_status(contract) != "DRAFT"
        for line in contract.lines
        if line.method != "EXPENSE"
    ]
    found: dict[str, Balances] = {
        name: defaultdict(dict) for name in ("funded_backlog", "stalled_backlog", "unbilled_backlog")
    }
    earned = _by_day(view)
    funding = _Funding(view, sold, earned)
    worked = _worked(view)
    billed: dict[str, list[tuple[date, str, Decimal]]] = defaultdict(list)
    for one in view.billed_lines:
        row = one.invoice.invoice_date, one.invoice.currency, one.line.net
        billed[one.line.contract_line.line_key].append(row)
    for contract, line in sold:
        place = view.line_dims(line), contract.currency
        for day in dates:
            left = backlog[place].get(day)
            if left:
                found["funded_backlog"][place][day] = funding.of(contract, line, day, backlog)
                if _is_stalled(view, line, contract, day, earned, worked):
                    found["stalled_backlog"][place][day] = left
            if contract.signed_on <= day and not _has_ended(view, contract, day):
                unbilled = _unbilled(view, contract, line, day, billed[line.line_key])
                found["unbilled_backlog"][place][day] = unbilled
    return found


def _by_day(view: View) -> dict[str, dict[date, Decimal]]:
    found: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for entry in view.firm.revenue:
        if entry.posted_at <= view.at:
            found[entry.line.line_key][entry.accounting_date] += entry.amount
    return found


def _worked(view: View) -> dict[str, list[date]]:
    found: dict[str, list[date]] = defaultdict(list)
    for entry in view.entries:
        line = view.line_of(entry.project)
        if entry.status == "approved" and line is not None:
            found[line.line_key].append(entry.work_date)
    return found


def _has_ended(view: View, contract: Contract, day: date) -> bool:
    ended = view.contract_status(contract) in ("COMPLETED", "CANCELLED")
    return ended and contract.closed_on is not None and contract.closed_on <= day


class _Funding:
    """Orders of customers, and which lines are to be paid from them."""

    def __init__(
        self,
        view: View,
        sold: Sequence[tuple[Contract, ContractLine]],
        earned: Mapping[str, Mapping[date, Decimal]],
    ) -> None:
        self.view = view
        self.sold = sold
        self.earned = earned

    @staticmethod
    def _order(contract: Contract) -> tuple[str | None, str | None]:
        return contract.account.customer_id, contract.customer_po

    def of(
        self,
        contract: Contract,
        line: ContractLine,
        day: date,
        backlog: Mapping[Place, Mapping[date, Decimal]],
    ) -> Decimal | None:
        """What an order covers of a line's backlog."""
        left = backlog[self.view.line_dims(line), contract.currency][day]
        if contract.customer_po is None:
            return left
        covered: Decimal = ZERO
        for other in self.view.contracts:
            if self._order(other) == self._order(contract) and other.effective_to >= day:
                total = sum((each.original_value for each in other.lines), ZERO)
                worth = self.view.rates.worth(total, other.currency, contract.currency, day)
                if worth is None:
                    return None
                covered += worth
        me = contract.signed_on, netsuite(line.line_key)
        for other, each in self.sold:
            same = self._order(other) == self._order(contract) and other.currency == contract.currency
            if not same or other.signed_on > day:
                continue
            covered -= sum((a for on, a in self.earned[each.line_key].items() if on <= day), ZERO)
            if (other.signed_on, netsuite(each.line_key)) < me:
                covered -= backlog[self.view.line_dims(each), other.currency].get(day, ZERO)
        return min(max(covered, ZERO), left)


def _is_stalled(
    view: View,
    line: ContractLine,
    contract: Contract,
    day: date,
    earned: Mapping[str, Mapping[date, Decimal]],
    worked: Mapping[str, Sequence[date]],
) -> bool:
    if line.effective_to < day:
        return True
    projects = [project for project in view.projects if view.line_of(project) is line]
    shut = [
        at.date()
        for project in projects
        for at, stage in project.stages
        if at <= view.at
        and stage in ("Completed", "Canceled")
        and status_at(project.stages, view.at) == stage
    ]
    if projects and len([on for on in shut if on <= day]) == len(projects):
        return True
    moved = [on for on, amount in earned.get(line.line_key, {}).items() if amount and on <= day]
    moved += [on for on in worked.get(line.line_key, ()) if on <= day]
    return day - max([*moved, line.effective_from, contract.signed_on]) > STALLED_AFTER


def _unbilled(
    view: View, contract: Contract, line: ContractLine, day: date, billed: Sequence[tuple[date, str, Decimal]]
) -> Decimal | None:
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for on, currency, net in billed:
        if on <= day:
            sums[currency] += net
    left = view.committed_value(line, day)
    for currency, net in sums.items():
        worth = view.rates.worth(net, currency, contract.currency, day)
        if worth is None:
            return None
        left -= worth
    return max(left, ZERO)
