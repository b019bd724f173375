"""Contracts in the ERP, projects in the PSA, their amendments, and how they are linked."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

from sandbox.firm.calendar import moment, month_end
from sandbox.firm.entities import COST_USD, CURRENCY_FACTOR
from sandbox.firm.sales import build_deal, stage_history
from sandbox.firm.state import Amendment, Contract, ContractLine, Project, Worker
from sandbox.firm.world import LAST, Plan, World, cents

_TREATMENT = {"FIXED_POC": "CUMULATIVE", "FIXED_MILESTONE": "PROSPECTIVE"}


def make_contracts(world: World) -> None:
    """Contract and project of every won deal, as far as they exist before the end; amendments;
    cancellations."""
    rng = world.rng("contracts")
    for plan in world.plans:
        assert plan.deal is not None
        assert plan.deal.won_at is not None
        if "N01" in plan.tags:
            continue
        _contract(world, rng, plan)
        if "N08" not in plan.tags:
            _project(world, rng, plan)
    _amend(world)
    _cancel(world, rng)


def managers(world: World, entity: str, day: date) -> list[Worker]:
    """People who may run a project of an entity on `day`: own entity first, then the rest."""
    able = [
        worker
        for worker in world.firm.workers
        if worker.worker_type == "EMPLOYEE"
        and worker.role in ("Manager", "Principal")
        and worker.term_date is None
        and worker.psa_at.date() < day
        and worker.time_required
    ]
    own = [worker for worker in able if worker.entity == entity]
    return own + [worker for worker in able if worker.entity != entity]


def _contract(world: World, rng: random.Random, plan: Plan) -> None:
    deal, calendar = plan.deal, world.calendars[plan.entity]
    assert deal is not None
    assert deal.won_at is not None
    delay = rng.choices((0, 1, 2), (30, 45, 25))[0]
    if "N08" in plan.tags or plan.won_on > date(2026, 6, 28):
        delay = min(delay, 1)
    day = calendar.add(plan.won_on, delay)
    created = moment(day, rng, 9, 16)
    if delay == 0:
        created = deal.won_at + timedelta(minutes=rng.randrange(20, 120))
    region = world.firm.entities[plan.entity].region
    signed_on = calendar.add(plan.won_on, -rng.randrange(0, 3))

    def line(number: int, method: str, value: Decimal, ceiling: Decimal | None) -> ContractLine:
        return ContractLine(
            line_key=world.ids.line_key(),
            line_no=number,
            method=method,
            original_value=value,
            ceiling=ceiling,
            practice=plan.practice,
            region=region,
            group=plan.group,
            effective_from=deal.term_start,
            effective_to=deal.term_end,
            element_id=world.ids.netsuite("revenueelement"),
            plan_id=world.ids.netsuite("revenueplan"),
        )

    plan.line = line(1, plan.method, plan.amount, plan.amount if plan.method == "TM_CAPPED" else None)
    lines = [plan.line]
    if plan.expense:
        plan.expense_line = line(2, "EXPENSE", plan.expense, None)
        lines.append(plan.expense_line)
    if plan.partner is not None:
        plan.line.shares = [
            (world.ids.netsuite("customer_share"), plan.account, Decimal("0.6")),
            (world.ids.netsuite("customer_share"), plan.partner, Decimal("0.4")),
        ]
    plan.contract = Contract(
        so_id=world.ids.netsuite("transaction"),
        number=f"SO-{world.ids.number('so'):06d}",
        deal=deal,
        account=plan.account,
        entity=plan.entity,
        currency=plan.currency,
        exchange_rate=world.cross(plan.currency, world.entity_currency(plan.entity), created.date()),
        created_at=created,
        signed_on=signed_on,
        effective_from=deal.term_start,
        # the ERP keeps whole months of some terms
        effective_to=month_end(deal.term_end) if "ROUNDED" in plan.tags else deal.term_end,
        payment_terms=plan.terms,
        billing_method=plan.method,
        statuses=[(created, "ACTIVE")],
        closed_on=None,
        lines=lines,
        customer_po=f"PO-{rng.randrange(10_000, 99_999)}" if rng.random() < 0.3 else None,
    )
    world.firm.contracts.append(plan.contract)


def _project(world: World, rng: random.Random, plan: Plan) -> None:
    deal, contract, calendar = plan.deal, plan.contract, world.calendars[plan.entity]
    assert deal is not None
    assert deal.won_at is not None
    assert contract is not None
    delay = rng.choices((0, 1, 2), (25, 45, 30))[0]
    created = moment(calendar.add(plan.won_on, delay), rng, 9, 16)
    if delay == 0:
        created = deal.won_at + timedelta(minutes=rng.randrange(10, 100))
    linked = max(created, contract.created_at) + timedelta(minutes=rng.randrange(20, 110))
    able = managers(world, plan.entity, created.date())
    manager = rng.choice([worker for worker in able if worker.entity == plan.entity] or able)
    number = world.ids.number("project")
    rate = CURRENCY_FACTOR[plan.currency] * Decimal(COST_USD["Senior Consultant"])
    plan.project = Project(
        project_id=world.ids.salesforce("proj"),
        number=f"PRJ-{number:05d}",
        name=deal.name,
        deal=deal,
        account=plan.account,
        line=plan.line,
        expense_line=plan.expense_line,
        linked_at=linked,
        entity=plan.entity,
        currency=plan.currency,
        practice=plan.practice,
        region=deal.region,
        group=plan.group,
        service_line_code=plan.practice,
        billing_method=plan.method,
        cap=plan.amount if plan.method == "TM_CAPPED" else None,
        is_billable=True,
        is_template=False,
        project_type="Client",
        stages=[(created, "Planned")],
        created_at=created,
        start=plan.planned_start,
        end=plan.planned_start + timedelta(weeks=plan.weeks),
        planned_hours=Decimal(plan.hours),
        budget_revenue=plan.amount,
        budget_cost=cents(rate * plan.hours),
        manager=manager,
    )
    world.firm.projects.append(plan.project)


def make_internal_projects(world: World) -> None:
    """One internal project per entity for idle and training time, and one template that is no project at
    all."""
    rng = world.rng("internal")
    for entity in world.firm.entities.values():
        calendar = world.calendars[entity.code]
        created = moment(calendar.add(calendar.on_or_after(world.scale.prehistory), 2), rng, 12, 16)
        _internal(world, entity.code, f"Internal {entity.code} bench and training", created, False)
    created = moment(world.planning.add(world.scale.prehistory, 3), rng, 12, 16)
    _internal(world, world.house.anchor, "Template fixed fee", created, True)


def _internal(world: World, code: str, name: str, created: datetime, template: bool) -> None:
    entity = world.firm.entities[code]
    world.firm.projects.append(
        Project(
            project_id=world.ids.salesforce("proj"),
            number=f"PRJ-{world.ids.number('project'):05d}",
            name=name,
            deal=None,
            account=None,
            line=None,
            expense_line=None,
            linked_at=None,
            entity=code,
            currency=entity.currency,
            practice="INT",
            region=entity.region,
            group="CONSULT",
            service_line_code="INT",
            billing_method="TM",
            cap=None,
            is_billable=False,
            is_template=template,
            project_type="Template" if template else "Internal",
            stages=[(created, "Planned")]
            if template
            else [(created, "Planned"), (created + timedelta(hours=1), "In Progress")],
            created_at=created,
            start=world.scale.start,
            end=date(2027, 12, 31),
            planned_hours=Decimal(0),
            budget_revenue=Decimal(0),
            budget_cost=Decimal(0),
            manager=managers(world, code, created.date())[0],
        )
    )


def _amend(world: World) -> None:
    """Change orders: signed, rejected and still in draft; one renewal delivered as an amendment."""
    rng = world.rng("amendments")
    renewal_due = True
    for plan in world.plans:
        if plan.project is None or {"NOAMEND", "N18", "CANCEL", "ALONE", "N08"} & plan.tags:
            continue
        if plan.method == "RETAINER":
            continue
        if renewal_due and plan.method == "TM" and "US01" in plan.tags:
            _amendment(world, rng, plan, "Renewal", 0.45, "SIGNED", Decimal("0.3"))
            renewal_due = False
            continue
        if "AMEND" not in plan.tags and "LONG" not in plan.tags:
            continue
        for place in range(rng.choice((1, 1, 2)) if world.scale.name != "tiny" else 1):
            status = rng.choices(("SIGNED", "REJECTED", "DRAFT"), (84, 8, 8))[0]
            if "LONG" in plan.tags:
                status = "SIGNED"
            share = Decimal(rng.randrange(8, 26)) / 100
            if plan.method in ("TM", "TM_CAPPED") and rng.random() < 0.2 and "LONG" not in plan.tags:
                share = -share / 2
            _amendment(
                world, rng, plan, "Change Order", 0.25 + 0.25 * place + rng.random() * 0.1, status, share
            )


def _amendment(
    world: World, rng: random.Random, plan: Plan, kind: str, when: float, status: str, share: Decimal
) -> None:
    calendar = world.calendars[plan.entity]
    project, contract, line, deal = plan.project, plan.contract, plan.line, plan.deal
    assert project is not None
    assert contract is not None
    assert line is not None
    assert deal is not None
    assert project.linked_at is not None
    agreed = calendar.on_or_after(plan.planned_start + timedelta(days=round(plan.weeks * 7 * when)))
    drafted = calendar.add(agreed, -rng.randrange(4, 9))
    if moment(agreed, random.Random(0), 20, 21) > LAST or drafted <= project.linked_at.date():
        if drafted <= project.linked_at.date() or moment(drafted, random.Random(0), 18, 19) > LAST:
            return
        status = "DRAFT"
    delta = Decimal(round(plan.amount * share / 100) * 100)
    effective = calendar.add(agreed, rng.choice((0, 0, 3, 8)))
    at = moment(agreed, rng, 12, 16)
    name = f"{deal.name} {'renewal' if kind == 'Renewal' else 'change order'} {len(plan.amendments) + 1}"
    if status == "SIGNED":
        stages = stage_history(world, rng, plan.entity, at - timedelta(hours=2), "Closed Won", (3, 6))
        won_at: datetime | None = stages[-1][0]
    elif status == "REJECTED":
        stages = stage_history(world, rng, plan.entity, at - timedelta(hours=2), "Closed Lost", (3, 6))
        won_at = None
    else:
        stages = stage_history(world, rng, plan.entity, at, "Closed Won", (3, 6))[:3]
        stages = [row for row in stages if row[0] <= LAST]
        won_at = None
    if not stages:
        return
    change = build_deal(
        world,
        name=name,
        plan=plan,
        opp_type=kind,
        amount=delta,
        expense=Decimal(0),
        first_30=max(Decimal(0), Decimal(round(delta / 6))),
        stages=stages,
        won_at=won_at,
        parent=deal,
    )
    statuses = [(moment(drafted, rng, 9, 16), "DRAFT")]
    if status != "DRAFT":
        statuses.append((at, status))
    signed = status == "SIGNED"
    amendment = Amendment(
        amendment_id=world.ids.netsuite("amendment"),
        name=name,
        contract=contract,
        line=line,
        deal=change,
        delta_value=delta,
        delta_ceiling=delta if line.method == "TM_CAPPED" else None,
        delta_hours=Decimal(round(plan.hours * share)),
        signed_on=agreed if signed else None,
        effective_on=effective,
        treatment=_TREATMENT.get(line.method, "PROSPECTIVE"),
        statuses=statuses,
    )
    plan.amendments.append(amendment)
    world.firm.amendments.append(amendment)
    entered = at + timedelta(hours=1) if effective == agreed else moment(effective, rng, 8, 12)
    if signed and entered <= LAST:
        value = project.budget_changes[-1][1] if project.budget_changes else project.budget_revenue
        cap = project.budget_changes[-1][2] if project.budget_changes else project.cap
        project.budget_changes.append(
            (entered, value + delta, cap + delta if cap is not None else None, amendment.amendment_id)
        )


def _cancel(world: World, rng: random.Random) -> None:
    """Contracts cancelled before any work: the deal is lost after all and the project with it."""
    for plan in world.plans:
        if "CANCEL" not in plan.tags or plan.contract is None or plan.project is None or plan.deal is None:
            continue
        assert plan.project.linked_at is not None
        day = world.calendars[plan.entity].add(
            max(plan.project.linked_at.date(), plan.won_on), rng.randrange(2, 5)
        )
        at = moment(day, rng, 10, 14)
        plan.deal.stages.append((at, "Closed Lost"))
        plan.contract.statuses.append((at + timedelta(hours=1), "CANCELLED"))
        plan.contract.closed_on = day
        plan.project.stages.append((at + timedelta(hours=2), "Canceled"))
