"""The sales plan and the deals: what is sold, to whom, when, and the stages on the way."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from decimal import Decimal

from sandbox.firm.calendar import DAY, add_months, moment, month_end
from sandbox.firm.customers import home_entity, validate
from sandbox.firm.entities import AFFILIATES, CURRENCY_FACTOR, PRACTICE_FACTOR
from sandbox.firm.state import Account, Deal
from sandbox.firm.world import END, Plan, World

_OPEN_STAGES = ("Qualification", "Proposal", "Negotiation", "Commit")
_METHODS = ("TM", "TM_CAPPED", "FIXED_MILESTONE", "FIXED_POC", "RETAINER")
_METHOD_WEIGHTS = (33, 16, 21, 15, 15)
_LABEL = {
    "DATA": ("Data Platform", "Analytics Rollout", "Reporting Renewal"),
    "CLOUD": ("Cloud Migration", "Landing Zone", "Platform Operations"),
    "STRAT": ("Operating Model", "Growth Strategy", "Cost Programme"),
    "RISK": ("Controls Review", "Regulatory Readiness", "Security Programme"),
    "CX": ("Service Redesign", "Commerce Launch", "Contact Centre"),
}


def make_plans(world: World) -> None:
    """Decide every deal that will be won with a contract of its own, in the order of the wins."""
    rng = world.rng("sales")
    plans = [_special(world, rng, *row) for row in _specials(world)] if world.house.full else []
    special_accounts = {id(plan.account) for plan in plans if "ALONE" in plan.tags}
    pool = [account for account in world.firm.accounts if id(account) not in special_accounts]
    usable = pool[: max(4, len(pool) * 9 // 10)]
    for won_on in _win_dates(world, rng, world.scale.contracts - len(plans)):
        account = usable[min(rng.randrange(len(usable)), rng.randrange(len(usable)))]
        plans.append(_ordinary(world, rng, account, won_on))
    world.plans = sorted(plans, key=lambda plan: plan.won_on)


def make_deals(world: World) -> None:
    """Turn the plans into won deals, then add open, lost and product deals."""
    rng = world.rng("deals")
    for plan in world.plans:
        validate(world, plan.account, plan.entity, plan.won_on, rng)
        if plan.partner is not None:
            validate(world, plan.partner, plan.entity, plan.won_on, rng)
        plan.deal = _deal(world, rng, plan)
        if "AFFILIATE" in plan.tags:
            # Sold by one entity and, by design, contracted and invoiced by its affiliate.
            sold_by = next(sold for sold, invoiced in AFFILIATES if invoiced == plan.entity)
            validate(world, plan.account, sold_by, plan.won_on, world.rng("affiliates"))
            plan.deal.entity = sold_by
    _open_and_lost(world, rng)
    _product_only(world, rng)


def _win_dates(world: World, rng: random.Random, count: int) -> list[date]:
    start = world.scale.start
    span = (END.date() - start).days
    early = min(world.scale.early_wins, count)
    wave = 45 if world.scale.name == "demo" else 14
    days = [start + DAY * rng.randrange(5, wave) for _ in range(early)]
    days += [start + DAY * rng.randrange(wave, span - 25) for _ in range(count - early)]
    return sorted(world.planning.on_or_after(day) for day in days)


def _specials(world: World) -> list[tuple[str, str, date, int]]:
    """Deals that the look-alikes and faults of every firm rest on: tags, method, day of the win, usual
    amount."""
    tiny = world.scale.name == "tiny"
    size = 1 if tiny else 4
    rows = [
        ("N18 US02", "TM", date(2026, 1, 5), 150_000),
        ("LONG US01 AFFILIATE", "TM", date(2026, 1, 5), 155_000),
        ("LONG US01 NOAMEND", "TM", date(2026, 1, 6), 160_000),
        ("LONG GB01", "TM_CAPPED", date(2026, 1, 7), 150_000),
        ("WRONGMETHOD NOAMEND", "FIXED_POC", date(2026, 1, 9), 130_000),
        ("N19 CA01", "RETAINER", date(2026, 1, 8), 60_000),
        ("N44 NL01 NOAMEND ROUNDED", "FIXED_MILESTONE", date(2026, 1, 13), 70_000),
        ("ALONE US01", "TM", date(2026, 2, 24), 88_000),
        ("WRONGENTITY DE01 NOAMEND", "FIXED_MILESTONE", date(2026, 3, 11), 66_000),
        ("FORGOTTEN NOAMEND US01", "TM", date(2026, 3, 24), 110_000),
        ("TRANSPOSED NOAMEND", "TM", date(2026, 6, 15), 80_000),
        ("N08 NOAMEND", "TM_CAPPED", date(2026, 6, 30), 90_000),
        ("N01 NOAMEND", "TM", date(2026, 7, 7), 76_000),
        ("CANCEL NOAMEND", "TM", date(2026, 4, 14), 50_000),
    ]
    if not tiny:
        rows += [
            ("CANCEL NOAMEND", "FIXED_POC", date(2025, 3, 12), 70_000),
            ("CANCEL NOAMEND", "TM_CAPPED", date(2025, 10, 8), 64_000),
        ]
    return [(tags, method, day, amount * size) for tags, method, day, amount in rows]


def _special(world: World, rng: random.Random, tags: str, method: str, won_on: date, amount: int) -> Plan:
    words = tags.split()
    wanted = next((word for word in words if word in world.firm.entities), None)
    accounts = world.firm.accounts
    if "ALONE" in words:
        account = next(item for item in reversed(accounts) if item.country == "US")
    elif wanted in ("US01", "US02"):
        account = next(item for item in accounts if item.country == "US")
    elif wanted is not None:
        account = next(item for item in accounts if home_entity(item) == wanted)
    else:
        account = accounts[rng.randrange(min(6, len(accounts)))]
    plan = _plan(
        world, rng, account, won_on, method, amount, wanted or home_entity(account), frozenset(words)
    )
    if "N18" in words:
        plan.partner = next(item for item in accounts if item.country == "US" and item is not account)
    return plan


def _ordinary(world: World, rng: random.Random, account: Account, won_on: date) -> Plan:
    method = rng.choices(_METHODS, _METHOD_WEIGHTS)[0]
    low, usual, high = world.scale.amounts
    amount = int(rng.triangular(low, high, usual))
    entity = home_entity(account)
    if account.country == "US" and rng.random() < 0.4:
        entity = "US02"
    elif world.scale.name != "tiny" and rng.random() < 0.08:
        entity = rng.choice(tuple(world.firm.entities))
    tags = set()
    if rng.random() < world.scale.amended:
        tags.add("AMEND")
    if method == "TM" and rng.random() < 0.08:
        tags.add("OVERRUN")
    if method in ("TM", "TM_CAPPED") and rng.random() < 0.12:
        tags.add("UNDERRUN")
    return _plan(world, rng, account, won_on, method, amount, entity, frozenset(tags))


def _plan(
    world: World,
    rng: random.Random,
    account: Account,
    won_on: date,
    method: str,
    amount: int,
    entity: str,
    tags: frozenset[str],
) -> Plan:
    calendar = world.calendars[entity]
    won_on = calendar.on_or_after(won_on)
    own = world.entity_currency(entity)
    # A euro customer of a non-euro entity is sold to in its own currency.
    currency = account.currency if account.currency == "EUR" and own != "EUR" else own
    practice = rng.choice(tuple(PRACTICE_FACTOR))
    rate = 118 * float(CURRENCY_FACTOR[currency]) * float(PRACTICE_FACTOR[practice])
    local = amount * float(CURRENCY_FACTOR[currency])
    start = calendar.on_or_after(calendar.add(won_on, rng.randrange(8, 16)))
    low, high = world.scale.weeks
    weeks = round(rng.triangular(low, high, (low + high) / 2) * (0.6 + 0.4 * amount / world.scale.amounts[2]))
    months = 0
    term_end = start
    value = Decimal(round(local / 100) * 100)
    if method == "RETAINER":
        months = max(4, min(18, round(weeks / 4.3)))
        start = add_months(start, 1) if start.day > 1 else start
        value = Decimal(round(local / months / 100) * 100 * months)
        weeks = round(months * 4.35)
        term_end = month_end(add_months(start, months - 1))
    if "N44" in tags and value % 300 == 0:
        value += 100
    if "TRANSPOSED" in tags:
        while str(value)[0] == str(value)[1] or str(value)[1] == "0":
            value += 10 ** (len(str(value)) - 2)
    if "LONG" in tags or "N18" in tags:
        weeks = 30
    if "FORGOTTEN" in tags:
        start, weeks = calendar.add(won_on, 7), 14
    if "N08" in tags:
        start = date(2026, 10, 5)
    if method != "RETAINER":
        term_end = start + DAY * (round(weeks * 7 * 1.7) + 75)
    if "ROUNDED" in tags and term_end == month_end(term_end):
        term_end -= DAY * 3
    expense = Decimal(0)
    if rng.random() < 0.4 or "N18" in tags:
        expense = Decimal(max(2, round(float(value) * rng.uniform(0.02, 0.06) / 1000)) * 1000)
    if "N18" in tags:
        expense = Decimal(0)
    return Plan(
        tags=tags,
        account=account,
        entity=entity,
        currency=currency,
        method=method,
        amount=value,
        expense=expense,
        won_on=won_on,
        planned_start=start,
        weeks=weeks,
        hours=max(40, round(float(value) / rate)),
        practice=practice,
        group="MANAGED" if method == "RETAINER" else "CONSULT",
        rate_factor=rng.choice((0.95, 1.0, 1.0, 1.05)),
        terms=rng.choice((30, 30, 45, 60)),
        term_end=term_end,
        months=months,
    )


def stage_history(
    world: World,
    rng: random.Random,
    entity: str,
    won_at: datetime,
    last: str,
    weeks: tuple[int, int] = (3, 12),
) -> list[tuple[datetime, str]]:
    """Stages from Qualification to `last` at `won_at`, over three to twelve weeks, none before the firm's
    records."""
    calendar = world.calendars[entity]
    first = won_at.date() - DAY * rng.randrange(weeks[0] * 7, weeks[1] * 7 + 1)
    first = max(calendar.on_or_after(first), calendar.on_or_after(world.scale.prehistory))
    working = calendar.days(first, won_at.date() - DAY)
    wanted = len(_OPEN_STAGES)
    if len(working) < wanted:
        raise ValueError(f"a deal of {entity} ends on {won_at.date()}, too early for its stages")
    inner = sorted(rng.sample(working[1:], wanted - 1))
    days = [working[0], *inner]
    return [(moment(day, rng), stage) for day, stage in zip(days, _OPEN_STAGES, strict=True)] + [
        (won_at, last)
    ]


def _deal(world: World, rng: random.Random, plan: Plan) -> Deal:
    won_at = moment(plan.won_on, rng, 9, 17)
    history = stage_history(world, rng, plan.entity, won_at, "Closed Won")
    month_value = plan.amount * 30 / max(30, plan.weeks * 7)
    return build_deal(
        world,
        name=f"{plan.account.name.split(',')[0]} {rng.choice(_LABEL[plan.practice])}",
        plan=plan,
        opp_type="New Business",
        amount=plan.amount,
        expense=plan.expense,
        first_30=Decimal(round(month_value)),
        stages=history,
        won_at=won_at,
    )


def build_deal(
    world: World,
    *,
    name: str,
    plan: Plan,
    opp_type: str,
    amount: Decimal,
    expense: Decimal,
    first_30: Decimal,
    stages: list[tuple[datetime, str]],
    won_at: datetime | None,
    parent: Deal | None = None,
    contract_required: bool = True,
) -> Deal:
    """Record a deal on the terms of `plan`."""
    deals = world.firm.deals
    deal = Deal(
        n=len(deals) + 1,
        opp_id=world.ids.salesforce("opportunity"),
        name=name,
        account=plan.account,
        entity=plan.entity,
        currency=plan.currency,
        opp_type=opp_type,
        billing_method=plan.method,
        services_amount=amount,
        expense_amount=expense,
        first_30_days_revenue=first_30,
        payment_terms=plan.terms,
        term_start=plan.planned_start,
        term_end=plan.term_end,
        planned_start=plan.planned_start,
        quote_date=next((at.date() for at, stage in stages if stage == "Proposal"), stages[0][0].date()),
        contract_required=contract_required,
        practice=plan.practice,
        region=world.firm.entities[plan.entity].region,
        group=plan.group,
        created_at=stages[0][0],
        stages=stages,
        won_at=won_at,
        parent=parent,
    )
    deals.append(deal)
    return deal


def _throwaway(world: World, rng: random.Random, day: date) -> Plan:
    accounts = world.firm.accounts
    usable = [item for item in accounts if item.customer_id is not None]
    low, usual, high = world.scale.amounts
    account = rng.choice(usable)
    method = rng.choices(_METHODS, _METHOD_WEIGHTS)[0]
    entities = [item.entity for item in account.entities]
    entity = home_entity(account) if home_entity(account) in entities else entities[0]
    return _plan(world, rng, account, day, method, int(rng.triangular(low, high, usual)), entity, frozenset())


def _open_and_lost(world: World, rng: random.Random) -> None:
    """Deals that were lost, and deals still open at the end, some of them committed."""
    alone = {id(plan.account) for plan in world.plans if "ALONE" in plan.tags}
    for n in range(world.scale.open_deals):
        still_open = n % 3 == 0
        first = world.scale.start + DAY * 45
        span = (END.date() - first).days
        day = END.date() + DAY * rng.randrange(20, 90) if still_open else first + DAY * rng.randrange(span)
        plan = _throwaway(world, rng, day)
        while id(plan.account) in alone:
            plan = _throwaway(world, rng, day)
        end_at = moment(plan.won_on, rng, 9, 17)
        stages = stage_history(
            world, rng, plan.entity, end_at, "Closed Lost", (7, 18) if still_open else (3, 12)
        )
        if still_open:
            stages = [row for row in stages[:-1] if row[0] <= END - timedelta(hours=2)]
        elif end_at > END - timedelta(hours=2):
            continue
        if not stages:
            continue
        committed = next((at for at, stage in stages if stage == "Commit"), None)
        if committed is not None:
            # Sales asks for the customer's validation before it commits a deal.
            validate(world, plan.account, plan.entity, committed.date(), rng)
        build_deal(
            world,
            name=f"{plan.account.name.split(',')[0]} {rng.choice(_LABEL[plan.practice])}",
            plan=plan,
            opp_type="New Business",
            amount=plan.amount,
            expense=plan.expense,
            first_30=Decimal(round(plan.amount / 6)),
            stages=stages,
            won_at=None,
        )


def _product_only(world: World, rng: random.Random) -> None:
    """A few won deals without services: nothing to contract or deliver here."""
    for n in range(2 if world.scale.name == "tiny" else 8):
        span = (END.date() - world.scale.start).days
        plan = _throwaway(world, rng, world.scale.start + DAY * (40 + n * (span - 70) // 8))
        won_at = moment(plan.won_on, rng, 9, 17)
        build_deal(
            world,
            name=f"{plan.account.name.split(',')[0]} licences",
            plan=plan,
            opp_type="New Business",
            amount=Decimal(0),
            expense=Decimal(rng.randrange(4, 20) * 500),
            first_30=Decimal(0),
            stages=stage_history(world, rng, plan.entity, won_at, "Closed Won", (3, 5)),
            won_at=won_at,
            contract_required=False,
        )
