"""The page of WIP and deferred revenue on a published firm: what it says is what SQL says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dashboards import numbers, wip
from dashboards.components.sums import Sum
from dashboards.filters import Filters, default_as_of
from dashboards.readings import History
from tests.dashboards.asking import sums_of
from tests.dashboards.conftest import Opener
from tests.dashboards.test_executive_overview import Sql, as_of_dates, expected, shown, words
from throughline.home import Home

MONEY = {
    "Work done, not invoiced": ("wip_operational", "POINT"),
    "Unbilled receivables": ("unbilled_receivable", "POINT"),
    "Contract assets": ("contract_asset", "POINT"),
    "Deferred revenue": ("contract_liability", "POINT"),
    "Net contract position": ("net_contract_position", "POINT"),
    "Revenue": ("recognised_revenue", "QUARTER"),
    "Billed": ("billed", "QUARTER"),
}
LARGEST = (
    "select {column} as m from marts.metric_value where metric_id = '{metric}' and as_of = ? "
    "and grain = '{grain}' and currency_view = 'RC' order by value desc limit 1"
)


@pytest.fixture
def places(sql: Sql) -> list[tuple[dict[str, str], date, str, str]]:
    """Three combinations of filters: query, as of, grain, condition of the grain's member."""
    last = default_as_of(as_of_dates(sql))
    earlier = as_of_dates(sql)[3]
    of_practice = LARGEST.format(column="practice_id", metric="wip_operational", grain="PRACTICE")
    of_customer = LARGEST.format(column="customer_id", metric="contract_liability", grain="CUSTOMER")
    practice, customer = sql(of_practice, last)[0]["m"], sql(of_customer, last)[0]["m"]
    return [
        ({}, last, "FIRM", "true"),
        ({"scope": f"PRACTICE:{practice}"}, last, "PRACTICE", f"practice_id = '{practice}'"),
        (
            {"scope": f"CUSTOMER:{customer}", "asof": earlier.isoformat(), "period": "MONTH"},
            earlier,
            "CUSTOMER",
            f"customer_id = '{customer}'",
        ),
    ]


def test_cards_equal_sql_for_three_combinations_of_filters(
    open_page: Opener, sql: Sql, places: list[tuple[dict[str, str], date, str, str]]
) -> None:
    for query, as_of, grain, where in places:
        app = open_page("wip", **query)
        assert not app.exception
        assert not app.error
        cards = shown(app)
        for label, (metric, period) in MONEY.items():
            asked = "MONTH" if period == "QUARTER" and query.get("period") == "MONTH" else period
            assert cards[label] == expected(sql, metric, asked, "money", as_of, grain, where), (query, label)
        days = sql(
            "select value from marts.metric_value where metric_id = 'wip_days' and as_of = ? "
            f"and grain = ? and {where}",
            as_of,
            grain,
        )
        assert cards["WIP days"] == numbers.days(days[0]["value"] if days else None), query
    assert shown(open_page("wip"))["Deferred revenue"] not in ("$0", numbers.NO_VALUE)


def test_the_headline_says_the_numbers_of_the_cards(open_page: Opener) -> None:
    app = open_page("wip")
    said, cards = words(app).replace("\\", ""), shown(app)
    assert f"{cards['Work done, not invoiced']} of approved work is not invoiced" in said
    assert f"billed {cards['Deferred revenue']} ahead of what was earned" in said


def part_of(chosen: Filters, history: History, part: str) -> list[Sum]:
    """The sums behind a part of the page."""
    if part == "ageing":
        return wip.bucket_sums(chosen, wip.ageing(chosen))
    if part == "days":
        return wip.days_sums(chosen, history)
    return {"work": wip.WIP_ROLL_FORWARD, "deferred": wip.DEFERRED_ROLL_FORWARD}[part].sums(chosen, history)


@pytest.mark.parametrize("part", ["ageing", "work", "deferred"])
def test_every_number_is_the_sum_of_its_rows(
    at_home: Home, places: list[tuple[dict[str, str], date, str, str]], part: str
) -> None:
    for query, _, _, _ in places:
        found = sums_of(part_of, query, part)
        assert found
        assert [said for said in found if said[4] != "True"] == [], query


def test_the_bars_lead_from_one_level_to_the_other(at_home: Home) -> None:
    for part in ("work", "deferred"):
        opening, *moves, closing = (Decimal(said) for _, said, *_ in sums_of(part_of, {}, part))
        assert moves
        assert opening + sum(moves) == closing, part


def test_days_of_a_firm_too_young_are_unknown_and_their_work_is_listed(at_home: Home, sql: Sql) -> None:
    [(label, said, total, _, ties)] = sums_of(part_of, {}, "days")
    assert (label.startswith("Work done"), Decimal(said), ties) == (True, Decimal(total), "True")
    found = sql("select distinct value from marts.metric_value where metric_id = 'wip_days'")
    assert [r["value"] for r in found] == [None], "measured for less than twelve months"


def test_the_lists_hold_every_project_and_every_line(open_page: Opener, sql: Sql) -> None:
    app = open_page("wip")
    as_of = default_as_of(as_of_dates(sql))
    [projects] = [frame.value for frame in app.dataframe if "Oldest" in frame.value]
    [lines] = [frame.value for frame in app.dataframe if "Billed by" in frame.value]
    metric = "select value from marts.metric_value where metric_id = ? and as_of = ? and grain = 'FIRM' "
    for metric_id, listed in (
        ("wip_operational", projects["Not invoiced, USD"]),
        ("net_contract_position", lines["Earned less billed, USD"]),
        ("unbilled_receivable", lines["Unbilled, USD"]),
        ("contract_asset", lines["Contract asset, USD"]),
        ("contract_liability", lines["Deferred, USD"]),
    ):
        rows = sql(f"{metric} and currency_view = 'RC'", metric_id, as_of)
        assert abs(float(rows[0]["value"] if rows else 0) - listed.sum()) < 0.005, metric_id
    open_cases = sql(
        "select count(distinct contract_line_id) as n from reconciliation.exception "
        "where outcome = 'EXCEPTION' and contract_line_id in "
        "(select contract_line_id from marts.contract_position where as_of = ?)",
        as_of,
    )[0]["n"]
    assert lines["Open case"].notna().sum() == open_cases


def test_a_part_without_a_rate_leaves_its_bucket_unknown() -> None:
    known = [{"bucket": ">120", "amount": Decimal(5)}, {"bucket": "0-30", "amount": None}]
    assert wip.in_buckets(known, *wip.OLD) == 5
    assert wip.in_buckets([*known, {"bucket": "91-120", "amount": None}], *wip.OLD) is None
