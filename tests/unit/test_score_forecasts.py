"""What the score says of forecasts: worked by hand on two places over three loads."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from sandbox.compare import Comparison
from sandbox.forecasts import accuracy, compare_forecasts, compare_outlook, judged
from sandbox.oracle.truth import OUTLOOK

D = Decimal
FEBRUARY, MARCH, APRIL = date(2026, 2, 8), date(2026, 3, 8), date(2026, 4, 8)


def outlook(
    *rows: tuple[str, date, str, str, str | None] | tuple[str, date, str, str, str | None, date],
) -> pa.Table:
    """Rows of basis, month, entity, practice, amount and, of what was earned, the day of the contract."""
    return pa.Table.from_pylist(
        [
            {
                "basis": basis,
                "month_start": month,
                "legal_entity_id": entity,
                "practice_id": practice,
                "signed_on": on[0] if on else None,
                "amount_rc": None if amount is None else D(amount),
                "amount_cc": None if amount is None else D(amount),
            }
            for basis, month, entity, practice, amount, *on in rows
        ],
        schema=OUTLOOK,
    )


SIGNED_BEFORE, SIGNED_AFTER = date(2026, 1, 5), date(2026, 2, 20)
# March was expected in February, 70 of it of contracts that were signed; April in February and March; in
# February nobody expected anything of e2
OUTLOOKS = {
    FEBRUARY: outlook(
        ("SIGNED", date(2026, 2, 1), "e1", "DATA", "5"),
        ("SIGNED", date(2026, 3, 1), "e1", "DATA", "70"),
        ("PIPELINE", date(2026, 3, 1), "e1", "DATA", "30"),
        ("SIGNED", date(2026, 4, 1), "e1", "DATA", "90"),
    ),
    MARCH: outlook(
        ("SIGNED", date(2026, 4, 1), "e1", "DATA", "80"),
        ("PIPELINE", date(2026, 4, 1), "e1", "CLOUD", None),
    ),
    APRIL: outlook(
        ("ACTUAL", date(2026, 2, 1), "e1", "DATA", "7", SIGNED_BEFORE),
        ("ACTUAL", date(2026, 3, 1), "e1", "DATA", "90", SIGNED_BEFORE),
        ("ACTUAL", date(2026, 3, 1), "e1", "DATA", "30", SIGNED_AFTER),
        ("ACTUAL", date(2026, 3, 1), "e2", "DATA", "30", SIGNED_AFTER),
        ("PLAN", date(2026, 3, 1), "e1", "DATA", "1000"),
    ),
}


def test_a_month_is_held_against_the_forecast_that_stood_when_it_or_an_earlier_one_began() -> None:
    found = judged(OUTLOOKS, APRIL)
    told = {
        key: (one.made_on, one.is_forecast, one.forecast, one.actual) for key, one in sorted(found.items())
    }
    march = date(2026, 3, 1)
    assert told == {
        # of February nothing stood when it began; the April that is under way is not whole
        ("BACKLOG_BURN", march, 0, "e1", "DATA"): (FEBRUARY, True, D(70), D(90)),
        # signed on 20 February, so it was still to be won on the 8th
        ("PIPELINE", march, 0, "e1", "DATA"): (FEBRUARY, True, D(30), D(30)),
        ("PIPELINE", march, 0, "e2", "DATA"): (FEBRUARY, False, D(0), D(30)),
        ("REVENUE", march, 0, "e1", "DATA"): (FEBRUARY, True, D(100), D(120)),
        ("REVENUE", march, 0, "e2", "DATA"): (FEBRUARY, False, D(0), D(30)),
    }
    may = date(2026, 5, 8)
    later = OUTLOOKS | {may: outlook(("ACTUAL", date(2026, 4, 1), "e1", "DATA", "85", SIGNED_AFTER))}
    april = {key: one for key, one in judged(later, may).items() if key[1] == date(2026, 4, 1)}
    assert {
        (key[0], *key[2:]): (one.made_on, one.forecast, one.actual) for key, one in sorted(april.items())
    } == {
        # in March the contract was signed, in February it was not
        ("BACKLOG_BURN", 0, "e1", "DATA"): (MARCH, D(80), D(85)),
        ("BACKLOG_BURN", 1, "e1", "DATA"): (FEBRUARY, D(90), D(0)),
        ("PIPELINE", 0, "e1", "CLOUD"): (MARCH, None, D(0)),
        ("PIPELINE", 1, "e1", "DATA"): (FEBRUARY, D(0), D(85)),
        ("REVENUE", 0, "e1", "CLOUD"): (MARCH, None, D(0)),
        ("REVENUE", 0, "e1", "DATA"): (MARCH, D(80), D(85)),
        ("REVENUE", 1, "e1", "DATA"): (FEBRUARY, D(90), D(85)),
    }


def test_how_good_they_were_is_sums_over_sums_and_members_do_not_make_up_for_each_other() -> None:
    sums = accuracy(judged(OUTLOOKS, APRIL))
    found = {key: one.shares() | {"cases": one.counts()["cases"]} for key, one in sums.items()}
    # the firm: 100 expected, 150 came
    assert found["REVENUE", "FIRM", "ALL", "ALL", 0] == {
        "wape": D(50) / D(150), "bias": D(-50) / D(150), "coverage": D(1), "cases": 1,
    }  # fmt: skip
    # entity by entity: 20 and 30 too little, of one of two nothing was expected
    assert found["REVENUE", "LEGAL_ENTITY", "ALL", "ALL", 0] == {
        "wape": D(50) / D(150), "bias": D(-50) / D(150), "coverage": D("0.5"), "cases": 2,
    }  # fmt: skip
    assert found["REVENUE", "LEGAL_ENTITY", "e1", "ALL", 0]["wape"] == D(20) / D(120)
    # what was signed brought 20 more than expected; what was not, what was expected of e1 and 30 of e2
    assert found["BACKLOG_BURN", "FIRM", "ALL", "ALL", 0]["bias"] == D(-20) / D(90)
    assert found["PIPELINE", "LEGAL_ENTITY", "ALL", "ALL", 0]["wape"] == D(30) / D(60)


def published(**changes: Any) -> tuple[pa.Table, pa.Table]:
    """What the warehouse would say of the same two places; a change is of the first of them."""
    rows = [
        {
            "measure": measure,
            "month_start": month,
            "horizon": horizon,
            "legal_entity_id": entity,
            "practice_id": practice,
            "made_on": one.made_on,
            "is_forecast": one.is_forecast,
            "forecast_cc": one.forecast,
            "actual_cc": one.actual,
        }
        for (measure, month, horizon, entity, practice), one in sorted(judged(OUTLOOKS, APRIL).items())
    ]
    rows[0] |= {name: value for name, value in changes.items() if name in rows[0]}
    sums = [
        {
            "measure": measure,
            "grain": grain,
            "legal_entity_id": entity,
            "practice_id": practice,
            "horizon": horizon,
            **one.counts(),
            **one.shares(),
        }
        for (measure, grain, entity, practice, horizon), one in sorted(
            accuracy(judged(OUTLOOKS, APRIL)).items()
        )
    ]
    sums[0] |= {name: value for name, value in changes.items() if name in sums[0]}
    return pa.Table.from_pylist(rows[changes.get("without", 0) :]), pa.Table.from_pylist(sums)


def short(number: str) -> str:
    """Without the zeros that a column's scale adds."""
    return number.rstrip("0").rstrip(".") if "." in number else number


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, []),
        ({"forecast_cc": D("70.009")}, []),
        ({"forecast_cc": D(71)}, [("forecast", "forecast_cc", "70.0000", "71")]),
        ({"forecast_cc": None}, [("forecast", "forecast_cc", "70.0000", "")]),
        ({"made_on": MARCH}, [("forecast", "made_on", "2026-02-08", "2026-03-08")]),
        ({"is_forecast": False}, [("forecast", "is_forecast", "True", "False")]),
        ({"actual_cc": D(7)}, [("forecast", "actual_cc", "90.0000", "7")]),
        ({"cases": 3}, [("accuracy", "cases", "1", "3")]),
        ({"bias": D("0.3")}, [("accuracy", "bias", "-0.2222222222222222222222222222", "0.3")]),
    ],
    ids=["same", "within a cent", "amount", "unknown", "day", "none", "actual", "cases", "share"],
)
def test_a_forecast_that_says_something_else_is_told(
    change: dict[str, Any], told: list[tuple[str, str, str, str]]
) -> None:
    into = Comparison()
    compare_forecasts(OUTLOOKS, APRIL, *published(**change), into)
    assert [(one.kind, one.what, one.truth, short(one.found)) for one in into.differences] == told


