"""The page of revenue and forecast on a published firm: what it says is what SQL and its rows say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from dashboards import data, estimates, numbers, outlook
from dashboards.components.sums import Sum
from dashboards.data import Scope
from dashboards.filters import Filters, default_as_of, on_run_day
from dashboards.outlook import Month, Year
from dashboards.readings import History
from dashboards.views import expected_revenue
from tests.dashboards.asking import sums_of
from tests.dashboards.conftest import Opener
from tests.dashboards.test_executive_overview import Sql, as_of_dates, shown, words
from throughline.home import Home

EARNED_AND_TO_COME = "('ACTUAL', 'SCHEDULED', 'TENTATIVE', 'UNSCHEDULED', 'PIPELINE')"


@pytest.fixture
def places(sql: Sql) -> list[tuple[dict[str, str], str, str]]:
    """The firm, an entity and a practice: query, condition on members, grain."""
    entity = sql("select max(legal_entity_id) as m from marts.revenue_outlook where basis <> 'PLAN'")[0]["m"]
    practice = sql("select max(practice_id) as m from marts.revenue_outlook where basis = 'SCHEDULED'")[0][
        "m"
    ]
    return [
        ({}, "true", "FIRM"),
        ({"scope": f"LEGAL_ENTITY:{entity}"}, f"legal_entity_id = '{entity}'", "LEGAL_ENTITY"),
        ({"scope": f"PRACTICE:{practice}"}, f"practice_id = '{practice}'", "PRACTICE"),
    ]


def test_cards_say_what_sql_says(open_page: Opener, sql: Sql, places: Any) -> None:
    for query, where, grain in places:
        app = open_page("revenue", **query)
        assert not app.exception
        assert not app.error
        cards = shown(app)
        for kpi, as_of in (
            (outlook.TO_COME, "(select as_of from publication.run)"),
            (outlook.NEXT_YEAR, "(select as_of from publication.run)"),
            (outlook.PIPELINE, "date '2026-06-30'"),
        ):
            [found] = sql(
                "select sum(value) as v from marts.metric_value where metric_id = ? and grain = ?"
                f" and currency_view = 'RC' and as_of = {as_of} and {where}",
                kpi.metric_id,
                grain,
            )
            assert cards[kpi.title] == numbers.money(found["v"] or Decimal(0)), (query, kpi.metric_id)
        [rate] = sql(
            "select sum(numerator) as n, sum(denominator) as d from marts.metric_value"
            " where metric_id = 'win_rate' and period_type = 'T12M' and grain = ? and as_of = '2026-06-30'"
            f" and {where}",
            grain,
        )
        assert cards[outlook.WIN_RATE.title] == numbers.percent(rate["n"] / rate["d"] if rate["d"] else None)


def test_the_headline_is_the_sum_of_the_outlook(open_page: Opener, sql: Sql, places: Any) -> None:
    for query, where, _ in places:
        [found] = sql(
            f"select sum(amount_cc) filter (where basis in {EARNED_AND_TO_COME}) as lands,"
            " sum(amount_cc) filter (where basis = 'PLAN') as plan from marts.revenue_outlook"
            f" where year(month_start) = 2026 and {where}"
        )
        said = words(open_page("revenue", **query)).replace("\\", "")
        assert f"2026 is expected to land at {numbers.money(found['lands'])}" in said
        if found["plan"]:
            assert f"the plan of {numbers.money(found['plan'])}" in said


def year_of(chosen: Filters, history: History) -> list[Sum]:
    """The parts of the year."""
    return outlook.year_sums(chosen, outlook.year(chosen.scope, on_run_day(chosen).as_of))


def ratios_of(chosen: Filters, history: History) -> list[Sum]:
    """Both sides of every ratio."""
    twelve = History(
        (*data.metric_rows(chosen.scope, chosen.period), *data.metric_rows(chosen.scope, "T12M")),
        data.as_of_dates(),
    )
    ratios = (outlook.TO_PLAN, outlook.BOOKED_TO_PLAN, outlook.COVERAGE, outlook.WIN_RATE)
    return [
        one
        for kpi in ratios
        if twelve.at(kpi.metric_id, kpi.period(chosen), chosen.as_of) is not None
        for one in outlook.ratio_sums(kpi, chosen, twelve)
    ]


def test_every_part_of_the_year_is_the_sum_of_its_rows(at_home: Home, sql: Sql, places: Any) -> None:
    for query, _, _ in places:
        found = sums_of(year_of, query)
        assert len(found) >= 7
        assert [row for row in found if row[4] != "True"] == [], query


def test_both_sides_of_every_ratio_are_the_sums_of_their_rows(at_home: Home, sql: Sql, places: Any) -> None:
    for query, _, _ in places:
        # a quarter's end, and a day within one: what is planned for its other months counts too
        for as_of in ("2026-06-30", "2026-07-08"):
            found = sums_of(ratios_of, query | {"asof": as_of})
            assert [row for row in found if row[4] != "True"] == [], query


def test_a_forecast_that_has_not_met_its_month_is_not_judged(open_page: Opener, sql: Sql) -> None:
    assert sql("select count(*) as n from marts.forecast_accuracy")[0]["n"] == 0, "two runs, a month apart"
    assert "none has met its month here yet" in words(open_page("revenue"))


def test_forecasts_of_what_was_signed_and_of_deals_are_told_apart(
    open_page: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judged(measure: str, horizon: int, error: str, wape: str | None) -> dict[str, Any]:
        return {
            "measure": measure, "horizon": horizon, "months": 3, "cases": 3, "forecasts": 3,
            "absolute_error": Decimal(error), "error": -Decimal(error), "absolute_actual": Decimal(100),
            "wape": wape and Decimal(wape), "bias": wape and -Decimal(wape),
        }  # fmt: skip

    rows = (
        judged("REVENUE", 0, "7", "0.07"), judged("REVENUE", 1, "20", "0.2"),
        judged("BACKLOG_BURN", 0, "9", "0.09"), judged("PIPELINE", 0, "130", "1.3"),
        # nothing came of what it was of
        judged("PIPELINE", 1, "5", None),
    )  # fmt: skip
    monkeypatch.setattr(outlook, "accuracy", lambda _scope: rows)
    said = words(open_page("revenue"))
    assert "The latest forecasts were 93% right, by 7.0% too little" in said
    # a forecast that is wrong by more than came is not right at all
    assert "of what was signed 91% and of what was still to be won 0%" in said
    # what is right is what the columns are of; each of the four can be asked for its months
    sums = outlook.accuracy_sums(Scope("FIRM", "ALL", "Firm"), [row for row in rows if row["wape"]], "USD")
    assert len(sums) == 8


@pytest.mark.parametrize(
    ("scope", "sums"),
    [
        # 70 + 20 expected and 90 came in March; 60 and 50 in April
        (Scope("FIRM", "ALL", "Firm"), [("0 months ahead: errors", 10, 2), ("what came", 140, 2)]),
        # in the practice 70 and 90, so 20 too little, and 60 and 50
        (Scope("PRACTICE", "DATA", "Data"), [("0 months ahead: errors", 30, 2), ("what came", 140, 2)]),
    ],
    ids=["firm", "practice"],
)
def test_an_accuracy_is_the_sum_of_its_months(
    monkeypatch: pytest.MonkeyPatch, scope: Scope, sums: list[tuple[str, int, int]]
) -> None:
    monkeypatch.setattr(data, "holds_column", lambda *_of: True)
    judged = {
        "measure": "BACKLOG_BURN", "horizon": 0, "cases": 2, "absolute_error": Decimal(sums[0][1]),
        "absolute_actual": Decimal(sums[1][1]),
    }  # fmt: skip
    found = outlook.accuracy_sums(scope, [judged], "USD")
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create table marts.forecast_vintage as"
            " select *, date '2026-02-08' as made_on, 'r1' as run_id, 'E' as legal_entity_id from (values"
            " ('BACKLOG_BURN', date '2026-03-01', 0, 'DATA', 70.0, 90.0),"
            " ('BACKLOG_BURN', date '2026-03-01', 0, 'CLOUD', 20.0, 0.0),"
            " ('BACKLOG_BURN', date '2026-04-01', 0, 'DATA', 60.0, 50.0),"
            " ('BACKLOG_BURN', date '2026-04-01', 1, 'DATA', 900.0, 0.0),"
            " ('REVENUE', date '2026-04-01', 0, 'DATA', 800.0, 0.0)"
            ") as told(measure, month_start, horizon, practice_id, forecast_cc, actual_cc)"
        )
        for one, (label, total, rows) in zip(found, sums, strict=True):
            assert one.label.endswith(label)
            says = f"select sum(amount), count(*) from ({one.sql}) as listed"
            assert connection.execute(says, one.parameters).fetchone() == (total, rows)
            assert (one.expected, one.count) == (total, rows)


def test_an_unknown_part_leaves_the_year_unknown_and_a_missing_plan_is_none() -> None:
    months = (
        Month(date(2026, 1, 1), {"ACTUAL": Decimal(5), "SCHEDULED": Decimal(2)}, None),
        Month(date(2026, 2, 1), {"SCHEDULED": Decimal(3)}, Decimal(9)),
    )
    known = Year(months, Decimal(0), Decimal(0))
    assert (known.outlook, known.plan, known.part("SCHEDULED")) == (Decimal(10), Decimal(9), Decimal(5))
    unknown = Year((*months, Month(date(2026, 3, 1), {"PIPELINE": None}, None)), None, None)
    assert (unknown.outlook, unknown.part("PIPELINE"), unknown.plan) == (None, None, Decimal(9))
    assert Year((Month(date(2026, 1, 1), {}, None),), None, None).plan is None


def posted_of(chosen: Filters, history: History) -> list[Sum]:
    """What is posted of each listed line."""
    return expected_revenue.posted_sums(chosen, expected_revenue.lines(chosen))


def test_what_is_posted_beside_what_is_expected_is_its_postings(at_home: Home, sql: Sql) -> None:
    last = default_as_of(as_of_dates(sql))
    lines = sql(
        "select count(*) as n from marts.expected_revenue where as_of = ? and revenue_difference_tc <> 0",
        last,
    )
    assert lines[0]["n"] > 0
    found = sums_of(posted_of, {})
    assert found
    assert all(ties == "True" for *_, ties in found), found


def test_a_blank_card_says_of_how_many_lines_nothing_is_known(
    open_page: Opener, sql: Sql, places: Any
) -> None:
    seen = set()
    for query, where, _ in places:
        app = open_page("revenue", **query, asof="2026-06-30", period="MONTH")
        cards, said = shown(app), words(app)
        for title, what, column in (
            ("Expected revenue", "What is expected", "expected_in_month_rc"),
            ("Provision for contract losses", "The provision for losses", "loss_provision_rc"),
        ):
            [found] = sql(
                f"select count(*) filter ({column} is null) as unknown, count(*) as n"
                f" from marts.expected_revenue where as_of = '2026-06-30' and {where}"
            )
            seen.add(found["unknown"] > 0)
            assert (cards[title] == numbers.NO_VALUE) == (found["unknown"] > 0), (query, title)
            told = f"{what} is not known of {found['unknown']} of {found['n']} contract line"
            assert (told in said) == (found["unknown"] > 0), (query, title, said)
    assert seen == {True, False}


def moved_by(chosen: Filters, history: History) -> list[Sum]:
    """What every project's estimates moved."""
    return [one for row in estimates.moved(chosen) for one in estimates.sums(row)]


