"""The reports' rows: what the workbook and its CSV twin show, column by column, from one report.

Every sheet is a list of columns and a function from the report to rows, so that both forms carry the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from throughline import clock
from throughline.recon.published import Report, Row

TEXT, MONEY, COUNT, DAY, VALUE, INSTANT = "text", "money", "count", "day", "value", "instant"
BUCKETS = ((30, "0-30"), (60, "31-60"), (90, "61-90"), (120, "91-120"))
# differences that are money, so that converting them means something
MONEY_BREAKS = ("AMOUNT_DIFFERS", "DUPLICATE")


@dataclass(frozen=True)
class Column:
    """One column: machine name, kind of its cells, width in characters, and what it means."""

    name: str
    kind: str
    width: int
    meaning: str


@dataclass(frozen=True)
class Sheet:
    """One table of the report. `freeze` counts the columns that stay in view."""

    name: str
    columns: tuple[Column, ...]
    rows: Callable[[Report], list[list[Any]]]
    freeze: int = 0


def bucket(age: int | None) -> str | None:
    """The age's bucket in days; None without an age."""
    if age is None:
        return None
    return next((name for limit, name in BUCKETS if age <= limit), ">120")


def tolerance(control: Row) -> str:
    """The tolerance in force, in words."""
    said = []
    if control["abs_tol"] is not None:
        said.append(f"{control['abs_tol'].normalize():f}")
    if control["rel_tol"] is not None:
        said.append(f"{(control['rel_tol'] * 100).normalize():f} % of A")
    text = f"max({', '.join(said)})" if len(said) > 1 else "".join(said) or "none"
    return text + (
        f"; always from {control['hard_cap'].normalize():f}" if control["hard_cap"] is not None else ""
    )


def add_working_days(day: date, days: int) -> date:
    """The `days`-th weekday (Monday to Friday) after `day`."""
    while days > 0:
        day += timedelta(days=1)
        days -= day.weekday() < 5
    return day


def due_on(row: Row, control: Row) -> date | None:
    """When the exception is to be mended: the severity's share of the control's SLA after it became one."""
    if row["becomes_exception_on"] is None or not control["sla"]:
        return None
    limits = [int(part) for part in str(control["sla"]).split("/")]
    return add_working_days(row["becomes_exception_on"], limits[int(row["severity"][1]) - 1])


def difference_in_reporting(row: Row, rates: dict[str, Decimal]) -> Decimal | None:
    """The difference in the reporting currency where it is money and a rate is known, else None."""
    rate = rates.get(str(row["currency_code"]))
    money = row["break_type"] in MONEY_BREAKS and row["facts"].get("attribute") not in (
        "QUANTITY",
        "UNIT_PRICE",
    )
    if not money or row["difference"] is None or rate is None:
        return None
    difference: Decimal = row["difference"]
    return (difference * rate).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def _called(report: Report, row: Row, kind: str, column: str) -> Any:
    """What a dimension calls the row's key, else the key."""
    key = row[f"{kind}_id"]
    found = report.names[kind].get(str(key), {})
    return found.get(column) or key


def _place(report: Report, row: Row, column: str) -> Any:
    """Region or service line: the contract line's, else the project's."""
    for kind in ("contract_line", "project"):
        found = report.names[kind].get(str(row[f"{kind}_id"]), {})
        if found.get(column):
            return found[column]
    return None


def _people(report: Report, row: Row) -> dict[str, Any]:
    """What people have said of the exception, the last word of each kind."""
    said: dict[str, Any] = {"comments": 0}
    for event in report.people.get(row["exception_id"], []):
        if event.kind == "comment":
            said["comments"] += 1
            said["comment"] = event.payload.get("text")
        elif event.kind == "assignment":
            said["assignee"] = event.payload.get("owner")
            said["due"] = event.payload.get("due")
        elif event.kind == "state":
            said["resolution"] = event.payload.get("resolution_code")
            said["cause"] = event.payload.get("root_cause_code")
    return said


def _day(text: Any) -> date | None:
    return date.fromisoformat(str(text)[:10]) if text else None


