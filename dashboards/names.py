"""What keys and codes are called: names of the dimensions, words for codes, sentences without raw keys."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import partial

from dashboards import data, numbers

SYSTEMS = {
    "salesforce": "Salesforce",
    "certinia": "Certinia",
    "bamboohr": "BambooHR",
    "docusign": "DocuSign",
    "netsuite": "NetSuite",
}
ROLES = {
    "RevAcct": "Revenue accounting",
    "ResourceMgr": "Resource management",
    "DeliveryMgr": "Delivery management",
    "PMO": "Project office",
    "IntegrationOps": "Integration operations",
    "DealDesk": "Deal desk",
    "MasterData": "Master data",
}
OUTCOMES = {
    "EXCEPTION": "Open",
    "PENDING": "Within grace",
    "NOT_EVALUABLE": "Could not be checked",
    "WAIVED": "Waived",
}
SEVERITIES = {"S1": "S1 critical", "S2": "S2 high", "S3": "S3 medium", "S4": "S4 low"}
CHANGES = {"NEW": "New", "SAME": "Same", "WORSE": "Worse", "BETTER": "Better", "REOPENED": "Reopened"}
BREAKS = {
    "MISSING_IN_A": "missing on side A",
    "MISSING_IN_B": "missing on side B",
    "AMOUNT_DIFFERS": "amount differs",
    "ATTRIBUTE_DIFFERS": "attribute differs",
    "KEY_DIFFERS": "key differs",
    "DATE_DIFFERS": "date differs",
    "DUPLICATE": "duplicate",
    "ORPHAN": "no matching record",
    "STALE": "stale",
}
MOVEMENTS = {
    "opening_balance": "Carried over",
    "booked": "Signed",
    "amended": "Scope change",
    "recognised": "Delivered",
    "expected": "Expected by method",
    "cancelled": "Cancelled",
    "completed_under_run": "Closed under value",
    "closure_timing": "Closure timing",
    "beyond_value": "Beyond value",
    "fx_translation": "Exchange rates",
    "labour_cost": "Labour",
    "subcontractor_accrual": "Subcontractors, accrued",
    "subcontractor_reversal": "Subcontractors, accrual reversed",
    "subcontractor_accrual_released": "Subcontractors, accrual released",
    "subcontractor_bill": "Subcontractors, billed",
    "subcontractor_cost": "Subcontractors, billed",
    "billed": "Invoiced",
    "credited": "Credited",
    "expense_cost": "Expenses",
    "ar_opened": "Invoiced",
    "invoiced": "Invoiced",
    "received": "Received",
    "collected": "Collected",
    "credits_applied": "Credits applied",
    "performed": "Done and approved",
    "wip_billed": "Invoiced",
    "reopened_by_credit_note": "Reopened by a credit",
    "multiple_billing": "Invoiced more than once",
    "released": "Earned",
    "made_unconditional": "Became owed",
    "netting_reclass": "Contracts that changed sides",
    "balance": "Balance",
    "lag": "Days taken",
    "too_late": "Days taken, too long",
    "waits_contract": "Waits for a contract",
    "waits_project": "Waits for a project",
    "waits_staffing": "Waits for people",
    "waits_first_work": "Waits for first work",
    "waits_invoice": "Waits to be invoiced",
    "waits_cash": "Waits to be paid",
    "hours": "Hours",
    "time": "Time",
    "expense": "Expense",
    "milestone": "Milestone",
    "deal": "Deal",
    "planned": "Planned",
    "ACTUAL": "Earned",
    "SCHEDULED": "Firmly booked",
    "TENTATIVE": "Tentatively booked",
    "UNSCHEDULED": "Signed, not scheduled",
    "PIPELINE": "Pipeline, weighted",
    "PLAN": "Plan",
    "invoice": "Invoice",
    "item": "Billing item",
}
STAGES = {
    "t1_t2": "Won to contract",
    "t1_t3": "Won to project",
    "t3_t4": "Ready to staffed",
    "t4_t5": "Staffed to first work",
    "t6_t7": "Approved to billable",
    "t7_t8": "Billable to invoiced",
    "t6_t9": "Work to revenue posted",
    "t8_t10": "Invoiced to paid",
}
CASH_STAGES = ("t8_t10",)

CODES = {
    "TM": "time and materials",
    "TM_CAPPED": "time and materials with a cap",
    "FIXED_MILESTONE": "fixed price by milestones",
    "FIXED_POC": "fixed price by progress",
    "RETAINER": "retainer",
    "EXPENSE": "expenses",
}
# systems whose keys tell the kind of record; an ERP's number may stand for a customer and for a contract
_TELLING = ("salesforce", "certinia", "bamboohr")

_CODE = re.compile(r"\b(" + "|".join(sorted(CODES, key=len, reverse=True)) + r")\b")
_KEY = re.compile(r"\b(" + "|".join(SYSTEMS) + r"):([a-z0-9_]+):([A-Za-z0-9_.\-]*[A-Za-z0-9])")
# a sentence that compares legal entities: the one place where an ERP's bare key tells its kind
_OF_ENTITIES = re.compile(r"\bentity is ")
_NUMBER = re.compile(r"(?<![\w.\-])(-?\d+\.\d{4,})(?![\w.])")
_DAY = re.compile(r"\b(\d{4}-\d{2}-\d{2})(?:[ T][\d:.+Z]+)?\b")

_NAMES = """
select 'legal_entity' as kind, legal_entity_id as key,
    entity_code || ' · ' || name as name from master.dim_legal_entity
