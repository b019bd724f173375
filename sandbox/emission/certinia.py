"""PSA records: resources, projects, staffing, time, expenses, milestones, billing events, budgets."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.emission.context import (
    PSA_METHODS,
    WEEKDAYS,
    ZERO,
    Context,
    emission_id,
    instant,
    latest,
    night_after,
    working_day_before,
)
from sandbox.emission.table import Change, Table, describe
from sandbox.firm.calendar import DAY
from sandbox.firm.state import Assignment, Expense, Project, Timecard, Worker

DAY_FIELDS = tuple(f"pse__{day}_Hours__c" for day in WEEKDAYS)
_DAYS = ", ".join(f"{name} hours" for name in DAY_FIELDS)
FIXED = ("FIXED_MILESTONE", "FIXED_POC", "RETAINER")
RECOGNITION = {
    "TM": "Deliverable",
    "TM_CAPPED": "Deliverable",
    "FIXED_MILESTONE": "Milestone",
    "FIXED_POC": "% Complete",
    "RETAINER": "Straight Line",
    "EXPENSE": "Deliverable",
}
# Time may be entered this long after an assignment has ended.
CLOSING = timedelta(days=21)

CONTACT = describe(
    "Contact",
    "Contact",
    "Id",
    """Id id, Name text, Email email, pse__Is_Resource__c bool, pse__Is_Resource_Active__c bool*
    pse__Resource_Role__c pick, pse__External_Resource__c bool, pse__Region__c ref
    pse__Practice__c ref, pse__Group__c ref, pse__Start_Date__c date, pse__Last_Date__c date*
    pse__ERP_Worker_Correlation_Id__c text, CurrencyIsoCode pick, Legal_Entity__c text
    CreatedDate ts""",
)
_ORG = "Id id, Name text, Code__c text, CreatedDate ts"
REGION = describe("pse__Region__c", "Region", "Id", _ORG)
PRACTICE = describe("pse__Practice__c", "Practice", "Id", _ORG)
GROUP = describe("pse__Grp__c", "Group", "Id", _ORG)
WORK_CALENDAR = describe("pse__Work_Calendar__c", "Work Calendar", "Id", "Id id, Name text, CreatedDate ts")
HOLIDAY = describe(
    "pse__HolidayObj__c",
    "Holiday",
    "Id",
    "Id id, Name text, pse__Work_Calendar__c ref, pse__Date__c date",
)
PROJECT = describe(
    "pse__Proj__c",
    "Project",
    "Id",
    """Id id, Name text, pse__Project_ID__c text, pse__Account__c ref, pse__Opportunity__c ref
    pse__Project_Manager__c ref, pse__Region__c ref, pse__Practice__c ref, pse__Group__c ref
    pse__Billing_Type__c pick, pse__Is_Billable__c bool, pse__Is_Active__c bool*
    pse__Is_Template__c bool, pse__Stage__c pick*, pse__Project_Type__c pick
    pse__Start_Date__c date, pse__End_Date__c date, pse__Planned_Hours__c hours
    pse__Recognition_Method__c pick, pse__Bookings__c money~, pse__Billed__c money~
    pse__Invoiced__c money~, pse__Revenue__c money~, CurrencyIsoCode pick, Legal_Entity__c text
    ERP_Contract_Line__c text*, ERP_Expense_Line__c text*, Billing_Method__c pick
    Billing_Cap__c money*, Service_Line_Code__c text, Budget_Revenue__c money*, Budget_Cost__c money
    EAC_Cost__c money*, EAC_Hours__c hours*, EAC_Updated_On__c date*, Activated_At__c ts*
    Closed_At__c ts*, CreatedDate ts""",
)
MILESTONE = describe(
    "pse__Milestone__c",
    "Milestone",
    "Id",
    """Id id, Name text, pse__Project__c ref, pse__Milestone_Amount__c money, pse__Status__c pick*
    pse__Target_Date__c date, pse__Actual_Date__c date*, Accepted_On__c date*
    pse__Requires_Customer_Sign_off__c bool, pse__Approved__c bool*
    pse__Approved_for_Billing__c bool*, pse__Exclude_from_Billing__c bool, pse__Billed__c bool*
    pse__Invoiced__c bool*, pse__Invoice_Number__c text*, pse__Invoice_Date__c date*
    CurrencyIsoCode pick, CreatedDate ts""",
)
SCHEDULE = describe(
    "pse__Schedule__c",
    "Schedule",
    "Id",
    f"Id id, pse__Start_Date__c date, pse__End_Date__c date, {_DAYS}, pse__Scheduled_Hours__c hours",
)
ASSIGNMENT = describe(
    "pse__Assignment__c",
    "Assignment",
    "Id",
    """Id id, pse__Project__c ref, pse__Resource__c ref, pse__Schedule__c ref, pse__Role__c text
    pse__Status__c pick*, pse__Bill_Rate__c money, pse__Is_Billable__c bool
    pse__Planned_Hours__c hours, pse__Start_Date__c date~, pse__End_Date__c date~
    pse__Scheduled_Hours__c hours~, pse__Closed_for_Time_Entry__c bool*, CurrencyIsoCode pick
    CreatedDate ts""",
)
REQUEST = describe(
    "pse__Resource_Request__c",
    "Resource Request",
    "Id",
    """Id id, pse__Project__c ref, pse__Opportunity__c ref, pse__Assignment__c ref*
    pse__Resource_Role__c pick, pse__Status__c pick*, pse__Requested_Bill_Rate__c money
    pse__SOW_Hours__c hours, pse__Start_Date__c date, pse__End_Date__c date, CreatedDate ts""",
)
HEADER = describe(
    "pse__Timecard_Header__c",
    "Timecard",
    "Id",
    f"""Id id, pse__Project__c ref, pse__Assignment__c ref, pse__Resource__c ref, pse__Approver__c ref
    pse__Start_Date__c date, pse__End_Date__c date, pse__Status__c pick*, {_DAYS}
    pse__Billable__c bool, pse__Submitted__c bool*, pse__Approved__c bool*, pse__Bill_Rate__c money
    pse__External_Resource__c bool, Submitted_At__c ts*, Approved_At__c ts*, CurrencyIsoCode pick
    CreatedDate ts""",
)
SPLIT = describe(
    "pse__Timecard__c",
    "Timecard Split",
    "Id",
    f"""Id id, pse__Timecard_Header__c ref, pse__Project__c ref, pse__Assignment__c ref
    pse__Resource__c ref, pse__Start_Date__c date, pse__End_Date__c date, {_DAYS}
    pse__Total_Hours__c hours, pse__Total_Billable_Amount__c money, pse__Total_Cost__c money
    pse__Billable__c bool, pse__Status__c pick*, pse__Billed__c bool*, pse__Invoiced__c bool*
    pse__Invoice_Number__c text*, CurrencyIsoCode pick, CreatedDate ts""",
)
REPORT = describe(
    "pse__Expense_Report__c",
    "Expense Report",
    "Id",
    """Id id, Name text, pse__Project__c ref, pse__Resource__c ref, pse__Status__c pick*
    pse__First_Expense_Date__c date, pse__Last_Expense_Date__c date
    pse__Total_Billable_Amount__c money, Submitted_At__c ts*, Approved_At__c ts*
    CurrencyIsoCode pick, CreatedDate ts""",
)
EXPENSE = describe(
    "pse__Expense__c",
    "Expense",
    "Id",
    """Id id, pse__Expense_Report__c ref, pse__Project__c ref, pse__Resource__c ref
    pse__Expense_Date__c date, pse__Type__c pick, pse__Amount__c money, pse__Billing_Amount__c money
    pse__Billing_Currency__c text, pse__Reimbursement_Amount__c money
    pse__Reimbursement_Currency__c text, pse__Incurred_Tax__c money, pse__Billable__c bool
    pse__Status__c pick*, CurrencyIsoCode pick, CreatedDate ts""",
)
EVENT = describe(
    "pse__Billing_Event__c",
    "Billing Event",
    "Id",
    """Id id, pse__Project__c ref, pse__Date__c date, pse__Status__c pick*, pse__Is_Released__c bool*
    pse__Invoiced__c bool*, pse__Invoice_Number__c text*, pse__Invoice_Date__c date*
    pse__Summary_Amount__c money, CurrencyIsoCode pick, CreatedDate ts""",
)
EVENT_ITEM = describe(
    "pse__Billing_Event_Item__c",
    "Billing Event Item",
    "Id",
    """Id id, pse__Billing_Event__c ref, pse__Category__c pick, pse__Object_Id__c text
    pse__Amount__c money, pse__Quantity__c rate, pse__Unit_Price__c money
    pse__Timecard_Split__c ref, pse__Expense__c ref, pse__Milestone__c ref, CurrencyIsoCode pick
    CreatedDate ts""",
)
RATE_CARD = describe(
    "pse__Rate_Card__c",
    "Rate Card",
    "Id",
    """Id id, pse__Account__c ref, pse__Region__c ref, pse__Practice__c ref, pse__Role__c pick
    pse__Start_Date__c date, pse__End_Date__c date, pse__Suggested_Bill_Rate__c money
    pse__Average_Cost_Rate__c money, CurrencyIsoCode pick""",
)
BUDGET = describe(
    "pse__Budget__c",
    "Budget",
    "Id",
    """Id id, pse__Project__c ref, pse__Type__c pick, pse__Status__c pick, pse__Amount__c money
    pse__Effective_Date__c date, ERP_Amendment__c text, CurrencyIsoCode pick, CreatedDate ts""",
)


def emit(context: Context) -> list[Table]:
    """The PSA's objects."""
    headers, splits = _time(context)
    reports, expenses = _expenses(context)
    drafts = _Drafts(context)
    drafts.timecard(headers, splits)
    drafts.expenses(reports, expenses)
    return [
        _contacts(context),
        *_reference(context),
        *_projects(context),
        _milestones(context),
        *_staffing(context),
        headers,
        splits,
        reports,
        expenses,
        *_events(context),
    ]