def _value(row: Row, side: str) -> Any:
    """A side's value: the number, else the word that stands in the evidence."""
    number = row[f"value_{side}"]
    return number if number is not None else row["facts"].get(f"value_{side}")


def _exception(report: Report, row: Row) -> list[Any]:
    control = report.controls[row["control_id"]]
    facts = row["facts"]
    history = report.history.get(row["exception_id"], {})
    said = _people(report, row)
    first_seen = history.get("first_seen_on")
    return [
        row["exception_id"],
        row["control_id"],
        control["name"],
        row["severity"],
        row["risk_type"],
        row["state"],
        first_seen,
        row["age_days"],
        bucket(row["age_days"]),
        first_seen.isoformat()[:7] if first_seen else None,
        history.get("occurrences"),
        "Y" if history.get("is_new") else "N",
        row["entity_code"],
        _place(report, row, "region_code"),
        _place(report, row, "practice_code"),
        _called(report, row, "customer", "name"),
        row["contract_id"],
        row["project_id"],
        facts.get("document_no"),
        _day(facts.get("business_date")),
        facts.get("system_a"),
        _value(row, "a"),
        facts.get("system_b"),
        _value(row, "b"),
        row["currency_code"],
        row["difference"],
        difference_in_reporting(row, report.rates),
        tolerance(control),
        row["amount_at_risk"],
        "Y" if row["counted_in_headline"] else "N",
        row["root_exception_id"],
        facts.get("what"),
        control["risk"],
        control["fix"],
        control["owner"],
        said.get("assignee"),
        _day(said.get("due")) or due_on(row, control),
        said.get("comment"),
        said["comments"],
        said.get("cause"),
        said.get("resolution"),
        None,
        None,
        f"throughline recon show {row['exception_id']}",
        row["grain_key"],
        None,
        history.get("prior_amount_at_risk"),
        history.get("change_of_amount"),
    ]


EXCEPTIONS = (
    Column("exception_id", TEXT, 30, "Stable id of the exception; never used twice."),
    Column("control_id", TEXT, 13, "The control that found it."),
    Column("control_name", TEXT, 34, "The control in words."),
    Column("severity", TEXT, 9, "S1 (gravest) to S4."),
    Column("risk_type", TEXT, 12, "LEAKAGE, OVERBILL, MISSTATE, TIMING, COMPLIANCE or DATA."),
    Column("status", TEXT, 13, "What people have made of it."),
    Column("first_seen_on", DAY, 12, "First as-of date of a published run that had it."),
    Column("age_days", COUNT, 9, "Days since it became an exception."),
    Column("age_bucket", TEXT, 10, "The same in buckets."),
    Column("period_first_seen", TEXT, 10, "Month of first_seen_on."),
    Column("occurrences", COUNT, 11, "Published runs that had it."),
    Column("is_new", TEXT, 7, "Y when the run published before did not have it."),
    Column("legal_entity", TEXT, 12, "Legal entity."),
    Column("region", TEXT, 10, "Region of the contract line or project."),
    Column("service_line", TEXT, 12, "Practice of the contract line or project."),
    Column("customer", TEXT, 28, "Customer."),
    Column("contract_id", TEXT, 24, "Contract (ERP key)."),
    Column("project_id", TEXT, 28, "Project (PSA key)."),
    Column("document_no", TEXT, 28, "The document or record to look at."),
    Column("business_date", DAY, 12, "Date of the business it is about."),
    Column("system_a", TEXT, 12, "System of record for what is compared."),
    Column("value_a", VALUE, 18, "What it says."),
    Column("system_b", TEXT, 12, "The other system."),
    Column("value_b", VALUE, 18, "What that says."),
    Column("currency", TEXT, 9, "Currency of the values and of difference_tc."),
    Column("difference_tc", MONEY, 16, "value_b less value_a; negative means B is short."),
    Column("difference_rc", MONEY, 16, "The same in the reporting currency, where it is money."),
    Column("tolerance", TEXT, 22, "Tolerance in force."),
    Column("amount_at_risk_rc", MONEY, 18, "Money exposed, in the reporting currency."),
    Column("counted_in_headline", TEXT, 10, "Y on the rows whose amounts add up to the run's headline."),
    Column("root_exception_id", TEXT, 30, "The exception that explains this one."),
    Column("what_is_wrong", TEXT, 60, "The finding in one sentence."),
    Column("why_it_matters", TEXT, 50, "What it costs if left."),
    Column("suggested_action", TEXT, 50, "What to do."),
    Column("owner_role", TEXT, 15, "Who mends it."),
    Column("assignee", TEXT, 16, "Who works on it."),
    Column("due_on", DAY, 12, "When it is to be mended."),
    Column("comment_latest", TEXT, 40, "Last comment."),
    Column("comment_count", COUNT, 9, "Comments."),
    Column("root_cause_code", TEXT, 16, "Cause, as people coded it."),
    Column("resolution_code", TEXT, 16, "Resolution, as people coded it."),
    Column("resolved_on", DAY, 12, "When it was resolved."),
    Column("resolved_by", TEXT, 14, "By whom."),
    Column("evidence_link", TEXT, 44, "How to see all that is known of it."),
    Column("source_record_ids", TEXT, 44, "Keys of the records compared."),
    Column("waiver_id", TEXT, 14, "Waiver that covers it."),
    Column("prior_period_amount", MONEY, 18, "Amount at risk in the run published before."),
    Column("change_vs_prior", MONEY, 16, "Change since then."),
)

