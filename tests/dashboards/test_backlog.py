"""The page of the backlog on a published firm: cards, charts, list and rows say what SQL says."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dashboards import backlog, numbers, obligations
from dashboards.backlog import PARTS, shown_clients, stale
from dashboards.clients import SHOWN
from dashboards.components.sums import Sum
from dashboards.filters import Filters, default_as_of, on_run_day
from dashboards.readings import History
from tests.dashboards.asking import sums_of
from tests.dashboards.conftest import Opener
from tests.dashboards.test_executive_overview import Sql, as_of_dates, expected, shown, words
from throughline.home import Home

MONEY = {
    "Backlog": ("total_backlog", "POINT"),
    "Scheduled": ("scheduled_backlog", "POINT"),
    "Tentatively scheduled": ("soft_backlog", "POINT"),
    "Not scheduled": ("unscheduled_backlog", "POINT"),
    "Covered by an order": ("funded_backlog", "POINT"),
    "Stands still": ("stalled_backlog", "POINT"),
    "Not billed yet": ("unbilled_backlog", "POINT"),
    "Signed": ("gross_bookings", "QUARTER"),
    "Cancelled or cut": ("debookings", "QUARTER"),
    "Delivered": ("recognised_revenue", "QUARTER"),
}
LARGEST = (
    "select {column} as m from marts.metric_value where metric_id = 'unscheduled_backlog' and as_of = ? "
    "and grain = '{grain}' and currency_view = 'RC' order by value desc limit 1"
)


@pytest.fixture
def places(sql: Sql) -> list[tuple[dict[str, str], date, str, str]]:
    """Three combinations of filters: query, as of, grain, condition of the grain's member."""
    last = default_as_of(as_of_dates(sql))
    earlier = as_of_dates(sql)[3]
    practice = sql(LARGEST.format(column="practice_id", grain="PRACTICE"), last)[0]["m"]
    customer = sql(LARGEST.format(column="customer_id", grain="CUSTOMER"), last)[0]["m"]
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
        app = open_page("backlog", **query)
        assert not app.exception
        assert not app.error
        cards = shown(app)
        for label, (metric, period) in MONEY.items():
            asked = "MONTH" if period == "QUARTER" and query.get("period") == "MONTH" else period
            assert cards[label] == expected(sql, metric, asked, "money", as_of, grain, where), (query, label)
        asked = query.get("period", "QUARTER")
        used = expected(sql, "backlog_burn", asked, "share", as_of, grain, where)
        assert cards["Used up"] == used, query
        cover = sql(
            "select value from marts.metric_value where metric_id = 'backlog_cover' and as_of = ? "
            f"and grain = ? and {where}",
            as_of,
            grain,
        )
        assert cards["Months of cover"] == numbers.months(cover[0]["value"] if cover else None), query
    assert shown(open_page("backlog"))["Not scheduled"] not in ("$0", numbers.NO_VALUE)


def test_the_headline_says_the_numbers_of_the_cards(open_page: Opener) -> None:
    app = open_page("backlog")
    said, cards = words(app).replace("\\", ""), shown(app)
    assert f"Clients have {cards['Backlog']} of signed work to come" in said
    assert f"{cards['Not scheduled']} has neither people nor a date" in said
    assert f"it lasts {cards['Months of cover']}" in said


def part_of(chosen: Filters, history: History, part: str) -> list[Sum]:
    """The sums behind a part of the page."""
    if part == "parts":
        return backlog.client_sums(chosen, backlog.by_client(chosen))
    if part == "idle":
        return backlog.idle_sums(chosen, backlog.idle(chosen))
    if part in ("obligation_bridge", "obligation_bands"):
        at = on_run_day(chosen)
        found = obligations.obligations(at)
        if part == "obligation_bands":
            return obligations.band_sums(at, found)
        return obligations.bridge_sums(at, found, backlog.BACKLOG.read(history, at))
    if part == "ages":
        return backlog.age_sums(chosen, backlog.ages(chosen))
    if part == "burn":
        return backlog.burn_sums(chosen, history)
    return backlog.cover_sums(chosen, history)


@pytest.mark.parametrize(
    "part", ["parts", "idle", "ages", "cover", "burn", "obligation_bridge", "obligation_bands"]
)
def test_every_number_is_the_sum_of_its_rows(
    at_home: Home, places: list[tuple[dict[str, str], date, str, str]], part: str
) -> None:
    for query, _, grain, _ in places:
        if part in ("cover", "burn") and grain == "CUSTOMER":
            continue
        found = sums_of(part_of, query, part)
        assert found
        assert [said for said in found if said[4] != "True"] == [], query


def test_cover_is_what_its_parts_make_on_a_day_within_a_month_too(at_home: Home, sql: Sql) -> None:
    for as_of in as_of_dates(sql)[:2]:
        (_, left, *_), (_, revenue, *_) = sums_of(part_of, {"asof": as_of.isoformat()}, "cover")
        said = sql(
            "select value from marts.metric_value where metric_id = 'backlog_cover' and grain = 'FIRM' "
            "and as_of = ?",
            as_of,
        )[0]["value"]
        assert abs(3 * Decimal(left) / Decimal(revenue) - said) < Decimal("1e-9"), as_of