def _born(context: Context) -> datetime:
    """When the systems were set up: before the first record of the firm."""
    return instant(context.firm.start - timedelta(days=90), 9)


def _reference(context: Context) -> list[Table]:
    born = _born(context)
    org = {kind: Table(spec) for kind, spec in (("region", REGION), ("practice", PRACTICE), ("group", GROUP))}
    for item in context.firm.org:
        org[item.kind].record(
            born, {"Id": item.psa_id, "Name": item.name, "Code__c": item.code, "CreatedDate": born}
        )
    calendars, holidays, cards = Table(WORK_CALENDAR), Table(HOLIDAY), Table(RATE_CARD)
    number = 0
    for entity in context.firm.entities.values():
        calendars.record(born, {"Id": entity.calendar_id, "Name": entity.code, "CreatedDate": born})
        for day, name in sorted(entity.holidays.items()):
            number += 1
            holidays.record(
                born,
                {
                    "Id": emission_id("holiday", number),
                    "Name": name,
                    "pse__Work_Calendar__c": entity.calendar_id,
                    "pse__Date__c": day,
                },
            )
    for card in context.firm.rate_cards:
        cards.record(
            born,
            {
                "Id": card["card_id"],
                "pse__Account__c": card["account_id"],
                "pse__Region__c": context.org_id("region", str(card["region"])),
                "pse__Practice__c": context.org_id("practice", str(card["practice"])),
                "pse__Role__c": card["role"],
                "pse__Start_Date__c": card["start"],
                "pse__End_Date__c": card["end"],
                "pse__Suggested_Bill_Rate__c": card["bill_rate"],
                "pse__Average_Cost_Rate__c": card["cost_rate"],
                "CurrencyIsoCode": card["currency"],
            },
        )
    return [*org.values(), calendars, holidays, cards]


