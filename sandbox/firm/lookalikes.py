"""Benign cases that every firm holds: they look like errors and are none. Here they are named for the
truth."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta

from sandbox.firm.delivery import late_contact_card
from sandbox.firm.house import CALLAN
from sandbox.firm.state import LookAlike
from sandbox.firm.world import Plan, World


def record_look_alikes(world: World) -> None:
    """Mark the look-alikes of the finished firm. Raises ValueError when one of them did not come about."""
    firm = world.firm
    cases: dict[str, dict[str, list[str]]] = {}
    for case in ("N01", "N08"):
        cases[case] = {"opportunity": [_plan(world, case).deal.opp_id]}  # type: ignore[union-attr]
    renewals = [item for item in firm.amendments if item.deal is not None and item.deal.opp_type == "Renewal"]
    cases["N02"] = {
        "opportunity": [item.deal.opp_id for item in renewals if item.deal is not None],
        "amendment": [item.amendment_id for item in renewals],
    }
    july = datetime(2026, 7, 1, tzinfo=UTC)
    waiting = [
        item for item in firm.billing_items if item.created_at >= july and item.statuses[-1][1] == "OPEN"
    ]
    cases["N16"] = {"billing_item": [item.source_id for item in waiting if item.source_type == "TIME"]}
    rebilled = [
        note for note in firm.invoices if note.reason_code == "REBILL" and note.applies_to is not None
    ]
    cases["N17"] = {
        "invoice": [note.applies_to.invoice_id for note in rebilled if note.applies_to is not None]
    }
    shared = _plan(world, "N18")
    assert shared.contract is not None
    cases["N18"] = {
        "contract": [shared.contract.so_id],
        "invoice": [row.invoice_id for row in firm.invoices if row.contract is shared.contract],
    }
    retainer = _plan(world, "N19")
    cases["N19"] = {"invoice": [row.invoice_id for row in firm.invoices if row.contract is retainer.contract]}
    fixed = [
        plan.project.project_id
        for plan in world.plans
        if plan.project and plan.method in ("FIXED_POC", "FIXED_MILESTONE")
    ]
    booked = {card.assignment.project.project_id for card in firm.timecards if card.approved_at is not None}
    cases["N23"] = {"project": [project for project in fixed if project in booked]}
    cases["N37"] = {"date": ["2026-03-07", "2026-03-08"]}
    late = late_contact_card(world)
    cases["N38"] = {"contact": [late.assignment.worker.contact_id], "timecard": [late.header_id]}
    thirds = _plan(world, "N44")
    amounts = {item.milestone_id: item.amount for item in firm.milestones if item.line is thirds.line}
    cases["N44"] = {"milestone": list(amounts)}
    # Of the controls' own traps: sold by an affiliate by design; an ERP term rounded up to its month's end.
    sold = [item for item in firm.contracts if item.deal is not None and item.deal.parent is None]
    cases["NX01"] = {"contract": [c.so_id for c in sold if c.deal is not None and c.entity != c.deal.entity]}
    cases["NX02"] = {
        "contract": [c.so_id for c in sold if c.deal is not None and c.effective_to != c.deal.term_end]
    }
    # Days without a rate of their own, and a currency of the rate feed in which nobody ever deals.
    cases["NX03"] = {"rate": sorted({f"SPOT|{one}|{other}" for one, other, _ in firm.missing_rates})}
    cases["N34"] = {"account": _sister_company(world)}
    if world.sisters:
        # the bought firm's ids are those of other records in the group's own systems
        own = {item.so_id for item in firm.contracts}
        others = world.sisters[CALLAN.key].firm.contracts
        cases["NX04"] = {"contract": [c.so_id for c in others if c.so_id.partition(":")[2] in own]}
    for case, objects in cases.items():
        if not all(objects.values()):
            raise ValueError(f"look-alike {case} did not come about in this firm: {objects}")
        firm.look_alikes.append(LookAlike(case, objects))


def _sister_company(world: World) -> list[str]:
    """A prospect of the same name as a customer, in another country and with a tax id of its own."""
    elder = next(item for item in world.firm.accounts if item.erp_has_tax_id and item.customer_id is not None)
    country, suffix = ("NL", " B.V.") if elder.country != "NL" else ("GB", " Ltd")
    stem = " ".join(elder.name.replace(",", "").split()[:2])
    younger = dataclasses.replace(
        elder,
        n=800,
        account_id=world.ids.salesforce("account"),
        name=f"{stem}{suffix}",
        country=country,
        region="EU",
        currency="EUR" if country == "NL" else "GBP",
        tax_id=f"{country}{800_000_000 + elder.n}",
        created_at=elder.created_at + timedelta(days=1),
        customer_id=None,
        erp_at=None,
        explicit_link=False,
        home=world.house.homes[country],
        entities=[],
    )
    world.firm.accounts.append(younger)
    return [elder.account_id, younger.account_id]


def _plan(world: World, tag: str) -> Plan:
    plan = next(plan for plan in world.plans if tag in plan.tags)
    assert plan.deal is not None
    return plan