def test_one_that_is_missing_is_told_and_one_of_a_load_that_was_told_untruly_is_not_judged() -> None:
    into = Comparison()
    compare_forecasts(OUTLOOKS, APRIL, *published(without=1), into)
    assert [(one.what, one.key) for one in into.differences] == [("MISSING", "2026-03-01 0 e1 DATA")]
    into = Comparison()
    compare_forecasts(OUTLOOKS, APRIL, *published(without=1, cases=9), into, struck=[FEBRUARY])
    assert into.differences == []


def test_the_outlook_is_held_month_by_month_of_the_year() -> None:
    truth = OUTLOOKS[APRIL]
    into = Comparison()
    compare_outlook(truth, truth, APRIL, into)
    assert (into.differences, into.forecasts) == ([], 4)
    found = outlook(
        ("ACTUAL", date(2025, 12, 1), "e1", "DATA", "7"),
        ("ACTUAL", date(2026, 2, 1), "e1", "DATA", "7"),
        ("ACTUAL", date(2026, 3, 1), "e1", "DATA", None),
        ("SIGNED", date(2026, 6, 1), "e1", "DATA", "1"),
        ("PLAN", date(2026, 3, 1), "e1", "DATA", "1000"),
    )
    compare_outlook(truth, found, APRIL, into := Comparison())
    told = {(one.subject, one.key, one.what): (one.truth, one.found) for one in into.differences}
    assert told == {
        ("ACTUAL", "2026-03-01 e1 DATA", "amount_rc"): ("120.0000", ""),
        ("ACTUAL", "2026-03-01 e1 DATA", "amount_cc"): ("120.0000", ""),
        ("ACTUAL", "2026-03-01 e2 DATA", "amount_rc"): ("30.0000", "0"),
        ("ACTUAL", "2026-03-01 e2 DATA", "amount_cc"): ("30.0000", "0"),
        ("SIGNED", "2026-06-01 e1 DATA", "amount_rc"): ("0", "1.0000"),
        ("SIGNED", "2026-06-01 e1 DATA", "amount_cc"): ("0", "1.0000"),
    }