def _contacts(context: Context) -> Table:
    table = Table(CONTACT)
    for worker in context.firm.workers:
        changes: list[Change] = []
        if worker.term_date is not None and worker.termination_known_at is not None:
            known = worker.termination_known_at
            changes.append((known, {"pse__Last_Date__c": worker.term_date}))
            ended = night_after(instant(worker.term_date, 12), worker.contact_id)
            changes.append((max(ended, known), {"pse__Is_Resource_Active__c": False}))
        table.record(
            worker.psa_at,
            {
                "Id": worker.contact_id,
                "Name": f"{worker.first_name} {worker.last_name}",
                "Email": email(worker),
                "pse__Is_Resource__c": True,
                "pse__Is_Resource_Active__c": True,
                "pse__Resource_Role__c": worker.role,
                "pse__External_Resource__c": worker.worker_type == "CONTRACTOR",
                "pse__Region__c": context.org_id("region", worker.region),
                "pse__Practice__c": context.org_id("practice", worker.practice),
                "pse__Group__c": context.org_id("group", worker.group),
                "pse__Start_Date__c": worker.hire_date,
                "pse__ERP_Worker_Correlation_Id__c": worker.employee_number,
                "CurrencyIsoCode": context.entity_currency(worker.entity),
                "Legal_Entity__c": worker.entity,
                "CreatedDate": worker.psa_at,
            },
            changes,
        )
    # The customers' own people stand in the same object and are no resources.
    for account in context.firm.accounts:
        table.record(
            account.created_at,
            {
                "Id": emission_id("contact", account.n),
                "Name": f"Accounts Payable {account.n}",
                "Email": f"payables@customer{account.n}.example",
                "pse__Is_Resource__c": False,
                "pse__Is_Resource_Active__c": False,
                "pse__External_Resource__c": False,
                "CurrencyIsoCode": account.currency,
                "CreatedDate": account.created_at,
            },
        )
    return table


def email(worker: Worker) -> str:
    """The address of a worker; contractors write from elsewhere."""
    domain = "northgate.example" if worker.worker_type == "EMPLOYEE" else "contractors.example"
    return f"{worker.first_name}.{worker.last_name}.{worker.n}@{domain}".lower()


