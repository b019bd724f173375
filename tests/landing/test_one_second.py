"""Many landings under one clock second: each has its own load, and the later one is the later one."""

from __future__ import annotations

from decimal import Decimal

from tests.landing.conftest import Home
from tests.landing.fakes import Org
from tests.landing.kill_driver import FIELDS

NOW, SECOND = "2026-03-10T12:00:00Z", "20260310T120000Z"
WHAT = ["opportunity_line_item"]


def test_twelve_landings_under_one_second(home: Home) -> None:
    org = Org(page=3)
    prices = [5, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 5]
    for number, price in enumerate(prices, 1):
        values = {**FIELDS, "TotalPrice": price}
        org.put("OpportunityLineItem", "k1", f"2026-03-01T08:00:{number:02}.000+0000", **values)
        result = home.land("salesforce", org.config(), NOW, WHAT)
        assert (result.status, result.rows_landed) == ("OK", 1)
    # The newest is the twelfth, not the ninth, which sorts last as text: nothing has changed since.
    assert home.land("salesforce", org.config(), NOW, WHAT).rows_landed == 0
    landed = dict(home.sql("select tl_load_id, total_price from salesforce_main.opportunity_line_item"))
    assert landed == {
        SECOND if number == 1 else f"{SECOND}-{number}": Decimal(price)
        for number, price in enumerate(prices, 1)
    }
