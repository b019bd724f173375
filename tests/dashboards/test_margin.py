"""The page of margin on a published firm: what it says is what SQL says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from dashboards import data, leakage, margin, project_margins
from dashboards.components.sums import Sum
from dashboards.filters import Filters, default_as_of
from dashboards.margin import Made, known_margin
from dashboards.readings import History
from tests.dashboards.asking import sums_of
from tests.dashboards.conftest import Opener
from tests.dashboards.test_executive_overview import Sql, as_of_dates, expected, shown, words
from throughline.home import Home

CARDS = {
    "Project gross margin": ("project_gross_margin", "share"),
    "Revenue": ("recognised_revenue", "money"),
    "Labour cost": ("labour_cost", "money"),
    "Subcontractor cost": ("subcontractor_cost", "money"),
}
LARGEST = (
    "select {column} as m from marts.metric_value where metric_id = 'recognised_revenue' and as_of = ? "
    "and grain = '{grain}' and currency_view = 'RC' and period_type = 'MONTH' order by value desc limit 1"
)


@pytest.fixture
def places(sql: Sql) -> list[tuple[dict[str, str], date, str, str]]:
    """Three combinations of filters: query, as of, grain, condition of the grain's member."""
    last = default_as_of(as_of_dates(sql))
    earlier = as_of_dates(sql)[3]
    practice = sql(LARGEST.format(column="practice_id", grain="PRACTICE"), last)[0]["m"]
    customer = sql(LARGEST.format(column="customer_id", grain="CUSTOMER"), earlier)[0]["m"]
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
        app = open_page("margin", **query)
        assert not app.exception
        assert not app.error
        cards = shown(app)
        period = query.get("period", "QUARTER")
        for label, (metric, kind) in CARDS.items():
            assert cards[label] == expected(sql, metric, period, kind, as_of, grain, where), (query, label)


def test_the_headline_says_the_number_of_the_card(open_page: Opener) -> None:
    app = open_page("margin")
    assert f"revenue is left, {shown(app)['Project gross margin']}" in words(app)


def part_of(chosen: Filters, history: History, part: str) -> list[Sum]:
    """The sums behind a part of the page, or the bridge's own amounts as sums of nothing."""
    if part == "parts":
        return margin.part_sums(chosen)
    steps = margin.bridge_steps(chosen, history)
    assert steps is not None
    return [
        Sum(label, "select null as a, null as b, null as c, 0 as amount where false", (), amount, kind)
        for label, amount, kind in steps
    ]


def test_every_part_is_the_sum_of_its_rows(
    at_home: Home, places: list[tuple[dict[str, str], date, str, str]]
) -> None:
    for query, _, _, _ in places:
        found = sums_of(part_of, query, "parts")
        assert found
        assert [said for said in found if said[4] != "True"] == [], query


def test_the_bridge_leads_from_one_margin_to_the_other_without_a_rest(at_home: Home, sql: Sql) -> None:
    as_of = default_as_of(as_of_dates(sql))
    opening, *moves, closing = (Decimal(said) for _, said, *_ in sums_of(part_of, {}, "bridge"))
    assert moves
    assert opening + sum(moves) == closing
    found = sql(
        "select value from marts.metric_value where metric_id = 'project_gross_margin' and grain = 'FIRM' "
        "and currency_view = 'RC' and period_type = 'QUARTER' and as_of = ?",
        as_of,
    )
    assert closing == found[0]["value"]


def test_the_list_holds_every_project_and_adds_up(open_page: Opener, sql: Sql) -> None:
    app = open_page("margin")
    as_of = default_as_of(as_of_dates(sql))
    [listed] = [frame.value for frame in app.dataframe if "Other cost, USD" in frame.value]
    found = sql(
        "select value, denominator from marts.metric_value where metric_id = 'project_gross_margin' "
        "and grain = 'FIRM' and currency_view = 'RC' and period_type = 'QUARTER' and as_of = ?",
        as_of,
    )[0]
    assert abs(float(found["value"]) - listed["Margin, USD"].sum()) < 0.005
    assert abs(float(found["denominator"]) - listed["Revenue, USD"].sum()) < 0.005
    kept = listed["Revenue, USD"] - listed["Labour, USD"] - listed["Other cost, USD"]
    assert (abs(kept - listed["Margin, USD"]) < 0.005).all()
    assert list(listed["Margin, USD"]) == sorted(listed["Margin, USD"])


def test_one_unknown_cost_leaves_the_sum_unknown() -> None:
    known = [Made("a", Decimal(10), Decimal(4)), Made("b", Decimal(0), Decimal(-1))]
    assert known_margin(known) == 3
    assert known_margin([*known, Made("c", Decimal(5), None)]) is None
    assert (known[0].share, known[1].share) == (Decimal("0.4"), None)


