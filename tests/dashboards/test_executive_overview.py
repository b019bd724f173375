"""The executive overview on a published firm: cards, sentences, charts and rows say what SQL says."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboards import numbers
from dashboards.filters import Filters, default_as_of
from tests.dashboards.conftest import Opener
from throughline.home import Home

Sql = Callable[..., list[dict[str, Any]]]
CARDS = {
    "Revenue": ("recognised_revenue", "QUARTER", "money"),
    "Project gross margin": ("project_gross_margin", "QUARTER", "share"),
    "Net bookings": ("net_bookings", "QUARTER", "money"),
    "Backlog": ("total_backlog", "POINT", "money"),
    "Work done, not invoiced": ("wip_operational", "POINT", "money"),
    "Billable utilisation": ("billable_utilisation_net", "QUARTER", "share"),
}


def shown(app: AppTest) -> dict[str, str]:
    """Label -> value of the cards."""
    return {metric.label: metric.value for metric in app.metric}


def words(app: AppTest) -> str:
    """Everything written on the page."""
    kinds = (app.markdown, app.caption, app.subheader, app.info, app.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def expected(sql: Sql, metric: str, period: str, kind: str, as_of: Any, grain: str, where: str) -> str:
    """The card's text, worked out from SQL alone."""
    found = sql(
        "select sum(numerator) n, sum(denominator) d, sum(value) v, count(*) c from marts.metric_value "
        f"where metric_id = ? and as_of = ? and period_type = ? and grain = ? "
        f"and currency_view in ('RC', 'NA') and {where}",
        metric,
        as_of,
        period,
        grain,
    )[0]
    if kind == "share":
        return numbers.percent(found["n"] / found["d"] if found["d"] else None)
    return numbers.money(found["v"] if found["c"] else Decimal(0))


def as_of_dates(sql: Sql) -> list[Any]:
    return [r["as_of"] for r in sql("select distinct as_of from marts.metric_value order by 1 desc")]


def test_cards_equal_sql_for_the_firm(open_page: Opener, sql: Sql) -> None:
    app = open_page()
    assert not app.exception
    assert not app.error
    as_of = default_as_of(as_of_dates(sql))
    cards = shown(app)
    for label, (metric, period, kind) in CARDS.items():
        assert cards[label] == expected(sql, metric, period, kind, as_of, "FIRM", "true"), label
    assert cards["Revenue"] not in ("$0", numbers.NO_VALUE)


@pytest.mark.parametrize(
    ("scope", "grain", "column"),
    [("PRACTICE", "PRACTICE", "practice_id"), ("LEGAL_ENTITY", "LEGAL_ENTITY", "legal_entity_id")],
)
def test_cards_equal_sql_in_a_scope(open_page: Opener, sql: Sql, scope: str, grain: str, column: str) -> None:
    as_of = as_of_dates(sql)[2]
    member = sql(
        f"select {column} as m from marts.metric_value where metric_id = 'recognised_revenue' and grain = ? "
        "and as_of = ? and period_type = 'YTD' and currency_view = 'RC' order by value desc limit 1",
        grain,
        as_of,
    )[0]["m"]
    app = open_page(asof=as_of.isoformat(), period="YTD", scope=f"{scope}:{member}")
    assert not app.error
    for label, (metric, period, kind) in CARDS.items():
        period = "YTD" if period == "QUARTER" else period
        said = expected(sql, metric, period, kind, as_of, grain, f"{column} = '{member}'")
        assert shown(app)[label] == said, label


def test_a_scope_held_by_month_sums_its_months(open_page: Opener, sql: Sql) -> None:
    as_of = default_as_of(as_of_dates(sql))
    customer, total = next(
        (r["customer_id"], r["v"])
        for r in sql(
            "select customer_id, sum(value) v from marts.metric_value where metric_id = 'recognised_revenue' "
            "and grain = 'CUSTOMER' and period_type = 'MONTH' and currency_view = 'RC' and as_of <= ? "
            "and as_of >= date_trunc('quarter', ?::date) group by 1 order by 2 desc",
            as_of,
            as_of,
        )
    )
    app = open_page(period="QUARTER", scope=f"CUSTOMER:{customer}")
    assert shown(app)["Revenue"] == numbers.money(total)


def test_the_headline_says_the_numbers_of_the_cards(open_page: Opener, sql: Sql) -> None:
    app = open_page()
    said = words(app).replace("\\$", "$")
    assert f"to {shown(app)['Backlog']} since" in said
    risk = sql(
        "select sum(amount_at_risk) a, count(*) filter (where true) n from reconciliation.exception "
        "where outcome = 'EXCEPTION' and counted_in_headline"
    )[0]
    assert f"{numbers.money(risk['a'])} at risk" in said


