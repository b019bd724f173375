"""The page of definitions: every metric of the registry, its number as SQL has it, found by its words."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards import backlog, numbers, receivables
from dashboards.components.cards import Kpi
from dashboards.filters import default_as_of
from dashboards.views import executive_overview
from dashboards.views.definitions import DIRECTIONS, KINDS, matching
from tests.dashboards.conftest import Opener
from tests.dashboards.test_executive_overview import Sql, as_of_dates, shown, words
from throughline.registry import load
from throughline.registry.catalogue import DIRECTIONS as ALL_DIRECTIONS
from throughline.registry.catalogue import KINDS as ALL_KINDS


def listed(app: Any) -> dict[str, Any]:
    """Id -> row of the table."""
    [table] = [frame.value for frame in app.dataframe if "What it is" in frame.value]
    return {row["Id"]: row for _, row in table.iterrows()}


def test_every_metric_is_listed_with_its_own_words(open_page: Opener) -> None:
    app = open_page("definitions")
    assert not app.exception
    assert not app.error
    found = listed(app)
    assert set(found) == {metric.id for metric in load()}
    for metric in load():
        assert found[metric.id]["Metric"] == metric.name
        assert found[metric.id]["What it is"] == metric.formula


def test_values_equal_sql(open_page: Opener, sql: Sql) -> None:
    as_of = default_as_of(as_of_dates(sql))
    found = listed(open_page("definitions", period="T3M"))
    for metric, period, say in (
        ("recognised_revenue", "T3M", numbers.money),
        ("ar_gross", "POINT", numbers.money),
        ("book_to_bill", "T3M", numbers.times),
        ("billable_utilisation_net", "T3M", numbers.percent),
        ("dso_countback", "POINT", numbers.days),
        ("collection_effectiveness", "T3M", numbers.percent),
    ):
        row = sql(
            "select value from marts.metric_value where metric_id = ? and period_type = ? and as_of = ? "
            "and grain = 'FIRM' and currency_view in ('RC', 'NA')",
            metric,
            period,
            as_of,
        )[0]
        assert found[metric]["Value"] == say(row["value"]), metric


def test_a_number_that_exists_is_shown_whatever_period_is_asked_for(open_page: Opener, sql: Sql) -> None:
    """Book-to-bill has three and twelve months only, a lag the run's own day only."""
    found, as_of = listed(open_page("definitions")), default_as_of(as_of_dates(sql))
    run_day = sql("select as_of from publication.run")[0]["as_of"]
    for metric, day, say in (
        ("book_to_bill", as_of, numbers.times),
        ("handoff_lag_t1_t3", run_day, lambda value: numbers.days(value, "working day")),
    ):
        value = sql(
            "select value from marts.metric_value where metric_id = ? and as_of = ? and grain = 'FIRM' "
            "and period_type in ('T3M', 'POINT')",
            metric,
            day,
        )[0]["value"]
        assert found[metric]["Value"] == say(value) != numbers.NO_VALUE, metric
        assert found[metric]["When"].endswith(numbers.day(day))


def test_a_metric_is_found_by_its_words_and_shown_by_its_address(open_page: Opener) -> None:
    app = open_page("definitions", q="receivables  OVERDUE", metric="ar_overdue")
    assert "ar_overdue" in listed(app)
    assert "net_bookings" not in listed(app)
    [label] = [one for one in shown(app) if one.startswith("Overdue receivables · ")]
    assert shown(app)[label] == listed(app)["ar_overdue"]["Value"]
    said = words(app)
    assert "Credit notes not used up are no part of it." in said
    assert "Treasury" in said


def test_what_nobody_defined_is_said_to_be_missing(open_page: Opener) -> None:
    assert "No metric says" in words(open_page("definitions", q="goodwill"))
    assert not open_page("definitions", metric="goodwill").exception


def test_what_a_scope_does_not_measure_has_no_number(open_page: Opener, sql: Sql) -> None:
    practice = sql("select code from master.dim_org_unit where unit_type = 'practice' limit 1")[0]["code"]
    found = listed(open_page("definitions", scope=f"PRACTICE:{practice}"))
    assert found["ar_gross"]["Value"] == numbers.NO_VALUE


def test_every_word_asked_for_has_to_stand_there() -> None:
    rows = [
        {"name": "Backlog", "metric_id": "b", "formula": "signed", "sources": "contract", "owner": "RevAcct"},
        {"name": "Billed", "metric_id": "c", "formula": "posted", "sources": "invoice", "owner": "Billing"},
    ]
    assert [r["metric_id"] for r in matching(rows, "SIGNED contract")] == ["b"]
    assert matching(rows, "signed invoice") == []
    assert matching(rows, " ") == rows


@pytest.mark.parametrize(("said", "all_of_them"), [(KINDS, ALL_KINDS), (DIRECTIONS, ALL_DIRECTIONS)])
def test_every_kind_and_direction_has_words(said: dict[str, str], all_of_them: tuple[str, ...]) -> None:
    assert set(said) == set(all_of_them)


def test_a_card_and_the_registry_call_the_same_direction_good() -> None:
    said = {metric.id: metric.good_direction for metric in load()}
    kpis = {
        id(kpi): kpi
        for module in (backlog, receivables, executive_overview)
        for kpi in vars(module).values()
        if isinstance(kpi, Kpi)
    }
    assert len(kpis) > 15
    assert {kpi.metric_id: kpi.good for kpi in kpis.values()} == {
        kpi.metric_id: said[kpi.metric_id] for kpi in kpis.values()
    }
