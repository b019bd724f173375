"""Customer payments and how they are applied to invoices."""

from __future__ import annotations

from decimal import Decimal

from sandbox.firm.calendar import DAY, moment
from sandbox.firm.state import Invoice, Payment
from sandbox.firm.world import LAST, World, cents


def collect(world: World) -> None:
    """Pay most invoices around their due date; some in two parts, some not at all before the end."""
    rng = world.rng("cash")
    rebilled = {
        note.applies_to.invoice_id
        for note in world.firm.invoices
        if _refunds(note, "REBILL") and note.applies_to
    }
    conceded = {
        note.applies_to.invoice_id: note
        for note in world.firm.invoices
        if _refunds(note, "CONCESSION") and note.applies_to
    }
    planned: list[tuple[Invoice, Decimal, int]] = []
    for invoice in world.firm.invoices:
        late = round(rng.triangular(-5, 30, 3))
        never, parts = rng.random() < 0.02, 2 if rng.random() < 0.08 else 1
        gap = rng.randrange(7, 25)
        if invoice.doc_type != "STANDARD" or invoice.invoice_id in rebilled or never:
            continue
        owed = invoice.gross
        note = conceded.get(invoice.invoice_id)
        if note is not None:
            owed += note.gross
            late = max(late, 0)
        if parts == 2:
            half = cents(owed * rng.randrange(30, 71) / 100)
            planned += [(invoice, half, late), (invoice, owed - half, late + gap)]
        else:
            planned.append((invoice, owed, late))
    dated = []
    for invoice, amount, late in planned:
        day = world.calendars[invoice.entity].on_or_after(
            max(invoice.due_on + DAY * late, invoice.posted_at.date() + DAY)
        )
        created = moment(day, rng, 9, 16)
        if created <= LAST:
            dated.append((created, invoice, amount))
    dated.sort(key=lambda row: (row[0], row[1].invoice_id))
    for created, invoice, amount in dated:
        world.firm.payments.append(
            Payment(
                payment_id=world.ids.netsuite("transaction"),
                number=f"PY-{world.ids.number('payment'):06d}",
                account=invoice.account,
                entity=invoice.entity,
                currency=invoice.currency,
                exchange_rate=world.cross(
                    invoice.currency, world.entity_currency(invoice.entity), created.date()
                ),
                paid_on=created.date(),
                amount=amount,
                created_at=created,
                line_key=world.ids.line_key(),
                applications=[(invoice, amount)],
            )
        )


def _refunds(note: Invoice, reason: str) -> bool:
    return note.doc_type == "CREDIT_NOTE" and note.reason_code == reason
