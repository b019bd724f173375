"""A small firm that lacks rates and a calendar: what rests on them is unknown, and nothing else is.

Euro rates end on 10 April 2026 and begin again on the 25th, pound rates end on 20 April and begin again on
2 May; the last rate stands for seven days. Amounts are reckoned by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.dbt.ledger_support import Firm, calendar, dbt, instant, make_project

pytestmark = pytest.mark.slow
D = Decimal
US, GB = "netsuite:main:1", "netsuite:main:2"
FIRST, KNOWN = "2026-01-02", "2026-05-31T23:30"
EURO_LINE, POUND_LINE = "netsuite:main:101", "netsuite:main:102"
BARS = (
    "opening, booked, amended, recognised, cancelled, completed_under_run, beyond_value, closure_timing,"
    " fx_translation, closing, unexplained"
)
# currency -> (last day of its rates, first day of the next ones, rate before, rate after)
FEED = {
    "EUR": (date(2026, 4, 10), date(2026, 4, 25), D("1.10"), D("1.20")),
    "GBP": (date(2026, 4, 20), date(2026, 5, 2), D("1.25"), D("1.30")),
}


def first(told: Firm, entity: str, key: str, **values: Any) -> None:
    told.add(entity, key, FIRST, backfill=True, **values)


def firm() -> Firm:
    told = Firm()
    first(told, "legal_entity", US, entity_code="US01", functional_currency="USD")
    first(told, "legal_entity", GB, entity_code="GB01", functional_currency="GBP")
    calendar(told, {US: "certinia:main:c1"}, date(2025, 12, 1), date(2026, 6, 30))
    for currency, (last, begins, before, after) in FEED.items():
        day = date(2025, 12, 31)
        while day <= date(2026, 5, 31):
            if day <= last or day >= begins:
                first(
                    told, "exchange_rate", f"netsuite:main:{currency}-{day}", from_currency=currency,
                    to_currency="USD", rate=before if day <= last else after, rate_type="spot",
                    effective_from=day,
                )  # fmt: skip
            day += timedelta(days=1)
    for number, (currency, value) in enumerate((("EUR", 100), ("GBP", 10)), start=101):
        first(
            told, "contract", f"netsuite:main:{number}0", customer_id="netsuite:main:10",
            legal_entity_id=US, currency_code=currency, billing_method="TM", signed_on=date(2026, 3, 3),
            created_at=instant("2026-03-03T09:00"), status="ACTIVE",
        )  # fmt: skip
        first(
            told, "contract_line", f"netsuite:main:{number}", contract_id=f"netsuite:main:{number}0",
            line_number=1, billing_method="TM", original_value=D(value), practice_code="DATA",
            region_code="NA", currency_code=currency,
        )  # fmt: skip
    # a change order while nobody knows the euro
    first(
        told, "contract_amendment", "netsuite:main:am1", contract_id="netsuite:main:1010",
        contract_line_id=EURO_LINE, delta_value=D(50), signed_on=date(2026, 4, 20),
        effective_on=date(2026, 4, 20), status="SIGNED",
    )  # fmt: skip
    for number, entity in ((1, US), (2, GB), (3, US)):
        first(
            told, "resource", f"bamboohr:main:e{number}", worker_type="employee", legal_entity_id=entity,
            practice_code="DATA" if number < 3 else "RISK", region_code="NA", hire_date=date(2026, 4, 1),
            fte=D(1), weekly_hours=D(40), is_time_required=True,
        )  # fmt: skip
    return told


@pytest.fixture(scope="module")
def marts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("unknown")
    place = folder / "build"
    place.mkdir()
    firm().write(place / "build.duckdb", as_of="2026-05-31", known_at=KNOWN)
    done = dbt(make_project(folder), place, "build")
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    with duckdb.connect(str(place / "serving.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def bars(marts: duckdb.DuckDBPyConnection, line: str, as_of: str, view: str) -> tuple[Any, ...]:
    rows = marts.execute(
        f"select {BARS} from marts.backlog_rollforward where contract_line_id = ? and as_of = ?"
        " and currency_view = ?",
        [line, as_of, view],
    ).fetchall()
    assert len(rows) == 1
    return rows[0]


def numbers(text: str) -> tuple[Decimal | None, ...]:
    return tuple(None if word == "-" else D(word) for word in text.split())


@pytest.mark.parametrize(
    ("line", "as_of", "view", "wanted"),
    [
        # the change order has no rate on its day, so neither it nor what the rates did is known
        (EURO_LINE, "2026-04-30", "TC", "100 0 50 0 0 0 0 0 0 150 0"),
        (EURO_LINE, "2026-04-30", "RC", "110 0 - 0 0 0 0 0 - 180 -"),
        (EURO_LINE, "2026-05-31", "RC", "180 0 0 0 0 0 0 0 0 180 0"),
        # at the end of April nobody knows the pound, so neither that closing nor the next opening
        (POUND_LINE, "2026-04-30", "TC", "10 0 0 0 0 0 0 0 0 10 0"),
        (POUND_LINE, "2026-04-30", "RC", "12.5 0 0 0 0 0 0 0 - - -"),
        (POUND_LINE, "2026-05-31", "RC", "- 0 0 0 0 0 0 0 - 13 -"),
    ],
)
def test_a_roll_forward_shows_what_it_knows_and_no_zero_for_the_rest(
    marts: duckdb.DuckDBPyConnection, line: str, as_of: str, view: str, wanted: str
) -> None:
    assert bars(marts, line, as_of, view) == numbers(wanted)


def test_the_bridge_keeps_the_steps_it_cannot_tell(marts: duckdb.DuckDBPyConnection) -> None:
    rows = marts.execute(
        "select as_of, contract_line_id, movement_type, amount_rc from marts.backlog_bridge"
        " where as_of > '2026-03-31' order by all"
    ).fetchall()
    assert rows == [
        (date(2026, 4, 30), EURO_LINE, "amended", None),
        (date(2026, 4, 30), EURO_LINE, "fx_translation", None),
        (date(2026, 4, 30), POUND_LINE, "fx_translation", None),
        (date(2026, 5, 31), POUND_LINE, "fx_translation", None),
    ]


def value(marts: duckdb.DuckDBPyConnection, metric: str, as_of: str, **where: str) -> tuple[Any, ...]:
    said = {"grain": "FIRM", "currency_view": "RC"} | where
    rows = marts.execute(
        "select denominator, value from marts.metric_value where metric_id = ? and as_of = ?"
        + "".join(f" and {name} = '{word}'" for name, word in said.items()),
        [metric, as_of],
    ).fetchall()
    assert len(rows) == 1, rows
    return rows[0]


def test_metrics_are_unknown_where_a_rate_is_and_the_constant_view_needs_only_its_own(
    marts: duckdb.DuckDBPyConnection,
) -> None:
    april = {"period_type": "MONTH", "contract_line_id": EURO_LINE, "grain": "CONTRACT_LINE"}
    assert value(marts, "gross_bookings", "2026-04-30", **april) == (None, None)
    # 50 euro at the 1.10 of 31 December 2025
    assert value(marts, "gross_bookings", "2026-04-30", **april | {"currency_view": "CC"})[1] == D(55)
    assert value(marts, "total_backlog", "2026-04-30")[1] is None
    assert value(marts, "total_backlog", "2026-04-30", currency_view="CC")[1] == D("177.5")
    assert value(marts, "total_backlog", "2026-05-31")[1] == D(193)


def test_a_worker_without_a_calendar_leaves_the_hours_unknown(marts: duckdb.DuckDBPyConnection) -> None:
    hours = {"currency_view": "NA", "period_type": "MONTH"}

    def of(**place: str) -> tuple[Any, ...]:
        return value(marts, "billable_utilisation_net", "2026-05-31", **hours | place)

    # 21 weekdays in May
    assert of(grain="RESOURCE", resource_id="bamboohr:main:e1") == (D(168), D(0))
    assert of(grain="PRACTICE", practice_id="RISK") == (D(168), D(0))
    unknown = (None, None)
    assert of(grain="RESOURCE", resource_id="bamboohr:main:e2") == unknown
    assert of(grain="PRACTICE", practice_id="DATA") == unknown
    assert of() == unknown
