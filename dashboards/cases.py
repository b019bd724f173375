"""The exceptions of a run: reading them within a scope, narrowing them, saying them in words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dashboards import data, names, numbers
from dashboards.data import Row, Scope

_PLACED = """
from reconciliation.exception e
left join reconciliation.recon__control c on c.control_id = e.control_id
left join reconciliation.exception_history h on h.exception_id = e.exception_id
left join master.dim_contract_line cl on cl.contract_line_id = e.contract_line_id
left join master.dim_project p on p.project_id = e.project_id
"""
# facet -> the column that holds a case's value
FACETS: Mapping[str, str] = {
    "outcome": "outcome",
    "sev": "severity",
    "control": "control_id",
    "owner": "owner",
    "state": "state",
    "age": "age_code",
    "change": "change",
    "systems": "systems",
    "once": "once",
}
_MEMBER = {
    "LEGAL_ENTITY": "e.legal_entity_id",
    "CUSTOMER": "e.customer_id",
    "PRACTICE": "coalesce(cl.practice_id, p.practice_id)",
    "REGION": "coalesce(cl.region_id, p.region_id)",
}
AGES = ((30, "0-30"), (60, "31-60"), (90, "61-90"), (120, "91-120"))
OLDEST = ">120"
AGE_CODES = (*(code for _, code in AGES), OLDEST)
BLOCKING = ("S1", "S2")
LARGEST = 5


def _where(scope: Scope) -> tuple[str, tuple[str, ...]]:
    """What could not be judged for want of an input belongs to no member and stays in every scope."""
    if scope.grain == "FIRM":
        return "true", ()
    return f"({_MEMBER[scope.grain]} = ? or e.outcome = 'NOT_EVALUABLE')", (scope.member,)


_LIMITS = " ".join(f"when e.age_days <= {limit} then '{code}'" for limit, code in AGES)
AGE_CODE = f"case when e.age_days is null then null {_LIMITS} else '{OLDEST}' end"
_FOUND = f"""
with found as (
    select e.*, c.name as control_name, c.owner, c.systems, h.change,
        {AGE_CODE} as age_code,
        case when e.counted_in_headline then 'yes' else 'no' end as once
    {_PLACED}
    where {{where}}
),
shown as (
    select * from found where {{narrow}}
)
"""
# severity, amount, age
_READING_ORDER = "severity, amount_at_risk desc nulls last, age_days desc nulls last, exception_id"


def _asked(scope: Scope, facets: Facets | None = None) -> tuple[str, tuple[str, ...]]:
    """The CTEs of a scope's cases, ``found``, and of those that pass, ``shown``; and their parameters."""
    where, member = _where(scope)
    narrow, wanted = facets.condition() if facets else ("true", ())
    return _FOUND.format(where=where, narrow=narrow), (*member, *wanted)


def groups(scope: Scope) -> tuple[Row, ...]:
    """A scope's cases counted by everything a facet tells apart, with their amount at risk.

    A firm of thousands has hundreds of thousands of cases and a few hundred such groups.
    """
    sql, parameters = _asked(scope)
    told = ", ".join(FACETS.values())
    return data.rows(
        f"{sql} select {told}, control_name, count(*) as cases, sum(amount_at_risk) as amount "
        "from shown group by all order by all",
        *parameters,
    )


def listed(scope: Scope, facets: Facets, limit: int) -> tuple[Row, ...]:
    """The first cases that pass, in reading order: severity, amount, age; without their evidence."""
    sql, parameters = _asked(scope, facets)
    # what is wrong is taken out of the evidence of those that are listed, not of all
    return data.rows(
        f"{sql}, listed as (select * from shown order by {_READING_ORDER} limit {limit}) "
        "select exception_id, control_id, outcome, state, severity, legal_entity_id, customer_id, "
        "project_id, currency_code, value_a, value_b, difference, amount_at_risk, becomes_exception_on, "
        "age_days, json_extract_string(evidence, '$.what') as what, control_name, owner, change "
        f"from listed order by {_READING_ORDER}",
        *parameters,
    )


def passes(exception_id: str, scope: Scope, facets: Facets) -> bool:
    """Whether a case is of the scope and none of the facets hides it."""
    sql, parameters = _asked(scope, facets)
    return bool(data.rows(f"{sql} select 1 from shown where exception_id = ?", *parameters, exception_id))


