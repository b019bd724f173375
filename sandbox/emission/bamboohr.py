"""HR records: employees, their employment and job rows, cost rates, time off."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.emission.certinia import email
from sandbox.emission.context import Context, instant, night_after, working_day_before
from sandbox.emission.table import Change, Table, describe
from sandbox.firm.state import Worker

EMPLOYEE = describe(
    "Employee",
    "Employee",
    "id",
    """id id, employeeNumber text, firstName text, lastName text, preferredName text, workEmail email
    status pick*, hireDate date, terminationDate date*, jobTitle text, customGrade text
    department text, division text, customLegalEntity text, customFte rate
    customStandardHours hours, customTimeRequired bool, supervisorEId ref""",
)
EMPLOYMENT_STATUS = describe(
    "employmentStatus",
    "Employment Status",
    "id",
    "id id, employeeId ref, date date, employmentStatus pick, customFte rate",
)
JOB_INFO = describe(
    "jobInfo",
    "Job Information",
    "id",
    """id id, employeeId ref, date date, location text, department text, division text, jobTitle text
    customGrade text, customLegalEntity text""",
)
COST_RATE = describe(
    "customCostRate",
    "Cost Rate",
    "id",
    """id id, employeeId ref, customEffectiveDate date, customEndDate date, customLoadedRate rate
    customCurrency pick""",
)
TIME_OFF = describe(
    "TimeOffRequest",
    "Time Off Request",
    "id",
    """id id, employeeId ref, start date, end date, created date, type pick, status pick*, amount hours
    unit text""",
)
LOCATIONS = {
    "US01": "New York",
    "US02": "Chicago",
    "CA01": "Toronto",
    "GB01": "London",
    "DE01": "Berlin",
    "NL01": "Amsterdam",
    "IE01": "Dublin",
    "IE02": "Dublin",
}
# Row ids of the emission's own rows, clear of those the firm's state holds.
OWN_ROWS = 500_000


def emit(context: Context) -> list[Table]:
    """HR's objects."""
    people, status, jobs, rates, absences = (
        Table(spec) for spec in (EMPLOYEE, EMPLOYMENT_STATUS, JOB_INFO, COST_RATE, TIME_OFF)
    )
    heads: dict[str, str] = {}
    for worker in context.firm.workers:
        if worker.hr_id is None or worker.hr_at is None:
            continue
        chief = heads.setdefault(worker.entity, worker.hr_id)
        people.record(worker.hr_at, _person(worker, chief), _leaving(worker))
        _rows(worker, status, jobs)
        for rate in worker.cost_rates:
            rates.record(
                rate.at,
                {
                    "id": rate.row_id,
                    "employeeId": worker.hr_id,
                    "customEffectiveDate": rate.valid_from,
                    "customEndDate": rate.valid_to,
                    "customLoadedRate": rate.rate,
                    "customCurrency": rate.currency,
                },
            )
        _absences(worker, absences)
    _withdrawn(context, absences)
    return [people, status, jobs, rates, absences]


def _person(worker: Worker, chief: str) -> dict[str, Any]:
    return {
        "id": worker.hr_id,
        "employeeNumber": worker.employee_number,
        "firstName": worker.first_name,
        "lastName": worker.last_name,
        "preferredName": worker.first_name,
        "workEmail": email(worker),
        "status": "Active",
        "hireDate": worker.hire_date,
        "jobTitle": worker.role,
        "customGrade": worker.grade,
        "department": worker.practice,
        "division": worker.region,
        "customLegalEntity": worker.entity,
        "customFte": worker.fte,
        "customStandardHours": worker.weekly_hours,
        "customTimeRequired": worker.time_required,
        "supervisorEId": None if chief == worker.hr_id else chief,
    }


def _leaving(worker: Worker) -> list[Change]:
    """HR enters the last day when it learns of it; the status follows the night after that day."""
    if worker.term_date is None or worker.termination_known_at is None:
        return []
    known = worker.termination_known_at
    ended = night_after(instant(worker.term_date, 12), str(worker.hr_id))
    return [(known, {"terminationDate": worker.term_date}), (max(known, ended), {"status": "Inactive"})]


def _rows(worker: Worker, status: Table, jobs: Table) -> None:
    assert worker.hr_at is not None
    kind = "Full-Time" if worker.fte == 1 else "Part-Time"
    rows = [(worker.hr_at, worker.hire_date, kind, worker.fte)]
    if worker.term_date is not None and worker.termination_known_at is not None:
        rows.append((worker.termination_known_at, worker.term_date, "Terminated", Decimal(0)))
    for position, (at, on, word, fte) in enumerate(rows):
        status.record(
            at,
            {
                "id": str(OWN_ROWS + 2 * worker.n + position),
                "employeeId": worker.hr_id,
                "date": on,
                "employmentStatus": word,
                "customFte": fte,
            },
        )
    jobs.record(
        worker.hr_at,
        {
            "id": str(OWN_ROWS + worker.n),
            "employeeId": worker.hr_id,
            "date": worker.hire_date,
            "location": LOCATIONS.get(worker.entity),
            "department": worker.practice,
            "division": worker.region,
            "jobTitle": worker.role,
            "customGrade": worker.grade,
            "customLegalEntity": worker.entity,
        },
    )


def _absences(worker: Worker, table: Table) -> None:
    for leave in worker.leaves:
        asked = working_day_before(leave.at)
        table.record(
            asked,
            {
                "id": leave.leave_id,
                "employeeId": worker.hr_id,
                "start": leave.start,
                "end": leave.end,
                "created": asked.date(),
                "type": leave.kind,
                "status": "requested",
                "amount": leave.hours,
                "unit": "hours",
            },
            [(leave.at, {"status": leave.status})],
        )


def _withdrawn(context: Context, table: Table) -> None:
    """A request of February 2026 that was taken back in March, before anyone decided on it."""
    for worker in context.firm.workers:
        if (
            worker.hr_at is not None
            and worker.hr_at < instant(date(2026, 1, 31), 12)
            and worker.term_date is None
        ):
            table.record(
                instant(date(2026, 2, 5), 14, 7),
                {
                    "id": str(OWN_ROWS),
                    "employeeId": worker.hr_id,
                    "start": date(2026, 9, 7),
                    "end": date(2026, 9, 8),
                    "created": date(2026, 2, 5),
                    "type": "Vacation",
                    "status": "requested",
                    "amount": Decimal("16.00"),
                    "unit": "hours",
                },
                [(instant(date(2026, 3, 12), 9, 40), {}, "delete")],
            )
            return
