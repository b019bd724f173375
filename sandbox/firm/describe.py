"""Print what a simulated firm holds: `python -m sandbox.firm.describe --seed 7 --scale demo --faults all`."""

from __future__ import annotations

import argparse
import time
from decimal import Decimal

from sandbox.firm.calendar import WorkCalendar
from sandbox.firm.simulator import simulate
from sandbox.firm.state import Firm


def volumes(firm: Firm) -> dict[str, int]:
    """Number of records per kind."""
    lists = [
        "workers",
        "accounts",
        "deals",
        "contracts",
        "amendments",
        "projects",
        "assignments",
        "timecards",
        "milestones",
        "expenses",
        "billing_items",
        "invoices",
        "payments",
        "revenue",
        "purchase_orders",
        "vendor_bills",
        "fault_marks",
        "look_alikes",
    ]
    counts = {name: len(getattr(firm, name)) for name in lists}
    counts["splits"] = sum(len(card.splits) for card in firm.timecards)
    counts["time_entries"] = sum(
        bool(hours) for card in firm.timecards for split in card.splits for hours in split.hours
    )
    counts["invoice_lines"] = sum(len(invoice.lines) for invoice in firm.invoices)
    return counts


def utilisation(firm: Firm) -> Decimal:
    """Approved billable hours of employees over their hours available, the whole period."""
    billable = sum(
        (
            sum(split.hours, Decimal(0))
            for card in firm.timecards
            if card.approved_at
            and card.assignment.billable
            and card.assignment.worker.worker_type == "EMPLOYEE"
            for split in card.splits
        ),
        Decimal(0),
    )
    available = Decimal(0)
    for worker in firm.workers:
        if worker.worker_type != "EMPLOYEE":
            continue
        calendar = WorkCalendar(firm.entities[worker.entity].holidays)
        first, last = (
            max(worker.hire_date, firm.start),
            min(worker.term_date or firm.end.date(), firm.end.date()),
        )
        available += len(calendar.days(first, last)) * worker.weekly_hours / 5 * worker.fte
        available -= sum(
            (leave.hours for leave in worker.leaves if leave.status == "approved" and leave.end <= last),
            Decimal(0),
        )
    return (billable / available).quantize(Decimal("0.001"))


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", default="demo")
    parser.add_argument("--faults", default="none", help="none, all, or ids separated by commas")
    options = parser.parse_args()
    began = time.perf_counter()
    firm = simulate(options.seed, options.scale, options.faults.split(","))
    seconds = time.perf_counter() - began
    for name, count in volumes(firm).items():
        print(f"{name:16} {count:>9,}")
    print(f"{'utilisation':16} {utilisation(firm):>9}")
    for mark in firm.fault_marks:
        counts = {kind: len(ids) for kind, ids in mark.objects.items()}
        print(f"{mark.fault_id:5} {mark.injected_at:%Y-%m-%d} {counts}")
    print(f"{'seconds':16} {seconds:>9.2f}")


if __name__ == "__main__":
    main()