_PENDING = (
    "exception_id", "control_id", "control_name", "severity", "risk_type", "legal_entity", "customer",
    "contract_id", "project_id", "document_no", "business_date", "currency", "amount_at_risk_rc",
    "what_is_wrong", "suggested_action", "owner_role",
)  # fmt: skip
PENDING = (
    *(column for column in EXCEPTIONS if column.name in _PENDING),
    Column("becomes_exception_on", DAY, 14, "First day on which it will be an exception."),
)

SUMMARY = (
    Column("control_id", TEXT, 13, "The control."),
    Column("control_name", TEXT, 40, "The control in words."),
    Column("owner_role", TEXT, 15, "Who mends what it finds."),
    Column("status", TEXT, 15, "CLEAN, EXCEPTIONS, NOT_EVALUABLE or NO_POPULATION."),
    Column("population_count", COUNT, 12, "Grains looked at."),
    Column("population_amount", MONEY, 18, "Money looked at, in the reporting currency."),
    Column("pass_count", COUNT, 10, "Grains that passed."),
    Column("pass_amount", MONEY, 18, "Their money."),
    Column("pending_count", COUNT, 10, "Grains within their grace."),
    Column("pending_amount", MONEY, 16, "Their amount at risk."),
    Column("exception_count", COUNT, 11, "Exceptions."),
    Column("exception_amount", MONEY, 18, "Their amount at risk; controls may overlap."),
    Column("waived_count", COUNT, 10, "Exceptions an approved waiver covers."),
    Column("waived_amount", MONEY, 16, "Their amount at risk."),
    Column("not_evaluable_count", COUNT, 12, "What could not be judged."),
    Column("prior_exception_count", COUNT, 12, "Exceptions in the run published before."),
    Column("prior_exception_amount", MONEY, 18, "Their amount at risk then."),
    Column("change_count", COUNT, 10, "Change in number."),
    Column("change_amount", MONEY, 16, "Change in amount."),
    Column("reason", TEXT, 44, "Why a control could not run, or looked at nothing."),
)

NOT_EVALUABLE = (
    Column("exception_id", TEXT, 30, "Stable id."),
    Column("control_id", TEXT, 13, "The control that could not judge."),
    Column("control_name", TEXT, 40, "The control in words."),
    Column("severity", TEXT, 9, "Severity of what stopped it."),
    Column("grain_or_dataset", TEXT, 44, "The dataset that failed, or the grain that lacks an input."),
    Column("reason", TEXT, 60, "Why."),
    Column("effect", TEXT, 60, "What this means for the report."),
)

