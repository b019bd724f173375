"""The executive overview on a published firm: cards, sentences, charts and rows say what SQL says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

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
    "Invoiced, not paid": ("ar_gross", "POINT", "money"),
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
    """The card's text, worked out from SQL alone; what is not measured at a grain is no zero."""
    grains = sql("select grains from marts.metric_definition where metric_id = ?", metric)[0]["grains"]
    if grain not in grains.split(", "):
        return numbers.NO_VALUE
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


def test_every_card_leads_to_the_page_that_says_more(open_page: Opener) -> None:
    links = [link.proto for link in open_page().get("page_link") if link.proto.label == "More"]
    assert [link.page for link in links] == [
        "margin", "margin", "backlog", "backlog", "wip", "collections", "utilisation",
    ]  # fmt: skip


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
        assert dialog["Rows add up to"] == dialog["The page says"], label
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
        from dashboards.views.backlog_bridge import bridge_steps

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


def test_what_is_not_measured_at_a_scope_is_no_zero(open_page: Opener, sql: Sql) -> None:
    practice = sql("select code from master.dim_org_unit where unit_type = 'practice' order by 1 limit 1")[0]
    app = open_page(scope=f"PRACTICE:{practice['code']}")
    assert shown(app)["Invoiced, not paid"] == numbers.NO_VALUE
    assert "Not measured by practice." in words(app)
    assert "rows_ar_gross" not in [button.key for button in app.button]


def test_a_running_month_is_not_compared_with_whole_ones(open_page: Opener, sql: Sql) -> None:
    running = next(day for day in as_of_dates(sql) if (day + timedelta(days=1)).day != 1)
    app = open_page(asof=running.isoformat())
    deltas = {metric.label: metric.delta for metric in app.metric}
    assert not deltas["Revenue"]
    assert not deltas["Net bookings"]
    assert not deltas["Billable utilisation"]
    assert deltas["Backlog"]
    assert "Month to date, day" in words(app)


def test_each_tile_says_what_it_was_and_one_sentence(open_page: Opener, sql: Sql) -> None:
    app = open_page()
    as_of = default_as_of(as_of_dates(sql))
    before = sql(
        "select value from marts.metric_value where metric_id = 'total_backlog' and grain = 'FIRM' "
        "and currency_view = 'RC' and as_of = ?",
        as_of.replace(day=1).replace(month=as_of.month - 2) - timedelta(days=1),
    )[0]["value"]
    told = {metric.label: metric.proto.delta_description for metric in app.metric}
    assert told["Backlog"] == f"from {numbers.money(before)}"
    invoiced = sql(
        "select value from marts.metric_value where metric_id = 'billed' and grain = 'FIRM' "
        "and currency_view = 'RC' and period_type = 'QUARTER' and as_of = ?",
        as_of,
    )[0]["value"]
    assert f"{numbers.money(invoiced)} was invoiced in the same time." in words(app).replace("\\$", "$")
    hours = sql(
        "select numerator as n, denominator as d from marts.metric_value where grain = 'FIRM' "
        "and metric_id = 'billable_utilisation_net' and period_type = 'QUARTER' and as_of = ?",
        as_of,
    )[0]
    assert f"{hours['n']:,.0f} billable of {hours['d']:,.0f} available hours." in words(app)


def test_a_trust_mark_is_the_money_of_the_cases_it_leads_to(open_page: Opener) -> None:
    marks = [link.proto for link in open_page().get("page_link") if link.proto.label.startswith("±")]
    assert len(marks) >= 3
    for mark in marks:
        amount, count = re.fullmatch(r"±\\\$(\S+) · (\d+) blocking cases?", mark.label).groups()  # type: ignore[union-attr]
        query = {key: values[0] for key, values in parse_qs(mark.query_string).items()}
        said = words(open_page("exceptions", **query)).replace("\\$", "$")
        assert f"{numbers.counted(int(count), 'case')} in the queue" in said
        once = re.search(r"each risk once, ([\d,.]+\d)\.", said)
        assert once
        assert numbers.money(Decimal(once[1].replace(",", ""))) == f"${amount}", mark.label


