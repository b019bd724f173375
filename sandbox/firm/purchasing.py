"""Subcontractors: purchase orders before the work, a bill a month for the approved hours."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sandbox.firm.calendar import DAY, add_months, moment, month_end, month_start
from sandbox.firm.entities import card_rate
from sandbox.firm.state import PurchaseOrder, VendorBill, VendorBillLine
from sandbox.firm.world import LAST, World


def purchase(world: World) -> None:
    """Fill purchase orders and vendor bills."""
    orders = _orders(world)
    _bills(world, orders)


def _orders(world: World) -> dict[tuple[str, int], PurchaseOrder]:
    rng = world.rng("orders")
    orders: dict[tuple[str, int], PurchaseOrder] = {}
    for assignment in sorted(world.firm.assignments, key=lambda row: (row.created_at, row.assignment_id)):
        worker, project = assignment.worker, assignment.project
        key = (project.project_id, worker.n)
        if worker.vendor is None or key in orders:
            continue
        entity = world.firm.entities[worker.entity]
        created = assignment.created_at + timedelta(minutes=rng.randrange(20, 90))
        _, cost = card_rate(worker.role, project.practice, entity.currency, assignment.start.year)
        weeks = Decimal((assignment.end - assignment.start).days + 1) / 7
        main_key = world.ids.line_key()
        orders[key] = PurchaseOrder(
            po_id=world.ids.netsuite("transaction"),
            number=f"PO-{world.ids.number('po'):06d}",
            vendor_id=worker.vendor,
            line_key=world.ids.line_key(),
            main_line_key=main_key,
            project=project,
            worker=worker,
            entity=entity.code,
            currency=entity.currency,
            exchange_rate=Decimal(1),
            rate=(cost * rng.randrange(105, 126) / 100).quantize(Decimal(1), ROUND_HALF_UP),
            quantity=(sum(assignment.day_hours, Decimal(0)) * weeks).quantize(Decimal(1), ROUND_HALF_UP),
            ordered_on=created.date(),
            created_at=created,
        )
    world.firm.purchase_orders.extend(orders.values())
    return orders


def _bills(world: World, orders: dict[tuple[str, int], PurchaseOrder]) -> None:
    rng = world.rng("bills")
    hours: dict[tuple[date, str, str], dict[tuple[str, int], list[tuple[object, Decimal]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for card in world.firm.timecards:
        key = (card.assignment.project.project_id, card.assignment.worker.n)
        if key in orders and card.approved_at is not None:
            order = orders[key]
            for split in card.splits:
                group = (month_start(split.start), order.vendor_id, order.entity)
                hours[group][key].append((card.approved_at, sum(split.hours, Decimal(0))))
    for (first, vendor_id, entity), worked in sorted(hours.items(), key=lambda row: row[0]):
        calendar = world.calendars[entity]
        created = moment(calendar.on_or_after(add_months(first, 1) + DAY * rng.randrange(11, 13)), rng, 9, 16)
        if created > LAST:
            continue
        main_key = world.ids.line_key()
        lines = []
        for key, rows in sorted(worked.items()):
            total = sum((row[1] for row in rows), Decimal(0))
            order = orders[key]
            lines.append(
                VendorBillLine(
                    line_key=world.ids.line_key(),
                    po=order,
                    hours=total,
                    rate=order.rate,
                    net=total * order.rate,
                    period_from=first,
                    period_to=month_end(first),
                )
            )
        world.firm.vendor_bills.append(
            VendorBill(
                bill_id=world.ids.netsuite("transaction"),
                number=f"VB-{world.ids.number('bill'):06d}",
                vendor_id=vendor_id,
                entity=entity,
                currency=world.entity_currency(entity),
                exchange_rate=Decimal(1),
                bill_date=created.date(),
                created_at=created,
                main_line_key=main_key,
                lines=lines,
            )
        )
