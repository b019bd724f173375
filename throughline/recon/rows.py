"""The reports' rows: what the workbook and its CSV twin show, column by column, from one report.

Every sheet is a list of columns and a function from the report to rows, so that both forms carry the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from throughline.recon.columns import (
    DICTIONARY,
    EXCEPTIONS,
    MANIFEST,
    NOT_EVALUABLE,
    PENDING,
    RESTATEMENTS,
    ROLL_FORWARDS,
    SUMMARY,
    TIE_OUTS,
    Column,
)
from throughline.recon.people import RESOLVED, Said, day
from throughline.recon.published import Report, Row
from throughline.recon.summary import columns as summary_columns
from throughline.recon.summary import summary

BUCKETS = ((30, "0-30"), (60, "31-60"), (90, "61-90"), (120, "91-120"))
# differences that are money, so that converting them means something
MONEY_BREAKS = ("AMOUNT_DIFFERS", "DUPLICATE")
KEY = re.compile(r"[a-z0-9_]+:[a-z0-9_]+:\S+$")
SPARE_ZEROS = re.compile(r"(?<![\w.:-])(\d+\.\d\d(?:\d*[1-9])?)0+(?![\w.]*\d)")


@dataclass(frozen=True)
class Sheet:
    """One table of the report. `freeze` counts the columns that stay in view, `wide` the pages in print.

    `header` gives the columns of a report where they depend on it, else they are `columns`.
    """

    name: str
    columns: tuple[Column, ...]
    rows: Callable[[Report], list[list[Any]]]
    freeze: int = 0
    header: Callable[[Report], tuple[Column, ...]] | None = None
    large_paper: bool = False
    wide: int = 1

    def columns_of(self, report: Report) -> tuple[Column, ...]:
        """The columns this sheet has in `report`."""
        return self.header(report) if self.header else self.columns


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
    text = f"max({', '.join(said)})" if len(said) > 1 else "".join(said)
    text = f"over {text}" if text else "none"
    cap = control["hard_cap"]
    return text + (f"; always from {cap.normalize():,f} in reporting currency" if cap is not None else "")


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


def _unit(report: Report, code: Any) -> Any:
    """The name of a region or practice by its code or key, else the code."""
    for row in report.names["org_unit"].values():
        if code is not None and code in (row["code"], row["org_unit_id"]):
            return row["name"] or code
    return code


def _value(row: Row, side: str) -> Any:
    """A side's value: the number, else the word that stands in the evidence."""
    number = row[f"value_{side}"]
    return number if number is not None else row["facts"].get(f"value_{side}")


def plain_sentence(text: str | None) -> str | None:
    """A finding without the zeros a machine writes: `184.00000000 hours` is `184.00 hours`."""
    return SPARE_ZEROS.sub(r"\1", text) if text else text


def source_records(row: Row) -> str:
    """Keys of the records an exception rests on: its grain's, its evidence's, its contract and project."""
    said = [*str(row["grain_key"]).split("|")]
    for name, value in row["facts"].items():
        if name not in ("what", "caused_by") and value:
            said.extend(str(value).split(", "))
    said += [str(row[name]) for name in ("contract_id", "contract_line_id", "project_id") if row[name]]
    keys = dict.fromkeys(word for word in said if KEY.match(word))
    return ", ".join(keys) or str(row["grain_key"])


def waiver_id(report: Report, row: Row) -> str | None:
    """The waiver that covers an exception, by the number of its event in the state store."""
    event = report.waivers.get(row["exception_id"])
    return f"W-{event.event_id:06d}" if event is not None and row["outcome"] == "WAIVED" else None


