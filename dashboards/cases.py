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


def load(scope: Scope) -> tuple[Row, ...]:
    """The cases of a scope in reading order: severity, amount, age; without their evidence."""
    where, parameters = _where(scope)
    return data.rows(
        "select e.exception_id, e.control_id, e.grain_key, e.outcome, e.state, e.severity, e.break_type, "
        "e.risk_type, e.risk_object, e.legal_entity_id, e.customer_id, e.project_id, e.contract_id, "
        "e.contract_line_id, e.currency_code, e.value_a, e.value_b, e.difference, e.amount_at_risk, "
        "e.amount_at_risk_tc, e.becomes_exception_on, e.age_days, e.root_exception_id, "
        "e.counted_in_headline, json_extract_string(e.evidence, '$.what') as what, c.name as control_name, "
        f"c.owner, c.systems, h.change, h.is_new {_PLACED} where {where} "
        "order by e.severity, e.amount_at_risk desc nulls last, e.age_days desc nulls last, e.exception_id",
        *parameters,
    )


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


def headline(found: Iterable[Row]) -> Decimal:
    """Money at risk with each risk once: the rows the warehouse counts."""
    return total(r for r in found if r["outcome"] == "EXCEPTION" and r["counted_in_headline"])


def total(found: Iterable[Row]) -> Decimal:
    """Sum of the amounts at risk."""
    return sum((Decimal(r["amount_at_risk"]) for r in found if r["amount_at_risk"] is not None), Decimal(0))


def age_bucket(age: int | None) -> str | None:
    """The age's bucket in days; None without an age."""
    if age is None:
        return None
    return next((code for limit, code in AGES if age <= limit), OLDEST)


# facet -> the value of a case
FACETS: Mapping[str, Callable[[Row], str | None]] = {
    "outcome": lambda r: r["outcome"],
    "sev": lambda r: r["severity"],
    "control": lambda r: r["control_id"],
    "owner": lambda r: r["owner"],
    "state": lambda r: r["state"],
    "age": lambda r: age_bucket(r["age_days"]),
    "change": lambda r: r["change"],
    "systems": lambda r: r["systems"],
    "once": lambda r: "yes" if r["counted_in_headline"] else "no",
}


@dataclass(frozen=True)
class Facets:
    """What the reader has chosen; a facet without a choice lets everything through."""

    chosen: Mapping[str, Sequence[str]]

    def admits(self, case: Row, without: str | None = None) -> bool:
        """Whether every facet with a choice (but ``without``) holds the case's value."""
        return all(
            not wanted or name == without or FACETS[name](case) in wanted
            for name, wanted in self.chosen.items()
        )

    def shown(self, found: Iterable[Row]) -> list[Row]:
        """The cases that pass."""
        return [r for r in found if self.admits(r)]

    def counts(self, found: Iterable[Row], name: str) -> Counter[str]:
        """Cases per value of a facet under the choices of all others."""
        return Counter(value for r in found if self.admits(r, name) and (value := FACETS[name](r)))

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
