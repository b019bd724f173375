"""The queue of exceptions on a published firm: counts, facets, evidence, links, the workbook."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import openpyxl
import pytest
from streamlit.testing.v1 import AppTest

from dashboards import cases, data, names, numbers, saying
from dashboards.views import reconciliation_exceptions
from tests.dashboards.conftest import Opener
from throughline.home import Home
from throughline.state import Store

Sql = Callable[..., list[dict[str, Any]]]
ID = re.compile(r"[A-Z]+(-[A-Z]+)?-\d{3}-[0-9a-f]{16}")


def shown(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def queue(app: AppTest) -> Any:
    """The queue as a frame."""
    return next(frame.value for frame in app.dataframe if "What is wrong" in frame.value.columns)


def words(app: AppTest) -> str:
    kinds = (app.markdown, app.caption, app.subheader, app.info, app.warning)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def test_cards_equal_sql(open_page: Opener, sql: Sql) -> None:
    app = open_page("exceptions")
    assert not app.exception
    assert not app.error
    said = sql(
        "select count(*) filter (where outcome = 'EXCEPTION') as opened, "
        "count(*) filter (where outcome = 'EXCEPTION' and severity in ('S1', 'S2')) as blocking, "
        "count(*) filter (where outcome = 'NOT_EVALUABLE') as unchecked, "
        "sum(amount_at_risk) filter (where outcome = 'EXCEPTION' and counted_in_headline) as risk, "
        "median(age_days) filter (where outcome = 'EXCEPTION') as age from reconciliation.exception"
    )[0]
    cards = shown(app)
    assert said["opened"] > 0
    assert cards["Open"] == numbers.count(said["opened"])
    assert cards["Blocking (S1, S2)"] == numbers.count(said["blocking"])
    assert cards["Not checked"] == numbers.count(said["unchecked"])
    assert cards["At risk"] == numbers.money(said["risk"])
    assert f"Median age {said['age']:g} day" in words(app)
    assert len(queue(app)) == said["opened"]


def test_the_headline_counts_each_risk_once_at_its_largest(sql: Sql) -> None:
    """What the warehouse marks as counted is the sum over risks of their largest amount."""
    said = sql(
        "with risk as (select risk_type, risk_object, max(amount_at_risk) as amount from "
        "reconciliation.exception where outcome = 'EXCEPTION' and root_exception_id is null group by all) "
        "select (select sum(amount) from risk) as by_risk, (select sum(amount_at_risk) from "
        "reconciliation.exception where outcome = 'EXCEPTION' and counted_in_headline) as counted"
    )[0]
    assert said["by_risk"] == said["counted"]


def test_facets_narrow_the_queue(open_page: Opener, sql: Sql) -> None:
    control, n = next(
        (r["control_id"], r["n"])
        for r in sql(
            "select control_id, count(*) as n from reconciliation.exception where outcome = 'EXCEPTION' "
            "and severity = 'S3' group by 1 order by 2 desc"
        )
    )
    app = open_page("exceptions", control=control, sev="S3")
    assert len(queue(app)) == n
    assert set(queue(app)["Severity"]) == {"S3"}
    assert f"{numbers.counted(n, 'case')} in the queue" in words(app)


def test_pending_are_apart_from_open(open_page: Opener, sql: Sql) -> None:
    n = sql("select count(*) as n from reconciliation.exception where outcome = 'PENDING'")[0]["n"]
    app = open_page("exceptions", outcome="PENDING")
    assert n > 0
    assert len(queue(app)) == n
    everything = open_page("exceptions", outcome="any")
    assert len(queue(everything)) == sql("select count(*) as n from reconciliation.exception")[0]["n"]


def test_an_entity_narrows_the_queue_but_hides_nothing_unchecked(open_page: Opener, sql: Sql) -> None:
    entity = sql(
        "select legal_entity_id as m from reconciliation.exception where outcome = 'EXCEPTION' "
        "group by 1 order by count(*) desc limit 1"
    )[0]["m"]
    app = open_page("exceptions", scope=f"LEGAL_ENTITY:{entity}")
    said = sql(
        "select count(*) filter (where outcome = 'EXCEPTION' and legal_entity_id = ?) as opened, "
        "count(*) filter (where outcome = 'NOT_EVALUABLE') as unchecked from reconciliation.exception",
        entity,
    )[0]
    assert shown(app)["Open"] == numbers.count(said["opened"])
    assert shown(app)["Not checked"] == numbers.count(said["unchecked"])


def test_nothing_matches_says_which_filters(open_page: Opener) -> None:
    app = open_page("exceptions", outcome="WAIVED", age=">120")
    assert not app.error
    assert any("No case matches: outcome WAIVED; age >120" in box.value for box in app.info)


def test_a_link_to_a_case_shows_it_whatever_the_facets_hide(open_page: Opener, sql: Sql) -> None:
    case = sql("select exception_id, grain_key from reconciliation.exception where severity = 'S4' limit 1")[
        0
    ]
    app = open_page("exceptions", exception=case["exception_id"], sev="S1")
    assert case["exception_id"] in [code.value for code in app.code]
    assert any("the filters would hide it" in caption.value for caption in app.caption)


def test_an_unknown_case_is_said_not_raised(open_page: Opener) -> None:
    app = open_page("exceptions", exception="BIL-001-0000000000000000")
    assert not app.error
    assert any("no exception BIL-001-0000000000000000" in box.value for box in app.warning)


def test_next_and_previous_walk_the_queue(open_page: Opener, sql: Sql) -> None:
    app = open_page("exceptions")
    ids = list(queue(app)["Exception"])
    assert app.button(key="previous").disabled
    app.button(key="next").click().run()
    assert app.text_input(key="exception").value == ids[1]
    app.button(key="next").click().run()
    app.button(key="previous").click().run()
    assert app.text_input(key="exception").value == ids[1]
    assert ids[1] in [code.value for code in app.code]


def test_evidence_shows_both_sides_and_no_raw_key(open_page: Opener, sql: Sql) -> None:
    found = sql(
        "select distinct on (control_id) exception_id, control_id from reconciliation.exception "
        "where outcome = 'EXCEPTION' order by control_id"
    )
    assert len(found) > 5
    for case in found:
        app = open_page("exceptions", exception=case["exception_id"])
        assert not app.error, case
        sides = next(f.value for f in app.dataframe if list(f.value.columns) == ["System", "Value"])
        assert len(sides) >= 3, case
        said = words(app) + sides.to_string()
        assert not re.search(r"(netsuite|certinia|salesforce|bamboohr):main:", said), case
        assert "**What to do.**" in said
        assert "None" not in said


def test_a_child_leads_to_its_root_and_back(open_page: Opener, sql: Sql) -> None:
    child = sql(
        "select exception_id, root_exception_id from reconciliation.exception "
        "where root_exception_id is not null and outcome = 'EXCEPTION' limit 1"
    )[0]
    with_root = open_page("exceptions", exception=child["exception_id"])
    links = [link.proto.label for link in with_root.get("page_link")]
    assert any(label.startswith("Caused by:") for label in links)
    root = open_page("exceptions", exception=child["root_exception_id"])
    assert any(link.proto.label.startswith("Causes:") for link in root.get("page_link"))


def test_what_people_said_stands_in_the_history(open_page: Opener, published: Home, sql: Sql) -> None:
    case = sql("select exception_id from reconciliation.exception order by 1 limit 1")[0]["exception_id"]
    Store(published).append("comment", case, "j.ortega", {"text": "Asked the client for $5 and <b>proof</b>"})
    app = open_page("exceptions", exception=case)
    assert any("j.ortega · Comment Asked the client" in caption.value for caption in app.caption)


def test_the_workbook_holds_exactly_the_cases_listed(at_home: Home, sql: Sql) -> None:
    ids = [
        r["exception_id"]
        for r in sql(
            "select exception_id from reconciliation.exception "
            "where outcome = 'EXCEPTION' and severity = 'S3'"
        )
    ]
    publication = data.Publication(_run(at_home), "")
    before = len(Store(at_home).read(kind="export"))
    content = data.workbook(publication, data.Listed(ids=frozenset(ids), words="sev S3"))
    book = openpyxl.load_workbook(io.BytesIO(content))
    listed = [str(row[0].value) for row in book["02_Exceptions"].iter_rows(min_row=2) if row[0].value]
    assert sorted(listed) == sorted(ids)
    cover = {row[0].value: row[1].value for row in book["00_Cover"].iter_rows()}
    assert cover["scope"] == "sev S3"
    assert cover["open_exceptions"] == len(ids)
    event = Store(at_home).read(kind="export")[-1]
    assert len(Store(at_home).read(kind="export")) == before + 1
    assert event.payload["filters"] == "sev S3"


def _run(home: Home) -> str:
    from throughline import warehouse

    return warehouse.current(home).run_id


def test_every_control_that_ran_is_listed_once_with_its_cases(open_page: Opener, sql: Sql) -> None:
    """Totals and entities stand in one table: adding both would show every case twice."""
    app = open_page("exceptions")
    table = next(f.value for f in app.dataframe if "Looked at" in f.value.columns)
    said = sql(
        "select c.control_id, count(e.exception_id) filter (where e.outcome = 'EXCEPTION') as n "
        "from reconciliation.recon__control c left join reconciliation.exception e using (control_id) "
        "group by 1"
    )
    assert dict(zip(table["Id"], table["Exceptions"], strict=True)) == {r["control_id"]: r["n"] for r in said}


def test_facet_counts_ignore_the_facet_itself() -> None:
    def group(severity: str, outcome: str, count: int) -> dict[str, Any]:
        blank = dict.fromkeys(cases.FACETS.values())
        return {**blank, "severity": severity, "outcome": outcome, "cases": count}

    found = [group("S1", "EXCEPTION", 3), group("S2", "EXCEPTION", 4), group("S2", "PENDING", 5)]
    facets = cases.Facets({"outcome": ("EXCEPTION",), "sev": ("S1",)})
    assert cases.count(facets.shown(found)) == 3
    assert facets.counts(found, "sev") == {"S1": 3, "S2": 4}
    assert facets.counts(found, "outcome") == {"EXCEPTION": 3}
    assert facets.counts(found, "owner") == {}
    assert facets.condition() == ("outcome in (?) and severity in (?)", ("EXCEPTION", "S1"))


def test_ages_fall_into_their_buckets() -> None:
    ages = (
        "select age_days, age_code from (select unnest([0, 30, 31, 90, 91, 120, 121, null]) as age_days) as e"
    )
    found = duckdb.sql(ages.replace("age_code", f"{cases.AGE_CODE} as age_code")).fetchall()
    assert [code for _, code in found] == ["0-30", "0-30", "31-60", "61-90", "91-120", "91-120", ">120", None]


def test_what_passes_is_the_same_in_groups_and_in_rows(at_home: Home, sql: Sql) -> None:
    """For each choice: cases and money of the groups, of the list, of the ids, and each risk once."""

    def page() -> None:
        import streamlit as st

        from dashboards import cases, data

        choices: list[dict[str, tuple[str, ...]]] = [{}]
        found = cases.groups(data.FIRM)
        whole = data.rows(
            "select exception_id, risk_type, risk_object, root_exception_id, amount_at_risk "
            "from reconciliation.exception"
        )
        for name, column in cases.FACETS.items():
            codes = sorted({r[column] for r in found if r[column]})
            choices += [{name: (code,)} for code in codes] + [{name: tuple(codes[:2]), "sev": ("S2", "S3")}]
        for choice in choices:
            facets = cases.Facets(choice)
            rows = cases.listed(data.FIRM, facets, 10_000)
            groups = facets.shown(found)
            ids = cases.ids(data.FIRM, facets)()
            held = [r for r in whole if r["exception_id"] in set(ids)]
            money = sum(r["amount_at_risk"] or 0 for r in rows)
            st.text(
                f"{choice}|{cases.count(groups) == len(rows) == len(ids) == len(held)}"
                f"|{sorted(ids) == sorted(r['exception_id'] for r in rows)}|{cases.total(groups) == money}"
                f"|{cases.amount_once(data.FIRM, facets) == cases.once(held)}|{len(rows)}"
            )

    app = AppTest.from_function(page, default_timeout=60).run()
    assert not app.exception
    told = [element.value for element in app.text]
    assert len(told) > 40
    assert [line for line in told if "False" in line] == []
    assert sum(int(line.split("|")[-1]) > 0 for line in told) > 35


def test_only_the_first_are_listed_and_the_others_are_said(
    open_page: Opener, sql: Sql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciliation_exceptions, "CAP", 3)
    ids = [
        r["exception_id"]
        for r in sql(
            "select exception_id from reconciliation.exception where outcome = 'EXCEPTION' order by "
            "severity, amount_at_risk desc nulls last, age_days desc nulls last, exception_id"
        )
    ]
    app = open_page("exceptions")
    assert list(queue(app)["Exception"]) == ids[:3]
    assert f"{numbers.counted(len(ids), 'case')} in the queue" in words(app)
    assert "The 3 gravest are listed; the workbook holds all." in words(app)
    assert f"Case 1 of {len(ids):,}" in words(app)
    behind = open_page("exceptions", exception=ids[3])
    assert "it stands behind the 3 that are listed" in words(behind)
    pending = sql("select exception_id from reconciliation.exception where outcome = 'PENDING' limit 1")[0]
    assert "the filters would hide it" in words(open_page("exceptions", exception=pending["exception_id"]))


def test_sentences_read_as_words() -> None:
    known = {("project", "certinia:main:a10X"): "PRJ-1 Alpha", ("customer", "netsuite:main:7"): "Falcon"}
    said = names.readable(
        "Project certinia:main:a10X of 2026-03-06: 6300.0000 USD, 288.00000000 hours, TM_CAPPED, "
        "record netsuite:main:7, load 20260608T233000Z-2",
        known,
    )
    assert said == (
        "Project PRJ-1 Alpha of 6 Mar 2026: 6,300.00 USD, 288 hours, time and materials with a cap, "
        "record NetSuite 7, load 20260608T233000Z-2"
    )
    assert names.of_key("customer", "netsuite:main:7", known) == "Falcon"
    assert names.of_key("contract", "netsuite:main:7", known) == "NetSuite 7"
    assert names.of_key("customer", "UNMAPPED:salesforce:main:001X", known) == "No match for Salesforce 001X"
    assert names.of_key("project", "NONE", known) == numbers.NO_VALUE


def test_the_money_at_risk_is_the_sum_of_the_cases_behind_it(open_page: Opener, sql: Sql) -> None:
    app = open_page("exceptions")
    card = shown(app)["At risk"]
    app.button(key="show_at_risk").click().run()
    said = sql(
        "select count(*) as n, sum(amount_at_risk) as amount from reconciliation.exception "
        "where outcome = 'EXCEPTION' and counted_in_headline"
    )[0]
    assert len(queue(app)) == said["n"]
    assert f"add up to {said['amount']:,.2f}; each risk once, {said['amount']:,.2f}." in words(app)
    assert numbers.money(said["amount"]) == card


def test_each_tile_leads_to_its_cases(open_page: Opener) -> None:
    for label, slug in {
        "Open": "open",
        "Blocking (S1, S2)": "blocking_s1_s2",
        "Within grace": "within_grace",
    }.items():
        app = open_page("exceptions", control="BIL-001")
        count = shown(app)[label]
        app.button(key=f"show_{slug}").click().run()
        assert numbers.count(len(queue(app))) == count, label


def test_each_risk_once_within_a_list() -> None:
    def case(key: str, risk: str, amount: int | None, root: str | None = None) -> dict[str, Any]:
        return {
            "exception_id": key, "risk_type": "TIMING", "risk_object": risk, "root_exception_id": root,
            "amount_at_risk": None if amount is None else Decimal(amount),
        }  # fmt: skip

    listed = [case("A", "deal:1", 100), case("B", "deal:1", 70), case("C", "deal:2", 5, "A")]
    assert cases.once(listed) == 100
    assert cases.once(listed[1:]) == 75, "without its cause in the list a case counts for itself"
    assert cases.once([case("D", "x", None)]) == 0


def test_time_filters_are_kept_but_not_offered(open_page: Opener) -> None:
    app = open_page("exceptions", period="YTD", asof="2026-04-30")
    assert app.selectbox(key="period_shown").disabled
    assert app.selectbox(key="period_shown").value == "YTD"
    assert not app.selectbox(key="scope_shown").disabled
    assert "clear_period" not in [button.key for button in app.button]


def test_ages_add_up_to_the_queue(open_page: Opener) -> None:
    app = open_page("exceptions")
    app.toggle(key="table_by_age").set_value(True).run()
    table = next(f.value for f in app.dataframe if "Days open" in f.value.columns)
    assert int(table["Cases"].sum()) == len(queue(app))
    assert abs(table["Amount, USD"].sum() - queue(app)["At risk"].sum()) < 0.01


def an_open_case(sql: Sql, at: int) -> str:
    return str(
        sql(
            "select exception_id from reconciliation.exception where outcome = 'EXCEPTION' order by 1 "
            f"limit 1 offset {at}"
        )[0]["exception_id"]
    )


def test_what_a_reader_says_is_one_event_with_a_name(open_page: Opener, published: Home, sql: Sql) -> None:
    case = an_open_case(sql, 2)
    app = open_page("exceptions", exception=case)
    app.text_area(key=f"comment_text_{case}").set_value("Credit note asked for: $5")
    app.button(key="send_comment").click().run()
    assert Store(published).read(object_id=case) == [], "nobody said it"
    assert any("Say who you are" in box.value for box in app.warning)
    assert app.text_area(key=f"comment_text_{case}").value == "Credit note asked for: $5", "nothing is lost"
    app.text_input(key=f"comment_speaker_{case}").set_value("a.lind")
    app.button(key="send_comment").click().run()
    event = Store(published).read(object_id=case)[0]
    assert (event.kind, event.actor, event.payload["text"]) == (
        "comment", "a.lind", "Credit note asked for: $5",
    )  # fmt: skip
    assert any("a.lind · Comment Credit note asked for" in caption.value for caption in app.caption)
    app.text_input(key=f"assign_owner_{case}").set_value("j.ortega")
    app.button(key="send_assign").click().run()
    assert [e.kind for e in Store(published).read(object_id=case)] == ["comment", "assignment"]
    table = queue(app).set_index("Exception")
    assert table.loc[case, "Assigned to"] == "j.ortega"


def test_acknowledging_keeps_to_its_rules(open_page: Opener, published: Home, sql: Sql) -> None:
    case = an_open_case(sql, 3)
    app = open_page("exceptions", exception=case)
    app.text_area(key=f"acknowledge_reason_{case}").set_value("later")
    app.text_input(key=f"acknowledge_speaker_{case}").set_value("a.lind")
    app.button(key="send_acknowledge").click().run()
    assert any("at least 15 characters" in box.value for box in app.warning)
    assert Store(published).read(object_id=case) == []
    pending = sql("select exception_id from reconciliation.exception where outcome = 'PENDING' limit 1")[0]
    app = open_page("exceptions", exception=pending["exception_id"])
    assert "send_acknowledge" not in [button.key for button in app.button]


def test_what_was_said_meanwhile_is_read_first(open_page: Opener, published: Home, sql: Sql) -> None:
    case = an_open_case(sql, 4)
    app = open_page("exceptions", exception=case)
    Store(published).append("comment", case, "somebody.else", {"text": "Mine came first"})
    app.text_area(key=f"comment_text_{case}").set_value("Mine")
    app.text_input(key=f"comment_speaker_{case}").set_value("a.lind")
    app.button(key="send_comment").click().run()
    assert [e.actor for e in Store(published).read(object_id=case)] == ["somebody.else"]
    assert any("meanwhile" in box.value for box in app.warning)


def test_rules_of_what_is_said() -> None:
    today = date(2026, 7, 8)
    good = "Client signs on Friday, see mail"
    opened, grace = {"outcome": "EXCEPTION"}, {"outcome": "PENDING"}
    word = saying.acknowledgement(opened, f"  {good} ", date(2026, 10, 6), today)
    assert word == saying.Word("acknowledgement", {"reason": good, "until": "2026-10-06"})
    for case, reason, until in (
        (grace, good, today), (opened, "short", today), (opened, good, None),
        (opened, good, date(2026, 7, 7)), (opened, good, date(2026, 10, 7)),
    ):  # fmt: skip
        with pytest.raises(saying.RefusedError):
            saying.acknowledgement(case, reason, until, today)
    for wrong in (
        lambda: saying.comment("  "),
        lambda: saying.assignment("", None, today),
        lambda: saying.assignment("j", date(2026, 7, 7), today),
        lambda: saying.spoken_by(" "),
    ):
        with pytest.raises(saying.RefusedError):
            wrong()
    assert saying.assignment("j", today, today).payload == {"owner": "j", "due": "2026-07-08"}


def test_the_page_and_the_command_line_keep_the_same_rules() -> None:
    from throughline.commands import recon

    assert saying.REASON_LENGTH == recon.REASON_LENGTH
    assert saying.LONGEST_ACKNOWLEDGEMENT == recon.LONGEST_ACKNOWLEDGEMENT
