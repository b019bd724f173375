"""The page of collections on a published firm: cards, charts, list and rows say what SQL says."""

from __future__ import annotations

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboards import cash_ahead, numbers, receivables
from dashboards.clients import by_client
from dashboards.components.sums import Sum
from dashboards.figures.charts import stacked_bars
from dashboards.filters import Filters, default_as_of
from dashboards.readings import History
from tests.dashboards.asking import sums_of
from tests.dashboards.conftest import Opener
from tests.dashboards.test_executive_overview import Sql, as_of_dates, expected, shown, words
from throughline.home import Home

MONEY = {
    "Receivables": ("ar_gross", "POINT"),
    "Overdue": ("ar_overdue", "POINT"),
    "Cash received": ("cash_received", "QUARTER"),
    "Unapplied cash": ("unapplied_cash", "POINT"),
}
DAYS = {
    "DSO (count-back)": "dso_countback",
    "Best possible DSO": "dso_best_possible",
    "Average days delinquent": "average_days_delinquent",
}
ENTITY = (
    "select legal_entity_id as m from marts.metric_value where metric_id = 'ar_overdue' and as_of = ? "
    "and grain = 'LEGAL_ENTITY' and currency_view = 'RC' order by value desc limit 1"
)


@pytest.fixture
def places(sql: Sql) -> list[tuple[dict[str, str], date, str, str]]:
    """Three combinations of filters: query, as of, grain, condition of the grain's member."""
    last = default_as_of(as_of_dates(sql))
    earlier = as_of_dates(sql)[3]
    entity = sql(ENTITY, last)[0]["m"]
    customer = sql(
        ENTITY.replace("legal_entity_id", "customer_id").replace("LEGAL_ENTITY", "CUSTOMER"), last
    )[0]["m"]
    return [
        ({}, last, "FIRM", "true"),
        ({"scope": f"LEGAL_ENTITY:{entity}"}, last, "LEGAL_ENTITY", f"legal_entity_id = '{entity}'"),
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
        app = open_page("collections", **query)
        assert not app.exception
        assert not app.error
        cards = shown(app)
        for label, (metric, period) in MONEY.items():
            asked = "MONTH" if period == "QUARTER" and query.get("period") == "MONTH" else period
            assert cards[label] == expected(sql, metric, asked, "money", as_of, grain, where), (query, label)
        for label, metric in DAYS.items():
            found = sql(
                "select value from marts.metric_value where metric_id = ? and as_of = ? and grain = ? "
                f"and {where}",
                metric,
                as_of,
                grain,
            )
            assert cards[label] == numbers.days(found[0]["value"] if found else None), (query, label)
        share = expected(sql, "collection_effectiveness", "MONTH", "share", as_of, grain, where)
        assert cards["Collection effectiveness"] == share, query
    assert shown(open_page("collections"))["Overdue"] not in ("$0", numbers.NO_VALUE)


def test_the_headline_says_the_numbers_of_the_cards(open_page: Opener) -> None:
    app = open_page("collections")
    said, cards = words(app).replace("\\", ""), shown(app)
    assert f"Clients owe {cards['Receivables']}" in said
    assert f"{cards['Overdue']} of it (" in said


def part_of(chosen: Filters, history: History, part: str) -> list[Sum]:
    """The sums behind a part of the page."""
    if part == "buckets":
        return receivables.bucket_sums(chosen, receivables.ageing(chosen))
    if part == "roll-forward":
        return receivables.ROLL_FORWARD.sums(chosen, history)
    kpi = next(k for k in vars(receivables).values() if getattr(k, "metric_id", None) == part)
    return receivables.parts(kpi, chosen, history)


@pytest.mark.parametrize("part", ["buckets", "roll-forward", *DAYS.values(), "collection_effectiveness"])
def test_every_number_is_the_sum_of_its_rows(
    at_home: Home, places: list[tuple[dict[str, str], date, str, str]], part: str
) -> None:
    for query, *_ in places:
        found = sums_of(part_of, query, part)
        assert found or query
        assert [said for said in found if said[4] != "True"] == [], query


def test_the_days_are_what_their_parts_make(at_home: Home, sql: Sql) -> None:
    as_of = default_as_of(as_of_dates(sql))
    (_, delinquent, *_), (_, billed, *_) = sums_of(part_of, {}, "average_days_delinquent")
    said = sql(
        "select value from marts.metric_value where metric_id = 'average_days_delinquent' and grain = 'FIRM' "
        "and as_of = ?",
        as_of,
    )[0]["value"]
    assert abs(Decimal(delinquent) / Decimal(billed) * 90 - said) < Decimal("1e-9")


def test_the_bars_of_the_ageing_are_all_documents(at_home: Home, sql: Sql) -> None:
    as_of = default_as_of(as_of_dates(sql))
    listed = sql("select sum(amount_rc) as a, count(*) as n from marts.ar_document where as_of = ?", as_of)[0]
    found = sums_of(part_of, {}, "buckets")
    assert sum(Decimal(one[2]) for one in found) == listed["a"]
    assert sum(int(one[3]) for one in found) == listed["n"]


def test_clients_beyond_the_tenth_are_one_bar_and_lose_nothing() -> None:
    aged: list[dict[str, Any]] = [
        {"customer_id": f"c{at:02}", "bucket": "NOT_DUE" if at % 2 else "1-30", "amount": Decimal(at)}
        for at in range(1, 15)
    ]
    aged.append({"customer_id": "c01", "bucket": "UNAPPLIED_CASH", "amount": Decimal(-1000)})
    bars = by_client(aged, ("UNAPPLIED_CASH",))
    assert [client for client, _ in bars] == [f"c{at:02}" for at in range(14, 4, -1)] + [""]
    assert bars[-1][1] == {"NOT_DUE": Decimal(4), "1-30": Decimal(6)}
    assert sum(sum(held.values()) for _, held in bars) == sum(range(1, 15))
    assert len(by_client(aged[:11], ("UNAPPLIED_CASH",))) == 11, "a single client is no group of others"


def test_a_stack_ends_with_its_sum_and_what_is_negative_stands_left_of_zero() -> None:
    figure = stacked_bars(
        ["A", "B"],
        [
            ("Not due", "#111111", [Decimal(50), Decimal(5)]),
            ("Credits", "#222222", [Decimal(-20), Decimal(0)]),
        ],
        "USD",
        {"metric": "m", "run_id": "r"},
    )
    assert list(figure.data[-1].text) == [" $30", " $5"]
    assert figure.layout.barmode == "relative"
    assert figure.layout.xaxis.range[0] < -20
    assert figure.layout.showlegend is True


def test_the_list_is_what_is_overdue_and_its_file_too(open_page: Opener, sql: Sql, tmp_path: Path) -> None:
    as_of = default_as_of(as_of_dates(sql))
    wanted = sql(
        "select invoice_number, amount_rc from marts.ar_document where as_of = ? and days_past_due > 0 "
        "order by amount_rc desc, days_past_due desc, invoice_id",
        as_of,
    )
    app = open_page("collections")
    [table] = [frame.value for frame in app.dataframe if "Days late" in frame.value]
    amount = numbers.money(sum((r["amount_rc"] for r in wanted), Decimal(0)), "USD").replace("$", r"\$")
    assert f"{len(wanted)} overdue documents worth {amount} at" in words(app)
    assert list(table["Document"]) == [r["invoice_number"] for r in wanted]
    assert [Decimal(str(v)) for v in table["USD"]] == [r["amount_rc"].normalize() for r in wanted]

    # a case may be about one document and name another: the duplicate that nobody paid
    named = sql(
        "select d.invoice_number as n from marts.ar_document d join reconciliation.exception e "
        "on contains(json_extract_string(e.evidence, '$.document_no'), d.invoice_number) "
        "and e.legal_entity_id = d.legal_entity_id and e.risk_object <> 'invoice:' || d.invoice_id "
        "where d.as_of = ? and d.days_past_due > 0 and e.outcome = 'EXCEPTION'",
        as_of,
    )
    assert named
    cases = dict(zip(table["Document"], table["Open case"], strict=True))
    assert all(cases[r["n"]] for r in named)

    def page() -> None:
        import streamlit as st

        from dashboards import data
        from dashboards.components.rows import to_csv
        from dashboards.filters import default_as_of
        from dashboards.views.work_list import statement

        sql, member = statement(data.FIRM)
        day = default_as_of(data.as_of_dates())
        st.text(to_csv(data.uncached_rows(data.pinned(), sql, day, *member)))

    told = AppTest.from_function(page, default_timeout=60).run().text[0].value
    rows = list(csv.DictReader(told.splitlines()))
    assert [r["invoice_number"] for r in rows] == [r["invoice_number"] for r in wanted]


def test_a_practice_owes_nothing_and_is_told_why(open_page: Opener, sql: Sql) -> None:
    practice = sql("select code from master.dim_org_unit where unit_type = 'practice' limit 1")[0]["code"]
    app = open_page("collections", scope=f"PRACTICE:{practice}")
    assert not app.exception
    assert not app.metric
    assert "not measured by" in words(app)


def test_no_raw_keys_and_no_developer_words(open_page: Opener) -> None:
    said = words(open_page("collections"))
    for word in ("netsuite:", "NULL", "None", "NaN", "marts."):
        assert word not in said


def test_the_worked_example_of_the_docs_is_this_firm(sql: Sql, project_root: Path) -> None:
    """Every figure of the page for controllers, looked up in the firm it names."""
    page = (project_root / "docs" / "numbers" / "collections.md").read_text(encoding="utf-8")
    assert "--seed 11 --scale tiny --faults all --alone" in page
    client = sql("select customer_id as c from master.dim_customer where name = 'Falcon Foods GmbH'")[0]["c"]

    def said(metric: str, column: str = "value", period: str = "POINT", as_of: str = "2026-06-30") -> Decimal:
        [row] = sql(
            f"select {column} as v from marts.metric_value where metric_id = ? and grain = 'CUSTOMER' and "
            "customer_id = ? and period_type = ? and as_of = ? and currency_view in ('RC', 'NA')",
            metric, client, period, as_of,
        )  # fmt: skip
        return Decimal(row["v"])

    documents = sql(
        "select invoice_number, amount_rc, days_past_due from marts.ar_document where as_of = '2026-06-30' "
        "and customer_id = ?",
        client,
    )
    assert len(documents) == 5
    for document in documents:
        late = document["days_past_due"] or "–"
        line = next(line for line in page.splitlines() if line.startswith(f"| {document['invoice_number']} "))
        assert line.endswith(f"| {numbers.full_money(document['amount_rc'])} | {late} |")
    for metric, period, as_of in (
        ("ar_gross", "POINT", "2026-06-30"),
        ("ar_gross", "POINT", "2026-05-31"),
        ("ar_overdue", "POINT", "2026-06-30"),
        ("billed_gross", "MONTH", "2026-06-30"),
        ("billed_gross", "MONTH", "2026-05-31"),
        ("billed_gross", "MONTH", "2026-04-30"),
    ):
        assert numbers.full_money(said(metric, period=period, as_of=as_of)) in page, (metric, as_of)
    for metric in ("dso_countback", *DAYS.values(), "dso_balance"):
        assert f"**{numbers.days(said(metric))}**".replace(" days**", "") in page.replace(" days**", ""), (
            metric
        )
    assert numbers.full_money(said("dso_balance", "denominator")) in page
    share = said("collection_effectiveness", period="MONTH")
    assert f"**{numbers.percent(share)}**" in page
    for column in ("numerator", "denominator"):
        assert numbers.full_money(said("collection_effectiveness", column, "MONTH")) in page
    moved = sql(
        "select sum(invoiced) i, sum(collected) c, sum(fx_translation) x from marts.ar_rollforward "
        "where as_of = '2026-06-30' and currency_view = 'RC' and customer_id = ?",
        client,
    )[0]
    for word, amount in (("invoiced", moved["i"]), ("collected", moved["c"]), ("exchange rates", moved["x"])):
        assert f"| {word} | {numbers.full_money(amount)} |" in page


def tie_out_of(app: AppTest) -> list[dict[str, Any]]:
    """The rows of the tie-out's table."""
    (found,) = [one.value for one in app.dataframe if "Held against" in one.value]
    return list(found.to_dict("records"))


def test_the_tie_out_holds_documents_against_the_ledger(open_page: Opener, sql: Sql) -> None:
    """The page lists what is published, all of it ties, and it is what the metric says in own currency.

    That the ledger's side is right is shown elsewhere, by hand (test_tie_outs) and on a clean firm.
    """
    last = default_as_of(as_of_dates(sql))
    booked = {
        (row["entity_code"], row["currency_code"]): row["amount"]
        for row in sql(
            "select e.entity_code, t.currency_code, t.other_amount as amount from reconciliation.tie_out t "
            "join master.dim_legal_entity e using (legal_entity_id) "
            "where t.statement_id = 'AR_CONTROL' and t.as_of = ?",
            last,
        )
    }
    app = open_page("collections")
    assert not app.exception
    listed = tie_out_of(app)
    assert len(listed) == len(booked) > 3
    assert {row["Result"] for row in listed} == {"Ties"}
    assert sum(Decimal(str(row["Throughline"])) for row in listed) == sum(booked.values())
    assert "Receivables tie to the general ledger" in [one.value for one in app.subheader]
    receivables = sql(
        "select sum(value) as v from marts.metric_value where metric_id = 'ar_gross' and as_of = ? "
        "and grain = 'LEGAL_ENTITY' and currency_view = 'FC'",
        last,
    )[0]["v"]
    assert sum(Decimal(str(row["Throughline"])) for row in listed) == receivables


def test_the_tie_out_of_an_entity_is_its_own_and_of_a_client_there_is_none(
    open_page: Opener, places: list[tuple[dict[str, str], date, str, str]]
) -> None:
    _, entity, customer = places
    listed = tie_out_of(open_page("collections", **entity[0]))
    assert len({row["Entity"] for row in listed}) == 1
    told = open_page("collections", **customer[0])
    assert not [one for one in told.dataframe if "Held against" in one.value]
    assert any("kept by legal entity" in one.value for one in told.info)


def test_a_difference_is_said_and_its_parts_are_shown(
    open_page: Opener, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line of another sum than the ledger's: no green, and a count of what nobody explains."""
    (line, *others) = sql(
        "select * from reconciliation.tie_out where statement_id = 'AR_CONTROL' and as_of = ? "
        "order by legal_entity_id",
        default_as_of(as_of_dates(sql)),
    )
    five = Decimal(5)
    broken = line | {"amount": line["amount"] + five, "difference": five, "unexplained": five}
    lines = (broken | {"status": "DIFFERS"}, *others)
    monkeypatch.setattr("dashboards.components.tie_out.lines", lambda chosen, statements: lines)
    app = open_page("collections")
    assert "Receivables do not tie to the general ledger" in [one.value for one in app.subheader]
    assert f"1 of {len(lines)} lines not explained" in words(app)
    assert [row["Not explained"] for row in tie_out_of(app)] == [5.0] + [0.0] * len(others)


def weeks_of(chosen: Filters, history: History) -> list[Sum]:
    """Every week of the forecast and what is in none."""
    found = cash_ahead.ahead(chosen)
    assert found is not None
    return cash_ahead.sums(chosen, found)


def test_weeks_and_what_is_in_none_are_all_that_stands_open(
    at_home: Home, sql: Sql, places: list[tuple[dict[str, str], date, str, str]]
) -> None:
    run_day = max(as_of_dates(sql))
    for query, _, _, where in places:
        found = sums_of(weeks_of, query)
        assert all(ties == "True" for *_, ties in found), (query, found)
        stands = sql(
            f"select sum(amount_rc) as a from marts.ar_document where as_of = ? and {where}", run_day
        )[0]["a"]
        assert sum(Decimal(said) for _, said, *_ in found) == stands, query


def test_the_forecast_says_what_comes_and_how_it_is_known(open_page: Opener, sql: Sql) -> None:
    app = open_page("collections")
    assert not app.exception
    [comes] = sql(
        "select sum(amount_rc) filter (where expected_week <= 13) as weeks, sum(amount_rc) as stands "
        "from marts.cash_forecast"
    )
    said = words(app).replace("\\", "")
    assert f"{numbers.money(comes['weeks'])} of {numbers.money(comes['stands'])} is expected" in said
    assert "no source tells promises or disputes" in said