def _projects(context: Context) -> tuple[Table, Table]:
    table, budgets = Table(PROJECT), Table(BUDGET)
    rollups: dict[str, list[tuple[datetime, str, Decimal]]] = defaultdict(list)
    for event in context.events:
        for at, sign in ((event.flagged_at, 1), (event.reversed_at, -1)):
            if at is not None:
                rollups[event.project.project_id].append((at, "pse__Billed__c", sign * event.amount))
                rollups[event.project.project_id].append((at, "pse__Invoiced__c", sign * event.amount))
    for entry in context.firm.revenue:
        owner = context.projects_by_line.get(entry.line.line_key)
        if owner is not None:
            at = night_after(entry.posted_at, entry.row_id)
            rollups[owner.project_id].append((at, "pse__Revenue__c", entry.amount))
    numbers = iter(range(1, 1_000_000))
    for project in context.firm.projects:
        changes = _project_changes(project)
        totals = {"pse__Billed__c": ZERO, "pse__Invoiced__c": ZERO, "pse__Revenue__c": ZERO}
        for at, name, amount in sorted(rollups[project.project_id], key=lambda item: item[0]):
            totals[name] += amount
            changes.append((at, {name: totals[name]}))
        table.record(project.created_at, _project_values(context, project), changes)
        _budgets(project, budgets, numbers)
    return table, budgets


def _project_values(context: Context, project: Project) -> dict[str, Any]:
    return {
        "Id": project.project_id,
        "Name": project.name,
        "pse__Project_ID__c": project.number,
        "pse__Account__c": project.account.account_id if project.account else None,
        "pse__Opportunity__c": project.deal.opp_id if project.deal else None,
        "pse__Project_Manager__c": project.manager.contact_id if project.manager else None,
        "pse__Region__c": context.org_id("region", project.region),
        "pse__Practice__c": context.org_id("practice", project.practice),
        "pse__Group__c": context.org_id("group", project.group),
        "pse__Billing_Type__c": "Fixed Price" if project.billing_method in FIXED else "Time and Materials",
        "pse__Is_Billable__c": project.is_billable,
        "pse__Is_Template__c": project.is_template,
        "pse__Project_Type__c": project.project_type,
        "pse__Start_Date__c": project.start,
        "pse__End_Date__c": project.end,
        "pse__Planned_Hours__c": project.planned_hours,
        "pse__Recognition_Method__c": RECOGNITION[project.billing_method],
        "pse__Bookings__c": project.budget_revenue,
        "pse__Billed__c": ZERO,
        "pse__Invoiced__c": ZERO,
        "pse__Revenue__c": ZERO,
        "CurrencyIsoCode": project.currency,
        "Legal_Entity__c": project.entity,
        "Billing_Method__c": PSA_METHODS[project.billing_method],
        "Billing_Cap__c": project.cap,
        "Service_Line_Code__c": project.service_line_code,
        "Budget_Revenue__c": project.budget_revenue,
        "Budget_Cost__c": project.budget_cost,
        **_estimate(*project.estimates[0][1]),
        "CreatedDate": project.created_at,
        **_stage(project.stages[0][1]),
    }


def _stage(stage: str) -> dict[str, Any]:
    return {"pse__Stage__c": stage, "pse__Is_Active__c": stage not in ("Completed", "Canceled")}


def _estimate(made_on: date, cost: Decimal, hours: Decimal) -> dict[str, Any]:
    return {"EAC_Cost__c": cost, "EAC_Hours__c": hours, "EAC_Updated_On__c": made_on}


def _project_changes(project: Project) -> list[Change]:
    changes: list[Change] = [(at, _estimate(*told)) for at, told in project.estimates[1:]]
    activated = False
    for at, stage in project.stages:
        change = _stage(stage)
        if stage == "In Progress" and not activated:
            change["Activated_At__c"] = at
            activated = True
        if stage in ("Completed", "Canceled"):
            change["Closed_At__c"] = at
        changes.append((at, change))
    if project.linked_at is not None:
        lines = {
            "ERP_Contract_Line__c": project.line.line_key if project.line else None,
            "ERP_Expense_Line__c": project.expense_line.line_key if project.expense_line else None,
        }
        changes.append((project.linked_at, lines))
    for at, revenue, cap, _ in project.budget_changes:
        changed = {"Budget_Revenue__c": revenue, "pse__Bookings__c": revenue, "Billing_Cap__c": cap}
        changes.append((at, changed))
    return changes