def test_hours_without_a_cost_leave_margin_unknown_and_not_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a person's month the margin's rows hold the hours with a cost; labour's own rows tell the rest."""
    connection = duckdb.connect()
    connection.execute("create schema marts")
    connection.execute(
        "create table marts.metric_drill as select * from (values"
        " ('project_gross_margin', 'A', 'recognised', 100, 100, null),"
        " ('project_gross_margin', 'A', 'labour_cost', -60, 0, 10),"
        " ('project_gross_margin', 'B', 'recognised', 50, 50, null),"
        " ('labour_cost', 'A', 'labour_cost', 60, null, 6),"
        " ('labour_cost', 'A', 'labour_cost', null, null, 4))"
        " as told(metric_id, customer_id, movement_type, amount_rc, base, hours),"
        " (select date '2026-06-01' as period_month) as month"
    )

    def rows(sql: str, *parameters: Any) -> tuple[dict[str, Any], ...]:
        cursor = connection.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description or []]
        return tuple(dict(zip(names, row, strict=True)) for row in cursor.fetchall())

    monkeypatch.setattr(data, "rows", rows)
    chosen = Filters(date(2026, 6, 30), "MONTH", "PP", data.FIRM)
    assert margin.made_by(chosen, "CUSTOMER") == [
        Made("A", Decimal(100), None),
        Made("B", Decimal(50), Decimal(50)),
    ]


def leakage_of(chosen: Filters, history: History, part: str) -> list[Sum]:
    """The bridge's lines with their rows, or its own amounts as sums of nothing."""
    if part == "lines":
        return leakage.sums(chosen)
    return [
        Sum(label, "select null as a, null as b, null as c, 0 as amount where false", (), amount, kind)
        for label, amount, kind in leakage.steps(leakage.amounts(chosen)) or ()
    ]


def test_the_way_from_agreed_value_to_cash_adds_up_and_is_its_rows(
    at_home: Home, places: list[tuple[dict[str, str], date, str, str]]
) -> None:
    for query, _, _, _ in places[:2]:
        told = [(kind, Decimal(amount)) for _, amount, _, _, _, kind in _steps(query)]
        level = Decimal(0)
        for kind, amount in told:
            if kind == "total" and level:
                assert abs(level - amount) < Decimal("0.01"), query
            level = amount if kind == "total" else level + amount
        assert sum(kind == "total" for kind, _ in told) == 3
        lines = sums_of(leakage_of, query, "lines")
        assert lines
        assert all(ties == "True" for *_, ties in lines), lines


def _steps(query: dict[str, str]) -> list[tuple[str, str, str, str, str, str]]:
    """The bridge's steps; their kind stands at the end."""
    named = {"Agreed value", "Billed", "Paid"}
    return [
        (label, amount, total, count, ties, "total" if label in named else "step")
        for label, amount, total, count, ties in sums_of(leakage_of, query, "steps")
    ]


def sold_of(chosen: Filters, history: History, part: str) -> list[Sum]:
    """Every step from sold to actual with its rows, of all projects or of the one named."""
    return project_margins.sums(chosen, None if part == "all" else part)


def test_the_way_from_sold_to_actual_is_its_rows_and_ends_at_the_metric(
    at_home: Home, sql: Sql, places: list[tuple[dict[str, str], date, str, str]]
) -> None:
    [worst] = sql(
        "select project_id, sold_margin_cc, actual_margin_rc from marts.project_margin where gap is null "
        "order by erosion, project_id limit 1"
    )
    for query, part in ((places[0][0], "all"), (places[1][0], "all"), (places[0][0], worst["project_id"])):
        found = sums_of(sold_of, query, part)
        assert found[0][0] == "As sold"
        assert found[-1][0] == "Actual"
        assert all(ties == "True" for *_, ties in found), found
        assert sum(Decimal(said) for _, said, *_ in found[:-1]) == Decimal(found[-1][1])
    assert Decimal(found[0][1]) == worst["sold_margin_cc"]
    assert Decimal(found[-1][1]) == worst["actual_margin_rc"]


def test_four_margins_stand_side_by_side_the_most_eroded_first(open_page: Opener, sql: Sql) -> None:
    app = open_page("margin")
    assert not app.exception
    [listed] = [frame.value for frame in app.dataframe if "At completion, USD" in frame.value]
    eroded = sql("select count(*) as n from marts.project_margin where erosion < 0")[0]["n"]
    assert any(f"{eroded} are expected" in said.value for said in app.subheader)
    actual = sql("select sum(actual_margin_rc) as total from marts.project_margin")[0]["total"]
    assert abs(float(actual) - listed["Actual, USD"].sum()) < 0.005
