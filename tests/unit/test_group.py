"""The firm and the one it bought: what each system holds of them, and under which ids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sandbox.emission import write_stores
from sandbox.firm.group import Group, simulate_group
from sandbox.firm.simulator import simulate
from sandbox.firm.state import Firm
from sandbox.oracle.controls import evaluate
from sandbox.oracle.view import View, certinia, netsuite, salesforce

SEED = 7


@pytest.fixture(scope="module")
def group() -> Group:
    return simulate_group(SEED, "tiny", ["all"])


def doubles(values: Iterable[str]) -> set[str]:
    return {value for value, count in Counter(values).items() if count > 1}


def test_a_firm_that_bought_nobody_is_the_firm_itself() -> None:
    alone = simulate_group(SEED, "tiny", ["all"], with_acquisition=False)
    assert alone.firm == simulate(SEED, "tiny", ["all"])
    assert set(alone.stores) == {"salesforce", "bamboohr", "netsuite", "docusign"}
    assert {"F63", "F72"}.isdisjoint(alone.firm.faults)


def test_the_purchase_changes_nothing_of_what_no_fault_across_both_touches() -> None:
    with_it, alone = simulate_group(SEED, "tiny").stores["salesforce"], simulate(SEED, "tiny", [])
    same = [item.name for item in fields(Firm) if item.name not in ("look_alikes",)]
    assert all(getattr(with_it, name) == getattr(alone, name) for name in same)


def test_keys_of_all_instances_are_unique(group: Group) -> None:
    firm = group.firm
    assert not doubles(salesforce(one.account_id) for one in firm.accounts)
    assert not doubles(salesforce(one.opp_id) for one in firm.deals)
    assert not doubles(certinia(one.project_id) for one in firm.projects)
    assert not doubles(netsuite(one.so_id) for one in firm.contracts)
    assert not doubles(netsuite(line.line_key) for one in firm.contracts for line in one.lines)
    assert not doubles(str(one.hr_id) for one in firm.workers if one.hr_id)
    assert not doubles(str(one.employee_number) for one in firm.workers if one.employee_number)


def test_bare_ids_of_two_erps_are_the_same_and_mean_different_contracts(group: Group) -> None:
    bare = doubles(netsuite(one.so_id).split(":")[2] for one in group.firm.contracts)
    assert bare, "nothing would show that an id counts within its instance alone"


def test_a_store_holds_its_own_ids_bare_and_names_the_others(
    group: Group, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("stores")
    write_stores(group, folder)
    named: set[str] = set()
    for path in sorted(folder.glob("stores/*/*.parquet")):
        own = path.parent.name.partition("_")[2] or "main"
        table = pq.read_table(path)
        for name in table.column_names:
            if not pa.types.is_string(table.schema.field(name).type):
                continue
            for instance in ("main", "acquired"):
                if pc.any(pc.match_substring_regex(table.column(name), f"(^|[-_ ]){instance}:")).as_py():
                    assert instance != own, f"{path.parent.name} {path.stem}.{name}"
                    named.add(f"{path.parent.name} {path.stem}.{name}")
    # the integrations that cross: Ireland's contracts and time, and the deal that F72 takes for another
    assert {
        "netsuite transaction.custbody_tl_opportunity",
        "netsuite customrecord_tl_billing_item.custrecord_tl_bi_source_id",
        "salesforce_acquired pse__Proj__c.ERP_Contract_Line__c",
        "netsuite_acquired transaction.custbody_tl_opportunity",
    } <= named


@pytest.mark.parametrize("seed", [7, 23])
def test_a_clean_group_breaks_no_control(seed: int) -> None:
    from sandbox.build import LOAD_TIMES

    firm = simulate_group(seed, "tiny").firm
    for at in LOAD_TIMES:
        broken = [
            case for one in evaluate(View(firm, at)) for case in one.cases if case.outcome == "EXCEPTION"
        ]
        assert broken == []


def test_what_stands_twice_is_marked_and_what_only_looks_so_is_not(group: Group) -> None:
    firm = group.firm
    marks = {mark.fault_id: mark.objects for mark in firm.fault_marks}
    mirrored = [deal for deal in firm.deals if deal.mirror_of is not None]
    assert len(mirrored) == 2
    for deal in mirrored:
        assert deal.mirror_of is not None
        assert deal.account.tax_id == deal.mirror_of.account.tax_id
        assert deal.opp_id.startswith("acquired:")
        assert {deal.opp_id, deal.mirror_of.opp_id} <= set(marks["F63"]["opportunity"])
    # two of one customer's deals share its second account, which was there before either
    assert all(deal.account.created_at < deal.created_at for deal in firm.deals)
    first, second = (one for one in firm.projects if one.project_id in marks["F66"]["project"])
    assert first.line is second.line
    [struck] = [one for one in firm.contracts if one.so_id in marks["F72"]["contract"]]
    assert struck.deal is not None
    assert struck.deal.account is not struck.account
    alike = {case.case_id: case.objects for case in firm.look_alikes}
    elder, younger = (
        next(one for one in firm.accounts if one.account_id == native) for native in alike["N34"]["account"]
    )
    stems = [" ".join(one.name.replace(",", "").split()[:2]) for one in (elder, younger)]
    assert stems[0] == stems[1]
    assert elder.tax_id != younger.tax_id
    assert alike["NX04"]["contract"]
