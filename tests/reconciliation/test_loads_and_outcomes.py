"""INT-003, what a failed load does to other controls, waivers, roots, headline and control runs."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.reconciliation.firm import GB, US, Firm, Row, control_amounts
from throughline.recon import catalogue
from throughline.stages.build import VENDORS

LOAD = "20260708T233000Z"
OPPORTUNITY = "salesforce_main.opportunity"


def loaded(firm: Firm, source: str = "salesforce", resource: str = "opportunity", **run: object) -> Row:
    """A load of one dataset that went well at the run's known_at."""
    if not firm.tables.get("source_instance"):
        firm.tables["source_instance"] = []
    row = {
        "source_system": source, "source_instance": "main", "resource": resource, "load_id": LOAD,
        "started_at": "2026-07-08 23:30:00+00", "source_count": 2, "source_amount": "300", "status": "OK",
        **run,
    }  # fmt: skip
    firm.tables.setdefault("landing.extract_run", []).append(row)
    return row


def landed(firm: Firm, record: str, amount: str, **values: object) -> None:
    firm.tables.setdefault("salesforce.opportunity", []).append(
        {"tl_instance": "main", "tl_record_id": record, "tl_is_deleted": False, "tl_load_id": LOAD,
         "tl_loaded_at": "2026-07-08 23:30:00+00", "tl_payload_hash": "h", "services_amount__c": amount,
         **values}
    )  # fmt: skip


def kinds(firm: Firm, dataset: str = OPPORTUNITY) -> dict[str, Row]:
    return {
        key.split("|")[2]: row
        for key, row in firm.control("INT-003").items()
        if key.startswith(f"{dataset}|{LOAD}|")
    }


@pytest.fixture
def complete(firm: Firm) -> Firm:
    """Two opportunities at the source, both landed: 100 and 200; the source's other datasets are empty."""
    loaded(firm)
    for resource in ("account", "opportunity_history", "opportunity_line_item", "user"):
        loaded(firm, resource=resource, source_count=0, source_amount=None)
    landed(firm, "a", "100")
    landed(firm, "b", "200")
    return firm


def test_a_complete_load_passes_on_every_kind(complete: Firm) -> None:
    assert {kind: row["outcome"] for kind, row in kinds(complete).items()} == dict.fromkeys(
        ("COUNT", "AMOUNT", "STALE", "SCHEMA"), "PASS"
    )


def test_a_truncated_load_is_found_by_count_and_amount(complete: Firm) -> None:
    complete.tables["salesforce.opportunity"].pop()
    found = kinds(complete)
    assert (found["COUNT"]["outcome"], found["COUNT"]["severity"]) == ("EXCEPTION", "S2")
    assert (found["COUNT"]["value_a"], found["COUNT"]["value_b"], found["COUNT"]["amount_at_risk"]) == (
        2,
        1,
        None,
    )
    assert (found["AMOUNT"]["outcome"], found["AMOUNT"]["amount_at_risk"]) == ("EXCEPTION", Decimal("200"))
    assert found["STALE"]["outcome"] == "PASS"


@pytest.mark.parametrize(("amount", "outcome"), [("300.01", "PASS"), ("300.0101", "EXCEPTION")])
def test_control_sums_may_differ_by_a_cent(complete: Firm, amount: str, outcome: str) -> None:
    complete.tables["landing.extract_run"][0]["source_amount"] = amount
    assert kinds(complete)["AMOUNT"]["outcome"] == outcome


def test_repeats_old_versions_and_deleted_rows_are_not_live(complete: Firm) -> None:
    landed(complete, "a", "100")
    landed(complete, "b", "999", tl_load_id="20260608T233000Z", tl_loaded_at="2026-06-08 23:30:00+00")
    landed(complete, "c", "50", tl_is_deleted=True)
    landed(complete, "d", "70", tl_loaded_at="2026-07-08 23:30:01+00")
    assert {row["outcome"] for row in kinds(complete).values()} == {"PASS"}


def test_open_rejects_are_counted_and_settled_ones_are_not(complete: Firm) -> None:
    complete.tables["landing.extract_run"][0].update(source_count=3, source_amount="350")
    assert kinds(complete)["COUNT"]["outcome"] == "EXCEPTION"
    complete.tables["landing.reject"] = [
        {"reject_id": "r1", "source_system": "salesforce", "source_instance": "main",
        "resource": "opportunity",
         "record_id": "c", "amount": "50", "rejected_at": "2026-07-08 23:30:00+00"}
    ]  # fmt: skip
    assert {row["outcome"] for row in kinds(complete).values()} == {"PASS"}
    complete.tables["landing.reject_event"] = [
        {"reject_id": "r1", "action": "REPLAYED", "load_id": LOAD, "at": "2026-07-08 23:30:00+00"}
    ]
    assert kinds(complete)["COUNT"]["outcome"] == "EXCEPTION"