def ids(scope: Scope, facets: Facets) -> Callable[[], list[str]]:
    """What asks for the ids of all cases that pass, later and in a thread that knows no session."""
    sql, parameters = _asked(scope, facets)
    publication = data.pinned()

    def ask() -> list[str]:
        found = data.uncached_rows(publication, f"{sql} select exception_id from shown", *parameters)
        return [str(r["exception_id"]) for r in found]

    return ask


def amount_once(scope: Scope, facets: Facets) -> Decimal:
    """Money at risk of the cases that pass, each risk once; see ``once``."""
    sql, parameters = _asked(scope, facets)
    found = data.row(
        f"""
        {sql},
        risks as (
            select greatest(max(amount_at_risk), 0) as amount
            from shown
            where amount_at_risk is not null
                and not coalesce(root_exception_id in (select exception_id from shown), false)
            group by risk_type, risk_object
        )
        select coalesce(sum(amount), 0) as amount from risks
        """,
        *parameters,
    )
    return Decimal(found["amount"]) if found else Decimal(0)


def median_age(scope: Scope) -> Decimal | None:
    """Of the open cases, in days."""
    sql, parameters = _asked(scope, Facets({"outcome": ("EXCEPTION",)}))
    found = data.row(f"{sql} select median(age_days)::decimal(18, 1) as age from shown", *parameters)
    return found["age"] if found else None


def in_all() -> int:
    """The cases of the whole firm, whatever came of them."""
    found = data.row("select count(*) as n from reconciliation.exception")
    return int(found["n"]) if found else 0


def caused_by(exception_id: str) -> tuple[Row, ...]:
    """The cases whose root this one is."""
    return data.rows(
        "select e.exception_id, e.control_id, c.name as control_name from reconciliation.exception e "
        "left join reconciliation.recon__control c on c.control_id = e.control_id "
        "where e.root_exception_id = ? order by e.exception_id",
        exception_id,
    )


def beside(case: Row) -> int:
    """Other open cases of the same control on the same project."""
    found = data.row(
        "select count(*) as n from reconciliation.exception where outcome = 'EXCEPTION' "
        "and control_id = ? and project_id = ? and project_id <> 'NONE' and exception_id <> ?",
        case["control_id"],
        case["project_id"],
        case["exception_id"],
    )
    return int(found["n"]) if found else 0


def one(exception_id: str) -> Row | None:
    """All of one case: its evidence, its control's texts, its history."""
    return data.row(
        "select e.*, c.name as control_name, c.owner, c.systems, c.rule, c.risk, c.fix, c.abs_tol, "
        "c.rel_tol, c.grace, c.grace_unit, h.first_seen_on, h.occurrences, h.is_new, h.change, "
        f"h.prior_amount_at_risk, h.change_of_amount {_PLACED} where e.exception_id = ?",
        exception_id,
    )


def weighty(scope: Scope) -> tuple[Row, ...]:
    """Open cases that matter on the overview: all blocking ones, and the largest the headline counts."""
    where, parameters = _where(scope)
    return data.rows(
        "select e.exception_id, e.control_id, e.severity, e.risk_type, e.risk_object, e.amount_at_risk, "
        "e.age_days, e.root_exception_id, e.counted_in_headline, c.name as control_name, c.owner, "
        f"json_extract_string(e.evidence, '$.what') as what {_PLACED} "
        f"where {where} and e.outcome = 'EXCEPTION' "
        f"qualify e.severity in ('S1', 'S2') or row_number() over (partition by e.counted_in_headline "
        f"order by e.amount_at_risk desc nulls last, e.exception_id) <= {LARGEST} "
        "order by e.amount_at_risk desc nulls last, e.exception_id",
        *parameters,
    )


def largest(found: Sequence[Row]) -> list[Row]:
    """Of the weighty cases the largest, each risk once."""
    return [r for r in found if r["counted_in_headline"]][:LARGEST]


def touching(found: Sequence[Row]) -> list[Row]:
    """Of the weighty cases the blocking ones, for the trust marks."""
    return [r for r in found if r["severity"] in BLOCKING]


def by_control(scope: Scope) -> tuple[Row, ...]:
    """Per control: open cases, blocking ones, and their amount with each risk once."""
    where, parameters = _where(scope)
    return data.rows(
        "select e.control_id, c.name as control_name, count(*) as cases, "
        "count(*) filter (where e.severity in ('S1', 'S2')) as blocking, "
        "coalesce(sum(e.amount_at_risk) filter (where e.counted_in_headline), 0) as amount "
        f"{_PLACED} where {where} and e.outcome = 'EXCEPTION' group by e.control_id, c.name "
        "order by amount desc, e.control_id",
        *parameters,
    )


