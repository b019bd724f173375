"""What the firm's people put into the drop folder, and when: plans, and the lists of its systems.

Each month's books are printed on the eighth day after it, when the day's work is done; the PSA's list comes
the evening before, the CRM's on the month's last one. What happens to every feed happens to this one: the
ageing of some months is sent again after the books were put right, and the manifest of some is forgotten and
sent days later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa

from sandbox.emission.drop.plans import Target, budget, forecast
from sandbox.emission.drop.reports import (
    BOOKS_AFTER,
    PIPELINE_AFTER,
    PSA_AFTER,
    Line,
    Print,
    Printer,
    printed,
)
from sandbox.firm.state import Firm

PLAN, REPORT = "plan_target", "native_report_line"
MONEY = pa.decimal128(19, 4)
COLUMNS: dict[str, dict[str, pa.DataType]] = {
    PLAN: {
        "plan_target_id": pa.string(),
        "plan_name": pa.string(),
        "metric": pa.string(),
        "period": pa.string(),
        "legal_entity_id": pa.string(),
        "practice_code": pa.string(),
        "amount": MONEY,
        "currency_code": pa.string(),
        "decided_on": pa.date32(),
    },
    REPORT: {
        "source_system": pa.string(),
        "native_report_line_id": pa.string(),
        "report": pa.string(),
        "period": pa.string(),
        "as_of": pa.date32(),
        "legal_entity_id": pa.string(),
        "gl_account_id": pa.string(),
        "customer_id": pa.string(),
        "project_id": pa.string(),
        "bucket": pa.string(),
        "amount": MONEY,
        "currency_code": pa.string(),
        "printed_at": pa.timestamp("us", tz="UTC"),
    },
}
# how each list leaves its system
FORMS = {
    "AR_AGEING": "csv",
    "BILLINGS": "csv",
    "REVENUE": "parquet",
    "TRIAL_BALANCE": "parquet",
    "PSA_BACKLOG": "xlsx",
    "PIPELINE": "csv",
}
SENT_AFTER = time(21, 45)
PLANS_SENT = time(16)
# months of which the ageing is printed and sent again, so many days after them: the books were put right
AGAIN, AGAIN_AFTER = ("2026-01", "2026-05"), 20
# months whose PSA list lies there without its manifest, and for how long
FORGOTTEN, FOUND_AFTER = ("2026-02", "2026-05"), timedelta(days=3)


@dataclass(frozen=True)
class File:
    """One file. `shared`: columns that are said in the manifest and not in the file."""

    name: str
    rows: Sequence[dict[str, Any]]
    shared: dict[str, str]
    replaces: str | None = None

    @property
    def whole(self) -> list[dict[str, Any]]:
        """The rows with what the manifest says of them all."""
        return [{**row, **self.shared} for row in self.rows]


@dataclass(frozen=True)
class Delivery:
    """The files of a port's folder of a day: when they came, and when the manifest that names them did."""

    port: str
    day: date
    sent_at: datetime
    manifest_at: datetime
    files: tuple[File, ...]


def deliveries(firm: Firm) -> list[Delivery]:
    """All that is delivered while the firm lives, in the order of the folders."""
    found = [*_plans(firm), *_reports(firm)]
    return sorted((one for one in found if one.files), key=lambda one: (one.port, one.day))


def standing(delivered: Iterable[Delivery], at: datetime) -> dict[str, list[dict[str, Any]]]:
    """Port -> the rows that a reader of the folder has to hold at `at`: of each file name the last one."""
    files: dict[str, dict[str, File]] = {PLAN: {}, REPORT: {}}
    for one in sorted(delivered, key=lambda one: one.day):
        if one.manifest_at > at:
            continue
        for file in one.files:
            if file.replaces is not None:
                files[one.port].pop(file.replaces, None)
            files[one.port][file.name] = file
    return {port: [row for file in held.values() for row in file.whole] for port, held in files.items()}


def _plans(firm: Firm) -> Iterator[Delivery]:
    for year in range(firm.start.year, firm.end.year + 1):
        whole = budget(firm, year)
        halves = [[one for one in whole if (one.month.month > 6) == second] for second in (False, True)]
        named = [f"budget_{year}_h{number}.xlsx" for number in (1, 2)]
        files = [File(name, _targets(half), {}) for name, half in zip(named, halves, strict=True) if half]
        yield _plan_delivery(date(year - 1, 12, 20), files)
        again = forecast(firm, year)
        if again and again[0].decided_on <= firm.end.date():
            file = File(f"forecast_{year}_q2.csv", _targets(again), {}, replaces=named[1])
            yield _plan_delivery(date(year, 4, 20), [file])


def _plan_delivery(day: date, files: Sequence[File]) -> Delivery:
    sent = datetime.combine(day, PLANS_SENT, UTC)
    return Delivery(PLAN, day, sent, sent, tuple(files))


def _targets(targets: Iterable[Target]) -> list[dict[str, Any]]:
    return [
        {
            "plan_target_id": one.target_id,
            "plan_name": one.plan_name,
            "metric": one.metric,
            "period": one.period,
            "legal_entity_id": one.legal_entity_id,
            "practice_code": one.practice,
            "amount": one.amount,
            "currency_code": one.currency,
            "decided_on": one.decided_on,
        }
        for one in targets
    ]


def _reports(firm: Firm) -> Iterator[Delivery]:
    printer = Printer(firm)
    for run in printed(firm, PIPELINE_AFTER):
        yield _report_delivery(run, [printer.pipeline(run)])
    for run in printed(firm, PSA_AFTER):
        delivery = _report_delivery(run, [printer.psa_backlog(run)])
        late = FOUND_AFTER if run.period in FORGOTTEN else timedelta()
        yield replace(delivery, manifest_at=delivery.sent_at + late)
    for run in printed(firm, BOOKS_AFTER):
        yield _report_delivery(
            run,
            [
                printer.ar_ageing(run),
                printer.billings(run),
                printer.revenue(run),
                printer.trial_balance(run),
            ],
        )
        again = Print.of(run.as_of, AGAIN_AFTER)
        if run.period in AGAIN and again.at <= firm.end:
            yield _report_delivery(again, [printer.ar_ageing(again)])


def _report_delivery(run: Print, lists: Iterable[Sequence[Line]]) -> Delivery:
    sent = datetime.combine(run.at.date(), SENT_AFTER, UTC)
    files = tuple(_report_file(lines) for lines in lists if lines)
    return Delivery(REPORT, sent.date(), sent, sent, files)


def _report_file(lines: Sequence[Line]) -> File:
    first = lines[0]
    name = f"{first.report.lower()}_{first.period.replace('-', '_')}.{FORMS[first.report]}"
    return File(name, [_report_row(line) for line in lines], {"period": first.period})


def _report_row(line: Line) -> dict[str, Any]:
    return {
        "source_system": line.system,
        "native_report_line_id": line.line_id,
        "report": line.report,
        "as_of": line.as_of,
        "legal_entity_id": line.legal_entity_id,
        "gl_account_id": line.gl_account_id,
        "customer_id": line.customer_id,
        "project_id": line.project_id,
        "bucket": line.bucket,
        "amount": line.amount,
        "currency_code": line.currency,
        "printed_at": line.printed_at,
    }