MANIFEST = (
    Column("dataset", TEXT, 36, "What was loaded."),
    Column("status", TEXT, 10, "Verdict of the load control."),
    Column("load_id", TEXT, 22, "Newest load known to the run."),
    Column("loaded_at", INSTANT, 22, "When it ran (UTC)."),
    Column("load_status", TEXT, 10, "How it ended."),
    Column("cursor_from", INSTANT, 22, "Window read, from."),
    Column("cursor_to", INSTANT, 22, "Window read, to."),
    Column("source_count", COUNT, 12, "Rows the source says it holds."),
    Column("held_count", COUNT, 12, "Rows held of it: live landed rows and open rejects."),
    Column("reject_count", COUNT, 10, "Open rejects."),
    Column("source_amount", MONEY, 20, "Control sum of the source, over all currencies."),
    Column("held_amount", MONEY, 20, "The same over what is held."),
    Column("controls", TEXT, 50, "Controls that read it."),
)

DICTIONARY = (
    Column("kind", TEXT, 12, "column, control, parameter or rate."),
    Column("name", TEXT, 36, "What is explained."),
    Column("meaning", TEXT, 100, "The explanation."),
)


def _pending(report: Report) -> list[list[Any]]:
    names = [column.name for column in EXCEPTIONS]
    picked = [names.index(column.name) for column in PENDING[:-1]]
    found = []
    for row in sorted(
        report.of("PENDING"), key=lambda one: (one["becomes_exception_on"], one["exception_id"])
    ):
        full = _exception(report, row)
        found.append([*(full[index] for index in picked), row["becomes_exception_on"]])
    return found


def summary_rows(report: Report) -> list[Row]:
    """Counts and amounts per control in scope: exceptions from rows, populations from control runs."""
    entities = report.filter.entities
    found = []
    for control_id, control in report.controls.items():
        if report.filter.controls and control_id not in report.filter.controls:
            continue
        runs = [
            one
            for one in report.control_runs
            if one["control_id"] == control_id
            and (
                one["legal_entity_id"] in entities or one["entity_code"] in entities
                if entities
                else one["legal_entity_id"] == "ALL"
            )
        ]
        rows = [one for one in report.exceptions if one["control_id"] == control_id]
        prior = [
            one for key, one in report.history.items()
            if one["control_id"] == control_id and one["prior_outcome"] == "EXCEPTION"
        ] if not entities else []  # fmt: skip
        entry: Row = {
            "control_id": control_id,
            "control_name": control["name"],
            "owner_role": control["owner"],
            "reason": "; ".join(sorted({one["reason"] for one in runs if one["reason"]})) or None,
        }
        for name in ("population", "pass"):
            entry[f"{name}_count"] = sum(one[f"{name}_count"] for one in runs)
            entry[f"{name}_amount"] = sum((one[f"{name}_amount"] for one in runs), Decimal("0.0000"))
        for outcome in ("PENDING", "EXCEPTION", "WAIVED", "NOT_EVALUABLE"):
            of = [one for one in rows if one["outcome"] == outcome]
            entry[f"{outcome.lower()}_count"] = len(of)
            entry[f"{outcome.lower()}_amount"] = sum(
                (one["amount_at_risk"] or Decimal(0) for one in of), Decimal("0.0000")
            )
        entry["prior_exception_count"] = len(prior)
        entry["prior_exception_amount"] = sum(
            (one["prior_amount_at_risk"] or Decimal(0) for one in prior), Decimal("0.0000")
        )
        entry["change_count"] = entry["exception_count"] - entry["prior_exception_count"]
        entry["change_amount"] = entry["exception_amount"] - entry["prior_exception_amount"]
        entry["status"] = (
            "NOT_EVALUABLE" if entry["not_evaluable_count"]
            else "EXCEPTIONS" if entry["exception_count"]
            else "CLEAN" if entry["population_count"] else "NO_POPULATION"
        )  # fmt: skip
        found.append(entry)
    return found


