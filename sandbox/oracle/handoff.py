"""How often each stage from won deal to cash is late, how long failed deliveries take to go through, and how
long everything took in the two windows that the return of integration compares."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sandbox.oracle.calendars import WorkingDays, month_end
from sandbox.oracle.expected import earned_by_month
from sandbox.oracle.money import ZERO
from sandbox.oracle.view import Dims, View

COST_OF_CAPITAL = Decimal("0.08")
REPORTING = "USD"
# what a deal or line is worth from which on it is called so
SIZES = ((Decimal(250_000), "LARGE"), (Decimal(50_000), "MEDIUM"), (ZERO, "SMALL"))
FAILED = ("RETRYING", "DEAD_LETTERED")


@dataclass(frozen=True, slots=True)
class Steps:
    """First times that the metrics know already: when what was reached, and what waits for its transfer."""

    staffed: Mapping[str, date]
    first_work: Mapping[str, date]
    approved: Mapping[str, date]
    eligible: Mapping[str, date]
    waiting: Sequence[tuple[Dims, WorkingDays, date, str]]
    credited: Mapping[str, Sequence[tuple[date, Decimal]]]
    months: Sequence[Passage]


@dataclass(frozen=True, slots=True)
class Passage:
    """One case at one stage; ``finished`` is None while it waits. ``alike``: size and billing method."""

    stage: str
    entity: str
    practice: str
    calendar: WorkingDays
    started: date
    finished: date | None
    due: date
    alike: str = "NONE|NONE"

    def judged(self, as_of: date) -> tuple[int, int]:
        """(late, what lateness is a share of) of this case: what waits in time is in neither."""
        if self.finished is None:
            late = int(as_of > self.due)
            return late, late
        if self.calendar.between(self.started, self.finished) < 0:
            return 0, 0
        return int(self.finished > self.due), 1


def breaches(view: View, steps: Steps) -> Iterator[tuple[str, str, str, int, int]]:
    """(stage, grain, member, late, judged) of every stage and part of the firm that has judged cases."""
    late: Counter[tuple[str, str, str]] = Counter()
    judged: Counter[tuple[str, str, str]] = Counter()
    for one in passages(view, steps):
        told, counted = one.judged(view.as_of)
        for grain, member in (
            ("FIRM", "ALL"),
            ("LEGAL_ENTITY", one.entity),
            ("PRACTICE", one.practice),
        ):
            late[one.stage, grain, member] += told
            judged[one.stage, grain, member] += counted
    for key, count in judged.items():
        if count:
            yield *key, late[key], count


def passages(view: View, steps: Steps) -> Iterator[Passage]:
    """Every case of every stage that has begun."""
    yield from _deals(view, steps)
    yield from _items(view, steps)
    yield from steps.months
    yield from _invoices(view, steps)


def _alike(view: View, amount: Decimal, currency: str, method: str) -> str:
    """What of a case must be the same for it to be compared: how large, and how it is billed."""
    rate = view.rates.spot(currency, REPORTING, view.as_of)
    if rate is None:
        return f"UNKNOWN|{method}"
    size = next((name for least, name in SIZES if amount * rate >= least), "SMALL")
    return f"{size}|{method}"


def _deals(view: View, steps: Steps) -> Iterator[Passage]:
    with_amendment = {row.deal.opp_id for row in view.amendments if row.deal is not None}
    contracted: dict[str, date] = {}
    for contract in view.contracts:
        if contract.deal is not None:
            made = contract.created_at.date()
            contracted[contract.deal.opp_id] = min(contracted.get(contract.deal.opp_id, made), made)
    mobilised: dict[str, date] = {}
    for project in view.projects:
        if project.deal is not None:
            made = project.created_at.date()
            mobilised[project.deal.opp_id] = min(mobilised.get(project.deal.opp_id, made), made)
    for deal in view.deals:
        won = view.won_at(deal)
        if won is None or not view.is_won(deal) or deal.services_amount <= 0 or won.date() > view.as_of:
            continue
        if deal.parent is not None or deal.opp_id in with_amendment:
            continue
        calendar, t1, start = view.calendars[deal.entity], won.date(), deal.planned_start
        place = (view.entity_key(deal.entity), deal.practice, calendar)
        t2, t3 = contracted.get(deal.opp_id), mobilised.get(deal.opp_id)
        t4, t5 = steps.staffed.get(deal.opp_id), steps.first_work.get(deal.opp_id)
        soon = calendar.add(t1, 2)
        day_before = start - timedelta(days=1)
        alike = _alike(view, deal.services_amount, deal.currency, deal.billing_method)
        yield Passage("t1_t2", *place, t1, t2, soon, alike)
        is_far = start > t1 + timedelta(days=60)
        yield Passage("t1_t3", *place, t1, t3, calendar.add(day_before, -19) if is_far else soon, alike)
        if t2 is not None and t3 is not None:
            ready = max(t2, t3)
            due = max(calendar.add(ready, 5), calendar.add(day_before, -4))
            yield Passage("t3_t4", *place, ready, t4, due, alike)
        if t4 is not None and (t5 is not None or max(t4, start) <= view.as_of):
            startable = max(t4, start)
            yield Passage("t4_t5", *place, startable, t5, calendar.add(startable, 5), alike)


def _items(view: View, steps: Steps) -> Iterator[Passage]:
    lines = {view.line_dims(line).line: line for line in view.line_by_key.values()}
    for dims, calendar, since, currency in steps.waiting:
        line = lines[dims.line]
        yield Passage(
            "t6_t7", dims.legal_entity, dims.practice, calendar, since, None, calendar.add(since, 1),
            _alike(view, line.original_value, currency, line.method),
        )  # fmt: skip
    for item in view.firm.billing_items:
        if item.created_at > view.at or item.source_type not in ("TIME", "EXPENSE", "MILESTONE"):
            continue
        key = view.source_key(item.source_type, item.source_id)
        calendar, t7 = view.calendars[item.contract.entity], steps.eligible[key]
        if t7 > view.as_of:
            continue
        place = (view.entity_key(item.contract.entity), item.line.practice, calendar)
        alike = _alike(view, item.line.original_value, item.currency, item.line.method)
        if key in steps.approved:
            t6 = steps.approved[key]
            yield Passage("t6_t7", *place, t6, t7, calendar.add(t6, 1), alike)
        posted = [
            one.invoice.posted_at.date()
            for one in view.lines_of_source.get(key, ())
            if one.invoice.doc_type == "STANDARD"
        ]
        waits = view.net_billed_quantity(key, view.as_of) <= 0 and item.hold_reason is None
        if posted or waits:
            due = calendar.add(month_end(t7), 5)
            yield Passage("t7_t8", *place, t7, min(posted, default=None), due, alike)


def months_of_work(view: View) -> Iterator[Passage]:
    """Every month for which revenue of a line is posted, and those that are over and still wait for it."""
    first: dict[str, dict[date, date]] = defaultdict(dict)
    in_all: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for entry in view.firm.revenue:
        if entry.posted_at > view.at or entry.accounting_date > view.as_of:
            continue
        in_all[entry.line.line_key] += entry.amount
        if entry.entry_type in ("NORMAL", "CATCH_UP"):
            posted, day = first[entry.line.line_key], entry.posted_at.date()
            month = entry.service_from.replace(day=1)
            posted[month] = min(posted.get(month, day), day)
    earned = earned_by_month(view)
    for contract in view.contracts:
        calendar, is_draft = view.calendars[contract.entity], view.contract_status(contract) == "DRAFT"
        for line in contract.lines:
            waits = [
                month
                for month, amount in earned.get(line.line_key, {}).items()
                if month_end(month) <= view.as_of and (amount is None or amount > 0)
            ]
            capped = line.method == "TM_CAPPED" and line.ceiling is not None
            if is_draft or (capped and in_all[line.line_key] >= view.amended_ceiling(line, view.as_of)):
                waits = []
            posted = first[line.line_key]
            for month in {*posted, *waits}:
                done, over = posted.get(month), month_end(month)
                started = over if done is None else min(over, done)
                yield Passage(
                    "t6_t9", view.entity_key(contract.entity), line.practice, calendar, started, done,
                    calendar.add(over, 5), _alike(view, line.original_value, contract.currency, line.method),
                )  # fmt: skip


def _invoices(view: View, steps: Steps) -> Iterator[Passage]:
    received: dict[str, list[tuple[date, Decimal]]] = defaultdict(list)
    for payment in view.firm.payments:
        if payment.created_at <= view.at and payment.paid_on <= view.as_of:
            for invoice, amount in payment.applications:
                received[invoice.invoice_id].append((payment.paid_on, amount))
    for invoice in view.firm.invoices:
        if invoice.posted_at > view.at or invoice.doc_type != "STANDARD" or invoice.invoice_date > view.as_of:
            continue
        events = [(on, amount, True) for on, amount in received[invoice.invoice_id]]
        credits = steps.credited.get(invoice.invoice_id, [])
        events += [(on, amount, False) for on, amount in credits if on <= view.as_of]
        left, cleared, by_cash = invoice.gross, None, False
        for on, amount, is_cash in sorted(events, key=lambda event: (event[0], event[2])):
            left -= amount
            if left <= ZERO:
                cleared, by_cash = on, is_cash
                break
        if cleared is not None and not by_cash:
            continue
        yield Passage(
            "t8_t10",
            view.entity_key(invoice.entity),
            invoice.contract.lines[0].practice,
            view.calendars[invoice.entity],
            invoice.posted_at.date(),
            cleared,
            invoice.due_on + timedelta(days=5),
        )


def recoveries(view: View) -> list[Decimal]:
    """Hours from the first failure to being applied, of each business event that failed and went through."""
    found = []
    for event in view.firm.events:
        reports = [row for row in event.reports if row.at <= view.at]
        failed = min((row.at for row in reports if row.status in FAILED), default=None)
        if event.is_test or failed is None:
            continue
        applied = min(
            (row.at for row in reports if row.status == "APPLIED" and row.at > failed), default=None
        )
        if applied is not None:
            ten_thousandths = (applied - failed) // timedelta(microseconds=360_000)
            found.append(Decimal(ten_thousandths) / 10_000)
    return sorted(found)


@dataclass(frozen=True, slots=True)
class Windows:
    """The last three whole months, and the three before them."""

    baseline_from: date
    current_from: date
    current_to: date

    @classmethod
    def at(cls, as_of: date) -> Windows:
        """Those of a day."""
        last = (as_of + timedelta(days=1)).replace(day=1) - timedelta(days=1)
        return cls(_months_before(last, 5), _months_before(last, 2), last)

    def of(self, day: date) -> str | None:
        """The window a day is in."""
        if not self.baseline_from <= day <= self.current_to:
            return None
        return "CURRENT" if day >= self.current_from else "BASELINE"


def _months_before(day: date, months: int) -> date:
    """The first of the month so many months before that of ``day``."""
    position = day.year * 12 + day.month - 1 - months
    return date(position // 12, position % 12 + 1, 1)


# window, measure, mix, legal entity, practice, time taken, the same on the calendar, whether it still waits
Case = tuple[str, str, str, str, str, Decimal | None, Decimal | None, bool]


def cases_of_windows(view: View, steps: Steps) -> Counter[Case]:
    """How many cases of each kind took how long, in the window in which they began."""
    windows, found = Windows.at(view.as_of), Counter[Case]()
    for one in passages(view, steps):
        window, until = windows.of(one.started), one.finished or view.as_of
        took = one.calendar.between(one.started, until)
        # what ended before it began says nothing
        if window is None or (one.finished is not None and took < 0):
            continue
        mix = f"{one.entity}|{one.alike}"
        place = (window, f"days_{one.stage}", mix, one.entity, one.practice)
        days = (until - one.started).days
        found[(*place, Decimal(took), Decimal(days), one.finished is None)] += 1
    for case in _deliveries(view, windows):
        found[case] += 1
    return found


def _deliveries(view: View, windows: Windows) -> Iterator[Case]:
    for event in view.firm.events:
        reports = [row for row in event.reports if row.at <= view.at]
        if event.is_test or not reports:
            continue
        failed = min((row.at for row in reports if row.status in FAILED), default=None)
        measure = "events_fine" if failed is None else "events_failed"
        window = windows.of(min(row.at for row in reports).date())
        if window is not None:
            yield window, measure, event.event_type, "NONE", "NONE", None, None, False
        window = None if failed is None else windows.of(failed.date())
        if failed is None or window is None:
            continue
        applied = min(
            (row.at for row in reports if row.status == "APPLIED" and row.at > failed), default=None
        )
        last = max(reports, key=lambda row: (row.at, row.attempts))
        allowed = last.status == "DISCARDED" and last.approval_id is not None
        if applied is None and (allowed or last.status == "SUPERSEDED"):
            continue
        hours = Decimal(((applied or view.at) - failed) // timedelta(microseconds=360_000)) / 10_000
        yield window, "hours_recovery", event.event_type, "NONE", "NONE", hours, None, applied is None
