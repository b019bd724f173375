"""The bus's log: what the process raised, and who reads it without the warehouse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from sandbox.firm.event_state import BusinessEvent
from sandbox.firm.events import HOURS
from sandbox.firm.state import Firm
from sandbox.oracle.controls import evaluate
from sandbox.oracle.view import View
from tests.unit.simulator_support import firm_of

LOADS = [datetime(2026, month, 8, 23, 30, tzinfo=UTC) for month in range(2, 8)]
UNDER_WAY = ("CREATED", "IN_FLIGHT", "RETRYING", "REPLAYED")


@pytest.fixture(scope="module", params=["tiny", "demo"])
def pair(request: pytest.FixtureRequest) -> tuple[Firm, Firm]:
    return firm_of(request.param), firm_of(request.param, faults="all")


def about(firm: Firm, key: str, kind: str) -> list[BusinessEvent]:
    return [one for one in firm.events if (one.entity_key, one.event_type) == (key, kind) and not one.is_test]


def test_every_step_of_the_process_raised_its_event(pair: tuple[Firm, Firm]) -> None:
    for firm in pair:
        kinds = {kind: {one.entity_key for one in firm.events if one.event_type == kind} for kind in HOURS}
        assert kinds["opportunity.won"] == {row.opp_id for row in firm.deals if row.won_at is not None}
        assert kinds["contract.created"] == {row.so_id for row in firm.contracts}
        assert kinds["invoice.posted"] == {row.invoice_id for row in firm.invoices}
        accepted = {row.milestone_id for row in firm.milestones if row.accepted_at is not None}
        assert kinds["milestone.accepted"] == accepted
        assert kinds["time.approved"]
        assert len({one.event_id for one in firm.events}) == len(firm.events)


def test_reports_are_in_order_and_healthy_ones_in_time(pair: tuple[Firm, Firm]) -> None:
    for firm in pair:
        for one in firm.events:
            moments = [report.at for report in one.reports]
            assert moments == sorted(set(moments)), one
            assert one.reports[0].at == one.created_at
            if one.reports[-1].status == "APPLIED" and "REPLAYED" not in [r.status for r in one.reports]:
                assert moments[-1] - one.created_at < timedelta(hours=HOURS[one.event_type])


def test_what_no_fault_touches_is_delivered_as_before(pair: tuple[Firm, Firm]) -> None:
    clean, struck = pair
    marked = {key for mark in struck.fault_marks for keys in mark.objects.values() for key in keys}
    marked |= {key for case in clean.look_alikes for keys in case.objects.values() for key in keys}
    before = {one.event_id: one for one in clean.events}
    both = [one for one in struck.events if one.event_id in before and one.entity_key not in marked]
    same = [one for one in both if one.created_at == before[one.event_id].created_at]
    assert len(same) > len(struck.events) * 0.6
    assert all(one.reports == before[one.event_id].reports for one in same)


def test_the_clean_firm_holds_every_look_alike_and_no_exception(pair: tuple[Firm, Firm]) -> None:
    clean, _ = pair
    cases = {case.case_id: case.objects for case in clean.look_alikes}
    [repeated, _] = cases["N36"]["invoice"]
    [event] = about(clean, repeated, "invoice.posted")
    assert event.is_repeated
    assert [report.status for report in event.reports[-3:]] == ["APPLIED", "REPLAYED", "APPLIED"]
    last = {
        case: sorted(one.reports[-1].status for one in about(clean, cases[case][kind][0], name))
        for case, kind, name in (
            ("NX21", "invoice", "invoice.posted"),
            ("NX22", "invoice", "invoice.posted"),
            ("NX23", "opportunity", "opportunity.won"),
        )
    }
    assert last == {"NX21": ["APPLIED", "SUPERSEDED"], "NX22": ["DISCARDED"], "NX23": ["DEAD_LETTERED"]}
    assert [one.reports[-1].status for one in clean.events if one.is_test] == ["DEAD_LETTERED"] * 2
    for at in LOADS:
        [outcome] = [one for one in evaluate(View(clean, at)) if one.control_id == "INT-001"]
        assert outcome.cases == []
        heard = [one for one in clean.events if not one.is_test and one.created_at <= at]
        assert outcome.passes == len(heard)


def test_a_load_meets_deliveries_under_way(pair: tuple[Firm, Firm]) -> None:
    """Retries within the back-off are there to be left alone."""
    clean, _ = pair
    under_way = 0
    for hours in range(0, 24 * 120, 7):
        at = datetime(2026, 2, 8, 23, 30, tzinfo=UTC) + timedelta(hours=hours)
        for one in clean.events:
            told = [report for report in one.reports if report.at <= at]
            under_way += bool(told) and told[-1].status in UNDER_WAY
    assert under_way


def test_each_fault_holds_up_what_it_struck(pair: tuple[Firm, Firm]) -> None:
    _, struck = pair
    marks = {mark.fault_id: mark.objects for mark in struck.fault_marks}
    wanted = {("opportunity.won", key, "F01", "DEAD_LETTERED", "S2") for key in marks["F01"]["opportunity"]}
    wanted |= {("time.approved", key, "F26", "DEAD_LETTERED", "S3") for key in marks["F26"]["project_week"]}
    wanted |= {("invoice.posted", key, "FX21", "RETRYING", "S3") for key in marks["FX21"]["invoice"]}
    wanted |= {("invoice.posted", key, "FX22", "DISCARDED", "S2") for key in marks["FX22"]["invoice"]}
    [outcome] = [one for one in evaluate(View(struck, LOADS[-1])) if one.control_id == "INT-001"]
    found = {case.grain_key: case for case in outcome.cases}
    assert len(found) == len(wanted) == 4
    for kind, key, _, status, floor in wanted:
        [event] = about(struck, key, kind)
        assert event.reports[-1].status == status
        case = found[f"events:main:{event.event_id}"]
        assert case.outcome == "EXCEPTION"
        assert case.severity <= floor
        assert case.amount


def test_before_they_happened_nothing_is_held_up(pair: tuple[Firm, Firm]) -> None:
    _, struck = pair
    first = min(
        mark.injected_at for mark in struck.fault_marks if mark.fault_id in ("F01", "F26", "FX21", "FX22")
    )
    [outcome] = [
        one for one in evaluate(View(struck, first - timedelta(days=1))) if one.control_id == "INT-001"
    ]
    assert outcome.cases == []
