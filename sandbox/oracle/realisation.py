"""What clients' work billed by the hour is worth, and what became of that, from process state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from sandbox.firm.state import Payment, Project
from sandbox.oracle.calendars import month_end
from sandbox.oracle.money import ZERO, r4
from sandbox.oracle.view import Dims, TimeEntry, View

REPORTING = "USD"
BY_HOUR = ("TM", "TM_CAPPED")
AGED = timedelta(days=90)
# credits for these reasons lose nothing
NOT_LOST = ("REBILL", "ERROR", "DUPLICATE", "REBATE")
# metric, what counts, what it is set against
SHARES = (
    ("leakage", "leakage", "contract"),
    ("effective_bill_rate", "kept", "hours"),
    ("billed_rate", "billed", "billed_hours"),
    ("billing_realisation", "billed", "billed_list"),
    ("hours_realisation", "billed_hours", "billable_hours"),
    ("collection_realisation", "cash", "billed"),
    ("overall_realisation", "cash", "billed_list"),
)
# None: nobody knows
Measures = dict[str, Decimal | None]


@dataclass(slots=True)
class _Work:
    """One month of one role on one project; money in the currency of the work."""

    hours: Decimal = ZERO
    billable_hours: Decimal = ZERO
    billed_hours: Decimal = ZERO
    # whether a document is in another currency than its work: what was billed of it is then unknown
    is_mixed: bool = False
    sums: dict[str, Decimal] = field(default_factory=lambda: defaultdict(lambda: ZERO))


def work_months(view: View, payments: Iterable[Payment]) -> list[tuple[date, Dims, Measures]]:
    """Every month's work by project and role: what is set against what, in the reporting currency."""
    paid: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for payment in payments:
        if payment.paid_on <= view.as_of:
            for invoice, amount in payment.applications:
                paid[invoice.invoice_id] += amount
    too_much = _above_ceilings(view)
    found: dict[tuple[date, Dims, str, bool, str], _Work] = defaultdict(_Work)
    projects: dict[Dims, Project] = {}
    for entry in view.entries:
        if not _counts(view, entry):
            continue
        dims = view.project_dims(entry.project)
        projects[dims] = entry.project
        known = entry.worker.psa_at <= view.at
        place = (
            entry.work_date.replace(day=1),
            dims,
            entry.timecard.assignment.role,
            known and entry.worker.worker_type == "CONTRACTOR",
            entry.project.currency,
        )
        _follow(view, entry, paid, too_much.get(entry.key, ZERO), found[place])
    return [
        (month, dims, _measured(view, month, projects[dims], role, currency, work))
        for (month, dims, role, _, currency), work in found.items()
    ]


def _counts(view: View, entry: TimeEntry) -> bool:
    line = view.line_of(entry.project)
    told = entry.status in ("approved", "submitted") and entry.work_date <= view.as_of
    return told and line is not None and line.method in BY_HOUR


def _value(entry: TimeEntry) -> Decimal:
    return entry.amount if entry.billable else r4(entry.hours * entry.timecard.assignment.bill_rate)


def _above_ceilings(view: View) -> dict[str, Decimal]:
    """What of each entry lies above its line's ceiling: the last work is too much."""
    of_line: dict[str, list[TimeEntry]] = defaultdict(list)
    for entry in view.entries:
        line = view.line_of(entry.project)
        if line is None or line.method != "TM_CAPPED" or line.ceiling is None:
            continue
        if _counts(view, entry) and entry.billable:
            of_line[line.line_key].append(entry)
    found: dict[str, Decimal] = {}
    for key, entries in of_line.items():
        ceiling, reached = view.amended_ceiling(view.line_by_key[key], view.as_of), ZERO
        for entry in sorted(entries, key=lambda one: (one.work_date, one.key)):
            reached += _value(entry)
            found[entry.key] = min(max(reached - ceiling, ZERO), _value(entry))
    return found


def _follow(view: View, entry: TimeEntry, paid: dict[str, Decimal], too_much: Decimal, work: _Work) -> None:
    lines = [b for b in view.lines_of_source.get(entry.key, ()) if b.invoice.invoice_date <= view.as_of]
    billed = credited = given_back = cash = quantity = ZERO
    for one in lines:
        quantity += one.line.quantity
        if one.invoice.gross:
            cash += r4(one.line.net * paid[one.invoice.invoice_id] / one.invoice.gross)
        if one.invoice.doc_type != "CREDIT_NOTE" or one.line.quantity:
            billed += one.line.net
        elif one.invoice.reason_code in NOT_LOST:
            given_back -= one.line.net
        else:
            credited -= one.line.net
    work.is_mixed |= any(one.invoice.currency != entry.project.currency for one in lines)
    value, hours = _value(entry), entry.hours
    share = min(max(quantity, ZERO), hours) if entry.billable else ZERO
    unbilled = r4(value * (hours - share) / hours) if entry.billable and hours else ZERO
    above = min(too_much, unbilled)
    short = (value if entry.billable else ZERO) - unbilled - billed
    work.hours += hours
    work.billable_hours += hours if entry.billable else ZERO
    work.billed_hours += share
    aged = view.as_of - entry.work_date > AGED
    for name, amount in (
        ("contract", value),
        ("non_billable", ZERO if entry.billable else value),
        ("above", above),
        ("aged", unbilled - above if aged else ZERO),
        ("below", max(short, ZERO)),
        ("over", min(short, ZERO)),
        ("credited", credited),
        ("given_back", given_back),
        ("waiting", ZERO if aged else unbilled - above),
        ("cash", cash),
    ):
        work.sums[name] += amount


def _list_rate(view: View, project: Project, role: str, currency: str, month: date) -> Decimal | None:
    for card in view.firm.rate_cards:
        if (card["role"], card["currency"], card["practice"], card["region"]) == (
            role, currency, project.practice, project.region,
        ):  # fmt: skip
            start, end, rate = card["start"], card["end"], card["bill_rate"]
            assert isinstance(start, date)
            assert isinstance(end, date)
            assert isinstance(rate, Decimal)
            if start <= month <= end:
                return rate
    return None


def _measured(view: View, month: date, project: Project, role: str, currency: str, work: _Work) -> Measures:
    """The sums at the rate of the month's last day; what a step takes is the change it makes to the rest."""
    day = min(month_end(month), view.as_of)

    def worth(amount: Decimal) -> Decimal | None:
        return view.rates.worth(amount, currency, REPORTING, day)

    left = work.sums["contract"]
    contract = rest = worth(left)
    took: dict[str, Decimal] = {}
    for step in ("non_billable", "above", "aged", "below", "over", "credited", "given_back", "waiting"):
        left -= work.sums[step]
        is_told = not work.is_mixed or step in ("non_billable", "above", "aged")
        after = worth(left) if is_told else None
        if rest is not None and after is not None:
            took[step] = rest - after
        rest = after
    rate = _list_rate(view, project, role, currency, month)
    measures: Measures = {
        "hours": work.hours,
        "billable_hours": work.billable_hours,
        "billed_hours": work.billed_hours,
        "contract": contract,
        "billed": rest,
        "cash": None if work.is_mixed else worth(work.sums["cash"]),
        "billed_list": None if rate is None else worth(r4(work.billed_hours * rate)),
        "leakage": None,
        "kept": None,
    }
    if contract is not None and not work.is_mixed:
        lost = took["non_billable"] + took["above"] + took["below"] + took["credited"]
        measures["leakage"] = lost + took["aged"]
        measures["kept"] = contract - lost
    return measures
