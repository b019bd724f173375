"""The firm's papers: in order in the clean firm, bent by faults one by one, as the oracle says of both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from sandbox.firm.documents import BASE
from sandbox.firm.simulator import simulate
from sandbox.firm.state import Contract, Envelope, Firm
from sandbox.oracle import documents
from sandbox.oracle.controls import Case
from sandbox.oracle.truth import exception_rows
from sandbox.oracle.view import View
from tests.unit.simulator_support import firm_of

LOADS = [datetime(2026, month, 8, 23, 30, tzinfo=UTC) for month in range(2, 8)]
SEEDS = (7, 11, 23)


def cases(firm: Firm, outcome: str = "EXCEPTION") -> list[Case]:
    """The cases of all loads."""
    return [
        case
        for at in LOADS
        for result in documents.evaluate(View(firm, at))
        for case in result.cases
        if case.outcome == outcome
    ]


def of_case(firm: Firm, case: str) -> Contract:
    """The first contract of a look-alike."""
    wanted = next(row for row in firm.look_alikes if row.case_id == case).objects["contract"][0]
    return next(row for row in firm.contracts if row.so_id == wanted)


def base_paper_of(firm: Firm, contract: Contract) -> Envelope:
    return next(
        row
        for row in firm.documents
        if row.contract is contract and row.doc_type in BASE and row.completed_at
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_every_contract_is_signed_and_in_order(seed: int) -> None:
    firm = firm_of("tiny", seed)
    assert cases(firm) == []
    assert cases(firm, "NOT_EVALUABLE") == []
    for contract in firm.contracts:
        [paper] = [
            row
            for row in firm.documents
            if row.contract is contract and row.doc_type in BASE and row.completed_at is not None
        ]
        assert [at for at, _ in paper.statuses] == sorted(at for at, _ in paper.statuses)
    assert len({paper.envelope_id for paper in firm.documents}) == len(firm.documents)
    signed = [row for row in firm.amendments if row.statuses[-1][1] == "SIGNED"]
    orders = {row.deal.opp_id: row for row in firm.documents if row.doc_type == "CO" and row.deal is not None}
    for amendment in signed:
        assert amendment.deal is not None
        order = orders[amendment.deal.opp_id]
        assert (order.value, order.signature_day) == (amendment.delta_value, amendment.signed_on)


@pytest.mark.parametrize("seed", SEEDS)
def test_papers_disturb_nothing_else(seed: int) -> None:
    """They are drawn apart: a firm struck by a fault of papers is otherwise the clean one."""
    clean, struck = firm_of("tiny", seed), simulate(seed, "tiny", ["FX10"])
    assert (struck.timecards, struck.invoices, struck.revenue) == (
        clean.timecards,
        clean.invoices,
        clean.revenue,
    )
    assert sum(one != other for one, other in zip(clean.documents, struck.documents, strict=True)) == 1


def _no_letter(firm: Firm, contract: Contract) -> None:
    firm.documents = [
        row for row in firm.documents if not (row.doc_type == "LOI" and row.contract is contract)
    ]


def _no_framework(firm: Firm, _contract: Contract) -> None:
    firm.documents = [row for row in firm.documents if row.doc_type != "MSA"]


def _paper(**changes: object) -> Callable[[Firm, Contract], None]:
    def change(firm: Firm, contract: Contract) -> None:
        paper = base_paper_of(firm, contract)
        for name, value in changes.items():
            setattr(paper, name, value)

    return change


@pytest.mark.parametrize(
    ("case", "spoil", "control"),
    [
        ("N04", _paper(value_basis="NET"), "DOC-ERP-002"),
        ("N07", _no_letter, "DOC-ERP-003"),
        ("NX11", _no_framework, "DOC-ERP-001"),
        ("NX13", _paper(retroactive=False), "DOC-ERP-003"),
        ("NX14", _paper(statuses=[(LOADS[0], "VOIDED")]), "DOC-ERP-001"),
    ],
)
def test_a_look_alike_would_be_a_case_without_what_excuses_it(
    case: str, spoil: Callable[[Firm, Contract], None], control: str
) -> None:
    firm = simulate(7, "tiny")
    contract = of_case(firm, case)
    spoil(firm, contract)
    found = [row for row in cases(firm) if contract.so_id in row.objects]
    assert control in {row.control_id for row in found}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("fault", "control", "outcome"),
    [
        ("F10", "DOC-ERP-001", "EXCEPTION"),
        ("F12", "DOC-ERP-003", "EXCEPTION"),
        ("FX10", "DOC-ERP-002", "EXCEPTION"),
        ("FX11", "DOC-ERP-002", "EXCEPTION"),
        ("FX12", "DOC-ERP-002", "EXCEPTION"),
        ("FX13", "DOC-ERP-002", "NOT_EVALUABLE"),
    ],
)
def test_each_fault_is_a_case_of_its_control_and_nowhere_else(
    seed: int, fault: str, control: str, outcome: str
) -> None:
    firm = simulate(seed, "tiny", [fault])
    rows = [
        row
        for at in LOADS
        for row in exception_rows(firm, documents.evaluate(View(firm, at)), at)
        if row["outcome"] != "PENDING"
    ]
    own = [row for row in rows if row["control_id"] == control]
    assert own
    assert {row["case_id"] for row in rows} == {fault}
    assert {row["outcome"] for row in own} == {outcome}
    assert not any(row["is_cascade"] for row in own)
    # work under a contract that is signed only later is unsigned work until then
    others = {row["control_id"] for row in rows if row["control_id"] != control}
    assert others <= ({"DOC-ERP-001"} if fault == "F12" else set())
    assert all(row["is_cascade"] for row in rows if row["control_id"] != control)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_late_signature_leaves_time_and_revenue_before_it(seed: int) -> None:
    firm = simulate(seed, "tiny", ["F12"])
    [mark] = firm.fault_marks
    contract = next(row for row in firm.contracts if row.so_id == mark.objects["contract"][0])
    day = base_paper_of(firm, contract).signature_day
    assert day is not None
    assert (day - contract.signed_on).days >= 25
    found = {row.grain_key.rsplit("|", 1)[-1]: row for row in cases(firm) if row.control_id == "DOC-ERP-003"}
    assert {"TIME", "REVENUE"} <= set(found)
    assert found["REVENUE"].severity in ("S1", "S2")


@pytest.mark.parametrize("fault", ["F06", "FX03"])
def test_faults_of_contracts_cascade_into_what_was_signed(fault: str) -> None:
    firm = simulate(7, "tiny", [fault])
    rows = exception_rows(firm, documents.evaluate(View(firm, LOADS[-1])), LOADS[-1])
    assert [(row["control_id"], row["case_id"], row["is_cascade"]) for row in rows] == [
        ("DOC-ERP-002", fault, True)
    ]
    assert isinstance(rows[0]["amount_at_risk_tc"], Decimal)
    assert rows[0]["amount_at_risk_tc"] > 1000


def test_a_contract_that_was_never_made_leaves_its_paper_unfiled() -> None:
    firm = simulate(7, "tiny", ["F02"])
    [mark] = firm.fault_marks
    [paper] = [
        row
        for row in firm.documents
        if row.deal is not None and row.deal.opp_id in mark.objects["opportunity"] and row.doc_type == "SOW"
    ]
    assert (paper.contract, paper.numbers) == (None, [])
    assert paper.completed_at is not None
    assert cases(firm) == []


def test_the_paper_of_a_renumbered_contract_bears_the_old_number_alone() -> None:
    firm = firm_of("tiny")
    contract = of_case(firm, "NX12")
    paper = base_paper_of(firm, contract)
    assert contract.former_number is not None
    assert [number for _, number in paper.numbers] == [contract.former_number]
    assert paper.deal is None
