"""INT-001: events that hold up the business. As of Wednesday 8 July 2026, known at 23:30 UTC."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.reconciliation.firm import KNOWN, US, Firm


def told(firm: Firm, status: str = "DEAD_LETTERED", at: str = "2026-07-06 09:00", **more: Any) -> None:
    """One more report of the delivery of evt-1, or of what `more` names."""
    number = len(firm.tables.get("canonical__integration_event", [])) + 1
    row = {
        "integration_event_id": f"/bus|r{number}",
        "event_id": f"events:main:r{number}",
        "status": status,
        "event_time": f"{at}:00+00",
    }
    firm.add("integration_event", **{**row, **more})


def deal(firm: Firm) -> Firm:
    """A won deal that has neither contract nor project."""
    firm.add("opportunity")
    firm.add("opportunity_stage_event")
    firm.add("master__entity_xref")
    firm.add("legal_entity")
    return firm


def test_a_dead_letter_holds_up_its_deal_and_says_so_in_plain_words(firm: Firm) -> None:
    told(deal(firm), error_class="CUSTOMER_NOT_VALIDATED")
    row = firm.one("INT-001")
    assert row["grain_key"] == "events:main:evt-1"
    assert (row["outcome"], row["severity"], row["risk_type"]) == ("EXCEPTION", "S2", "TIMING")
    assert (row["amount_at_risk"], row["amount_at_risk_tc"]) == (Decimal(20000), Decimal(20000))
    assert row["becomes_exception_on"] == date(2026, 7, 6)
    assert (row["risk_object"], row["legal_entity_id"]) == ("deal:salesforce:main:O1", US)
    assert row["break_type"] == "MISSING_IN_B"
    facts = row["facts"]
    assert facts["what"] == (
        "Deal Deal one salesforce:main:O1 (20000.0000 USD) cannot move from closed-won to ready for"
        " mobilisation: the customer is not validated in the ERP. Owner IntegrationOps."
    )
    assert facts["blocked_transition"] == "closed-won -> ready for mobilisation"
    # from Monday 08:00 to Wednesday 23:30
    assert Decimal(facts["recovery_hours"]) == Decimal("63.5")
    assert (facts["attempts"], facts["closed_as"], facts["correlation_id"]) == ("5", None, "O1")


@pytest.mark.parametrize(
    ("kind", "hours"),
    [
        ("opportunity.won", 1),
        ("contract.created", 4),
        ("project.created", 4),
        ("time.approved", 24),
        ("expense.approved", 24),
        ("milestone.accepted", 4),
        ("invoice.posted", 4),
        ("payment.applied", 24),
        ("customer.changed", 24),
    ],
)
@pytest.mark.parametrize("status", ["CREATED", "IN_FLIGHT", "RETRYING"])
def test_each_kind_of_event_has_its_own_time(firm: Firm, kind: str, hours: int, status: str) -> None:
    """Exactly its time is allowed, a minute more is not."""
    at = f"2026-07-{8 if hours < 24 else 7:02} {23 - hours % 24:02}:30"
    more = {"business_event_type": kind, "created_at": f"{at}:00+00", "error_class": None, "last_error": None}
    told(deal(firm), status, at=at, **more)
    row = firm.one("INT-001")
    assert row["outcome"] == "PASS", row
    [report] = firm.tables["canonical__integration_event"]
    report["created_at"] = f"{at[:-2]}29:00+00"
    row = firm.one("INT-001")
    assert (row["outcome"], row["break_type"]) == ("EXCEPTION", "STALE")
    assert row["becomes_exception_on"] == date(2026, 7, 8)
    assert row["facts"]["sla_hours"].rstrip("0").rstrip(".") == str(hours)
    # late is not dead: the floor of a dead opportunity.won does not apply
    assert row["severity"] == "S3"


def test_the_clock_is_what_is_known_not_the_business_date(firm: Firm) -> None:
    told(deal(firm), "IN_FLIGHT", at="2026-07-08 23:00", created_at="2026-07-08 23:00:00+00")
    assert firm.one("INT-001")["outcome"] == "PASS"
    firm.known_at = "2026-07-09 06:00:00+00"
    row = firm.one("INT-001")
    assert (row["outcome"], row["becomes_exception_on"]) == ("PENDING", date(2026, 7, 9))
    firm.as_of = date(2026, 7, 9)
    assert firm.one("INT-001")["outcome"] == "EXCEPTION"


def test_a_retry_within_the_back_off_is_no_exception(firm: Firm) -> None:
    told(deal(firm), "CREATED", at="2026-07-08 22:40", created_at="2026-07-08 22:40:00+00")
    told(firm, "RETRYING", at="2026-07-08 23:10", created_at="2026-07-08 22:40:00+00")
    assert firm.one("INT-001")["outcome"] == "PASS"


def test_the_last_report_by_event_time_counts_not_the_last_received(firm: Firm) -> None:
    deal(firm)
    told(firm, "APPLIED", at="2026-07-06 10:00", received_at="2026-07-06 10:00:01+00")
    told(firm, "DEAD_LETTERED", at="2026-07-06 09:00", received_at="2026-07-08 12:00:00+00")
    assert firm.one("INT-001")["outcome"] == "PASS"
    told(firm, "DEAD_LETTERED", at="2026-07-06 11:00", received_at="2026-07-06 09:59:00+00")
    assert firm.one("INT-001")["outcome"] == "EXCEPTION"


def test_what_was_learnt_later_is_not_known_yet(firm: Firm) -> None:
    told(deal(firm))
    told(firm, "APPLIED", at="2026-07-07 09:00", known_from="2026-07-09 01:00:00+00")
    assert firm.one("INT-001")["outcome"] == "EXCEPTION"
    firm.known_at = "2026-07-09 02:00:00+00"
    assert firm.one("INT-001")["outcome"] == "PASS"


def test_discarded_needs_an_approval(firm: Firm) -> None:
    told(deal(firm), "DISCARDED")
    row = firm.one("INT-001")
    assert (row["outcome"], row["severity"]) == ("EXCEPTION", "S2")
    assert "nobody has approved that" in row["facts"]["what"]
    firm.tables["canonical__integration_event"][0]["approval_id"] = "CHG-1"
    assert firm.one("INT-001")["outcome"] == "PASS"


def test_superseded_and_tests_hold_nothing_up(firm: Firm) -> None:
    told(deal(firm))
    told(firm, "SUPERSEDED", at="2026-07-06 10:00")
    told(firm, business_event_id="events:main:evt-2", is_test=True)
    assert firm.one("INT-001")["outcome"] == "PASS"


def test_sent_again_has_its_time_anew(firm: Firm) -> None:
    told(deal(firm))
    told(firm, "REPLAYED", at="2026-07-08 23:00")
    assert firm.one("INT-001")["outcome"] == "PASS"
    firm.tables["canonical__integration_event"][1]["event_time"] = "2026-07-08 22:00:00+00"
    assert firm.one("INT-001")["outcome"] == "EXCEPTION"


def test_done_by_hand_is_closed_as_a_workaround(firm: Firm) -> None:
    told(firm.standard())
    row = firm.one("INT-001")
    assert (row["outcome"], row["facts"]["closed_as"]) == ("PASS", "MANUAL_WORKAROUND")
    assert Decimal(row["facts"]["recovery_hours"]) == Decimal("63.5")
    firm.tables["canonical__contract"][0]["status"] = "DRAFT"
    assert firm.one("INT-001")["outcome"] == "EXCEPTION"
    # a deal that needs no contract is there with its project
    firm.tables["canonical__opportunity"][0]["is_contract_required"] = False
    assert firm.one("INT-001")["outcome"] == "PASS"


WEEK = {
    "business_event_type": "time.approved",
    "entity_type": "project_week",
    "entity_key": "certinia:main:P1|2026-06-15",
}


def test_a_week_of_time_waits_with_what_has_not_arrived(firm: Firm) -> None:
    firm.standard()
    told(firm, **WEEK)
    firm.add("time_entry")
    firm.add("time_entry", time_entry_id="certinia:main:T1-7", work_date="2026-06-21", billable_amount="400")
    firm.add("time_entry", time_entry_id="certinia:main:T2-1", work_date="2026-06-22", billable_amount="900")
    firm.add("time_entry", time_entry_id="certinia:main:T1-2", status="submitted", billable_amount="70")
    row = firm.one("INT-001")
    assert (row["outcome"], row["amount_at_risk"]) == ("EXCEPTION", Decimal(2000))
    assert row["risk_object"] == "project_week:certinia:main:P1|2026-06-15"
    assert (row["project_id"], row["contract_line_id"]) == ("certinia:main:P1", "netsuite:main:L1")
    assert "week of 2026-06-15 on project Project one" in row["facts"]["what"]
    firm.add("billing_item")
    assert firm.one("INT-001")["amount_at_risk"] == Decimal(400)
    firm.add("billing_item", billing_item_id="netsuite:main:B2", source_key="certinia:main:T1-7")
    row = firm.one("INT-001")
    assert (row["outcome"], row["facts"]["closed_as"]) == ("PASS", "MANUAL_WORKAROUND")


@pytest.mark.parametrize(
    ("kind", "entity", "key", "amount", "severity"),
    [
        ("contract.created", "contract", "netsuite:main:C1", 80000, "S2"),
        ("milestone.accepted", "milestone", "certinia:main:M1", 5000, "S3"),
        ("expense.approved", "expense", "certinia:main:E1", 120, "S3"),
        ("invoice.posted", "invoice", "netsuite:main:I1", 1904, "S2"),
    ],
)
def test_each_kind_of_record_is_worth_what_it_holds(
    firm: Firm, kind: str, entity: str, key: str, amount: int, severity: str
) -> None:
    firm.standard()
    for table in ("milestone", "expense_line"):
        firm.add(table)
    firm.add("invoice", total_amount="1904")
    told(firm, business_event_type=kind, entity_type=entity, entity_key=key)
    row = firm.one("INT-001")
    assert (row["outcome"], row["amount_at_risk"], row["severity"]) == (
        "EXCEPTION",
        Decimal(amount),
        severity,
    )
    assert row["legal_entity_id"] == US


def test_a_record_that_nobody_has_is_never_small(firm: Firm) -> None:
    told(deal(firm), entity_key="salesforce:main:gone", business_event_type="contract.created")
    row = firm.one("INT-001")
    assert (row["outcome"], row["amount_at_risk"], row["severity"]) == ("EXCEPTION", None, "S2")
    assert "unknown" in row["facts"]["what"]


def test_events_of_one_case_are_counted_together(firm: Firm) -> None:
    told(deal(firm))
    told(firm, business_event_id="events:main:evt-2", business_event_type="project.created")
    told(firm, "APPLIED", business_event_id="events:main:evt-3")
    assert {row["facts"]["cluster_events"] for row in firm.control("INT-001").values()} == {"2"}


def test_without_its_times_an_event_under_way_is_not_judged(firm: Firm) -> None:
    firm.dated["INT-001", "value"] = [("1", "2027-01-01")]
    told(deal(firm), "IN_FLIGHT")
    assert firm.one("INT-001")["outcome"] == "NOT_EVALUABLE"
    told(firm, "APPLIED", at="2026-07-06 10:00")
    assert firm.one("INT-001")["outcome"] == "PASS"


def roots(firm: Firm) -> dict[str, str | None]:
    """Control -> the control that its exception's root is of."""
    rows = firm.rows_of("exception")
    names = {row["exception_id"]: row["control_id"] for row in rows}
    return {row["control_id"]: names.get(row["root_exception_id"]) for row in rows}


