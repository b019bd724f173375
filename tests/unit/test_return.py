"""The return of integration by hand: medians of what waits, windows alike, levers, net benefit, payback."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from dashboards.roi import (
    BEFORE,
    NOT_TOLD,
    NOW,
    STILL_WAIT,
    TOO_FEW,
    TOO_YOUNG,
    UNKNOWN,
    Given,
    Group,
    Part,
    Range,
    Window,
    compare,
    compare_shares,
    middle,
    reckon,
    worth_of_days,
)

D = Decimal
BASELINE = Window(date(2025, 1, 1), date(2025, 3, 31))  # 90 days
# 73 days, a fifth of a year
CURRENT = Window(date(2025, 4, 1), date(2025, 6, 12))
NOTHING = Given(BASELINE, CURRENT, date(2025, 12, 31), (), (), D(36_500_000))


def assumed(**own: Range) -> dict[str, Range]:
    """Round assumptions; ``own`` takes the place of some."""
    return {
        "cost_of_capital": Range(D("0.06"), D("0.08"), D("0.10")),
        "share_due_to_integration": Range(D("0.5"), D(1), D(1)),
        "setup_hours_per_day": Range(None, None, None),
        "hourly_cost": Range(D(60), D(75), D(90)),
        "minutes_per_failure": Range(D(15), D(24), D(40)),
        "blocked_per_failure": Range(None, None, None),
        "yearly_run_cost": Range(None, None, None),
        "one_off_cost": Range(None, None, None),
        "roi_fewest_cases": Range.of(D(30)),
        "roi_most_unknown": Range.of(D("0.1")),
    } | own


def cases(measure: str, window: str, took: object, count: int, mix: str = "US", waits: bool = False) -> Group:
    """So many cases that took equally long, in working days as on the calendar."""
    time = D(str(took))
    return Group(window, measure, mix, time, time, waits, count)


def both(measure: str, before: object, now: object, mix: str = "US", count: int = 30) -> tuple[Group, Group]:
    return (cases(measure, BEFORE, before, count, mix), cases(measure, NOW, now, count, mix))


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        # nothing waits: the common median
        ([(1, False, 1), (2, False, 1), (9, False, 1)], "2"),
        ([(1, False, 1), (2, False, 1), (4, False, 1), (9, False, 1)], "3"),
        ([(5, False, 3)], "5"),
        # of three one is done at 1 and one at 2; the third has waited for 3
        ([(1, False, 1), (2, False, 1), (3, True, 1)], "2"),
        # a case seen for a day only says nothing of later days: of the other four half are done at 4, and
        # the next at 6; with its single day as its time the median would be 4
        ([(1, True, 1), (2, False, 1), (4, False, 1), (6, False, 1), (8, False, 1)], "5"),
        # not half of them are done
        ([(1, False, 1), (2, True, 1), (3, True, 1)], None),
        # exactly half are, and the next may come at any time
        ([(1, False, 1), (2, True, 1)], None),
        ([], None),
    ],
)
def test_the_median_where_some_still_wait(told: list[tuple[int, bool, int]], wanted: str | None) -> None:
    found = middle((D(took), waits, count) for took, waits, count in told)
    assert found == (None if wanted is None else D(wanted))


def test_like_is_compared_with_like() -> None:
    """10 of one kind are 4 days faster, 30 of the other 1 day slower: 0.25 of a day in all."""
    groups = (
        *both("days_t7_t8", 9, 5, "US|SMALL|TM", 10),
        *both("days_t7_t8", 2, 3, "US|LARGE|TM"),
        # in one window only: an easier mix is no improvement
        cases("days_t7_t8", NOW, 0, 100, "DE|SMALL|TM"),
    )
    found = compare(groups, lambda group: group.days, D(30), D("0.1"))
    # (10 × 4 - 30 × 1) ÷ 40; before (10 × 9 + 30 × 2) ÷ 40
    assert (found.saved, found.before, found.now) == (D("0.25"), D("3.75"), D("3.5"))
    assert (found.cases_before, found.cases_now, found.left_out, found.why) == (40, 40, 100, "")


@pytest.mark.parametrize(("before", "now", "why"), [(30, 30, ""), (29, 30, TOO_FEW), (30, 29, TOO_FEW)])
def test_fewer_cases_than_the_parameter_say_nothing(before: int, now: int, why: str) -> None:
    groups = (cases("m", BEFORE, 9, before), cases("m", NOW, 5, now))
    found = compare(groups, lambda group: group.took, D(30), D("0.1"))
    assert found.why == why
    assert (found.saved is None) == bool(why)


def test_cases_whose_like_mostly_waits_are_not_dropped_in_silence() -> None:
    fine = both("m", 9, 5, "US", 90)
    slow = (cases("m", BEFORE, 9, 10, "DE"), cases("m", NOW, 1, 10, "DE", waits=True))
    found = compare((*fine, *slow), lambda group: group.took, D(30), D("0.1"))
    assert (found.saved, found.left_out) == (4, 20), "a tenth may be left out"
    more = cases("m", NOW, 1, 1, "DE", waits=True)
    assert compare((*fine, *slow, more), lambda group: group.took, D(30), D("0.1")).why == STILL_WAIT


def test_shares_of_the_same_mix() -> None:
    parts = (
        Part(BEFORE, "a", D(10), D(100), 100),
        Part(NOW, "a", D(5), D(100), 100),
        Part(BEFORE, "b", D(0), D(50), 50),
        Part(NOW, "b", D(30), D(300), 300),
        Part(NOW, "c", D(9), D(9), 9),
    )
    found = compare_shares(parts, D(30))
    # (100 × (0.10 - 0.05) + 300 × (0 - 0.10)) ÷ 400
    assert (found.saved, found.left_out) == (D("-0.0625"), 9)
    assert compare_shares((*parts[:2], Part(BEFORE, "b", None, D(1), 50), parts[3]), D(30)).why == UNKNOWN


@pytest.mark.parametrize(
    ("billed", "days", "capital", "released", "yearly"),
    [
        # G-ROI-01: sales of 8m a day, ten days, 5%
        (8_000_000 * 365, 10, "0.05", 80_000_000, 4_000_000),
        # G-ROI-02
        (36_500_000, 6, "0.08", 600_000, 48_000),
    ],
)
def test_cash_comes_once_and_its_interest_every_year(
    billed: int, days: int, capital: str, released: int, yearly: int
) -> None:
    assert worth_of_days(D(billed), D(days), D(capital)) == (released, yearly)
    given = replace(NOTHING, groups=both("days_t7_t8", days + 2, 2), billed=D(billed))
    sure = assumed(cost_of_capital=Range.of(D(capital)), share_due_to_integration=Range.of(D(1)))
    found = reckon(given, sure)
    assert found.released == Range.of(D(released))
    # what comes in once is no part of the yearly benefit
    assert found.yearly == Range.of(D(yearly))


def test_low_and_high_follow_the_assumptions() -> None:
    found = reckon(replace(NOTHING, groups=both("days_t8_t10", 8, 2)), assumed())
    # 600,000 × 0.5 × 0.06; × 1 × 0.08; × 1 × 0.10
    assert found.yearly == Range(D(18_000), D(48_000), D(60_000))
    # what became slower costs: with more due to integration it costs more
    found = reckon(replace(NOTHING, groups=both("days_t8_t10", 2, 8)), assumed())
    assert found.yearly == Range(D(-60_000), D(-48_000), D(-18_000))


def test_days_alone_are_no_money() -> None:
    given = replace(NOTHING, groups=both("days_t1_t3", 5, 3))
    [set_up] = [lever for lever in reckon(given, assumed()).levers if lever.name == "set_up"]
    assert (set_up.compared.saved, set_up.yearly, set_up.missing) == (2, None, ("setup_hours_per_day",))
    told = assumed(setup_hours_per_day=Range.of(D(3)), hourly_cost=Range.of(D(80)))
    # 30 deals in a fifth of a year are 150 a year; × 2 days × 3 hours × 80
    assert reckon(given, told).yearly == Range(D(36_000), D(72_000), D(72_000))


def test_failures_of_as_many_deliveries() -> None:
    groups = (
        *(cases("events_failed", window, 0, count, "won") for window, count in ((BEFORE, 40), (NOW, 20))),
        *(cases("events_fine", window, 0, count, "won") for window, count in ((BEFORE, 160), (NOW, 380))),
    )
    found = reckon(replace(NOTHING, groups=groups), assumed())
    # 40 of 200 and 20 of 400: 15 points less; 2,000 deliveries a year × 0.15 × 24 ÷ 60 × 75
    assert found.yearly is not None
    assert found.yearly.base == D(9_000)


def test_hours_sooner_mended_are_interest_on_what_waits() -> None:
    given = replace(NOTHING, groups=both("hours_recovery", 10, D("1.24")))
    assert reckon(given, assumed()).yearly is None, "events tell no amounts"
    told = assumed(blocked_per_failure=Range.of(D(50_000)))
    found = reckon(given, told).yearly
    # 150 failures a year × 8.76 hours ÷ 8,760 × 50,000 × 0.08
    assert found is not None
    assert found.base == 600


def test_work_is_lost_only_when_it_is_old_enough() -> None:
    parts = (Part(BEFORE, "US", D(10), D(100), 30), Part(NOW, "US", D(12), D(200), 30))
    given = replace(NOTHING, leakage=parts)
    found = reckon(given, assumed()).yearly
    # 10% and 6% lost: 4% of a year's 1,000
    assert found == Range(D(20), D(40), D(40))
    young = reckon(replace(given, as_of=date(2025, 9, 9)), assumed())
    assert young.yearly is None
    assert [lever.compared.why for lever in young.levers if lever.name == "leakage"] == [TOO_YOUNG]
    old = replace(given, as_of=date(2025, 9, 10))
    assert reckon(old, assumed()).yearly is not None, "90 days later"
    # work of an entity that had none before, of unknown worth: a year's work is then unknown, not less
    more = replace(old, leakage=(*old.leakage, Part(NOW, "DE", D(0), None, 5)))
    assert reckon(more, assumed()).yearly is None
    assert [lever.compared.why for lever in reckon(more, assumed()).levers if lever.name == "leakage"] == [
        UNKNOWN
    ]


def test_net_return_and_payback() -> None:
    given = replace(NOTHING, groups=both("days_t8_t10", 8, 2))
    told = assumed(
        yearly_run_cost=Range(D(8_000), D(12_000), D(20_000)),
        one_off_cost=Range(D(26_000), D(72_000), D(90_000)),
    )
    found = reckon(given, told)
    # the low case bears the high cost: 18,000 - 20,000; 48,000 - 12,000; 60,000 - 8,000
    assert found.net == Range(D(-2_000), D(36_000), D(52_000))
    assert found.ratio is not None
    assert (found.ratio.base, found.ratio.high) == (D("0.5"), 2)
    assert found.payback == Range(None, D(24), D(6)), "what loses money is never paid back"


def test_without_its_cost_there_is_no_return() -> None:
    given = replace(NOTHING, groups=both("days_t8_t10", 8, 2))
    found = reckon(given, assumed())
    assert (found.net, found.ratio, found.payback) == (None, None, None)
    found = reckon(given, assumed(yearly_run_cost=Range(None, D(0), None)))
    # of a cost that is given without bounds the bounds are the cost itself
    assert (found.net, found.ratio) == (Range(D(18_000), D(48_000), D(60_000)), None)


def test_what_was_not_billed_or_measured_is_not_nought() -> None:
    found = reckon(replace(NOTHING, groups=both("days_t8_t10", 8, 2), billed=None), assumed())
    assert (found.yearly, found.released, found.net) == (None, None, None)
    assert all(lever.compared.why for lever in reckon(NOTHING, assumed()).levers)


def test_a_part_of_the_firm_has_benefits_alone() -> None:
    """An entity billed 3,650,000 and collects 6 days sooner; nobody knows what it costs."""
    cost = Range.of(D(1))
    told = assumed(yearly_run_cost=cost, one_off_cost=cost, blocked_per_failure=cost)
    groups = (
        *both("days_t8_t10", 8, 2),
        *both("hours_recovery", 10, 5, "won"),
        *both("events_failed", 0, 0, "won"),
    )
    firm = replace(NOTHING, groups=groups, billed=D(3_650_000))
    assert reckon(firm, told).net is not None
    found = reckon(replace(firm, is_part=True), told)
    # 10,000 a day × 6 days; × 0.08
    assert found.released == Range(D(30_000), D(60_000), D(60_000))
    assert found.yearly == Range(D(1_800), D(4_800), D(6_000))
    assert (found.net, found.ratio, found.payback) == (None, None, None)
    levers = {lever.name: lever for lever in found.levers}
    for name in ("failures", "recovery"):
        assert (levers[name].compared.why, levers[name].yearly) == (NOT_TOLD, None)
    # the others are judged as the firm's are: thirty cases in either window
    fewer = replace(firm, is_part=True, groups=(*both("days_t8_t10", 8, 2, count=29),))
    assert reckon(fewer, told).yearly is None
    assert {one.compared.why for one in reckon(fewer, told).levers if one.name == "cash"} == {TOO_FEW}