def test_a_refused_edit_of_a_landed_record_is_one_record(complete: Firm) -> None:
    # the source says b is 250 now; the edit was refused, the old 200 stands in the landing
    complete.tables["landing.extract_run"][0]["source_amount"] = "350"
    complete.tables["landing.reject"] = [
        {"reject_id": "r1", "source_system": "salesforce", "source_instance": "main",
        "resource": "opportunity",
         "record_id": "b", "amount": "250", "rejected_at": "2026-07-08 23:30:00+00"}
    ]  # fmt: skip
    assert {row["outcome"] for row in kinds(complete).values()} == {"PASS"}


@pytest.mark.parametrize(
    ("started", "outcome"),
    [("2026-07-07 21:30:00+00", "PASS"), ("2026-07-07 21:29:59.999999+00", "EXCEPTION")],
)
def test_a_load_is_fresh_for_twenty_six_hours(complete: Firm, started: str, outcome: str) -> None:
    complete.tables["landing.extract_run"][0]["started_at"] = started
    row = kinds(complete)["STALE"]
    assert row["outcome"] == outcome


def test_a_failed_load_is_stale_or_a_schema_matter_by_its_error(complete: Firm) -> None:
    loaded(complete, status="FAILED", error_code="E-SRC-004", source_count=None, source_amount=None,
           load_id="20260708T233000Z-2", started_at="2026-07-08 23:30:00+00")  # fmt: skip
    found = {key.split("|")[2]: row["outcome"] for key, row in complete.control("INT-003").items()
             if key.startswith(f"{OPPORTUNITY}|20260708T233000Z-2|")}  # fmt: skip
    assert found == {"STALE": "EXCEPTION", "SCHEMA": "PASS"}
    complete.tables["landing.extract_run"][-1]["error_code"] = "E-SRC-012"
    found = {key.split("|")[2]: row["outcome"] for key, row in complete.control("INT-003").items()
             if key.startswith(f"{OPPORTUNITY}|20260708T233000Z-2|")}  # fmt: skip
    assert found == {"STALE": "PASS", "SCHEMA": "EXCEPTION"}


@pytest.mark.parametrize(
    ("change", "outcome"), [("RETYPED", "EXCEPTION"), ("REMOVED", "EXCEPTION"), ("ADDED", "PASS")]
)
def test_only_lost_and_retyped_columns_break_the_schema(complete: Firm, change: str, outcome: str) -> None:
    complete.tables["landing.schema_change"] = [
        {"source_system": "salesforce", "source_instance": "main", "resource": "opportunity", "load_id": LOAD,
         "column_name": "amount", "change": change, "at": "2026-07-08 23:30:00+00"}
    ]  # fmt: skip
    assert kinds(complete)["SCHEMA"]["outcome"] == outcome


def test_a_dataset_of_an_enabled_source_that_never_came_is_stale(firm: Firm) -> None:
    firm.add("source_instance", source_system="netsuite", source_instance="main")
    found = firm.control("INT-003")
    row = found["netsuite_main.transaction|NONE|STALE"]
    assert (row["outcome"], row["severity"]) == ("EXCEPTION", "S1")
    assert found["netsuite_main.vendor|NONE|STALE"]["severity"] == "S2"
    assert not [key for key in found if key.startswith("salesforce")]


def test_a_count_the_source_refused_is_not_evaluable_but_one_it_never_tells_is_no_grain(
    complete: Firm,
) -> None:
    loaded(complete, load_id="20260708T233000Z-2", source_count=None, source_amount=None)
    loaded(complete, "bamboohr", "job_info", source_count=None, source_amount=None)
    found = complete.control("INT-003")
    assert found[f"{OPPORTUNITY}|20260708T233000Z-2|COUNT"]["outcome"] == "NOT_EVALUABLE"
    assert f"bamboohr_main.job_info|{LOAD}|STALE" in found
    assert f"bamboohr_main.job_info|{LOAD}|COUNT" not in found