def _budgets(project: Project, table: Table, numbers: Any) -> None:
    if project.is_template:
        return
    rows: list[tuple[datetime, str, Decimal, str | None]] = [
        (
            project.created_at,
            "Customer Purchase Order" if project.is_billable else "Internal Budget",
            project.budget_revenue,
            None,
        )
    ]
    before = project.budget_revenue
    for at, revenue, _, change in project.budget_changes:
        rows.append((at, "Change Request", revenue - before, change))
        before = revenue
    for at, kind, amount, amendment in rows:
        table.record(
            at,
            {
                "Id": emission_id("budget", next(numbers)),
                "pse__Project__c": project.project_id,
                "pse__Type__c": kind,
                "pse__Status__c": "Approved",
                "pse__Amount__c": amount,
                "pse__Effective_Date__c": at.date(),
                "ERP_Amendment__c": amendment,
                "CurrencyIsoCode": project.currency,
                "CreatedDate": at,
            },
        )


def _milestones(context: Context) -> Table:
    table = Table(MILESTONE)
    ended = {
        item.project_id: at
        for item in context.firm.projects
        for at, stage in item.stages
        if stage == "Canceled"
    }
    for item in context.firm.milestones:
        changes: list[Change] = []
        if item.completed_at is not None:
            completed = {"pse__Status__c": "Open", "pse__Actual_Date__c": item.completed_on}
            changes.append((item.completed_at, completed))
        if item.accepted_at is not None:
            accepted = {
                "pse__Status__c": "Approved",
                "Accepted_On__c": item.accepted_on,
                "pse__Approved__c": True,
                "pse__Approved_for_Billing__c": True,
            }
            changes.append((item.accepted_at, accepted))
        elif item.project.project_id in ended:
            changes.append((ended[item.project.project_id], {"pse__Status__c": "Canceled"}))
        for at, billed, number, on in context.flags.get(item.milestone_id, ()):
            flags = {
                "pse__Billed__c": billed,
                "pse__Invoiced__c": billed,
                "pse__Invoice_Number__c": number,
                "pse__Invoice_Date__c": on,
            }
            changes.append((at, flags))
        table.record(
            item.created_at,
            {
                "Id": item.milestone_id,
                "Name": item.name,
                "pse__Project__c": item.project.project_id,
                "pse__Milestone_Amount__c": item.amount,
                "pse__Status__c": "Planned",
                "pse__Target_Date__c": item.target,
                "pse__Requires_Customer_Sign_off__c": item.requires_acceptance,
                "pse__Approved__c": False,
                "pse__Approved_for_Billing__c": False,
                "pse__Exclude_from_Billing__c": False,
                "pse__Billed__c": False,
                "pse__Invoiced__c": False,
                "CurrencyIsoCode": item.project.currency,
                "CreatedDate": item.created_at,
            },
            changes,
        )
    return table


def scheduled_hours(assignment: Assignment) -> Decimal:
    """Hours of the weekly pattern from start to end, holidays included as the vendor's schedule has them."""
    whole, rest = divmod((assignment.end - assignment.start).days + 1, 7)
    total = whole * sum(assignment.day_hours, ZERO)
    for offset in range(rest):
        total += assignment.day_hours[(assignment.start.weekday() + offset) % 7]
    return total


def _staffing(context: Context) -> tuple[Table, Table, Table]:
    schedules, assignments, requests = Table(SCHEDULE), Table(ASSIGNMENT), Table(REQUEST)
    for item in context.firm.assignments:
        hours = scheduled_hours(item)
        schedules.record(
            item.created_at,
            {
                "Id": item.schedule_id,
                "pse__Start_Date__c": item.start,
                "pse__End_Date__c": item.end,
                "pse__Scheduled_Hours__c": hours,
                **dict(zip(DAY_FIELDS, item.day_hours, strict=True)),
            },
        )
        changes: list[Change] = []
        if item.booking == "HARD":
            closing = night_after(instant(item.end + CLOSING, 12), item.assignment_id)
            closed = {"pse__Status__c": "Closed", "pse__Closed_for_Time_Entry__c": True}
            changes.append((max(closing, item.created_at), closed))
        assignments.record(
            item.created_at,
            {
                "Id": item.assignment_id,
                "pse__Project__c": item.project.project_id,
                "pse__Resource__c": item.worker.contact_id,
                "pse__Schedule__c": item.schedule_id,
                "pse__Role__c": item.role,
                "pse__Status__c": "Scheduled" if item.booking == "HARD" else "Tentative",
                "pse__Bill_Rate__c": item.bill_rate,
                "pse__Is_Billable__c": item.billable,
                "pse__Planned_Hours__c": hours,
                "pse__Start_Date__c": item.start,
                "pse__End_Date__c": item.end,
                "pse__Scheduled_Hours__c": hours,
                "pse__Closed_for_Time_Entry__c": False,
                "CurrencyIsoCode": item.project.currency,
                "CreatedDate": item.created_at,
            },
            changes,
        )
        if not item.project.is_billable:
            continue
        asked = min(item.created_at, max(item.project.created_at, working_day_before(item.created_at)))
        requests.record(
            asked,
            {
                "Id": item.request_id,
                "pse__Project__c": item.project.project_id,
                "pse__Opportunity__c": item.project.deal.opp_id if item.project.deal else None,
                "pse__Resource_Role__c": item.role,
                "pse__Status__c": "Ready to Staff",
                "pse__Requested_Bill_Rate__c": item.bill_rate,
                "pse__SOW_Hours__c": hours,
                "pse__Start_Date__c": item.start,
                "pse__End_Date__c": item.end,
                "CreatedDate": asked,
            },
            [
                (
                    item.created_at,
                    {
                        "pse__Assignment__c": item.assignment_id,
                        "pse__Status__c": "Assigned" if item.booking == "HARD" else "Tentative",
                    },
                )
            ],
        )
    return schedules, assignments, requests