def exception_row(report: Report, row: Row) -> list[Any]:
    """One exception in the order of EXCEPTIONS."""
    control = report.controls[row["control_id"]]
    facts = row["facts"]
    history = report.history.get(row["exception_id"], {})
    said = report.said.get(row["exception_id"]) or Said()
    resolved = row["status"] in RESOLVED
    first_seen = history.get("first_seen_on")
    prior = history.get("prior_period_amount")
    known = prior is not None and row["amount_at_risk"] is not None
    return [
        row["exception_id"],
        row["control_id"],
        control["name"],
        row["severity"],
        row["risk_type"],
        row["status"],
        first_seen,
        row["age_days"],
        bucket(row["age_days"]),
        first_seen.isoformat()[:7] if first_seen else None,
        history.get("occurrences"),
        "Y" if history.get("is_new") else "N",
        row["entity_code"],
        _unit(report, _place(report, row, "region_id")),
        _unit(report, _place(report, row, "practice_id")),
        _called(report, row, "customer", "name"),
        row["contract_id"],
        row["project_id"],
        facts.get("document_no"),
        day(facts.get("business_date")),
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
        plain_sentence(facts.get("what")),
        control["risk"],
        control["fix"],
        control["owner"],
        said.owner,
        said.due or report.due.get(row["exception_id"], {}).get("due_on"),
        said.comment,
        said.comments,
        said.cause,
        said.resolution,
        said.resolved_on if resolved else None,
        said.resolved_by if resolved else None,
        f"throughline recon show {row['exception_id']}",
        source_records(row),
        waiver_id(report, row),
        prior,
        row["amount_at_risk"] - prior if known else None,
    ]


def _pending(report: Report) -> list[list[Any]]:
    names = [column.name for column in EXCEPTIONS]
    picked = [names.index(column.name) for column in PENDING[:-1]]
    found = []
    for row in sorted(
        report.of("PENDING"), key=lambda one: (one["becomes_exception_on"], one["exception_id"])
    ):
        full = exception_row(report, row)
        found.append([*(full[index] for index in picked), row["becomes_exception_on"]])
    return found


TIE_OUT_KEY = ("statement_id", "as_of", "legal_entity_id", "currency_code")


def _tie_outs(report: Report) -> list[list[Any]]:
    """The newest statements, the items of each below it, the largest first."""
    newest: dict[str, date] = {}
    for row in report.tie_outs:
        newest[row["statement_id"]] = max(newest.get(row["statement_id"], row["as_of"]), row["as_of"])
    items: dict[tuple[Any, ...], list[Row]] = {}
    for row in report.tie_out_items:
        items.setdefault(tuple(row[name] for name in TIE_OUT_KEY), []).append(row)
    found = []
    for row in report.tie_outs:
        if row["as_of"] != newest[row["statement_id"]]:
            continue
        by_account = row["gl_account_id"] != "ALL"
        found.append(_tie_out(report, row, "LINE", row["gl_account_id"] if by_account else None))
        if not by_account:
            below = items.get(tuple(row[name] for name in TIE_OUT_KEY), [])
            below.sort(key=lambda one: (-abs(one["difference"]), one["member_id"]))
            found += [_tie_out(report, row | one, "ITEM", one["member_id"]) for one in below]
    return found


def _tie_out(report: Report, row: Row, level: str, what: Any) -> list[Any]:
    """A line, or an item under the words of its line."""
    is_line = level == "LINE"
    named = report.names["customer"].get(str(what), {})
    told = {
        "statement": row["statement_id"],
        "level": level,
        "legal_entity": _called(report, row, "legal_entity", "entity_code"),
        "what": named.get("name") or what,
        "currency": row["currency_code"],
        "amount_tc": row["amount"],
        "other_tc": row["other_amount"],
        "difference_tc": row["difference"],
        "entered_later_tc": row["entered_later"],
        "unexplained_tc": row["unexplained"],
        "tolerance_tc": row["tolerance"] if is_line else None,
        "result": row["status"] if is_line else None,
    }
    return [told.get(column.name, row.get(column.name)) for column in TIE_OUTS]


def footing(opening: Decimal, moved: Iterable[Decimal], closing: Decimal) -> Decimal:
    """What opening and movements come to above the closing balance; nought where the statement foots."""
    return opening + sum(moved) - closing


def _roll_forwards(report: Report) -> list[list[Any]]:
    """Each balance by entity, currency and date: opening, what moved it, closing, and whether they meet."""
    found: list[list[Any]] = []
    for row in report.roll_forwards:
        place = [
            row["balance"],
            _called(report, row, "legal_entity", "entity_code"),
            row["currency_code"],
            row["as_of"],
        ]
        before = row["closed_before"]
        meets = None if before is None else "MEETS" if row["opening"] == before else "DOES NOT MEET"
        foots = footing(row["opening"], row["moved"].values(), row["closing"]) == 0
        found.append([*place, "OPENING", row["opening"], meets])
        found += [[*place, step.upper(), amount, None] for step, amount in row["moved"].items() if amount]
        found.append([*place, "CLOSING", row["closing"], "FOOTS" if foots else "DOES NOT FOOT"])
    return found