def test_a_failed_dataset_silences_exactly_the_controls_that_read_it(complete: Firm) -> None:
    complete.tables["salesforce.opportunity"].pop()
    complete.standard().tables["canonical__contract"].clear()
    complete.add("time_entry")
    rows = complete.rows_of("control__outcome")
    blocked = {row["control_id"] for row in rows if row["grain_key"] == OPPORTUNITY}
    readers = {
        control["id"]
        for control in catalogue.load()["controls"]
        if "salesforce.opportunity" in control["datasets"]
    }
    assert blocked == readers
    for row in rows:
        if row["control_id"] in readers:
            # nothing of what such a control would say is left, and nothing is green
            assert (row["grain_key"], row["outcome"]) == (OPPORTUNITY, "NOT_EVALUABLE")
    others = {row["control_id"] for row in rows} - readers - {"INT-003"}
    assert "ERP-PSA-001" in others


def exceptions(firm: Firm) -> dict[str, Row]:
    return {row["exception_id"]: row for row in firm.rows_of("exception")}


def identity(control_id: str, grain_key: str) -> str:
    return f"{control_id}-{hashlib.sha256(f'{control_id}|{grain_key}'.encode()).hexdigest()[:16]}"


DEAL = "salesforce:main:O1"
ROOT = identity("MDM-001", "salesforce:main:A1|US01|STATUS")
CONTRACT, PROJECT = identity("CRM-ERP-001", DEAL), identity("CRM-PSA-001", DEAL)


@pytest.fixture
def blocked(firm: Firm) -> Firm:
    """A won deal whose customer was never released: no contract, no project."""
    firm.standard().tables["canonical__customer_entity"][0]["status"] = "PENDING"
    for table in ("contract", "contract_line", "project"):
        firm.tables[f"canonical__{table}"].clear()
    return firm


def test_a_customer_not_released_explains_the_missing_contract_and_project(blocked: Firm) -> None:
    found = exceptions(blocked)
    assert set(found) == {ROOT, CONTRACT, PROJECT}
    assert {key: row["root_exception_id"] for key, row in found.items()} == {
        ROOT: None,
        CONTRACT: ROOT,
        PROJECT: ROOT,
    }
    assert [key for key, row in found.items() if row["counted_in_headline"]] == [ROOT]
    assert found[ROOT]["amount_at_risk"] == Decimal("80000")


def test_a_missing_contract_explains_work_nobody_can_bill(firm: Firm) -> None:
    firm.standard().tables["canonical__contract"].clear()
    firm.tables["canonical__contract_line"].clear()
    firm.tables["canonical__project"][0]["contract_line_id"] = None
    firm.add("time_entry")
    found = exceptions(firm)
    work = identity("ERP-PSA-001", "certinia:main:P1")
    assert found[work]["root_exception_id"] == CONTRACT
    assert found[CONTRACT]["root_exception_id"] is None
    assert not found[work]["counted_in_headline"]


def test_a_cause_in_its_grace_does_not_hide_an_exception(blocked: Firm) -> None:
    blocked.tables["canonical__opportunity_stage_event"][0]["changed_at"] = "2026-07-07 10:00:00+00"
    found = exceptions(blocked)
    # the customer is an exception at once; contract and project are in their grace
    assert (found[ROOT]["outcome"], found[CONTRACT]["outcome"]) == ("EXCEPTION", "PENDING")
    assert found[CONTRACT]["root_exception_id"] == ROOT
    assert found[CONTRACT]["age_days"] is None


def test_a_contract_in_its_grace_explains_what_waits_with_it_but_no_exception(firm: Firm) -> None:
    # work began before the win of 7 July: its own grace is over, the contract's and the project's are not
    firm.standard().tables["canonical__contract"].clear()
    firm.tables["canonical__contract_line"].clear()
    firm.tables["canonical__opportunity_stage_event"][0]["changed_at"] = "2026-07-07 10:00:00+00"
    firm.tables["canonical__project"][0].update(contract_line_id=None, status="CANCELLED")
    firm.add("time_entry")
    found = exceptions(firm)
    work = identity("ERP-PSA-001", "certinia:main:P1")
    assert {key: row["outcome"] for key, row in found.items()} == {
        CONTRACT: "PENDING",
        PROJECT: "PENDING",
        work: "EXCEPTION",
    }
    assert (found[PROJECT]["root_exception_id"], found[work]["root_exception_id"]) == (CONTRACT, None)
    assert found[work]["counted_in_headline"]


