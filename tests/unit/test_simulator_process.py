"""What holds in every clean firm because of how it came about."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from sandbox.firm.calendar import WorkCalendar, month_end
from sandbox.firm.state import CostRate, CustomerEntity, Firm, Leave
from sandbox.firm.world import cents
from tests.unit.simulator_support import firm_of

ZERO = Decimal(0)


@pytest.fixture(
    scope="module", params=[("tiny", 7), ("tiny", 23), ("demo", 7)], ids=lambda row: f"{row[0]}-{row[1]}"
)
def firm(request: pytest.FixtureRequest) -> Firm:
    scale, seed = request.param
    return firm_of(scale, seed)


@pytest.fixture(scope="module")
def calendars(firm: Firm) -> dict[str, WorkCalendar]:
    return {code: WorkCalendar(entity.holidays) for code, entity in firm.entities.items()}


def instants(value: object) -> Iterator[datetime]:
    """Every instant of a record itself, not of the records it refers to."""
    if isinstance(value, datetime):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from instants(item)
    elif isinstance(value, CostRate | CustomerEntity | Leave):
        for field in dataclasses.fields(value):
            yield from instants(getattr(value, field.name))


def all_instants(firm: Firm) -> Iterator[tuple[str, str, datetime]]:
    for name in dataclasses.fields(firm):
        records = getattr(firm, name.name)
        if isinstance(records, list):
            for record in records:
                if dataclasses.is_dataclass(record):
                    for field in dataclasses.fields(record):
                        for at in instants(getattr(record, field.name)):
                            yield name.name, field.name, at


def test_everything_happens_at_work_or_in_the_nightly_run(firm: Firm) -> None:
    seen = 0
    for records, field, at in all_instants(firm):
        seen += 1
        clock = at.astimezone(UTC).time()
        assert time(2) <= clock < time(4) or time(7) <= clock <= time(21), (records, field, at)
        assert at <= firm.end or (records, field) == ("workers", "psa_at"), (records, field, at)
    assert seen > 1000


def test_work_happens_on_working_days(firm: Firm, calendars: dict[str, WorkCalendar]) -> None:
    for card in firm.timecards:
        for at in (card.submitted_at, card.approved_at):
            assert at is None or at.weekday() < 5
    for invoice in firm.invoices:
        assert calendars[invoice.entity].is_working(invoice.posted_at.date())
    for payment in firm.payments:
        assert calendars[payment.entity].is_working(payment.paid_on)


def test_time_is_booked_by_people_at_work(firm: Firm, calendars: dict[str, WorkCalendar]) -> None:
    away: dict[int, set[object]] = defaultdict(set)
    for worker in firm.workers:
        for leave in worker.leaves:
            if leave.status == "approved":
                away[worker.n].update(
                    leave.start + timedelta(days=n) for n in range((leave.end - leave.start).days + 1)
                )
    totals: dict[tuple[int, object], Decimal] = defaultdict(Decimal)
    for card in firm.timecards:
        worker = card.assignment.worker
        for split in card.splits:
            for place, hours in enumerate(split.hours):
                day = card.week_start + timedelta(days=place)
                if not hours:
                    continue
                assert split.start <= day <= split.end
                assert split.start.month == split.end.month
                assert (hours * 4) % 1 == 0
                assert calendars[worker.entity].is_working(day)
                assert worker.hire_date <= day <= (worker.term_date or day)
                assert card.assignment.start <= day <= card.assignment.end
                assert day not in away[worker.n]
                if card.rejected_at is None:
                    totals[(worker.n, day)] += hours
    assert max(totals.values()) <= 11


def test_time_is_approved_after_it_is_submitted(firm: Firm, calendars: dict[str, WorkCalendar]) -> None:
    for card in firm.timecards:
        assert card.assignment.created_at <= card.created_at < card.submitted_at
        assert card.approved_at is None or card.rejected_at is None
        for at in (card.approved_at, card.rejected_at):
            if at is not None:
                assert at > card.submitted_at
                calendar = calendars[card.assignment.project.entity]
                assert calendar.between(card.submitted_at.date(), at.date()) <= 2
                assert card.approver is not None
                assert card.approver is not card.assignment.worker
        if card.approved_at is None and card.rejected_at is None:
            waited = calendars[card.assignment.worker.entity].between(
                card.submitted_at.date(), firm.end.date()
            )
            assert waited <= 2


def test_a_split_is_worth_its_hours(firm: Firm) -> None:
    for card in firm.timecards:
        rate = card.assignment.bill_rate if card.assignment.billable else ZERO
        for split in card.splits:
            assert split.billable_amount == sum(split.hours, ZERO) * rate


def test_rejected_time_comes_back(firm: Firm) -> None:
    weeks = {
        (card.assignment.assignment_id, card.week_start): card
        for card in firm.timecards
        if card.rejected_at is None
    }
    for card in firm.timecards:
        if card.rejected_at is not None:
            again = weeks[(card.assignment.assignment_id, card.week_start)]
            assert again.submitted_at > card.rejected_at
            assert again.header_id != card.header_id
    keys = [
        (card.assignment.assignment_id, card.week_start)
        for card in firm.timecards
        if card.rejected_at is None
    ]
    assert len(keys) == len(set(keys))


def test_invoices_add_up(firm: Firm) -> None:
    for invoice in firm.invoices:
        assert invoice.lines
        assert invoice.net == sum((line.net for line in invoice.lines), ZERO)
        assert invoice.tax == cents(invoice.net * firm.entities[invoice.entity].tax_rate)
        assert invoice.gross == invoice.net + invoice.tax
        assert invoice.created_at <= invoice.posted_at
        assert (invoice.net < 0) == (invoice.doc_type == "CREDIT_NOTE")


def test_every_item_is_billed_once_or_waits(firm: Firm) -> None:
    quantity: dict[str, Decimal] = defaultdict(Decimal)
    money: dict[str, Decimal] = defaultdict(Decimal)
    conceded: set[str] = set()
    for invoice in firm.invoices:
        for line in invoice.lines:
            assert line.source_id is not None
            quantity[line.source_id] += line.quantity
            money[line.source_id] += line.net
            if invoice.reason_code == "CONCESSION":
                conceded.add(line.source_id)
                assert line.quantity == 0
    assert len({item.source_id for item in firm.billing_items}) == len(firm.billing_items)
    for item in firm.billing_items:
        billed = item.statuses[-1][1] == "INVOICED"
        assert quantity[item.source_id] == (item.quantity if billed else 0), item.source_id
        if item.source_id in conceded:
            assert 0 < money[item.source_id] < item.amount
        else:
            assert money[item.source_id] == (item.amount if billed else 0), item.source_id


def test_approved_time_and_materials_reach_billing_the_next_night(firm: Firm) -> None:
    items = {item.source_id: item for item in firm.billing_items}
    methods = {
        project.project_id: project.line.method for project in firm.projects if project.line is not None
    }
    expected = set()
    for card in firm.timecards:
        if (
            methods.get(card.assignment.project.project_id) not in ("TM", "TM_CAPPED")
            or not card.assignment.billable
        ):
            continue
        if card.approved_at is None or card.approved_at.date() == firm.end.date():
            continue
        for split in card.splits:
            for place, hours in enumerate(split.hours):
                if hours:
                    item = items[f"{split.split_id}-{place + 1}"]
                    expected.add(item.source_id)
                    assert item.quantity == hours
                    assert item.unit_price == card.assignment.bill_rate
                    assert item.created_at.date() == card.approved_at.date() + timedelta(days=1)
    for expense in firm.expenses:
        if expense.billable and expense.approved_at and expense.approved_at.date() < firm.end.date():
            expected.add(expense.expense_id)
            assert items[expense.expense_id].amount == expense.billing_amount
    assert expected == {
        item.source_id for item in firm.billing_items if item.source_type in ("TIME", "EXPENSE")
    }


def test_items_are_invoiced_within_five_working_days_of_their_month(
    firm: Firm, calendars: dict[str, WorkCalendar]
) -> None:
    checked = 0
    for item in firm.billing_items:
        if item.source_type != "TIME":
            continue
        eligible = item.eligible_at[-1][1].date()
        due = calendars[item.contract.entity].add(month_end(eligible), 5)
        if due <= firm.end.date():
            checked += 1
            assert item.statuses[-1][1] == "INVOICED"
            assert item.statuses[-1][0].date() <= due
    assert checked > 100


def test_shares_of_a_line_make_one(firm: Firm) -> None:
    shared = [line for contract in firm.contracts for line in contract.lines if line.shares]
    assert shared
    for line in shared:
        assert sum(row[2] for row in line.shares) == 1
        customers = {
            invoice.account.n
            for invoice in firm.invoices
            for row in invoice.lines
            if row.contract_line is line
        }
        assert customers == {row[1].n for row in line.shares}


def test_cost_rates_cover_employment(firm: Firm) -> None:
    for worker in firm.workers:
        if worker.worker_type == "CONTRACTOR":
            assert not worker.cost_rates
            continue
        rates = worker.cost_rates
        assert rates[0].valid_from == worker.hire_date
        assert rates[-1].valid_to is None
        for earlier, later in pairwise(rates):
            assert earlier.valid_to == later.valid_from - timedelta(days=1)
            assert later.at.date() < later.valid_from
            assert later.rate > earlier.rate


def test_committed_value_is_never_negative(firm: Firm) -> None:
    for contract in firm.contracts:
        for line in contract.lines:
            value = line.original_value
            assert value > 0
            signed = [
                row
                for row in firm.amendments
                if row.line is line and row.signed_on and row.statuses[-1][1] == "SIGNED"
            ]
            for amendment in sorted(signed, key=lambda row: (row.signed_on, row.amendment_id)):
                value += amendment.delta_value
                assert value > 0
            if line.method == "TM_CAPPED":
                worked = sum((item.amount for item in firm.billing_items if item.line is line), ZERO)
                assert worked <= value


def test_budget_of_a_project_follows_the_signed_amendments(firm: Firm) -> None:
    for project in firm.projects:
        if project.line is None:
            continue
        value, cap = project.budget_revenue, project.cap
        previous = project.created_at
        for at, new_value, new_cap, amendment_id in project.budget_changes:
            amendment = next(row for row in firm.amendments if row.amendment_id == amendment_id)
            assert amendment.signed_on is not None
            assert amendment.effective_on is not None
            assert at.date() == max(amendment.signed_on, amendment.effective_on)
            assert at > previous
            value += amendment.delta_value
            cap = None if cap is None else cap + (amendment.delta_ceiling or ZERO)
            assert (new_value, new_cap) == (value, cap)
            previous = at


def test_milestones_share_out_the_fee(firm: Firm) -> None:
    parts: dict[str, Decimal] = defaultdict(Decimal)
    for milestone in firm.milestones:
        parts[milestone.project.project_id] += milestone.amount
        if milestone.accepted_at is not None:
            assert milestone.completed_at is not None
            assert milestone.created_at < milestone.completed_at < milestone.accepted_at
    assert parts
    for project in firm.projects:
        if project.project_id in parts:
            last = project.budget_changes[-1][1] if project.budget_changes else project.budget_revenue
            assert parts[project.project_id] == last


def test_won_deals_are_mobilised_in_time(firm: Firm, calendars: dict[str, WorkCalendar]) -> None:
    contracts = {contract.deal.opp_id: contract for contract in firm.contracts if contract.deal is not None}
    projects = {project.deal.opp_id: project for project in firm.projects if project.deal is not None}
    waiting = {
        opportunity
        for case in firm.look_alikes
        if case.case_id in ("N01", "N08")
        for opportunity in case.objects["opportunity"]
    }
    for deal in firm.deals:
        assert [at for at, _ in deal.stages] == sorted(at for at, _ in deal.stages)
        if (
            deal.won_at is None
            or deal.parent is not None
            or not deal.contract_required
            or deal.opp_id in waiting
        ):
            continue
        calendar, won = calendars[deal.entity], deal.won_at.date()
        contract, project = contracts[deal.opp_id], projects[deal.opp_id]
        assert calendar.between(won, contract.created_at.date()) <= 2
        assert calendar.between(won, project.created_at.date()) <= 2
        assert project.linked_at is not None
        assert project.linked_at.date() == max(contract.created_at, project.created_at).date()
        assert project.linked_at > max(contract.created_at, project.created_at)
        assert (
            sum(line.original_value for line in contract.lines if line.method != "EXPENSE")
            == deal.services_amount
        )
        assert contract.signed_on <= won
        row = next(row for row in deal.account.entities if row.entity == deal.entity)
        active = next(at for at, status in row.statuses if status == "ACTIVE")
        assert calendar.between(active.date(), won) >= 5


def test_payments_never_exceed_what_is_owed(firm: Firm) -> None:
    paid: dict[str, Decimal] = defaultdict(Decimal)
    for payment in firm.payments:
        assert payment.amount == sum(amount for _, amount in payment.applications)
        for invoice, amount in payment.applications:
            paid[invoice.invoice_id] += amount
            assert payment.created_at > invoice.posted_at
    credited: dict[str, Decimal] = defaultdict(Decimal)
    for note in firm.invoices:
        if note.applies_to is not None:
            credited[note.applies_to.invoice_id] += note.gross
    for invoice in firm.invoices:
        if invoice.doc_type == "STANDARD":
            assert paid[invoice.invoice_id] <= invoice.gross + credited[invoice.invoice_id]


def test_revenue_follows_the_method(firm: Firm) -> None:
    posted: dict[str, Decimal] = defaultdict(Decimal)
    for entry in firm.revenue:
        posted[entry.line.line_key] += entry.amount
        assert entry.accounting_date == month_end(entry.accounting_date)
        assert (entry.entry_type == "CATCH_UP") == (entry.service_to < entry.accounting_date) or (
            entry.entry_type == "REVERSAL"
        )
        assert entry.posted_at.date() > entry.accounting_date
    deltas: dict[str, Decimal] = defaultdict(Decimal)
    for amendment in firm.amendments:
        if amendment.signed_on is not None and amendment.statuses[-1][1] == "SIGNED":
            deltas[amendment.line.line_key] += amendment.delta_value
    fixed = 0
    for contract in firm.contracts:
        for line in contract.lines:
            committed = line.original_value + deltas[line.line_key]
            if line.method in ("TM_CAPPED", "FIXED_POC", "FIXED_MILESTONE", "RETAINER", "EXPENSE"):
                assert ZERO <= posted[line.line_key] <= committed
            closed = contract.closed_on is not None and month_end(
                contract.closed_on
            ) < firm.end.date().replace(day=1)
            if (
                closed
                and contract.statuses[-1][1] == "COMPLETED"
                and line.method in ("FIXED_POC", "FIXED_MILESTONE")
            ):
                fixed += 1
                assert posted[line.line_key] == committed
    assert fixed


def test_vendor_bills_match_approved_hours(firm: Firm) -> None:
    hours: dict[tuple[str, int, object], Decimal] = defaultdict(Decimal)
    for card in firm.timecards:
        if card.approved_at is not None and card.assignment.worker.worker_type == "CONTRACTOR":
            for split in card.splits:
                key = (
                    card.assignment.project.project_id,
                    card.assignment.worker.n,
                    split.start.replace(day=1),
                )
                hours[key] += sum(split.hours, ZERO)
    assert firm.vendor_bills
    for bill in firm.vendor_bills:
        for line in bill.lines:
            key = (line.po.project.project_id, line.po.worker.n, line.period_from)
            assert line.hours == hours[key]
            assert line.net == line.hours * line.po.rate
            assert line.po.created_at.date() <= line.period_to


def test_billing_methods_and_statuses_are_all_there(firm: Firm) -> None:
    methods = {line.method for contract in firm.contracts for line in contract.lines}
    assert methods == {"TM", "TM_CAPPED", "FIXED_MILESTONE", "FIXED_POC", "RETAINER", "EXPENSE"}
    assert {contract.statuses[-1][1] for contract in firm.contracts} == {"ACTIVE", "COMPLETED", "CANCELLED"}
    assert {row.case_id for row in firm.look_alikes} == {
        "N01", "N02", "N08", "N16", "N17", "N18", "N19", "N23", "N34", "N36", "N37", "N38", "N44", "NX01",
        "NX02", "NX03", "N04", "N07", "NX10", "NX11", "NX12", "NX13", "NX14", "NX21", "NX22", "NX23", "NX24",
    }  # fmt: skip
    for contract in firm.contracts:
        if contract.statuses[-1][1] == "CANCELLED":
            assert contract.deal is not None
            assert contract.deal.stages[-1][1] == "Closed Lost"
            assert not any(card.assignment.project.deal is contract.deal for card in firm.timecards)


def test_managers_estimate_anew_until_the_work_is_done(firm: Firm) -> None:
    """The plan first, then month by month, up and down, by some late; never below what is booked by then."""
    changes, late, booked = [], 0, defaultdict(list)
    for card in firm.timecards:
        if card.rejected_at is None:
            hours = sum((sum(split.hours, ZERO) for split in card.splits), ZERO)
            booked[card.assignment.project.project_id].append((card.submitted_at, hours))
    for project in firm.projects:
        (first, plan), *told = project.estimates
        assert (first, plan) == (
            project.created_at, (first.date(), project.budget_cost, project.planned_hours),
        )  # fmt: skip
        assert [at for at, _ in project.estimates] == sorted(at for at, _ in project.estimates)
        for at, (made_on, cost, hours) in told:
            assert at.date() == made_on
            assert cost > 0
            late += made_on.day < 15
            spent = sum((h for known, h in booked[project.project_id] if known <= at), ZERO)
            assert hours >= round(spent), (project.number, made_on)
        changes += [after[1][2] - before[1][2] for before, after in pairwise(project.estimates)]
    assert any(change > 0 for change in changes)
    assert any(change < 0 for change in changes)
    assert 0 < late < len(changes)


def test_some_fixed_price_is_foreseen_to_lose_money() -> None:
    """A tiny firm may have none."""
    assert [
        project
        for project in firm_of("demo", 7).projects
        if project.line is not None
        and project.line.method not in ("TM", "EXPENSE")
        and any(cost > project.budget_revenue for _, (_, cost, _) in project.estimates)
    ]