def _card_states(card: Timecard) -> list[tuple[datetime, str]]:
    states = [(card.submitted_at, "Submitted")]
    if card.rejected_at is not None:
        states.append((card.rejected_at, "Rejected"))
    if card.approved_at is not None:
        states.append((card.approved_at, "Approved"))
    return states


def _time(context: Context) -> tuple[Table, Table]:
    headers, splits = Table(HEADER), Table(SPLIT)
    for card in context.firm.timecards:
        states = _card_states(card)
        changes: list[Change] = [
            (
                at,
                {
                    "pse__Status__c": status,
                    "pse__Submitted__c": status != "Rejected",
                    "pse__Approved__c": status == "Approved",
                    "Submitted_At__c": card.submitted_at,
                    "Approved_At__c": card.approved_at if status == "Approved" else None,
                },
            )
            for at, status in states
        ]
        headers.record(card.created_at, _header_values(card), changes)
        status_changes: list[Change] = [(at, {"pse__Status__c": status}) for at, status in states]
        for split in card.splits:
            own = list(status_changes)
            for at, billed, number, _ in context.flags.get(split.split_id, ()):
                flags = {
                    "pse__Billed__c": billed,
                    "pse__Invoiced__c": billed,
                    "pse__Invoice_Number__c": number,
                }
                own.append((at, flags))
            splits.record(
                card.created_at,
                {
                    "Id": split.split_id,
                    "pse__Timecard_Header__c": card.header_id,
                    "pse__Project__c": card.assignment.project.project_id,
                    "pse__Assignment__c": card.assignment.assignment_id,
                    "pse__Resource__c": card.assignment.worker.contact_id,
                    "pse__Start_Date__c": split.start,
                    "pse__End_Date__c": split.end,
                    **dict(zip(DAY_FIELDS, split.hours, strict=True)),
                    "pse__Total_Hours__c": sum(split.hours, ZERO),
                    "pse__Total_Billable_Amount__c": split.billable_amount,
                    "pse__Total_Cost__c": split.cost_amount,
                    "pse__Billable__c": card.assignment.billable,
                    "pse__Status__c": "Saved",
                    "pse__Billed__c": False,
                    "pse__Invoiced__c": False,
                    "CurrencyIsoCode": card.assignment.project.currency,
                    "CreatedDate": card.created_at,
                },
                own,
            )
    return headers, splits


def _header_values(card: Timecard) -> dict[str, Any]:
    days = [sum(hours, ZERO) for hours in zip(*(split.hours for split in card.splits), strict=True)]
    return {
        "Id": card.header_id,
        "pse__Project__c": card.assignment.project.project_id,
        "pse__Assignment__c": card.assignment.assignment_id,
        "pse__Resource__c": card.assignment.worker.contact_id,
        "pse__Approver__c": card.approver.contact_id if card.approver else None,
        "pse__Start_Date__c": card.week_start,
        "pse__End_Date__c": card.week_start + 6 * DAY,
        "pse__Status__c": "Saved",
        **dict(zip(DAY_FIELDS, days, strict=True)),
        "pse__Billable__c": card.assignment.billable,
        "pse__Submitted__c": False,
        "pse__Approved__c": False,
        "pse__Bill_Rate__c": card.assignment.bill_rate,
        "pse__External_Resource__c": card.assignment.worker.worker_type == "CONTRACTOR",
        "CurrencyIsoCode": card.assignment.project.currency,
        "CreatedDate": card.created_at,
    }