def resolved() -> int:
    """Cases of the run before that this run no longer finds; whole firm."""
    found = data.row(
        "select count(*) as n from reconciliation.exception_history "
        "where change = 'RESOLVED' and prior_outcome = 'EXCEPTION'"
    )
    return int(found["n"]) if found else 0


def controls_run(scope: Scope) -> tuple[Row, ...]:
    """Every control that ran: the rows of the scope's entity, else of 'ALL', which are already the total."""
    entity = scope.member if scope.grain == "LEGAL_ENTITY" else "ALL"
    return data.rows(
        "select r.control_id, c.name, r.population_count as looked_at, r.pass_count as passed, "
        "r.pending_count as pending, r.exception_count as exceptions, "
        "r.not_evaluable_count as not_checked, r.exception_amount as amount, "
        "r.status = 'NOT_EVALUABLE' as incomplete "
        "from reconciliation.control_run r left join reconciliation.recon__control c using (control_id) "
        "where r.legal_entity_id = ? order by exceptions desc, r.control_id",
        entity,
    )


def once(found: Iterable[Row]) -> Decimal:
    """Money at risk in a list with each risk once: its largest amount, and none caused by another in it."""
    listed = list(found)
    here = {r["exception_id"] for r in listed}
    largest: dict[tuple[str | None, str | None], Decimal] = {}
    for r in listed:
        if r["amount_at_risk"] is None or r["root_exception_id"] in here:
            continue
        risk = (r["risk_type"], r["risk_object"])
        largest[risk] = max(largest.get(risk, Decimal(0)), Decimal(r["amount_at_risk"]))
    return sum(largest.values(), Decimal(0))


def count(found: Iterable[Row]) -> int:
    """Cases in groups."""
    return sum(int(r["cases"]) for r in found)


def total(found: Iterable[Row]) -> Decimal:
    """Sum of the amounts at risk in groups."""
    return sum((Decimal(r["amount"]) for r in found if r["amount"] is not None), Decimal(0))


@dataclass(frozen=True)
class Facets:
    """What the reader has chosen; a facet without a choice lets everything through."""

    chosen: Mapping[str, Sequence[str]]

    def admits(self, group: Row, without: str | None = None) -> bool:
        """Whether every facet with a choice (but ``without``) holds the group's value."""
        return all(
            not wanted or name == without or group[FACETS[name]] in wanted
            for name, wanted in self.chosen.items()
        )

    def shown(self, found: Iterable[Row]) -> list[Row]:
        """The groups that pass."""
        return [r for r in found if self.admits(r)]

    def counts(self, found: Iterable[Row], name: str) -> Counter[str]:
        """Cases per value of a facet under the choices of all others."""
        counted: Counter[str] = Counter()
        for r in found:
            if (value := r[FACETS[name]]) and self.admits(r, name):
                counted[value] += int(r["cases"])
        return counted

    def condition(self) -> tuple[str, tuple[str, ...]]:
        """The same of a case in SQL, and its parameters."""
        asked = {FACETS[name]: wanted for name, wanted in self.chosen.items() if wanted}
        narrow = [f"{column} in ({', '.join('?' * len(wanted))})" for column, wanted in asked.items()]
        return " and ".join(narrow) or "true", tuple(code for wanted in asked.values() for code in wanted)

    def words(self) -> str:
        """The choices, for the workbook's cover."""
        said = [f"{name} {', '.join(wanted)}" for name, wanted in self.chosen.items() if wanted]
        return "; ".join(said) or "everything"


def sentence(case: Row, currency: str, known: names.Names) -> str:
    """What is wrong with a case, what it is worth and since when, in plain words."""
    what = names.readable(case["what"] or case["control_name"] or case["control_id"], known).rstrip(".")
    amount = numbers.money(case["amount_at_risk"], currency)
    if case["outcome"] == "PENDING":
        return (
            f"{what}. Still within its grace; {amount} becomes an exception on "
            f"{numbers.day(case['becomes_exception_on'])}."
        )
    if case["outcome"] == "NOT_EVALUABLE":
        return f"{what}. It could not be checked, so nothing is known here: neither good nor bad."
    if case["amount_at_risk"] is None:
        return f"{what}."
    since = numbers.day(case["becomes_exception_on"])
    return f"{what}. {amount} at risk since {since}, {numbers.days(case['age_days'])}."


def evidence(case: Row) -> dict[str, Any]:
    """The case's evidence as fields."""
    return dict(json.loads(case["evidence"])) if case["evidence"] else {}
