"""The comparison of a warehouse with the truth, and the small tools around a sandbox directory."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from sandbox import build as building
from sandbox.build import build, month_ends, wanted
from sandbox.clock_file import advance, read_clock, set_clock
from sandbox.compare import (
    CLOSED_METRICS,
    RATIO_PREFIXES,
    RATIOS,
    Comparison,
    compare_cases,
    compare_closes,
    compare_counts,
    compare_deliveries,
    compare_estimates,
    compare_metrics,
    compare_windows,
)
from sandbox.home_setup import set_up
from sandbox.oracle.truth import COUNTS, DELIVERIES, ESTIMATES, EXCEPTIONS, METRICS, WINDOWS
from sandbox.play import published_at
from sandbox.score import STRIKES, Load, Score, compare_struck, shown, table
from throughline.config import load
from throughline.errors import ThroughlineError
from throughline.home import Home
from throughline.registry import load as registry

LOAD = datetime(2026, 3, 8, 23, 30, tzinfo=UTC)
CASE: dict[str, Any] = {
    "load_id": "20260308T233000Z",
    "case_id": "F29",
    "control_id": "BIL-001",
    "grain_key": "netsuite:main:1",
    "outcome": "EXCEPTION",
    "amount_at_risk": Decimal("100.00"),
    "amount_at_risk_tc": Decimal("90.00"),
    "severity": "S4",
    "visible_from": LOAD,
    "becomes_exception_on": date(2026, 3, 6),
    "is_cascade": False,
}
METRIC: dict[str, Any] = {
    "metric_id": "billed",
    "as_of": date(2026, 2, 28),
    "known_at": LOAD,
    "period_type": "MONTH",
    "grain": "FIRM",
    **{name: "ALL" for name in METRICS.names if name.endswith("_id") and name != "metric_id"},
    "currency_view": "RC",
    "currency_code": "USD",
    "numerator": Decimal("10"),
    "denominator": None,
    "value": Decimal("10"),
}


def cases(*changes: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([{**CASE, **change} for change in changes], schema=EXCEPTIONS)


def metrics(*changes: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist([{**METRIC, **change} for change in changes], schema=METRICS)


def counts(*rows: tuple[str, str, int, str]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {"load_id": "x", "control_id": control, "outcome": outcome, "n": n, "amount": Decimal(amount)}
            for control, outcome, n, amount in rows
        ],
        schema=COUNTS,
    )


def runs(**changes: Any) -> pa.Table:
    row = {
        "control_id": "BIL-001",
        "legal_entity_id": "ALL",
        **{f"{name}_count": 0 for name in ("pass", "exception", "pending", "not_evaluable")},
        **{f"{name}_amount": Decimal("0.0000") for name in ("exception", "pending", "not_evaluable")},
        **changes,
    }
    return pa.Table.from_pylist([row, {**row, "legal_entity_id": "netsuite:main:2"}])


def differences(compare: Callable[..., None], truth: pa.Table, found: pa.Table) -> list[tuple[str, str, str]]:
    into = Comparison()
    compare(truth, found, into)
    return [(item.what, item.truth, item.found) for item in into.differences]


ESTIMATE: dict[str, Any] = {
    "project_id": "certinia:main:a",
    "vintage_number": 2,
    "estimated_on": date(2026, 2, 27),
    "eac_cost_tc": Decimal("122700"),
    "eac_hours": Decimal("2097"),
    "cost_to_date_tc": Decimal("19008.64"),
    "revenue_effect_tc": None,
}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, []),
        ({"cost_to_date_tc": Decimal("19008.649")}, []),
        ({"vintage_number": 3}, [("MISSING", "2026-02-27", ""), ("EXTRA", "", "2026-02-27")]),
        ({"estimated_on": date(2026, 2, 28)}, [("estimated_on", "2026-02-27", "2026-02-28")]),
        ({"eac_hours": Decimal("2098")}, [("eac_hours", "2097.0000", "2098.0000")]),
        ({"revenue_effect_tc": Decimal(0)}, [("revenue_effect_tc", "", "0.0000")]),
    ],
    ids=["same", "within a cent", "another number", "another day", "another figure", "zero is not unknown"],
)
def test_estimates_are_held_one_by_one(change: dict[str, Any], told: list[tuple[str, str, str]]) -> None:
    truth, found = (pa.Table.from_pylist([ESTIMATE | changed], schema=ESTIMATES) for changed in ({}, change))
    assert differences(compare_estimates, truth, found) == told


CASES: dict[str, Any] = {
    "time_window": "CURRENT",
    "measure": "days_t7_t8",
    "mix": "netsuite:main:2|SMALL|TM",
    "legal_entity_id": "netsuite:main:2",
    "practice_id": "DATA",
    "took": Decimal(17),
    "calendar_days": Decimal(23),
    "is_open": False,
    "cases": 12,
}
LOST: dict[str, Any] = {
    "time_window": "BASELINE",
    "measure": "leakage",
    "mix": "netsuite:main:2",
    "legal_entity_id": "netsuite:main:2",
    "practice_id": "DATA",
    "cases": 4,
    "lost_rc": Decimal("10.50"),
    "contract_rc": None,
}


@pytest.mark.parametrize(
    ("row", "change", "told"),
    [
        (CASES, {}, []),
        (CASES, {"cases": 13}, [("cases", "12", "13")]),
        (CASES, {"practice_id": "CLOUD"}, [("cases", "", "12"), ("cases", "12", "")]),
        (CASES, {"took": Decimal(16)}, [("cases", "", "12"), ("cases", "12", "")]),
        (CASES, {"is_open": True}, [("cases", "12", ""), ("cases", "", "12")]),
        (LOST, {"lost_rc": Decimal("10.51")}, []),
        (LOST, {"lost_rc": Decimal("10.52")}, [("lost_rc", "10.5000", "10.5200")]),
        (LOST, {"contract_rc": Decimal(0)}, [("contract_rc", "", "0.0000")]),
    ],
    ids=[
        "same",
        "one more",
        "another practice",
        "a day less",
        "waits",
        "a cent",
        "two",
        "zero is not unknown",
    ],
)
def test_cases_of_the_windows_are_held_by_all_that_is_told_of_them(
    row: dict[str, Any], change: dict[str, Any], told: list[tuple[str, str, str]]
) -> None:
    truth, found = (pa.Table.from_pylist([row | changed], schema=WINDOWS) for changed in ({}, change))
    assert differences(compare_windows, truth, found) == told


def test_every_quotient_of_the_registry_is_held_to_nine_digits() -> None:
    quotients = {one.id for one in registry() if one.kind in ("ratio", "ahead", "days")}
    assert {one for one in quotients if not one.startswith(RATIO_PREFIXES)} == set(RATIOS)


def test_the_same_cases_agree() -> None:
    into = Comparison()
    compare_cases(cases({}, {"grain_key": "b"}), cases({"grain_key": "b"}, {}), into)
    assert into.agrees
    tally = into.controls["BIL-001"]
    assert (tally.truth, tally.found, tally.matched, tally.recall, tally.precision) == (2, 2, 2, 1.0, 1.0)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"severity": "S3"}, "severity"),
        ({"outcome": "PENDING"}, "outcome"),
        ({"becomes_exception_on": date(2026, 3, 7)}, "becomes_exception_on"),
        ({"amount_at_risk": Decimal("100.0101")}, "amount_at_risk"),
        ({"amount_at_risk": None}, "amount_at_risk"),
        ({"amount_at_risk_tc": Decimal("89.9899")}, "amount_at_risk_tc"),
    ],
)
def test_a_case_that_differs_in_one_thing_is_one_difference(change: dict[str, Any], what: str) -> None:
    assert [name for name, _, _ in differences(compare_cases, cases({}), cases(change))] == [what]


def test_a_cent_is_no_difference_and_null_equals_null() -> None:
    assert differences(compare_cases, cases({}), cases({"amount_at_risk": Decimal("100.0100")})) == []
    mixed = {"amount_at_risk_tc": None}
    assert differences(compare_cases, cases(mixed), cases(mixed)) == []


def test_missing_and_extra_cases_count_against_recall_and_precision() -> None:
    into = Comparison()
    compare_cases(cases({}, {"grain_key": "b"}), cases({}, {"grain_key": "c"}, {"grain_key": "d"}), into)
    assert [(item.what, item.key) for item in into.differences] == [
        ("MISSING", "b"),
        ("EXTRA", "c"),
        ("EXTRA", "d"),
    ]
    tally = into.controls["BIL-001"]
    assert (tally.recall, round(tally.precision, 3)) == (0.5, 0.333)


def test_a_control_that_could_not_be_evaluated_is_extra() -> None:
    blocked = cases({"grain_key": "netsuite_main.billing_item", "outcome": "NOT_EVALUABLE"})
    assert differences(compare_cases, cases(), blocked) == [("EXTRA", "", "NOT_EVALUABLE")]


def test_counts_per_outcome() -> None:
    truth = counts(("BIL-001", "PASS", 7, "0"), ("BIL-001", "EXCEPTION", 2, "50"))
    found = runs(pass_count=7, exception_count=2, exception_amount=Decimal("50.0150"))
    assert differences(compare_counts, truth, found) == []
    wrong = runs(pass_count=8, exception_count=2, exception_amount=Decimal("50.0300"), pending_count=1)
    assert differences(compare_counts, truth, wrong) == [
        ("amount", "50.0000", "50.0300"),
        ("n", "7", "8"),
        ("n", "0", "1"),
    ]


def test_passes_the_truth_does_not_count_are_not_compared() -> None:
    assert differences(compare_counts, counts(("BIL-001", "PENDING", 0, "0")), runs(pass_count=9)) == []
    assert differences(compare_counts, counts(("MDM-001", "PASS", 0, "0")), runs(exception_count=9)) == []


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        ([{}], [{}], []),
        ([{}], [{"value": Decimal("10.0100000000")}], []),
        ([{}], [{"value": Decimal("10.0100000001")}], ["value"]),
        ([{}], [{"value": None}], ["value"]),
        ([{"value": None}], [{"value": None}], []),
        ([{}], [], ["MISSING"]),
        ([], [{}], ["EXTRA"]),
        ([], [{"value": Decimal("0.01")}], []),
        ([], [{"value": None}], ["EXTRA"]),
        ([{}], [{"customer_id": "netsuite:main:9"}], ["MISSING", "EXTRA"]),
        ([{"metric_id": "billable_utilisation_net", "value": Decimal("0.5")}],
         [{"metric_id": "billable_utilisation_net", "value": Decimal("0.5000000010")}], []),
        ([{"metric_id": "billable_utilisation_net", "value": Decimal("0.5")}],
         [{"metric_id": "billable_utilisation_net", "value": Decimal("0.5000000011")}], ["value"]),
        ([{"metric_id": "handoff_lag_t1_t2", "value": Decimal(0)}], [], ["MISSING"]),
        ([{"metric_id": "dso_balance"}],
         [{"metric_id": "dso_balance", "value": Decimal("10.001")}], ["value"]),
        ([{"denominator": Decimal("9.6935")}], [{"denominator": Decimal("9.6936")}], []),
        ([{"denominator": Decimal("9.6935")}], [{"denominator": Decimal("9.69")}], ["denominator"]),
        ([{"denominator": Decimal(0)}], [{"denominator": None}], ["denominator"]),
    ],
)  # fmt: skip
def test_metrics(truth: list[dict[str, Any]], found: list[dict[str, Any]], expected: list[str]) -> None:
    into = Comparison()
    compare_metrics(metrics(*truth), metrics(*found), into)
    assert [item.what for item in into.differences] == expected
    assert sum(into.metrics.values()) == max(len(truth), len(found), len(expected))


CLOSED = datetime(2026, 2, 8, 23, 30, tzinfo=UTC)


def closed_month(
    *,
    reported: str = "100",
    known: str = "120",
    left_out: str | None = None,
    at: datetime = CLOSED,
    **close: Any,
) -> list[tuple[str, str, str]]:
    """What is said of a January that reported 100 of everything at its close, and is 120 by March."""
    bridge = pa.Table.from_pylist(
        [
            {
                "metric_id": metric,
                "legal_entity_id": "1",
                "period": "2026-01",
                "currency_view": "RC",
                "as_reported": Decimal(reported if metric == "billed" else "100"),
                "as_now_known": Decimal(known if metric == "billed" else "120"),
            }
            for metric in CLOSED_METRICS
            if metric != left_out
        ]
    )
    state = {"proof": "REPRODUCED", "state": "SOFT_CLOSED"} | close
    closes = pa.Table.from_pylist(
        [
            {"legal_entity_id": "1", "period": "2026-01", "area": area, "closed_known_at": at, **state}
            for area in ("AP", "AR", "GL")
        ]
    )

    def truth(amount: str) -> pa.Table:
        place = {"grain": "LEGAL_ENTITY", "legal_entity_id": "1", "as_of": date(2026, 1, 31)}
        rows = [place | {"metric_id": metric, "numerator": Decimal(amount)} for metric in CLOSED_METRICS]
        return metrics(*rows)

    into = Comparison()
    compare_closes(bridge, closes, {"2026-02-08T23:30:00Z": truth("100")}, truth("120"), into)
    assert into.closes == (0 if at != CLOSED else 2 * len(CLOSED_METRICS))
    return [(one.key, one.what, one.found) for one in into.differences]


def test_a_closed_month_is_what_was_reported_and_what_is_known() -> None:
    assert closed_month() == []
    assert closed_month(reported="101") == [("1 2026-01", "as_reported", "101")]
    assert closed_month(known="100") == [("1 2026-01", "as_now_known", "100")]
    assert closed_month(left_out="billed") == [
        ("1 2026-01", "as_reported", "0"),
        ("1 2026-01", "as_now_known", "0"),
    ]
    assert closed_month(proof="DIFFERS") == [(area, "proof", "DIFFERS") for area in ("AP", "AR", "GL")]
    assert closed_month(at=LOAD) == [("2026-01", "closed_known_at", "2026-03-08T23:30:00Z")]


def test_every_metric_that_adds_up_movements_is_asked_of_a_closed_month(project_root: Path) -> None:
    """Those of the ledger's rules that are not about clients' projects alone."""
    macros = (project_root / "dbt_project" / "macros" / "ledger.sql").read_text(encoding="utf-8")
    rules = macros[macros.index("macro ledger_metric_rules") :]
    narrow = set(re.findall(r"\('(\w+)', '\w+', -?1, \d, '[A-Z]+', true\)", rules))
    wide = set(re.findall(r"\('(\w+)', '\w+', -?1, \d, '[A-Z]+', false\)", rules))
    assert set(CLOSED_METRICS) == wide - narrow


def test_a_score_without_loads_does_not_agree() -> None:
    score = Score({})
    assert not score.agrees
    score.loads.append(Load("a", LOAD, "r1", 1.0, Comparison()))
    assert score.agrees
    compare_cases(cases({}), cases(), score.loads[0].comparison)
    assert not score.agrees
    assert table(score)[1].split() == ["BIL-001", "1", "0", "0.000", "1.000"]
    assert score.as_json()["controls"]["BIL-001"]["recall"] == 0.0
    assert shown(score.loads[0].comparison.differences) == [
        "case BIL-001: MISSING netsuite:main:1: truth EXCEPTION F29, found -"
    ]


@pytest.fixture
def published(tmp_path: Path) -> Callable[[list[tuple[str, str, str]]], Home]:
    """A home whose published run holds the given (control, grain, outcome) rows."""

    def publish(rows: list[tuple[str, str, str]]) -> Home:
        home = Home(tmp_path / "home").ensure()
        connection = duckdb.connect(str(home.published("r1")))
        connection.execute("create schema reconciliation")
        connection.execute(
            "create table reconciliation.exception (control_id varchar, grain_key varchar, outcome varchar)"
        )
        if rows:
            connection.executemany("insert into reconciliation.exception values (?, ?, ?)", rows)
        connection.close()
        home.pointer.write_text(json.dumps({"run_id": "r1"}))
        return home

    return publish


def test_a_struck_load_must_be_named_and_must_not_be_green(
    published: Callable[[list[tuple[str, str, str]]], Home],
) -> None:
    _, _, dataset, kind = STRIKES["F67"]
    key = f"{dataset}|20260308T233000Z|{kind}"
    good = [("INT-003", key, "EXCEPTION"), ("PSA-ERP-001", dataset, "NOT_EVALUABLE")]
    assert compare_struck(published(good), dataset, kind, LOAD).agrees


@pytest.mark.parametrize("lost", [0, 1])
def test_a_struck_load_that_hides_it_differs(
    published: Callable[[list[tuple[str, str, str]]], Home], lost: int
) -> None:
    _, _, dataset, kind = STRIKES["F67"]
    key = f"{dataset}|20260308T233000Z|{kind}"
    rows = [("INT-003", key, "EXCEPTION"), ("PSA-ERP-001", dataset, "NOT_EVALUABLE")]
    del rows[lost]
    found = compare_struck(published(rows), dataset, kind, LOAD)
    assert [item.what for item in found.differences] == ["MISSING"]


def test_words_of_the_command_line_ask_for_a_firm() -> None:
    assert wanted(1, "tiny", "none").faults == ()
    assert wanted(1, "tiny", "all").faults == ("all",)
    mixed = wanted(1, "tiny", "F01, F67,F02")
    assert (mixed.faults, mixed.transport) == (("F01", "F02"), ("F67",))
    assert wanted(1, "tiny", "transport").transport == ("F67", "F69")
    alone = wanted(1, "tiny", "none", acquisition=False)
    assert (wanted(1, "tiny", "none").deliveries, alone.deliveries) == (True, False)
    assert wanted(1, "tiny", "none", acquisition=False, deliveries=True).deliveries


def test_month_ends() -> None:
    assert month_ends(date(2026, 1, 1), date(2026, 3, 30)) == [date(2026, 1, 31), date(2026, 2, 28)]
    assert month_ends(date(2026, 3, 5), date(2026, 3, 31)) == [date(2026, 3, 31)]


def test_a_directory_built_for_another_firm_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = build(tmp_path, wanted(5, "tiny", "none"), truth=False)
    assert facts["known_at"] == ["2026-06-08T23:30:00Z", "2026-07-08T23:30:00Z"]
    assert facts["month_ends"][-1] == "2026-06-30"
    stamp = (tmp_path / "stores" / "netsuite" / "transaction.parquet").stat().st_mtime_ns
    assert build(tmp_path, wanted(5, "tiny", "none"), truth=False) == facts
    assert (tmp_path / "stores" / "netsuite" / "transaction.parquet").stat().st_mtime_ns == stamp
    # what had come by the clock's time stands in the drop folder
    assert {path.name for path in (tmp_path / "drop" / "plan_target").iterdir()} == {
        "2025-12-20",
        "2026-04-20",
    }
    assert not (tmp_path / "drop" / "native_report_line" / "2026-07-08").exists()
    for other in (
        wanted(6, "tiny", "none"),
        wanted(5, "demo", "none"),
        wanted(5, "tiny", "F01"),
        wanted(5, "tiny", "none", deliveries=False),
    ):
        with pytest.raises(ThroughlineError, match="E-SBX-003"):
            build(tmp_path, other, truth=False)
    monkeypatch.setattr(building, "source_digest", lambda *_packages: "another")
    with pytest.raises(ThroughlineError, match="E-SBX-003"):
        build(tmp_path, wanted(5, "tiny", "none"), truth=False)


def test_the_clock_goes_forward_only(tmp_path: Path) -> None:
    with pytest.raises(ThroughlineError, match="E-SBX-004"):
        read_clock(tmp_path)
    set_clock(tmp_path, LOAD)
    later = datetime(2026, 4, 8, 23, 30, tzinfo=UTC)
    assert advance(tmp_path, later) == LOAD
    assert read_clock(tmp_path) == later
    with pytest.raises(ThroughlineError, match="E-SBX-005"):
        advance(tmp_path, LOAD)
    assert read_clock(tmp_path) == later


def announced(port: int) -> dict[str, Any]:
    return {
        "endpoints": dict.fromkeys(
            ("salesforce", "bamboohr", "netsuite", "docusign"), f"http://127.0.0.1:{port}"
        ),
        "credentials": {
            "salesforce": {"client_id": "id", "client_secret": 'se"cret'},
            "bamboohr": {"api_key": "key"},
            "netsuite": {
                "account": "1",
                "client_id": "id",
                "certificate_id": "c",
                "private_key": "/keys/n.pem",
            },
            "docusign": {"client_id": "i", "user_id": "u", "account_id": "a", "private_key": "/keys/d.pem"},
        },
    }


def test_a_home_is_pointed_at_the_emulators_and_keeps_what_people_wrote(tmp_path: Path) -> None:
    home = Home(tmp_path)
    set_up(home, announced(1001), "USD")
    first = load(home)
    assert first.reporting_currency == "USD"
    assert [source.name for source in first.enabled_sources()] == [
        "salesforce",
        "certinia",
        "bamboohr",
        "netsuite",
        "docusign",
    ]
    assert first.sources["netsuite"].options["time_zone"] == "America/Los_Angeles"
    assert home.secrets.stat().st_mode & 0o077 == 0
    text = home.config.read_text().replace('"USD"', '"EUR"').replace("threads = 1", "threads = 2")
    home.config.write_text(text)
    set_up(home, announced(2002), "USD")
    again = load(home)
    assert (again.reporting_currency, again.engine.threads) == ("EUR", 2)
    addresses = {source.options["base_url"] for source in again.enabled_sources()}
    assert addresses == {"http://127.0.0.1:2002"}
    assert again.sources["netsuite"].options["time_zone"] == "America/Los_Angeles"


def test_the_bought_firms_systems_are_pointed_at_too(tmp_path: Path) -> None:
    told = announced(1001)
    for emulator in ("salesforce_acquired", "netsuite_acquired"):
        told["endpoints"][emulator] = "http://127.0.0.1:1002"
        told["credentials"][emulator] = told["credentials"][emulator.split("_")[0]]
    home = Home(tmp_path)
    set_up(home, told, "USD")
    second = {one.name: one for one in load(home).enabled_sources() if one.name.endswith("_acquired")}
    assert set(second) == {"salesforce_acquired", "certinia_acquired", "netsuite_acquired"}
    assert {one.options["base_url"] for one in second.values()} == {"http://127.0.0.1:1002"}


def test_the_drop_folder_is_read_for_its_two_ports_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    set_up(home, announced(1001), "USD", drop=tmp_path / "drop")
    files = load(home).sources["files"]
    assert (files.enabled, files.dataset) == (True, "files_files")
    assert files.options == {
        "path": str(tmp_path / "drop"),
        "layout": "drop",
        "ports": ["native_report_line", "plan_target"],
    }


def delivered(*changes: dict[str, Any]) -> pa.Table:
    row = {
        "port": "plan_target",
        "record_id": "erp:files:1",
        "subject": "Budget 2026",
        "period": "2026-01",
        "currency_code": "USD",
        "amount": Decimal("100.0000"),
    }
    return pa.Table.from_pylist([{**row, **change} for change in changes], schema=DELIVERIES)


def test_rows_that_came_by_file_agree() -> None:
    into = Comparison()
    share = {"record_id": "erp:files:2", "currency_code": None, "amount": Decimal("0.75")}
    compare_deliveries(delivered({}, share), delivered(share, {}), into)
    tally = into.deliveries["Budget 2026"]
    assert (into.differences, tally.truth, tally.recall, tally.precision) == ([], 2, 1.0, 1.0)


@pytest.mark.parametrize(
    ("found", "what"),
    [
        ([], ["MISSING", "n", "amount"]),
        ([{}, {"record_id": "erp:files:9"}], ["EXTRA", "n", "amount"]),
        ([{"amount": Decimal("100.0001")}], ["amount", "amount"]),
        ([{}, {}], ["n", "n", "amount"]),
        ([{"currency_code": "EUR"}], ["EXTRA", "MISSING", "n", "amount", "n", "amount"]),
        ([{"period": "2026-02"}], ["EXTRA", "MISSING", "n", "amount", "n", "amount"]),
    ],
)
def test_a_row_by_file_that_is_not_as_delivered_differs(found: list[dict[str, Any]], what: list[str]) -> None:
    into = Comparison()
    compare_deliveries(delivered({}), delivered(*found), into)
    assert sorted(item.what for item in into.differences) == sorted(what)
    assert into.deliveries["Budget 2026"].matched == 0 or what[0] == "EXTRA"


def test_nothing_twice_is_not_nothing_once() -> None:
    into, nil = Comparison(), {"amount": Decimal("0.0000")}
    compare_deliveries(delivered(nil), delivered(nil, nil), into)
    assert [item.what for item in into.differences] == ["n", "n"]
    assert into.deliveries["Budget 2026"].recall == 0


def test_knowledge_time_of_what_is_published(tmp_path: Path) -> None:
    home = Home(tmp_path).ensure()
    assert published_at(home) is None
    home.pointer.write_text(json.dumps({"run_id": "r1"}))
    home.run("r1").mkdir()
    (home.run("r1") / "manifest.json").write_text(json.dumps({"known_at": "2026-03-08T23:30:00Z"}))
    assert published_at(home) == LOAD