def _restatements(report: Report) -> list[list[Any]]:
    """Closed months that changed: their metrics from reported to known, and below them the records."""
    months = sorted({(row["period"], row["legal_entity_id"]) for row in report.restatements}, reverse=True)
    found = []
    for month in months:
        for row in report.close_bridge:
            if (row["period"], row["legal_entity_id"]) == month and row["as_reported"] != row["as_now_known"]:
                told = {
                    "level": "METRIC",
                    "what": row["metric_id"],
                    "as_reported_rc": row["as_reported"],
                    "difference_rc": row["as_now_known"] - row["as_reported"],
                    "as_now_known_rc": row["as_now_known"],
                }
                found.append(_restated(report, row, told))
        for row in report.restatements:
            if (row["period"], row["legal_entity_id"]) == month:
                told = {
                    "level": "RECORD",
                    "what": row["movement_type"],
                    "record": f"{row['source_system']}:{row['source_instance']}:{row['source_record_id']}",
                    "currency": row["currency_code"],
                    "difference_tc": row["delta_tc"],
                    "difference_rc": row["delta_rc"],
                }
                found.append(_restated(report, row, told))
    return found


def _restated(report: Report, row: Row, told: Row) -> list[Any]:
    told["legal_entity"] = _called(report, row, "legal_entity", "entity_code")
    return [told.get(column.name, row.get(column.name)) for column in RESTATEMENTS]


def _not_evaluable(report: Report) -> list[list[Any]]:
    return [
        [
            row["exception_id"],
            row["control_id"],
            report.controls[row["control_id"]]["name"],
            row["severity"],
            row["grain_key"],
            plain_sentence(row["facts"].get("what")),
            "What this control would say is not known: neither clean nor broken, and it blocks sign-off.",
        ]
        for row in report.of("NOT_EVALUABLE")
    ]


def _manifest(report: Report) -> list[list[Any]]:
    found = []
    for row in report.datasets:
        field, schema = row["control_amount_field"], row["schema_hash"]
        told = {
            **row,
            "kind": "source",
            "parameters": f"control sum over {field}" if field else "no control sum",
            "content_hash": f"columns {schema}" if schema else None,
        }
        found.append([told[column.name] for column in MANIFEST])
    for row in report.content:
        told = {
            "kind": "published",
            "dataset": row["table_name"],
            "loaded_at": report.started_at,
            "held_count": row["row_count"],
            "content_hash": row["content_hash"],
        }
        found.append([told.get(column.name) for column in MANIFEST])
    return found


def _dictionary(report: Report) -> list[list[Any]]:
    found: list[list[Any]] = []
    for sheet in SHEETS:
        if sheet.name != "12_Dictionary":
            found.extend(
                ["column", f"{sheet.name}.{column.name}", column.meaning]
                for column in sheet.columns_of(report)
            )
    for control_id, control in report.controls.items():
        found.append(
            [
                "control",
                control_id,
                f"{control['name']} (version {control['version']}). {control['rule']} {control['risk']}",
            ]
        )
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


SHEETS: tuple[Sheet, ...] = (
    Sheet("01_Summary", SUMMARY, summary, 2, header=summary_columns, large_paper=True, wide=2),
    Sheet(
        "02_Exceptions",
        EXCEPTIONS,
        lambda report: [exception_row(report, row) for row in report.of("EXCEPTION", "WAIVED")],
        2,
        large_paper=True,
        wide=3,
    ),
    Sheet("05_Pending", PENDING, _pending, 2, large_paper=True),
    Sheet("06_TieOuts", TIE_OUTS, _tie_outs, 2, large_paper=True),
    Sheet("07_Rollforwards", ROLL_FORWARDS, _roll_forwards, 2),
    Sheet("09_NotEvaluable", NOT_EVALUABLE, _not_evaluable, 2),
    Sheet("10_Restatements", RESTATEMENTS, _restatements, 3, large_paper=True),
    Sheet("11_Manifest", MANIFEST, _manifest, 2, large_paper=True),
    Sheet("12_Dictionary", DICTIONARY, _dictionary, 2),
)
