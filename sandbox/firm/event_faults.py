"""Faults of the integration bus alone: the business did its work, and the event about it did not arrive."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from sandbox.firm.state import FaultMark, Firm, Invoice

FROM, TO = datetime(2026, 4, 1, tzinfo=UTC), datetime(2026, 6, 1, tzinfo=UTC)


def stuck_in_a_queue(firm: Firm, rng: random.Random) -> FaultMark:
    """FX21: the event of a posted invoice waits for its second try for ever."""
    invoice = _victims(firm, rng)[0]
    return FaultMark("FX21", invoice.posted_at, {"invoice": [invoice.invoice_id]})


def discarded_without_approval(firm: Firm, rng: random.Random) -> FaultMark:
    """FX22: somebody threw away the dead letter of a posted invoice and asked nobody."""
    invoice = _victims(firm, rng)[0]
    return FaultMark("FX22", invoice.posted_at, {"invoice": [invoice.invoice_id]})


def _victims(firm: Firm, rng: random.Random) -> list[Invoice]:
    """Invoices of spring that neither a look-alike nor another fault rests on, in random order.

    Those whose contract none rests on come first. Raises ValueError when there is none.
    """
    objects = [case.objects for case in firm.look_alikes] + [mark.objects for mark in firm.fault_marks]
    taken = {key for one in objects for keys in one.values() for key in keys}
    able = [
        row
        for row in firm.invoices
        if row.doc_type == "STANDARD" and FROM <= row.posted_at < TO and row.invoice_id not in taken
    ]
    if not able:
        raise ValueError("no invoice's event could be lost")
    rng.shuffle(able)
    return sorted(able, key=lambda row: row.contract.so_id in taken)
