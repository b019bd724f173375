"""The page of handoff lag on a published firm: what it says is what SQL and a hand calculation say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from dashboards import data, delay, numbers, returns, waiting
from dashboards.components.sums import Sum
from dashboards.filters import Filters
from dashboards.readings import History
from dashboards.roi import NOT_TOLD, TOO_FEW, Group, compare
from dashboards.views.waiting_cases import case_name, summary
from dashboards.waiting import Sooner, Wait, interest, sooner, wait
from tests.dashboards.asking import sums_of
from tests.dashboards.conftest import Opener
from tests.dashboards.test_executive_overview import Sql, shown, words
from throughline.home import Home

D = Decimal


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


def test_work_that_waits_to_be_invoiced_and_to_be_posted_is_not_summed() -> None:
    def waits(amount: str | None, late: bool = True, unposted: bool = False) -> dict[str, object]:
        return {
            "is_breached": late, "is_unposted": unposted, "cases": 1, "unpriced": int(amount is None),
            "amount": amount and Decimal(amount),
        }  # fmt: skip

    item, month = waits("1000"), waits("1700", unposted=True)
    assert summary([item, waits("5", late=False)], "USD") == (
        f"2 cases, of which 1 too long with {numbers.money(Decimal(1000), 'USD')}."
    )
    assert summary([item, month], "USD") == (
        f"2 cases, of which 2 too long with {numbers.money(Decimal(1000), 'USD')}, 1 month of work whose"
        f" revenue is not posted with {numbers.money(Decimal(1700), 'USD')}."
    )
    assert summary([waits(None, late=False)], "USD") == (
        "1 case, of which 0 too long. 1 amount without an exchange rate."
    )
    posting = {"case_type": "MONTH", "case_id": "netsuite:main:1950|2026-03"}
    assert case_name(posting, {}) == f"NetSuite 1950, {numbers.month(date(2026, 3, 1))}"
    assert case_name({"case_type": "INVOICE", "case_id": "netsuite:main:7"}, {}) == "NetSuite 7"


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


def cohorts_of(chosen: Filters, history: History, stage: str) -> list[Sum]:
    """What the months of a stage are made of."""
    return delay.cohort_sums(chosen.scope, stage, delay.cohorts(chosen.scope, stage))


def reasons_of(chosen: Filters, history: History) -> list[Sum]:
    """What delay rests on."""
    return delay.reason_sums(chosen, delay.by_reason(chosen.scope))


@pytest.mark.parametrize("stage", ["t1_t3", "t7_t8", "t8_t10"])
def test_months_are_made_of_their_cases(at_home: Home, sql: Sql, stage: str) -> None:
    entity = sql("select max(legal_entity_id) as m from marts.handoff_waiting")[0]["m"]
    for query in ({}, {"scope": f"LEGAL_ENTITY:{entity}"}):
        found = sums_of(cohorts_of, query, stage)
        assert all(ties == "True" for *_, ties in found), found
    cases = sql(
        "select sum(completed + open_count) as n from marts.handoff_cohort "
        f"where grain = 'FIRM' and stage = '{stage}'"
    )[0]["n"]
    listed = [D(said) for label, said, *_ in sums_of(cohorts_of, {}, stage) if "all cases" in label]
    assert sum(listed) == cases


def test_what_waits_stays_in_its_month_on_the_page(open_page: Opener, sql: Sql) -> None:
    app = open_page("handoff", stage="t8_t10")
    assert not app.exception
    [table] = [frame.value for frame in app.dataframe if "Slowest tenth" in frame.value]
    found = sql(
        "select completed, open_count from marts.handoff_cohort "
        "where grain = 'FIRM' and stage = 't8_t10' order by cohort_month"
    )
    assert list(zip(table["Done"], table["Waits"], strict=True)) == [
        (r["completed"], r["open_count"]) for r in found
    ]
    said = ["at least" in words for words in table["Slowest tenth"]]
    assert said == [bool(r["open_count"]) for r in found], "a bound is called one"


def test_delay_by_reason_is_the_whole_delay(at_home: Home, sql: Sql) -> None:
    [total] = sql(
        "select value from marts.metric_value where metric_id = ? and grain = 'FIRM' "
        "and currency_view = 'RC'",
        data.LATE,
    )
    found = sums_of(reasons_of, {})
    assert len(found) > 1
    assert all(ties == "True" for *_, ties in found), found
    assert sum(D(said) for _, said, *_ in found) == total["value"]


def test_failed_deliveries_are_all_told(open_page: Opener, sql: Sql) -> None:
    app = open_page("handoff")
    [table] = [frame.value for frame in app.dataframe if "Median hours" in frame.value]
    states = {
        r["state"]: r["n"]
        for r in sql("select state, count(*) as n from marts.event_recovery group by state")
    }
    told = {"RECOVERED": "Mended", "OPEN": "Waits", "WITHDRAWN": "Withdrawn"}
    assert {state: sum(table[column]) for state, column in told.items() if state in states} == states
    hours = sql(
        "select value from marts.metric_value where metric_id = 'failed_transaction_recovery_hours' "
        "and grain = 'FIRM'"
    )[0]["value"]
    assert f"mended after {numbers.days(hours, 'hour')}" in words(app)


def test_the_return_says_how_many_cases_and_why_there_is_no_amount(open_page: Opener, sql: Sql) -> None:
    app = open_page("handoff")
    assert not app.exception
    [table] = [frame.value for frame in app.dataframe if "Once" in frame.value]
    lines = {line["What"]: line for _, line in table.iterrows()}
    assert list(lines) == [name for name, _ in returns.LEVERS.values()]
    mixes = sql(
        "select sum(n) filter (where time_window = 'BASELINE') as before, "
        "sum(n) filter (where time_window = 'CURRENT') as now from ("
        "select mix, time_window, sum(cases) as n, count(*) over (partition by mix) as windows "
        "from marts.roi_measure where measure = 'days_t7_t8' group by mix, time_window) where windows = 2"
    )[0]
    assert lines["Work is invoiced sooner"]["Cases"] == f"{mixes['before']:,} and {mixes['now']:,}"
    # the tiny firm sets up fewer deals than thirty in a window
    assert f"projects are set up sooner ({TOO_FEW})" in words(app)
    assert lines["Projects are set up sooner"]["Before"] == numbers.NO_VALUE
    assert "What running it costs is not given" in words(app)


def test_what_is_asked_takes_the_place_of_what_is_assumed(open_page: Opener) -> None:
    asked = {"minutes_per_failure": "0", "share_due_to_integration": "100", "capital": "10"}
    app = open_page("handoff", yearly_run_cost="0", one_off_cost="1,000", **asked)
    assert not app.exception
    [table] = [frame.value for frame in app.dataframe if "Once" in frame.value]
    lines = {line["What"]: line for _, line in table.iterrows()}
    sooner_by = lines["Work is invoiced sooner"]
    # all of it, at 10%: nothing is between low and high any more
    assert sooner_by["Once"] / 10 == pytest.approx(sooner_by["A year, USD"])
    assert sooner_by["Low"] == sooner_by["High"] == sooner_by["A year, USD"]
    assert lines["Fewer deliveries fail"]["A year, USD"] == 0
    total = sum(value for value in table["A year, USD"] if value == value)
    assert f"**{numbers.percent(D(str(total)) / 1000, 0)} of what it cost, each year**" in words(app)


def a_part(sql: Sql, column: str) -> str:
    """The entity or practice with most cases from billable to invoiced."""
    [found] = sql(
        f"select {column} as m from marts.roi_measure where measure = 'days_t7_t8' "
        f"group by 1 order by sum(cases) desc, 1 limit 1"
    )
    return str(found["m"])


@pytest.mark.parametrize(
    ("grain", "column"), [("LEGAL_ENTITY", "legal_entity_id"), ("PRACTICE", "practice_id")]
)
def test_a_part_of_the_firm_has_a_return_of_its_own_cases(
    open_page: Opener, sql: Sql, grain: str, column: str
) -> None:
    member = a_part(sql, column)
    app = open_page("handoff", scope=f"{grain}:{member}", yearly_run_cost="0", one_off_cost="1,000")
    assert not app.exception
    [table] = [frame.value for frame in app.dataframe if "Once" in frame.value]
    lines = {line["What"]: line for _, line in table.iterrows()}
    rows = sql(
        "select mix, time_window, took, calendar_days, is_open, cases from marts.roi_measure "
        f"where measure = 'days_t7_t8' and {column} = ?",
        member,
    )
    groups = [
        Group(r["time_window"], "", r["mix"], r["took"], r["calendar_days"], r["is_open"], r["cases"])
        for r in rows
    ]
    wanted = compare(groups, lambda group: group.days, D(30), D("0.1"))
    assert wanted.saved is not None
    invoiced = lines["Work is invoiced sooner"]
    assert invoiced["Cases"] == f"{wanted.cases_before:,} and {wanted.cases_now:,}"
    assert invoiced["Before"] == numbers.days(wanted.before)
    billed = sql(
        "select value from marts.metric_value where metric_id = 'billed' and period_type = 'T12M' "
        f"and currency_view = 'RC' and grain = ? and {column} = ? order by as_of desc limit 1",
        grain,
        member,
    )[0]["value"]
    once = billed * wanted.saved / 365 * D("0.75")
    assert invoiced["Once"] == pytest.approx(float(once))
    assert invoiced["A year, USD"] == pytest.approx(float(once * D("0.08")))
    said = words(app)
    # deliveries do not tell whose they are, and costs are the firm's, even if the address gives some
    assert f"fewer deliveries fail ({NOT_TOLD})" in said
    assert lines["Fewer deliveries fail"]["Cases"] == numbers.NO_VALUE, "not nought: unknown"
    assert "net benefit, return and payback are told of the whole firm" in said
    assert "of what it cost" not in said
    assert not {"yearly_run_cost", "one_off_cost"} & {one.key for one in app.text_input}
    assert "because medians do not add up" in said


def test_a_region_has_no_return(open_page: Opener, sql: Sql) -> None:
    region = sql("select max(code) as m from master.dim_org_unit where unit_type = 'region'")[0]["m"]
    app = open_page("handoff", scope=f"REGION:{region}")
    assert not app.exception
    assert "The return is measured for the firm, an entity or a practice, not by" in words(app)
    assert not [frame for frame in app.dataframe if "Once" in frame.value]


def given_of(chosen: Filters, history: History) -> list[Sum]:
    """What the return of every part of a kind is reckoned from, beside the firm's: both must be the same."""
    firm = returns.given()
    assert firm is not None
    scopes = [scope for scope in data.scopes() if scope.grain == chosen.scope.grain]
    parts = [told for told in map(returns.given, scopes) if told is not None]
    assert len(parts) == len(scopes) > 1
    by_stage = [g for g in firm.groups if g.measure.startswith("days_")]

    def cases(groups: Iterable[Group]) -> Counter[tuple[str, ...]]:
        found: Counter[tuple[str, ...]] = Counter()
        for g in groups:
            found[g.window, g.measure, g.mix, str(g.took), str(g.days), str(g.is_open)] += g.cases
        return found

    assert sum(map(cases, (part.groups for part in parts)), Counter()) == cases(by_stage)
    assert sum(part.billed or 0 for part in parts) == firm.billed
    lost = [(p.window, p.mix, p.part, p.whole, p.cases) for part in parts for p in part.leakage]
    for window, mix, part, whole, count in [
        (p.window, p.mix, p.part, p.whole, p.cases) for p in firm.leakage
    ]:
        told = [row[2:] for row in lost if row[:2] == (window, mix)]
        assert tuple(map(sum, zip(*told, strict=True))) == (part, whole, count)
    if chosen.scope.grain == "LEGAL_ENTITY":
        # what is compared is alike in entity: the firm's comparison falls into its entities'
        for measure in ("days_t6_t7", "days_t7_t8"):
            whole_firm, *of_parts = (
                compare((g for g in told.groups if g.measure == measure), lambda g: g.days, D(1), D(1)).cells
                for told in (firm, *parts)
            )
            assert sorted(str(cell) for cells in of_parts for cell in cells) == sorted(map(str, whole_firm))
    return []


@pytest.mark.parametrize(
    ("grain", "column"), [("LEGAL_ENTITY", "legal_entity_id"), ("PRACTICE", "practice_id")]
)
def test_what_parts_are_reckoned_from_is_the_firms(at_home: Home, sql: Sql, grain: str, column: str) -> None:
    assert sums_of(given_of, {"scope": f"{grain}:{a_part(sql, column)}"}) == []


@pytest.mark.parametrize("nonsense", ["abc", "-5", "nan", "1e400"])
def test_what_is_no_number_is_not_reckoned_with(open_page: Opener, nonsense: str) -> None:
    app = open_page("handoff", hourly_cost=nonsense)
    assert not app.exception
    assert not app.error


def test_runs_published_before_times_were_kept_have_no_return(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data, "row", lambda sql, *parameters: {"n": 0})
    assert not returns.can_be_read()
    assert not returns.is_cut()
    assert not delay.waiting_listed()