def test_the_headline_takes_each_risk_once(firm: Firm) -> None:
    firm.standard().add("time_entry")
    firm.add("billing_item", unit_price="1600", amount="12800")
    found = exceptions(firm)
    counted = [row for row in found.values() if row["counted_in_headline"]]
    altered = [row for row in found.values() if row["control_id"] == "PSA-ERP-002"]
    # price and amount of one item: two exceptions, one risk
    assert len(altered) == 2
    assert len([row for row in counted if row["control_id"] == "PSA-ERP-002"]) == 1
    assert sum(row["amount_at_risk"] for row in counted if row["control_id"] == "PSA-ERP-002") == Decimal(
        "11200"
    )


@pytest.mark.parametrize(
    ("waiver", "outcome"),
    [
        ({}, "WAIVED"),
        ({"valid_to": "2026-07-07"}, "EXCEPTION"),
        ({"valid_from": "2026-07-09"}, "EXCEPTION"),
        ({"amount_cap": "80000", "currency_code": "USD"}, "WAIVED"),
        ({"amount_cap": "79999.99", "currency_code": "USD"}, "EXCEPTION"),
        ({"amount_cap": "90000", "currency_code": "EUR"}, "EXCEPTION"),
    ],
)
def test_a_waiver_covers_for_its_time_and_up_to_its_cap(firm: Firm, waiver: Row, outcome: str) -> None:
    firm.standard().tables["canonical__contract"].clear()
    firm.add(
        "waiver", **{"exception_id": CONTRACT, "valid_from": "2026-07-01", "valid_to": "2026-07-08", **waiver}
    )
    row = exceptions(firm)[CONTRACT]
    assert row["outcome"] == outcome
    assert row["state"] == ("WAIVED" if outcome == "WAIVED" else "NEW")
    assert row["counted_in_headline"] == (outcome == "EXCEPTION")
    assert row["becomes_exception_on"] == date(2026, 6, 4)


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"state": "ASSIGNED"}, "ASSIGNED"),
        ({"state": "CLOSED"}, "REOPENED"),
        ({"state": "ACKNOWLEDGED", "acknowledged_until": "2026-07-08"}, "ACKNOWLEDGED"),
        ({"state": "ACKNOWLEDGED", "acknowledged_until": "2026-07-07"}, "REOPENED"),
    ],
)
def test_peoples_say_shows_as_state_and_never_changes_the_outcome(firm: Firm, said: Row, state: str) -> None:
    firm.standard().tables["canonical__contract"].clear()
    firm.add("exception_state", exception_id=CONTRACT, **said)
    row = exceptions(firm)[CONTRACT]
    assert (row["state"], row["outcome"], row["counted_in_headline"]) == (state, "EXCEPTION", True)


def test_every_control_says_that_it_ran_on_what_and_with_what_result(firm: Firm) -> None:
    firm.standard().add("opportunity", opportunity_id="salesforce:main:O2", currency_code="EUR")
    rows = {(row["control_id"], row["legal_entity_id"]): row for row in firm.rows_of("control_run")}
    assert {key for key, entity in rows if entity == "ALL"} == {
        control["id"] for control in catalogue.load()["controls"]
    }
    run = rows["CRM-ERP-001", "ALL"]
    assert (run["status"], run["population_count"], run["pass_count"], run["exception_count"]) == (
        "EXCEPTIONS",
        2,
        1,
        1,
    )
    assert (run["pass_amount"], run["exception_amount"]) == (Decimal("80000"), Decimal("88000"))
    assert run["pass_sample"] == DEAL
    assert rows["CRM-ERP-001", "netsuite:main:1"]["population_count"] == 2
    assert (rows["BIL-010", "ALL"]["status"], rows["BIL-010", "ALL"]["reason"]) == (
        "NO_POPULATION",
        "Nothing to look at",
    )
    for row in rows.values():
        parts = ("pass", "pending", "exception", "waived", "not_evaluable")
        assert row["population_count"] == sum(row[f"{part}_count"] for part in parts)


