"""Clients and the parts of what they hold, for stacked bars: the largest by name, the rest as one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from decimal import Decimal

from dashboards import data, names, numbers

SHOWN = 10
Parts = dict[str, Decimal]


def by_client(rows: Sequence[data.Row], without: Collection[str] = ()) -> list[tuple[str, Parts]]:
    """Clients by what their buckets add up to, most first; the rest of them as one, named ``""``.

    ``rows`` have customer_id, bucket and amount; buckets in ``without`` are no part of it.
    """
    found: dict[str, Parts] = {}
    for r in rows:
        if r["bucket"] not in without and r["amount"]:
            held = found.setdefault(r["customer_id"], {})
            held[r["bucket"]] = held.get(r["bucket"], Decimal(0)) + Decimal(r["amount"])
    return first_of(sorted(found.items(), key=lambda one: (-sum(one[1].values()), one[0])))


def first_of(ordered: list[tuple[str, Parts]]) -> list[tuple[str, Parts]]:
    """The first clients and the rest as one; one more than are shown is shown too, it needs no more room."""
    if len(ordered) <= SHOWN + 1:
        return ordered
    rest: Parts = {}
    for _, held in ordered[SHOWN:]:
        for bucket, amount in held.items():
            rest[bucket] = rest.get(bucket, Decimal(0)) + amount
    return [*ordered[:SHOWN], ("", rest)]


def labels(shown: Sequence[tuple[str, Parts]], clients: int) -> list[str]:
    """What the bars are called, of ``clients`` in all."""
    known = names.names()
    others = clients - len(shown) + 1
    return [
        names.of_key("customer", client, known) if client else numbers.counted(others, "other client")
        for client, _ in shown
    ]