def test_decisions_are_the_largest_cases_each_risk_once(open_page: Opener, sql: Sql) -> None:
    said = sql(
        "select amount_at_risk as a from reconciliation.exception where outcome = 'EXCEPTION' "
        "and counted_in_headline order by amount_at_risk desc, exception_id limit 5"
    )
    links = [link.proto.label for link in open_page().get("page_link") if "**" in link.proto.label]
    assert [label.split("**")[1].replace("\\$", "$") for label in links] == [
        numbers.money(r["a"]) for r in said
    ]


def test_an_empty_scope_says_so_and_shows_no_zero(open_page: Opener, sql: Sql) -> None:
    entity = sql(
        "select e.legal_entity_id as m from master.dim_legal_entity e where not exists (select 1 from "
        "marts.metric_value v where v.legal_entity_id = e.legal_entity_id and v.metric_id in "
        "('recognised_revenue', 'total_backlog', 'net_bookings')) order by 1"
    )
    if entity:
        scope = f"LEGAL_ENTITY:{entity[0]['m']}"
        app = open_page(scope=scope)
        assert any("Nothing has been signed" in box.value or "No " in box.value for box in app.info)
    # before the firm began there is nothing to compare with: a dash, not a zero
    first = as_of_dates(sql)[-1]
    app = open_page(asof=first.isoformat(), cmp="PY")
    assert not app.error
    assert all(not metric.delta for metric in app.metric)


def test_unknown_codes_in_the_address_fall_back(open_page: Opener) -> None:
    app = open_page(period="FORTNIGHT", scope="PRACTICE:' or 1=1 --", asof="yesterday")
    assert not app.error
    assert shown(app) == shown(open_page())


def test_rows_add_up_to_every_card(open_page: Opener) -> None:
    app = open_page()
    for label, (metric, _, _) in CARDS.items():
        app.button(key=f"rows_{metric}").click().run()
        assert not app.error, label
        dialog = {m.label: m.value for m in app.metric}
        assert dialog["Rows add up to"] == dialog["The card says"], label
        assert any("Ties to the cent" in m.value for m in app.markdown), label


def test_rows_that_do_not_add_up_say_by_how_much() -> None:
    from dashboards.components.rows import Drilled

    apart = Drilled(3, Decimal("100.00"), None, Decimal("100.02"), None)
    assert not apart.ties
    assert apart.difference == Decimal("-0.02")
    assert Drilled(3, Decimal("100.001"), None, Decimal("100.00"), None).ties
    assert not Drilled(0, Decimal(0), None, None, None).ties
    share = Drilled(3, Decimal(5), Decimal(11), Decimal(5), Decimal(10))
    assert not share.ties
    assert share.difference == 1


def test_the_bridge_foots(at_home: Home) -> None:
    def page() -> None:
        import streamlit as st

        from dashboards import data
        from dashboards.filters import Filters, default_as_of
        from dashboards.readings import History
        from dashboards.views.executive_overview import bridge_steps

        dates = data.as_of_dates()
        chosen = Filters(default_as_of(dates), "QUARTER", "PP", data.FIRM)
        history = History(data.metric_rows(data.FIRM, "QUARTER"), dates)
        for label, amount, kind in bridge_steps(chosen, history):
            st.text(f"{kind}|{label}|{amount}")

    app = AppTest.from_function(page, default_timeout=60).run()
    steps = [element.value.split("|") for element in app.text]
    opening, *moves, closing = steps
    assert Decimal(opening[2]) + sum(Decimal(m[2]) for m in moves) == Decimal(closing[2])
    assert "Not explained" not in [m[1] for m in moves]
    assert len(moves) >= 2


def test_no_raw_keys_and_no_developer_words(open_page: Opener) -> None:
    said = words(open_page())
    for word in ("netsuite:main", "certinia:main", "salesforce:main", "None", "null", "NaN", "Traceback"):
        assert word not in said, word


def test_filters_default_to_the_last_whole_month(open_page: Opener, sql: Sql) -> None:
    app = open_page()
    assert app.selectbox(key="asof_shown").value == default_as_of(as_of_dates(sql)).isoformat()


def test_chips_show_and_clear_what_is_not_default(open_page: Opener) -> None:
    app = open_page(period="YTD", cmp="PY")
    assert app.button(key="clear_period").label == "Year to date"
    app.button(key="clear_all").click().run()
    assert app.selectbox(key="period_shown").value == "QUARTER"
    assert app.selectbox(key="cmp_shown").value == "PP"


def test_period_starts() -> None:
    from datetime import date

    from dashboards.data import FIRM

    def start(period: str) -> date:
        return Filters(date(2026, 5, 31), period, "PP", FIRM).starts_on

    assert [start(p) for p in ("MONTH", "QUARTER", "YTD", "T3M", "T12M")] == [
        date(2026, 5, 1), date(2026, 4, 1), date(2026, 1, 1), date(2026, 3, 1), date(2025, 6, 1),
    ]  # fmt: skip