def _expenses(context: Context) -> tuple[Table, Table]:
    reports, expenses = Table(REPORT), Table(EXPENSE)
    grouped: dict[str, list[Expense]] = defaultdict(list)
    for item in context.firm.expenses:
        grouped[item.report_id].append(item)
        changes: list[Change] = [(item.submitted_at, {"pse__Status__c": "Submitted"})]
        if item.approved_at is not None:
            changes.append((item.approved_at, {"pse__Status__c": "Approved"}))
        expenses.record(
            item.created_at,
            {
                "Id": item.expense_id,
                "pse__Expense_Report__c": item.report_id,
                "pse__Project__c": item.project.project_id,
                "pse__Resource__c": item.worker.contact_id,
                "pse__Expense_Date__c": item.expense_date,
                "pse__Type__c": item.kind,
                "pse__Amount__c": item.amount,
                "pse__Billing_Amount__c": item.billing_amount,
                "pse__Billing_Currency__c": item.billing_currency,
                "pse__Reimbursement_Amount__c": item.amount,
                "pse__Reimbursement_Currency__c": item.currency,
                "pse__Incurred_Tax__c": ZERO,
                "pse__Billable__c": item.billable,
                "pse__Status__c": "Draft",
                "CurrencyIsoCode": item.currency,
                "CreatedDate": item.created_at,
            },
            changes,
        )
    for number, (report_id, items) in enumerate(grouped.items(), 1):
        _report(reports, report_id, items, number)
    return reports, expenses


def _report(table: Table, report_id: str, items: Sequence[Expense], number: int) -> None:
    """A report is as far as the last of its lines."""
    submitted = max(item.submitted_at for item in items)
    changes: list[Change] = [(submitted, {"pse__Status__c": "Submitted", "Submitted_At__c": submitted})]
    if all(item.approved_at is not None for item in items):
        approved = latest((item.approved_at for item in items), submitted)
        changes.append((approved, {"pse__Status__c": "Approved", "Approved_At__c": approved}))
    first = items[0]
    table.record(
        min(item.created_at for item in items),
        {
            "Id": report_id,
            "Name": f"Expenses {number:05d}",
            "pse__Project__c": first.project.project_id,
            "pse__Resource__c": first.worker.contact_id,
            "pse__Status__c": "Draft",
            "pse__First_Expense_Date__c": min(item.expense_date for item in items),
            "pse__Last_Expense_Date__c": max(item.expense_date for item in items),
            "pse__Total_Billable_Amount__c": sum(
                (item.billing_amount for item in items if item.billable), ZERO
            ),
            "CurrencyIsoCode": first.billing_currency,
            "CreatedDate": min(item.created_at for item in items),
        },
        changes,
    )


def _events(context: Context) -> tuple[Table, Table]:
    events, items = Table(EVENT), Table(EVENT_ITEM)
    item_number = 0
    for event in context.events:
        invoice = event.invoice
        event_id = emission_id("billing_event", event.number)
        changes: list[Change] = []
        if event.flagged_at is not None:
            invoiced = {
                "pse__Status__c": "Completed",
                "pse__Invoiced__c": True,
                "pse__Invoice_Number__c": invoice.number,
                "pse__Invoice_Date__c": invoice.invoice_date,
            }
            changes.append((event.flagged_at, invoiced))
        if event.reversed_at is not None:
            taken_back = {
                "pse__Status__c": "Saved",
                "pse__Is_Released__c": False,
                "pse__Invoiced__c": False,
                "pse__Invoice_Number__c": None,
                "pse__Invoice_Date__c": None,
            }
            changes.append((event.reversed_at, taken_back))
        events.record(
            invoice.created_at,
            {
                "Id": event_id,
                "pse__Project__c": event.project.project_id,
                "pse__Date__c": invoice.invoice_date,
                "pse__Status__c": "Submitted",
                "pse__Is_Released__c": True,
                "pse__Invoiced__c": False,
                "pse__Summary_Amount__c": event.amount,
                "CurrencyIsoCode": invoice.currency,
                "CreatedDate": invoice.created_at,
            },
            changes,
        )
        for item in event.items.values():
            item_number += 1
            items.record(
                invoice.created_at,
                {
                    "Id": emission_id("billing_event_item", item_number),
                    "pse__Billing_Event__c": event_id,
                    "pse__Category__c": item.category,
                    "pse__Object_Id__c": item.object_id,
                    "pse__Amount__c": item.amount,
                    "pse__Quantity__c": item.quantity,
                    "pse__Unit_Price__c": item.unit_price,
                    "pse__Timecard_Split__c": item.object_id if item.category == "Timecard" else None,
                    "pse__Expense__c": item.object_id if item.category == "Expense" else None,
                    "pse__Milestone__c": item.object_id if item.category == "Milestone" else None,
                    "CurrencyIsoCode": invoice.currency,
                    "CreatedDate": invoice.created_at,
                },
            )
    return events, items


