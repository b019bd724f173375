"""A source somebody works in while it is read: its figures are of now, the window ends minutes before.

What changed in between is no lost row. It is read too, and the next window begins as if it had not been.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.landing.conftest import Home
from tests.landing.fakes import Org
from tests.landing.kill_driver import FIELDS

NOW, NEXT = "2026-03-10T12:00:00Z", "2026-03-10T18:00:00Z"
WHAT = ["opportunity_line_item"]
TABLE = "salesforce_main.opportunity_line_item"
EARLY, LATE = "2026-03-10T09:00:00.000+0000", "2026-03-10T11:58:00.000+0000"


def firm(*prices: int) -> Org:
    org = Org(page=3)
    for number, price in enumerate(prices, 1):
        org.put("OpportunityLineItem", f"k{number}", EARLY, **{**FIELDS, "TotalPrice": price})
    return org


def newest(home: Home) -> dict[str, Decimal]:
    return dict(
        home.sql(
            f"select tl_record_id, arg_max(total_price, (tl_loaded_at, length(tl_load_id), tl_load_id))"
            f" from {TABLE} group by tl_record_id having not arg_max(tl_is_deleted, tl_loaded_at)"
        )
    )


@pytest.mark.parametrize("loads_before", [0, 1])
def test_an_edit_behind_the_window_is_read_when_the_sum_has_it(home: Home, loads_before: int) -> None:
    org = firm(100, 200)
    for _ in range(loads_before):
        home.land("salesforce", org.config(), "2026-03-10T10:00:00Z", WHAT)
    org.put("OpportunityLineItem", "k2", LATE, **{**FIELDS, "TotalPrice": 90_200})
    [result] = home.land("salesforce", org.config(), NOW, WHAT).resources
    assert (result.status, result.source_count, result.source_amount) == ("OK", 2, Decimal(90_300))
    assert newest(home) == {"k1": Decimal(100), "k2": Decimal(90_200)}


def test_a_row_born_behind_the_window_is_no_difference_and_comes_next_time(home: Home) -> None:
    org = firm(100)
    org.put("OpportunityLineItem", "k2", LATE, **{**FIELDS, "TotalPrice": 200})
    [result] = home.land("salesforce", org.config(), NOW, WHAT).resources
    assert (result.source_count, result.source_amount) == (1, Decimal(100))
    assert newest(home) == {"k1": Decimal(100)}
    assert home.land("salesforce", org.config(), NEXT, WHAT).rows_landed == 1
    assert newest(home) == {"k1": Decimal(100), "k2": Decimal(200)}


def test_the_next_window_begins_before_what_was_read_ahead(home: Home) -> None:
    """A change of those minutes that became visible late only is not jumped over."""
    org = firm(100, 200, 300)
    home.land("salesforce", org.config(), "2026-03-10T10:00:00Z", WHAT)
    org.put("OpportunityLineItem", "k2", LATE, **{**FIELDS, "TotalPrice": 250})
    home.land("salesforce", org.config(), NOW, WHAT)
    [(reached,)] = home.sql("select max(cursor_to)::varchar from landing.extract_run")
    assert reached == "2026-03-10 11:50:00+00"
    # stamped before what was read ahead, and seen only now
    org.put("OpportunityLineItem", "k3", "2026-03-10T11:51:00.000+0000", **{**FIELDS, "TotalPrice": 350})
    home.land("salesforce", org.config(), NEXT, WHAT)
    assert newest(home) == {"k1": Decimal(100), "k2": Decimal(250), "k3": Decimal(350)}
    assert home.land("salesforce", org.config(), NEXT, WHAT).rows_landed == 0


def test_a_deletion_behind_the_window_is_seen_with_the_sum(home: Home) -> None:
    org = firm(100, 200, 300)
    home.land("salesforce", org.config(), "2026-03-10T10:00:00Z", WHAT)
    org.delete("OpportunityLineItem", "k3", LATE)
    [result] = home.land("salesforce", org.config(), NOW, WHAT).resources
    assert (result.source_count, result.source_amount) == (2, Decimal(300))
    assert newest(home) == {"k1": Decimal(100), "k2": Decimal(200)}


def test_a_sum_that_no_late_change_explains_stays_a_difference(home: Home) -> None:
    org = firm(100)
    old = "2026-03-01T09:00:00.000+0000"
    org.put("OpportunityLineItem", "k2", old, **{**FIELDS, "TotalPrice": 200})
    home.land("salesforce", org.config(), "2026-03-10T10:00:00Z", WHAT)
    # changed without moving the stamp: no window finds it, and the figures have to say so
    org.put("OpportunityLineItem", "k2", old, **{**FIELDS, "TotalPrice": 90_200})
    [result] = home.land("salesforce", org.config(), NOW, WHAT).resources
    assert result.source_amount == Decimal(90_300)
    assert newest(home) == {"k1": Decimal(100), "k2": Decimal(200)}


def test_a_load_that_reads_nothing_is_held_against_the_sum_too(home: Home) -> None:
    org = firm(100, 200)
    home.land("salesforce", org.config(), "2026-03-10T10:00:00Z", WHAT)
    for key in ("k1", "k2"):
        org.put("OpportunityLineItem", key, "2026-03-01T09:00:00.000+0000", TotalPrice=1)
    [result] = home.land("salesforce", org.config(), NOW, WHAT).resources
    assert (result.status, result.rows_extracted, result.source_amount) == ("OK", 0, Decimal(2))
