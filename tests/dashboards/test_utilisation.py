"""The page of utilisation and capacity on a published firm: what it says is what SQL says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dashboards import numbers, people
from dashboards.components.sums import Sum
from dashboards.filters import Filters, default_as_of
from dashboards.readings import History
from tests.dashboards.asking import sums_of
from tests.dashboards.conftest import Opener
from tests.dashboards.test_executive_overview import Sql, as_of_dates, expected, shown, words
from throughline.home import Home

AHEAD = {
    "Booked ahead, 4 weeks": "forward_utilisation_4w",
    "Booked ahead, 8 weeks": "forward_utilisation_8w",
    "Booked ahead, 12 weeks": "forward_utilisation_12w",
}
AGAINST = {
    "net": "billable_utilisation_net",
    "working": "billable_utilisation_working",
    "standard": "billable_utilisation_standard",
}
ANY = (
    "select {column} as m from marts.metric_value where metric_id = 'billable_utilisation_net' and as_of = ? "
    "and grain = '{grain}' and period_type = 'MONTH' order by denominator desc limit 1"
)


@pytest.fixture
def places(sql: Sql) -> list[tuple[dict[str, str], date, str, str]]:
    """Three combinations of filters: query, as of, grain, condition of the grain's member."""
    last = default_as_of(as_of_dates(sql))
    earlier = as_of_dates(sql)[3]
    practice = sql(ANY.format(column="practice_id", grain="PRACTICE"), last)[0]["m"]
    entity = sql(ANY.format(column="legal_entity_id", grain="LEGAL_ENTITY"), last)[0]["m"]
    return [
        ({}, last, "FIRM", "true"),
        (
            {"scope": f"PRACTICE:{practice}", "against": "standard"},
            last,
            "PRACTICE",
            f"practice_id = '{practice}'",
        ),
        (
            {"scope": f"LEGAL_ENTITY:{entity}", "asof": earlier.isoformat(), "against": "working"},
            earlier,
            "LEGAL_ENTITY",
            f"legal_entity_id = '{entity}'",
        ),
    ]


def test_cards_equal_sql_for_three_combinations_of_filters(
    open_page: Opener, sql: Sql, places: list[tuple[dict[str, str], date, str, str]]
) -> None:
    for query, as_of, grain, where in places:
        app = open_page("utilisation", **query)
        assert not app.exception
        assert not app.error
        cards = shown(app)
        metric = AGAINST[query.get("against", "net")]
        assert cards["Billable utilisation"] == expected(sql, metric, "QUARTER", "share", as_of, grain, where)
        run_day = sql("select as_of from publication.run")[0]["as_of"]
        for label, ahead in AHEAD.items():
            assert cards[label] == expected(sql, ahead, "POINT", "share", run_day, grain, where), (
                query,
                label,
            )


def test_each_definition_is_another_number(open_page: Opener) -> None:
    said = {shown(open_page("utilisation", against=code))["Billable utilisation"] for code in AGAINST}
    assert len(said) == len(AGAINST)


def test_the_headline_says_the_numbers_of_the_cards(open_page: Opener) -> None:
    app = open_page("utilisation")
    assert f"{shown(app)['Billable utilisation']} of people's hours were billable" in words(app)


def test_a_clients_hours_are_not_measured(open_page: Opener, sql: Sql) -> None:
    client = sql("select max(customer_id) as m from marts.ar_document where customer_id like 'netsuite%'")
    app = open_page("utilisation", scope=f"CUSTOMER:{client[0]['m']}")
    assert not app.exception
    assert "not measured by" in app.info[0].value


def part_of(chosen: Filters, history: History, part: str) -> list[Sum]:
    """The sums behind a part of the page."""
    assert part == "weeks"
    return people.week_sums(chosen, people.weeks(chosen))


def test_the_weeks_ahead_are_the_sums_of_their_rows(
    at_home: Home, places: list[tuple[dict[str, str], date, str, str]], sql: Sql
) -> None:
    run_day = sql("select as_of from publication.run")[0]["as_of"]
    for query, _, grain, where in places:
        found = sums_of(part_of, query, "weeks")
        assert [said for said in found if said[4] != "True"] == [], query
        reading = sql(
            "select numerator, denominator from marts.metric_value "
            f"where metric_id = 'forward_utilisation_12w' and as_of = ? and grain = ? and {where}",
            run_day,
            grain,
        )[0]
        held = {label: Decimal(said) for label, said, *_ in found}
        assert held["There"] == reading["denominator"]
        assert held["Firm, billable"] == reading["numerator"]


def test_the_list_holds_everybody_and_adds_up(open_page: Opener, sql: Sql) -> None:
    app = open_page("utilisation")
    as_of = default_as_of(as_of_dates(sql))
    listed = app.dataframe[-1].value
    reading = sql(
        "select numerator, denominator from marts.metric_value where metric_id = 'billable_utilisation_net' "
        "and grain = 'FIRM' and period_type = 'QUARTER' and as_of = ?",
        as_of,
    )[0]
    assert abs(Decimal(listed["Billable hours"].sum()) - reading["numerator"]) < Decimal("0.01")
    assert abs(Decimal(listed["Set against"].sum()) - reading["denominator"]) < Decimal("0.01")
    shares = [value for value in listed["Share"] if value == value]
    assert shares == sorted(shares)


def test_everybody_is_in_one_band() -> None:
    hours = ((0, 8), (2, 8), (4, 8), (8, 8), (9, 8), (5, 0), (5, None))
    found = people.bands([{"counted": Decimal(own), "set_against": of} for own, of in hours])
    assert [count for _, count in found] == [1, 1, 1, 0, 0, 2]
    assert numbers.percent(people.share({"counted": Decimal(9), "set_against": 8}), 1) == "112.5%"
