"""Lands into a home and kills itself: `python -m tests.landing.kill_driver HOME STAGE POINT`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.landing.fakes import Org

RESOURCES = ["opportunity_line_item", "user"]
CLOCK = {1: "2026-03-10T12:00:00Z", 2: "2026-03-11T12:00:00Z"}
FIELDS = {"OpportunityId": "006A", "Quantity": 1, "UnitPrice": 5, "TotalPrice": 5, "CurrencyIsoCode": "EUR"}


def org_at(stage: int) -> Org:
    """The org as it stands at the first or the second landing."""
    org = Org(page=3)
    for number in range(7):
        org.put("OpportunityLineItem", f"k{number}", f"2026-03-01T08:00:0{number}.000+0000", **FIELDS)
        org.put(
            "User", f"u{number}", f"2026-03-01T08:00:0{number}.000+0000", Name=f"N{number}", IsActive=True
        )
    if stage == 2:
        org.put("OpportunityLineItem", "k1", "2026-03-11T08:00:00.000+0000", TotalPrice=6)
        org.put("OpportunityLineItem", "k7", "2026-03-11T08:00:01.000+0000", **FIELDS)
        bad = {**FIELDS, "TotalPrice": "?", "Description": "said by Bea"}
        org.put("OpportunityLineItem", "bad", "2026-03-11T08:00:02.000+0000", **bad)
        org.delete("OpportunityLineItem", "k2", "2026-03-11T08:00:03.000+0000")
        org.put("User", "u1", "2026-03-11T08:00:00.000+0000", IsActive=False)
        org.put("User", "u2", "2026-03-11T08:00:00.000+0000", Name="N2 renamed")
    return org


def die(*_: Any, **__: Any) -> Any:
    """Kill -9, at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def after(call: Callable[..., Any], times: int) -> Callable[..., Any]:
    """`call`, and death once it has returned `times` times."""
    left = [times]

    def wrapped(*arguments: Any, **named: Any) -> Any:
        result = call(*arguments, **named)
        left[0] -= 1
        return die() if left[0] == 0 else result

    return wrapped


def armed(call: Callable[..., Any], trap: Callable[[], None]) -> Callable[..., Any]:
    """`call`, with a trap that is set only when it begins."""

    def wrapped(*arguments: Any, **named: Any) -> Any:
        trap()
        return call(*arguments, **named)

    return wrapped


def arm(point: str, org: Org) -> None:
    """Set the trap."""
    from dlt.destinations.impl.duckdb.duck import DuckDbCopyJob
    from dlt.pipeline.pipeline import Pipeline

    from pipelines.store import RawStore

    if point == "while reading":
        org.faults.append(lambda request: die() if "/query/01g" in str(request.url) else None)
    elif point == "extracted":
        Pipeline.extract = after(Pipeline.extract, 1)
    elif point == "normalized":
        Pipeline.normalize = after(Pipeline.normalize, 1)
    elif point == "personal fields loaded":
        DuckDbCopyJob.run = after(DuckDbCopyJob.run, 1)
    elif point == "personal fields recorded":
        RawStore.land = die
    elif point == "one table loaded":
        RawStore.land = armed(RawStore.land, lambda: arm("personal fields loaded", org))
    elif point == "all tables loaded":
        RawStore.land = after(RawStore.land, 1)
    elif point == "rejects recorded":
        RawStore.record = after(RawStore.record, 2)
    else:
        raise ValueError(point)


def main() -> None:
    """Land and die."""
    home, stage, point = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    os.environ["THROUGHLINE_NOW"] = CLOCK[stage]
    from pipelines.landing import run_source

    org = org_at(stage)
    arm(point, org)
    run_source("salesforce", "main", home, org.config(), "killed", RESOURCES)


if __name__ == "__main__":
    main()