def sums_of(name: str, scope: str = "") -> list[list[str]]:
    """Label, unit, what the page says and what its rows give, of every number of a part of the page."""

    def page(name: str, scope: str) -> None:
        import streamlit as st

        from dashboards import data
        from dashboards.components.sums import added
        from dashboards.filters import Filters, default_as_of
        from dashboards.readings import History
        from dashboards.views import backlog_bridge, handoff

        place = next((s for s in data.scopes() if s.key == scope), data.FIRM)
        chosen = Filters(default_as_of(data.as_of_dates()), "QUARTER", "PP", place)
        late = data.late_by_kind(place)
        times = History(data.metric_rows(place, "QUARTER"), data.as_of_dates()).at(
            data.LATE, "POINT", data.run_info()["as_of"]
        )
        sums = {
            "bridge": lambda: backlog_bridge.bridge_sums(chosen),
            "late": lambda: handoff.late_sums(chosen, late, times.value if times else None),
            "deals": lambda: [handoff.deal_sum(chosen, deal) for deal in data.blocked_deals(place, 5)],
            "stages": lambda: handoff.stage_sums(place, data.handoff_stages(place)),
        }[name]()
        for one in sums:
            found = added(one)
            st.text(f"{one.label}|{one.unit}|{one.expected}|{found.total}|{found.count}|{found.ties}")

    app = AppTest.from_function(page, default_timeout=60, args=(name, scope)).run()
    assert not app.exception
    return [element.value.split("|") for element in app.text]


@pytest.mark.parametrize("part", ["bridge", "late", "deals", "stages"])
def test_every_number_below_the_cards_is_the_sum_of_its_rows(at_home: Home, sql: Sql, part: str) -> None:
    entity = sql("select legal_entity_id as m from marts.handoff_stage where grain = 'LEGAL_ENTITY' limit 1")
    for scope in ("", f"LEGAL_ENTITY:{entity[0]['m']}"):
        found = sums_of(part, scope)
        assert found or scope, part
        assert [said for said in found if said[5] != "True"] == [], scope
    if part == "late":
        late = sql(
            "select sum(base) as amount, sum(amount_rc) as days, count(*) as n from marts.metric_drill "
            "where metric_id = 'delayed_revenue_currency_days'"
        )[0]
        whole = sums_of("late")
        assert Decimal(whole[0][3]) == late["amount"] > 0
        assert Decimal(whole[-1][3]) == late["days"]
        assert int(whole[0][4]) == late["n"]


def test_a_sum_that_does_not_tie_is_told_apart() -> None:
    from dashboards.components.sums import Added, Sum

    def tells(total: str, expected: str | None, count: int | None = None) -> bool:
        said = Decimal(expected) if expected is not None else None
        return Added(2, Decimal(total), Sum("", "", (), said, "USD", count)).ties

    assert tells("10.001", "10.00", 2)
    assert not tells("10.01", "10.00", 2)
    assert not tells("10.00", "10.00", 3)
    assert not tells("0", None)


def test_trifles_of_the_bridge_are_drawn_as_one_and_lose_nothing() -> None:
    from dashboards.views.backlog_bridge import bridge_title, drawn

    steps = [
        ("31 Mar 2026", Decimal(1000), "total"),
        ("Signed", Decimal(300), "step"),
        ("Delivered", Decimal(-400), "step"),
        ("Closure timing", Decimal("-0.4"), "step"),
        ("Closed under value", Decimal("0.1"), "step"),
        ("30 Jun 2026", Decimal("899.7"), "total"),
    ]
    shown_steps = drawn(steps)
    assert [label for label, _, _ in shown_steps] == [
        "31 Mar 2026", "Signed", "Delivered", "2 small movements", "30 Jun 2026",
    ]  # fmt: skip
    assert sum(amount for _, amount, kind in shown_steps if kind == "step") == Decimal("-100.3")
    assert bridge_title(steps, "USD") == "Backlog fell 10.0%: $400 delivered, $300 signed"
    flat = [steps[0], ("30 Jun 2026", Decimal(1000), "total")]
    assert bridge_title(flat, "USD") == "Backlog stayed at $1k"


def test_the_columns_of_revenue_are_the_sums_of_their_months(at_home: Home) -> None:
    def page() -> None:
        from dataclasses import replace

        import streamlit as st

        from dashboards import data
        from dashboards.components.rows import drilled
        from dashboards.filters import Filters, default_as_of
        from dashboards.readings import History

        dates = data.as_of_dates()
        chosen = Filters(default_as_of(dates), "QUARTER", "PP", data.FIRM)
        history = History(data.metric_rows(data.FIRM, "QUARTER"), dates)
        for day, reading in history.months("recognised_revenue", chosen.as_of)[-13:]:
            found = drilled("recognised_revenue", replace(chosen, as_of=day, period="MONTH"), "MONTH")
            st.text(f"{day}|{reading.value == found.expected and found.ties}")

    app = AppTest.from_function(page, default_timeout=60).run()
    told = [element.value.split("|") for element in app.text]
    assert len(told) > 3
    assert {ties for _, ties in told} == {"True"}