def test_what_passed_is_counted_where_it_is_found_and_ten_of_it_drawn(firm: Firm) -> None:
    firm.standard().add("opportunity", opportunity_id="salesforce:main:O2")  # without a contract
    for number in range(3, 16):
        deal, entity = f"salesforce:main:O{number}", GB if number == 15 else US
        firm.add("opportunity", opportunity_id=deal, services_amount=str(number), legal_entity_id=entity)
        firm.add(
            "contract", contract_id=f"netsuite:main:C{number}", opportunity_id=deal, legal_entity_id=entity
        )
    runs = {
        row["legal_entity_id"]: row
        for row in firm.rows_of("control_run")
        if row["control_id"] == "CRM-ERP-001"
    }
    said, kept = firm.every_grain("ctl_crm_erp_001"), firm.built("ctl_crm_erp_001")
    assert len(said) == len({row["grain_key"] for row in said}) == 15
    assert [{**row, "grain_count": 1} for row in said if row["outcome"] != "PASS"] == [
        row for row in kept if row["outcome"] != "PASS"
    ]
    passed = [row for row in said if row["outcome"] == "PASS"]
    counted = {
        row["legal_entity_id"]: (row["grain_key"], row["grain_count"], row["population_amount"])
        for row in kept
        if row["outcome"] == "PASS" and row["grain_count"]
    }
    assert counted == {
        US: (f"PASS|{US}", 13, Decimal(80000 + sum(range(3, 15)))),
        GB: (f"PASS|{GB}", 1, Decimal(15)),
    }

    def drawn(rows: list[Row]) -> set[str]:
        lots = {hashlib.sha256(f"{firm.as_of}|{row['grain_key']}".encode()).hexdigest(): row for row in rows}
        return {lots[lot]["grain_key"] for lot in sorted(lots)[:10]}

    shown = {row["grain_key"] for row in kept if row["grain_count"] == 0}
    of_us = drawn([row for row in passed if row["legal_entity_id"] == US])
    assert shown == of_us | {"salesforce:main:O15"}
    for entity, keys in {US: of_us, GB: {"salesforce:main:O15"}, "ALL": drawn(passed)}.items():
        assert runs[entity]["pass_sample"] == " ; ".join(sorted(keys))
    assert (runs["ALL"]["pass_count"], runs["ALL"]["exception_count"]) == (14, 1)
    assert runs["ALL"]["pass_amount"] == Decimal(80000 + sum(range(3, 16)))


def test_an_amount_nobody_can_convert_leaves_the_sum_it_belongs_to_unknown(firm: Firm) -> None:
    # nobody has a rate of the Swiss franc; the deal of GB01 is in dollars and known
    firm.standard().add("opportunity", opportunity_id="salesforce:main:O2", currency_code="CHF")
    firm.add("opportunity", opportunity_id="salesforce:main:O3", services_amount="500", legal_entity_id=GB)
    rows = {(row["control_id"], row["legal_entity_id"]): row for row in firm.rows_of("control_run")}
    for entity in (US, "ALL"):
        run = rows["CRM-ERP-001", entity]
        assert (run["exception_amount"], run["population_amount"]) == (None, None)
        # what passed is known, and nothing waits or is waived: zero, not unknown
        assert [run[f"{part}_amount"] for part in ("pass", "pending", "waived")] == [80000, 0, 0]
    assert (rows["CRM-ERP-001", "ALL"]["exception_count"], rows["CRM-ERP-001", US]["exception_count"]) == (
        2,
        1,
    )
    alone = rows["CRM-ERP-001", GB]
    assert (alone["exception_amount"], alone["population_amount"]) == (Decimal(500), Decimal(500))
    assert rows["BIL-010", "ALL"]["population_amount"] == 0
    months = {row["legal_entity_id"]: row for row in firm.rows_of("control_period")
              if row["control_id"] == "CRM-ERP-001"}  # fmt: skip
    assert (months["ALL"]["exception_amount"], months[GB]["exception_amount"]) == (None, Decimal(500))


def test_a_silenced_control_is_never_clean(complete: Firm) -> None:
    complete.tables["salesforce.opportunity"].pop()
    run = next(
        row for row in complete.rows_of("control_run")
        if row["control_id"] == "CRM-ERP-001" and row["legal_entity_id"] == "ALL"
    )  # fmt: skip
    assert (run["status"], run["pass_count"], run["reason"]) == (
        "NOT_EVALUABLE",
        0,
        f"Loads failed: {OPPORTUNITY}",
    )


SPLIT = {
    "tl_instance": "main", "tl_record_id": "T1", "tl_is_deleted": False, "tl_load_id": LOAD,
    "tl_loaded_at": "2026-07-08 23:30:00+00", "tl_known_at": "2026-07-01 10:00:00+00", "tl_payload_hash": "h",
    "currency_iso_code": "USD", "pse__total_billable_amount__c": "3200",
}  # fmt: skip


