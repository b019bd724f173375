"""What of backlog is disclosed as remaining performance obligations, and what of that comes within a year."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal

from sandbox.oracle.money import ZERO
from sandbox.oracle.view import Dims, View, netsuite

Place = tuple[Dims, str]
Obligations = dict[Place, Decimal | None]


def obligations(
    view: View,
    day: date,
    backlog: Mapping[Place, Mapping[date, Decimal]],
    expected: Iterable[tuple[Dims, str, Mapping[date, Decimal | None]]],
) -> dict[str, Obligations]:
    """Metric -> (dims, currency) -> amount at ``day``; None where it is unknown when a line is done.

    Work billed by the hour at the right to invoice is left out, a capped price is not; a short term alone
    leaves nothing out, and no contract of the sandbox can be called off.
    """
    by_hour = {
        netsuite(line.line_key)
        for contract in view.contracts
        for line in contract.lines
        if line.method == "TM"
    }
    disclosed: Obligations = {
        place: values[day]
        for place, values in backlog.items()
        if values.get(day) and place[0].line not in by_hour
    }
    after = day + timedelta(days=1)
    twelve = date(after.year + 1, after.month, 1)
    within: Obligations = dict.fromkeys(disclosed, ZERO)
    for dims, currency, by_month in expected:
        place = dims, currency
        if place not in within:
            continue
        for month, amount in by_month.items():
            if amount is None:
                within[place] = None
            elif month < twelve and (so_far := within[place]) is not None:
                within[place] = so_far + amount
    return {"remaining_performance_obligation": disclosed, "rpo_next_12m": within}