def test_a_dead_letter_explains_what_is_missing_behind_it(firm: Firm) -> None:
    firm.standard()
    for table in ("contract", "contract_line", "project"):
        firm.tables[f"canonical__{table}"].clear()
    told(firm)
    assert roots(firm) == {"INT-001": None, "CRM-ERP-001": "INT-001", "CRM-PSA-001": "INT-001"}
    firm.tables["canonical__customer_entity"][0]["status"] = "PENDING"
    causes = roots(firm)
    assert causes == dict.fromkeys(("INT-001", "CRM-ERP-001", "CRM-PSA-001"), "MDM-001") | {"MDM-001": None}


def test_a_lost_week_explains_the_items_that_billing_misses(firm: Firm) -> None:
    firm.standard()
    told(firm, **WEEK)
    firm.add("time_entry")
    firm.add("time_entry", time_entry_id="certinia:main:T2-1", work_date="2026-06-22")
    rows = firm.rows_of("exception")
    found = {row["grain_key"]: row["root_exception_id"] for row in rows}
    [cause] = [row["exception_id"] for row in rows if row["control_id"] == "INT-001"]
    assert found["certinia:main:T1-1"] == cause
    assert found["certinia:main:T2-1"] is None, "that week's event was not lost"


def test_known_now_is_the_end_of_the_tests_day() -> None:
    assert KNOWN == "2026-07-08 23:30:00+00"


def test_an_event_that_reports_no_delivery_is_no_state_of_one(firm: Firm) -> None:
    """Any other event about the same thing comes later and says nothing of where the delivery stands."""
    told(deal(firm), at="2026-07-06 09:00")
    told(firm, at="2026-07-07 09:00")
    firm.tables["canonical__integration_event"][-1]["status"] = None
    row = firm.one("INT-001")
    assert (row["outcome"], row["severity"], row["break_type"]) == ("EXCEPTION", "S2", "MISSING_IN_B")
    assert row["facts"]["status"] == "DEAD_LETTERED"