def test_the_bars_are_all_lines(at_home: Home, sql: Sql) -> None:
    as_of = default_as_of(as_of_dates(sql))
    said = sql(
        "select value from marts.metric_value where metric_id = 'total_backlog' and grain = 'FIRM' "
        "and currency_view = 'RC' and as_of = ?",
        as_of,
    )[0]["value"]
    for part in ("idle", "ages"):
        assert sum(Decimal(total) for _, _, total, _, _ in sums_of(part_of, {}, part)) == said
    # each part of a line is converted on its own, to four decimals
    parts = sum(Decimal(total) for _, _, total, _, _ in sums_of(part_of, {}, "parts"))
    assert abs(parts - said) < Decimal("0.005")


def test_more_clients_than_bars_are_one_bar_that_holds_the_rest() -> None:
    clients = [{"customer_id": f"c{n}"} | dict.fromkeys(PARTS, Decimal(100 - n)) for n in range(SHOWN + 3)]
    found = shown_clients(clients)
    assert [client for client, _ in found] == [*(f"c{n}" for n in range(SHOWN)), ""]
    assert set(found[-1][1].values()) == {Decimal(90 + 89 + 88)}
    # one more is shown by its name: "1 other client" would say less in the same room
    assert [client for client, _ in shown_clients(clients[: SHOWN + 1])][-1] == "c10"


def test_what_stands_still_is_unknown_with_one_line_of_unknown_worth() -> None:
    known = [{"idle_bucket": ">180", "amount": Decimal(5)}, {"idle_bucket": "0-30", "amount": None}]
    assert stale(known) == 5
    assert stale([*known, {"idle_bucket": "91-180", "amount": None}]) is None


def test_the_list_holds_every_line_and_leads_to_its_case(open_page: Opener, sql: Sql) -> None:
    app = open_page("backlog")
    as_of = default_as_of(as_of_dates(sql))
    listed = next(table.value for table in app.dataframe if "Left, USD" in table.value)
    lines = sql(
        "select amount_rc from marts.backlog_line where as_of = ? order by amount_rc desc, contract_line_id",
        as_of,
    )
    assert [round(v, 2) for v in listed["Left, USD"]] == [round(float(r["amount_rc"]), 2) for r in lines]
    open_cases = sql(
        "select count(distinct contract_line_id) as n from reconciliation.exception "
        "where outcome = 'EXCEPTION' and contract_line_id in "
        "(select contract_line_id from marts.backlog_line where as_of = ?)",
        as_of,
    )[0]["n"]
    assert listed["Open case"].notna().sum() == open_cases


def test_obligations_are_told_for_the_runs_day_whatever_day_is_asked_for(open_page: Opener, sql: Sql) -> None:
    run_day = as_of_dates(sql)[0]
    earlier = as_of_dates(sql)[3]
    for query in ({}, {"asof": earlier.isoformat()}):
        app = open_page("backlog", **query)
        cards = shown(app)
        for label, metric in (
            ("Remaining performance obligations", "remaining_performance_obligation"),
            ("Of it within twelve months", "rpo_next_12m"),
        ):
            assert cards[label] == expected(sql, metric, "POINT", "money", run_day, "FIRM", "true"), query
        assert "Not explained" not in words(app)
    assert cards["Remaining performance obligations"] not in ("$0", numbers.NO_VALUE)


def test_what_is_disclosed_and_left_out_of_every_line_is_its_backlog(open_page: Opener, sql: Sql) -> None:
    app = open_page("backlog")
    listed = next(table.value for table in app.dataframe if "Disclosed, USD" in table.value)
    run_day = as_of_dates(sql)[0]
    lines = sql("select amount_rc from marts.backlog_line where as_of = ?", run_day)
    assert sorted(listed["Backlog, USD"]) == pytest.approx(sorted(float(r["amount_rc"]) for r in lines))
    parts = listed["Disclosed, USD"] + listed["Left out, USD"]
    assert list(parts) == pytest.approx(list(listed["Backlog, USD"]))
    assert set(listed[listed["Left out, USD"] > 0]["Why"]) == {"Billed by time"}


def test_a_bridge_that_leaves_something_over_says_so() -> None:
    held = {("DISCLOSED", "1-12"): Decimal(60), ("RIGHT_TO_INVOICE", "1-12"): Decimal(30)}
    found = obligations.Obligations(held, Decimal(0))
    assert obligations.steps(found, Decimal(90)) == [
        ("Backlog", Decimal(90), "total"), ("Billed by time", Decimal(-30), "step"),
        ("Disclosed", Decimal(60), "total"),
    ]  # fmt: skip
    assert ("Not explained", Decimal(-10), "step") in (obligations.steps(found, Decimal(100)) or [])
    unknown = obligations.Obligations(held | {("CANCELLABLE", "1-12"): None}, Decimal(0))
    assert obligations.steps(unknown, Decimal(90)) is None
    assert unknown.of("DISCLOSED") == 60
    assert unknown.of(None, "1-12") is None