union all
select 'customer', customer_id, name from master.dim_customer
union all
select 'project', project_id, coalesce(project_number || ' ' || name, project_id) from master.dim_project
union all
select 'contract_line', contract_line_id, coalesce(contract_number || ' / ' || line_number, contract_line_id)
from master.dim_contract_line
union all
select distinct 'contract', contract_id, contract_number from master.dim_contract_line
where contract_id is not null
union all
select 'resource', r.resource_id, coalesce(p.name, r.employee_number, r.resource_id)
from master.dim_resource r left join master.master__personal p on p.key = r.display_name_key
union all
select 'resource', r.psa_resource_id, coalesce(p.name, r.employee_number, r.psa_resource_id)
from master.dim_resource r left join master.master__personal p on p.key = r.display_name_key
where r.psa_resource_id is not null
"""


Names = dict[tuple[str, str], str]


def names() -> Names:
    """(kind, key) -> name. The kind belongs to it: the ERP numbers each kind of record from one."""
    return {(r["kind"], r["key"]): r["name"] for r in data.rows(_NAMES) if r["name"]}


def of_key(kind: str, key: str | None, known: Names) -> str:
    """What a key is called: its name, else the record in its system, else an en dash."""
    if key is None or key in ("NONE", "ALL", "NA", ""):
        return numbers.NO_VALUE
    if (kind, key) in known:
        return known[kind, key]
    if key.startswith("UNMAPPED:"):
        return f"No match for {of_key(kind, key.removeprefix('UNMAPPED:'), known)}"
    found = _KEY.fullmatch(key)
    return _record(found, known) if found else key


def _record(found: re.Match[str], known: Names) -> str:
    """The name where the key alone is enough to know it, else the record: ``NetSuite 1074``."""
    system, instance, native = found.groups()
    if system in _TELLING:
        for kind in ("project", "resource"):
            if (kind, found.group(0)) in known:
                return known[kind, found.group(0)]
    place = SYSTEMS[system] if instance == "main" else f"{SYSTEMS[system]} ({instance})"
    return f"{place} {native}"


def readable(text: str, known: Names) -> str:
    """A sentence of a control with names for keys, trimmed numbers and written-out dates."""
    if _OF_ENTITIES.search(text):
        text = _KEY.sub(lambda found: of_key("legal_entity", found.group(0), known), text)
    text = _KEY.sub(partial(_record, known=known), text)
    text = _DAY.sub(lambda found: _day(found.group(1)), text)
    text = _CODE.sub(lambda found: CODES[found.group(0)], text)
    return _NUMBER.sub(lambda found: _trimmed(found.group(1)), text)


def _day(text: str) -> str:
    try:
        return numbers.day(date.fromisoformat(text))
    except ValueError:
        return text


def _trimmed(text: str) -> str:
    """Four decimals are money and keep two; more are quantities and keep what is not zero."""
    value = Decimal(text)
    return f"{value:,.2f}" if len(text.split(".")[1]) == 4 else numbers.quantity(value)


def role(code: str | None) -> str:
    """An owner's role in words."""
    if not code:
        return "Not assigned"
    return ROLES.get(code) or re.sub(r"(?<=[a-z])(?=[A-Z])", " ", code)


def slug(text: str) -> str:
    """A label as a key: ``Blocking (S1, S2)`` is ``blocking_s1_s2``."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")


def joined_words(words: Sequence[str]) -> str:
    """``A``, ``A and B``, ``A, B and C``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def movement(kind: str) -> str:
    """A kind of movement in words."""
    return MOVEMENTS.get(kind) or kind.replace("_", " ").capitalize()


def system(code: str | None) -> str:
    """A system in words."""
    return numbers.NO_VALUE if not code else SYSTEMS.get(code, code)


def field(name: str) -> str:
    """A field's name as a label: ``first_work_date`` is ``First work date``."""
    return name.removesuffix("_id").replace("_", " ").capitalize()