class _Drafts:
    """What people enter and take back before it means anything: seen by a load, gone or back at the next."""

    def __init__(self, context: Context) -> None:
        self._rng = random.Random(f"{context.firm.seed}|{context.firm.scale}|emission drafts")
        started = instant(date(2026, 3, 2), 9)
        staffed = [
            item
            for item in context.firm.assignments
            if not item.project.is_billable
            and not item.project.is_template
            and item.created_at < started
            and item.worker.psa_at < started
            and item.worker.worker_type == "EMPLOYEE"
            and (item.worker.term_date is None or item.worker.term_date > date(2026, 7, 31))
        ]
        self._assignment = self._rng.choice(staffed) if staffed else None

    def timecard(self, headers: Table, splits: Table) -> None:
        """A card of a past week on internal work, saved on 6 March 2026 and deleted on 11 March."""
        assignment = self._assignment
        if assignment is None:
            return
        saved, deleted = instant(date(2026, 3, 6), 15, 12), instant(date(2026, 3, 11), 9, 4)
        hours = (Decimal("2.00"), ZERO, Decimal("1.50"), ZERO, ZERO, ZERO, ZERO)
        header, split = emission_id("timecard_header", 1), emission_id("timecard_split", 1)
        monday = date(2026, 2, 16)
        common = {
            "pse__Project__c": assignment.project.project_id,
            "pse__Assignment__c": assignment.assignment_id,
            "pse__Resource__c": assignment.worker.contact_id,
            "pse__Start_Date__c": monday,
            "pse__End_Date__c": monday + 6 * DAY,
            "pse__Status__c": "Saved",
            "pse__Billable__c": False,
            "CurrencyIsoCode": assignment.project.currency,
            "CreatedDate": saved,
            **dict(zip(DAY_FIELDS, hours, strict=True)),
        }
        gone: list[Change] = [(deleted, {}, "delete")]
        headers.record(
            saved,
            {
                "Id": header,
                **common,
                "pse__Submitted__c": False,
                "pse__Approved__c": False,
                "pse__Bill_Rate__c": assignment.bill_rate,
                "pse__External_Resource__c": False,
            },
            gone,
        )
        splits.record(
            saved,
            {
                "Id": split,
                **common,
                "pse__Timecard_Header__c": header,
                "pse__Total_Hours__c": sum(hours, ZERO),
                "pse__Total_Billable_Amount__c": ZERO,
                "pse__Total_Cost__c": ZERO,
                "pse__Billed__c": False,
                "pse__Invoiced__c": False,
            },
            gone,
        )

    def expenses(self, reports: Table, expenses: Table) -> None:
        """Two drafts of one report: one mistyped and deleted, one deleted by mistake and restored in time."""
        assignment = self._assignment
        if assignment is None:
            return
        report, worker = emission_id("expense_report", 1), assignment.worker
        entered = instant(date(2026, 2, 27), 16, 30)
        common = {
            "pse__Project__c": assignment.project.project_id,
            "pse__Resource__c": worker.contact_id,
            "CurrencyIsoCode": assignment.project.currency,
            "CreatedDate": entered,
            "pse__Status__c": "Draft",
        }
        reports.record(
            entered,
            {
                "Id": report,
                "Name": "Expenses draft",
                "pse__First_Expense_Date__c": date(2026, 2, 25),
                "pse__Last_Expense_Date__c": date(2026, 2, 26),
                "pse__Total_Billable_Amount__c": ZERO,
                **common,
            },
        )
        taken_back: list[Change] = [(instant(date(2026, 3, 10), 8, 51), {}, "delete")]
        mistake: list[Change] = [
            (instant(date(2026, 3, 5), 10, 20), {}, "delete"),
            (instant(date(2026, 3, 13), 11, 2), {}, "restore"),
        ]
        for number, (on, amount, changes) in enumerate(
            (
                (date(2026, 2, 25), Decimal("1840.00"), taken_back),
                (date(2026, 2, 26), Decimal("18.40"), mistake),
            ),
            1,
        ):
            expenses.record(
                entered,
                {
                    "Id": emission_id("expense", number),
                    "pse__Expense_Report__c": report,
                    "pse__Expense_Date__c": on,
                    "pse__Type__c": "Meals",
                    "pse__Amount__c": amount,
                    "pse__Billing_Amount__c": ZERO,
                    "pse__Billing_Currency__c": assignment.project.currency,
                    "pse__Reimbursement_Amount__c": amount,
                    "pse__Reimbursement_Currency__c": assignment.project.currency,
                    "pse__Incurred_Tax__c": ZERO,
                    "pse__Billable__c": False,
                    **common,
                },
                changes,
            )