def _not_evaluable(report: Report) -> list[list[Any]]:
    return [
        [
            row["exception_id"],
            row["control_id"],
            report.controls[row["control_id"]]["name"],
            row["severity"],
            row["grain_key"],
            row["facts"].get("what"),
            "What this control would say is not known: neither clean nor broken, and it blocks sign-off.",
        ]
        for row in report.of("NOT_EVALUABLE")
    ]


def _manifest(report: Report) -> list[list[Any]]:
    return [[row[column.name] for column in MANIFEST] for row in report.datasets]


def _dictionary(report: Report) -> list[list[Any]]:
    found: list[list[Any]] = []
    for sheet in SHEETS:
        if sheet.name != "12_Dictionary":
            found.extend(
                ["column", f"{sheet.name}.{column.name}", column.meaning] for column in sheet.columns
            )
    for control_id, control in report.controls.items():
        found.append(["control", control_id, f"{control['name']}. {control['rule']} {control['risk']}"])
        settings = f"; {control['settings']}" if control["settings"] else ""
        found.append(
            [
                "parameter",
                control_id,
                f"tolerance {tolerance(control)}; grace {control['grace']} {control['grace_unit']};"
                f" least severity {control['floor'] or 'none'} ({control['floor_when'] or 'none'});"
                f" to mend within {control['sla']} working days (S1/S2/S3/S4);"
                f" since {control['effective_from']}{settings}",
            ]
        )
    general = next((control["general_settings"] for control in report.controls.values()), None)
    found.append(["parameter", "ALL", str(general)])
    for currency, rate in sorted(report.rates.items()):
        found.append(["rate", f"{currency} to {report.reporting_currency}", f"{rate:f} on {report.as_of}"])
    return found


def _summary(report: Report) -> list[list[Any]]:
    return [[entry[column.name] for column in SUMMARY] for entry in summary_rows(report)]


SHEETS: tuple[Sheet, ...] = (
    Sheet("01_Summary", SUMMARY, _summary, 2),
    Sheet(
        "02_Exceptions",
        EXCEPTIONS,
        lambda report: [_exception(report, row) for row in report.of("EXCEPTION", "WAIVED")],
        2,
    ),
    Sheet("05_Pending", PENDING, _pending, 2),
    Sheet("09_NotEvaluable", NOT_EVALUABLE, _not_evaluable, 2),
    Sheet("11_Manifest", MANIFEST, _manifest, 1),
    Sheet("12_Dictionary", DICTIONARY, _dictionary, 2),
)


def cover(report: Report, software: str) -> list[tuple[str, Any]]:
    """The cover's lines: what this report is, what it says, how to check it, and who signs."""
    counts = {
        level: sum(1 for row in report.open if row["severity"] == level) for level in ("S1", "S2", "S3", "S4")
    }
    return [
        ("report", "Reconciliation exceptions"),
        ("entity", ", ".join(report.filter.entities) or "ALL"),
        ("scope", report.filter.text()),
        ("period", report.as_of.isoformat()[:7]),
        ("as_of_date", report.as_of),
        ("known_at", clock.iso(report.known_at)),
        ("run_id", report.run_id),
        ("snapshot_id", report.snapshot),
        ("software_version", software),
        ("control_set", ", ".join(f"{name} v{row['version']}" for name, row in report.controls.items())),
        ("generated_at", clock.iso(report.started_at)),
        ("reporting_currency", report.reporting_currency),
        ("verdict", report.verdict),
        ("open_exceptions", len(report.open)),
        *((f"open_{level}", count) for level, count in counts.items()),
        ("pending", len(report.of("PENDING"))),
        ("waived", len(report.of("WAIVED"))),
        ("not_evaluable", len(report.of("NOT_EVALUABLE"))),
        ("headline_amount_at_risk", report.headline),
        ("content_sha256", report.hash),
        ("preparer", None),
        ("prepared_on", None),
        ("reviewer", None),
        ("reviewed_on", None),
        ("controller", None),
        ("signed_on", None),
    ]