def test_what_estimates_moved_is_the_sum_of_their_rows(at_home: Home, sql: Sql) -> None:
    """The loads of June and July saw different estimates of the projects that go on."""
    newer = sql("select count(*) as n from marts.estimate_vintage where vintage_number > 1")[0]["n"]
    assert newer > 0
    found = sums_of(moved_by, {})
    assert found
    assert all(ties == "True" for *_, ties in found), found


def test_the_estimates_kept_are_those_the_loads_saw(sql: Sql) -> None:
    """No estimate is told twice, none is older than what was known before it, and one is the newest."""
    for row in sql(
        "select project_id, count(*) as n, count(distinct vintage_number) as numbers,"
        " count(*) filter (is_current) as newest, count(distinct load_id) as loads"
        " from marts.estimate_vintage group by project_id"
    ):
        assert row["n"] == row["numbers"] == row["loads"], row
        assert row["newest"] == 1, row
    wrong = sql(
        "select project_id from marts.estimate_vintage where eac_cost_tc - eac_cost_before_tc"
        " <> eac_cost_change_tc or (vintage_number = 1) <> (eac_cost_before_tc is null)"
    )
    assert wrong == []


def test_expected_revenue_and_the_path_of_an_estimate_are_shown(open_page: Opener, sql: Sql) -> None:
    # a firm with one line that nobody estimated has no number; the entities that have one are asked for it
    told_of = sql(
        "select min(legal_entity_id) as entity from marts.metric_value where metric_id = 'expected_revenue'"
        " and grain = 'LEGAL_ENTITY' and currency_view = 'RC' and period_type = 'QUARTER'"
        " and as_of = date '2026-07-08' and value <> 0"
    )[0]["entity"]
    assert told_of
    for query, grain, entity in (
        ({}, "FIRM", "ALL"),
        ({"asof": "2026-07-08", "scope": f"LEGAL_ENTITY:{told_of}"}, "LEGAL_ENTITY", told_of),
    ):
        app = open_page("revenue", **query)
        assert not app.exception
        assert not app.error
        day = query.get("asof", "2026-06-30")
        cards = shown(app)
        for metric, title, period in (
            ("expected_revenue", "Expected revenue", "QUARTER"),
            ("revenue_posted_less_expected", "Revenue posted less expected", "QUARTER"),
            ("loss_provision", "Provision for contract losses", "POINT"),
        ):
            told = sql(
                "select value from marts.metric_value where metric_id = ? and period_type = ? and grain = ?"
                f" and legal_entity_id = ? and currency_view = 'RC' and as_of = date '{day}'",
                metric, period, grain, entity,
            )  # fmt: skip
            wanted = told[0]["value"] if told else Decimal(0)
            assert cards[title] == (numbers.money(wanted) if wanted is not None else numbers.NO_VALUE), title
        said = words(app)
        assert "expected to cost more than first said" in said
        assert "Cost at completion by the day of each estimate" in said
