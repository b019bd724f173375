"""The page of handoff lag on a published firm: what it says is what SQL and a hand calculation say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from dashboards import data, numbers, waiting
from dashboards.components.sums import Sum
from dashboards.filters import Filters
from dashboards.readings import History
from dashboards.waiting import Sooner, Wait, interest, sooner, wait
from tests.dashboards.asking import sums_of
from tests.dashboards.conftest import Opener
from tests.dashboards.test_executive_overview import Sql, shown, words
from throughline.home import Home


def test_cards_are_the_medians_of_the_runs_day_for_three_scopes(open_page: Opener, sql: Sql) -> None:
    entity = sql("select max(legal_entity_id) as m from marts.handoff_stage where grain = 'LEGAL_ENTITY'")
    practice = sql("select max(practice_id) as m from marts.handoff_stage where grain = 'PRACTICE'")
    for query, where in (
        ({}, "grain = 'FIRM'"),
        ({"scope": f"LEGAL_ENTITY:{entity[0]['m']}"}, f"legal_entity_id = '{entity[0]['m']}'"),
        ({"scope": f"PRACTICE:{practice[0]['m']}", "asof": ""}, f"practice_id = '{practice[0]['m']}'"),
    ):
        app = open_page("handoff", **query)
        assert not app.exception
        assert not app.error
        cards = shown(app)
        for stage, kpi in waiting.STAGES.items():
            found = sql(f"select median_lag from marts.handoff_stage where stage = '{stage}' and {where}")
            wanted = numbers.days(found[0]["median_lag"] if found else None)
            assert cards[kpi.title] == wanted, (query, stage)


def part_of(chosen: Filters, history: History, limit: str) -> list[Sum]:
    """What would not wait any more."""
    found = wait(chosen, int(limit))
    assert found is not None
    return [waiting.sooner_sum(chosen, int(limit), found.amount_sooner, found.cases_sooner)]


@pytest.mark.parametrize("limit", ["0", "10", "60"])
def test_what_would_come_sooner_is_the_sum_of_its_cases(at_home: Home, sql: Sql, limit: str) -> None:
    practice = sql("select max(practice_id) as m from marts.metric_drill where metric_id = ?", data.LATE)[0][
        "m"
    ]
    for query in ({}, {"scope": f"PRACTICE:{practice}"}):
        [(_, _, _, _, ties)] = sums_of(part_of, query, limit)
        assert ties == "True", query


def test_without_a_limit_all_of_it_would_be_in(open_page: Opener, sql: Sql) -> None:
    amount = sql("select sum(base) as a from marts.metric_drill where metric_id = ?", data.LATE)[0]["a"]
    said = words(open_page("handoff", limit="0")).replace("\\", "")
    assert said.count(f"**{numbers.money(amount)}**") == 2


def test_interest_and_limit_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """36,500 for 20 days and 1,000 for 5; at most 10 days brings the first one forward by ten."""
    connection = duckdb.connect()
    connection.execute("create schema marts")
    connection.execute(
        "create table marts.metric_drill as select * from (values"
        f" ('{data.LATE}', 36500, 730000), ('{data.LATE}', 1000, 5000), ('billed', 9, 9))"
        " as told(metric_id, base, amount_rc)"
    )

    def row(sql: str, *parameters: Any) -> dict[str, Any]:
        cursor = connection.execute(sql, list(parameters))
        names = [column[0] for column in cursor.description or []]
        return dict(zip(names, cursor.fetchone() or (), strict=True))

    monkeypatch.setattr(data, "row", row)
    chosen = Filters(date(2026, 6, 30), "MONTH", "PP", data.FIRM)
    found = wait(chosen, 10)
    assert found == Wait(2, Decimal(37500), Decimal(735000), 1, Decimal(36500), Decimal(365000))
    # 365,000 currency-days at 10% a year are 100 of interest
    assert interest(found.money_days_sooner, Decimal(10)) == 100
    connection.execute(f"insert into marts.metric_drill values ('{data.LATE}', null, null)")
    assert wait(chosen, 10) is None, "an amount without a rate is not nothing"


def test_the_list_holds_every_case_that_waits(open_page: Opener, sql: Sql) -> None:
    app = open_page("handoff")
    [listed] = [frame.value for frame in app.dataframe if "Too long" in frame.value]
    found = sql(
        "select count(*) as n, count(*) filter (where is_breached) as late from marts.handoff_waiting"
    )
    assert len(listed) == min(found[0]["n"], 200)
    said = f"{numbers.counted(found[0]['n'], 'case')}, of which {found[0]['late']} too long"
    assert said in words(app)
    assert list(listed["Too long"]) == sorted(listed["Too long"], reverse=True)


def test_a_region_has_cases_but_no_medians(open_page: Opener, sql: Sql) -> None:
    region = sql("select max(region_id) as m from marts.handoff_waiting where region_id <> 'NONE'")[0]["m"]
    app = open_page("handoff", scope=f"REGION:{region}")
    assert not app.exception
    assert any("measured for the firm" in info.value for info in app.info)


@pytest.mark.parametrize(
    ("example", "billed", "days", "per_cent", "released", "yearly"),
    [
        # through the page's own function: no table holds what nobody has saved yet
        ("G-ROI-01", 8_000_000 * 365, 10, 5, 80_000_000, 4_000_000),
        ("G-ROI-02", 36_500_000, 6, 8, 600_000, 48_000),
    ],
)
def test_cash_comes_once_and_its_interest_every_year(
    example: str, billed: int, days: int, per_cent: int, released: int, yearly: int
) -> None:
    found = sooner(Decimal(billed), days, Decimal(per_cent))
    assert found == Sooner(Decimal(billed), Decimal(released), Decimal(yearly)), example


def test_days_saved_are_worth_a_years_billing(open_page: Opener, sql: Sql) -> None:
    billed = sql(
        "select value from marts.metric_value where metric_id = 'billed' and grain = 'FIRM' "
        "and currency_view = 'RC' and period_type = 'T12M' "
        "and as_of = (select max(as_of) from marts.metric_value)"
    )[0]["value"]
    app = open_page("handoff", sooner="10", capital="4")
    assert not app.exception
    said = words(app).replace("\\", "")
    assert f"**{numbers.money(billed * 10 / 365)}** comes in earlier, once" in said
    assert f"USD {numbers.full_money(billed * 10 / 365 * 4 / 100)}** of interest a year" in said


def test_the_wait_costs_on_the_page_what_the_metric_says(open_page: Opener, sql: Sql) -> None:
    """At the run's own cost of capital, chosen by nobody: one answer, not two."""
    cost = sql(
        "select value from marts.metric_value where metric_id = 'carrying_cost_of_delay' and grain = 'FIRM' "
        "and currency_view = 'RC'"
    )[0]["value"]
    said = words(open_page("handoff")).replace("\\", "")
    assert f"has cost **USD {numbers.full_money(cost)}** of interest" in said


@pytest.mark.parametrize(("rate", "chosen"), [("0.08", "8"), ("0.075", "7.5"), (None, "8")])
def test_the_firms_own_cost_of_capital_is_offered_and_chosen(
    monkeypatch: pytest.MonkeyPatch, rate: str | None, chosen: str
) -> None:
    found = {"rate": None if rate is None else Decimal(rate) * 100}
    monkeypatch.setattr(data, "holds", lambda table: True)
    monkeypatch.setattr(data, "row", lambda sql, *parameters: found)
    offered, own = waiting.capital()
    assert own == chosen
    assert offered[own] == f"{chosen}% a year"