@pytest.fixture
def card(firm: Firm) -> Firm:
    """One split of two days, from the landing to the ledger."""
    firm.tables["certinia.timecard_split"] = [dict(SPLIT)]
    firm.tables["stg_certinia__timecard_split"] = [dict(SPLIT)]
    for day in ("1", "2"):
        firm.add("time_entry", time_entry_id=f"certinia:main:T1-{day}", source_record_id="T1",
                 source_system="certinia")  # fmt: skip
        firm.tables.setdefault("ledger__time_value", []).append(
            {"time_entry_id": f"certinia:main:T1-{day}", "source_system": "certinia",
             "source_record_id": "T1",
             "value_tc": "1600", "currency_code": "USD", "known_from": "2026-07-01 10:00:00+00"}
        )  # fmt: skip
    return firm


def conserved(firm: Firm) -> Row:
    """The row of the split's dataset in US dollars."""
    rows = [row for row in firm.rows_of("conservation") if row["resource"] == "timecard_split"]
    assert len(rows) == 1
    return rows[0]


def test_rows_and_money_stay_the_same_from_landing_to_fact(card: Firm) -> None:
    row = conserved(card)
    assert [row[f"{layer}_rows"] for layer in ("landed", "staged", "live", "canonical", "fact")] == [1] * 5
    assert {row[f"{layer}_amount"] for layer in ("landed", "staged", "live", "canonical", "fact")} == {
        Decimal("3200")
    }
    assert row["is_conserved"]


def test_a_version_that_was_landed_twice_is_told(card: Firm) -> None:
    # staging hands on what was landed as it stands: it is not what takes the repeat out
    card.tables["certinia.timecard_split"].append(dict(SPLIT))
    card.tables["stg_certinia__timecard_split"].append(dict(SPLIT))
    row = conserved(card)
    assert (row["landed_rows"], row["staged_rows"], row["is_conserved"]) == (1, 2, False)


@pytest.mark.parametrize(
    ("layer", "rows", "amount"),
    [
        ("stg_certinia__timecard_split", 1, "3200"),
        ("canonical__time_entry", 0, "3200"),
        ("ledger__time_value", 0, "1600"),
    ],
)
def test_what_a_layer_loses_is_told(card: Firm, layer: str, rows: int, amount: str) -> None:
    card.tables[layer].pop()
    row = conserved(card)
    assert (row["is_conserved"], row["row_difference"], row["amount_difference"]) == (
        False,
        rows,
        Decimal(amount),
    )


def test_what_is_not_known_yet_is_in_no_layer(card: Firm) -> None:
    later = {**SPLIT, "tl_record_id": "T2", "tl_known_at": "2026-07-08 23:30:00.000001+00"}
    card.tables["certinia.timecard_split"].append(later)
    assert conserved(card)["is_conserved"]
    later["tl_known_at"] = "2026-07-08 23:30:00+00"
    assert not conserved(card)["is_conserved"]


def test_the_seeds_say_what_the_catalogue_says() -> None:
    assert catalogue.stale() == []


def test_each_control_of_the_catalogue_is_a_model_and_the_other_way_round(project_root: Path) -> None:
    ids = [control["id"] for control in catalogue.load()["controls"]]
    models = {path.stem for path in (project_root / "dbt_project" / "models" / "controls").rglob("ctl_*.sql")}
    assert models == {"ctl_" + control_id.lower().replace("-", "_") for control_id in ids}
    listed = (project_root / "dbt_project" / "macros" / "controls.sql").read_text(encoding="utf-8")
    assert all(f"'{control_id}'," in listed for control_id in ids)


def test_the_landed_datasets_are_the_connectors(project_root: Path) -> None:
    import re

    import yaml

    text = (project_root / "dbt_project" / "macros" / "controls.sql").read_text(encoding="utf-8")
    listed = {
        (source, resource): None if amount == "none" else amount.strip("'")
        for source, resource, amount in re.findall(
            r"\('(\w+)', '(\w+)', ('\w+'|none), (?:true|false)\)", text
        )
    }
    declared = {}
    # of other sources the models are told by the variable `datasets`
    for vendor in VENDORS:
        path = project_root / "pipelines" / "sources" / vendor / "source.yml"
        manifest = yaml.safe_load(path.read_text(encoding="utf-8"))
        for resource in manifest["resources"]:
            key = (manifest["source"], resource["name"])
            declared[key] = control_amounts().get(key)
    assert listed == declared
