"""Scores a warehouse against the truth: six loads into a fresh home, each compared with what the oracle says.

Cases, counts and metrics are compared as they are published, plans and native reports row by row as they
stand in the canonical tables. Periods are closed on the way: what a closed one reported must stay what it
was, and what is known of it since must be today's truth. The emulators run once and their clock is advanced
from load to load. After the loads one earlier load's knowledge is asked for again (`--known-at`), which must
give that load's truth.
A firm with transport faults is scored apart: the load they strike must show them as INT-003 and must not be
green, the loads after it must be right again.
"""

from __future__ import annotations

import os
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sandbox.build import build, describe, firm_of, load_times, read_sandbox
from sandbox.clock_file import month_before, set_clock
from sandbox.compare import (
    Comparison,
    Difference,
    Tally,
    compare_cases,
    compare_closes,
    compare_counts,
    compare_deliveries,
    compare_estimates,
    compare_metrics,
    compare_windows,
)
from sandbox.drop_folder import bring
from sandbox.emission.drop.files import TRAY
from sandbox.forecasts import compare_forecasts, compare_outlook
from sandbox.home_setup import set_up
from sandbox.inbox import deliver, receiving
from sandbox.oracle.truth import load_id
from sandbox.served import served
from throughline import clock, process, warehouse
from throughline.clock import iso
from throughline.errors import error
from throughline.files import write_json
from throughline.home import VARIABLE, Home

SHOWN = 8
# port of the drop folder -> its key, and what names a plan or report
DELIVERED = {
    "native_report_line": ("native_report_line_id", "report"),
    "plan_target": ("plan_target_id", "plan_name"),
}
# Which load (counted from 0) a transport fault strikes, by which rule, and what INT-003 must say then.
STRIKES: dict[str, tuple[int, dict[str, Any], str, str]] = {
    "F67": (
        1,
        {"vendor": "salesforce", "object": "pse__Timecard__c", "kind": "truncate_extract", "share": 0.03},
        "certinia_main.timecard_split",
        "COUNT",
    ),
    "F69": (
        2,
        {
            "vendor": "netsuite",
            "object": "customrecord_tl_billing_item",
            "kind": "schema_retype",
            "field": "custrecord_tl_bi_amount",
            "to": "text comma",
        },
        "netsuite_main.billing_item",
        "SCHEMA",
    ),
}
# cases in the windows of the return, and what was lost of the agreed work of their months
WINDOWS = """
select time_window, measure, mix, legal_entity_id, practice_id, took, calendar_days, is_open, cases,
    null::decimal(38, 4) as lost_rc, null::decimal(38, 4) as contract_rc
from marts.roi_measure
union all by name
select w.time_window, 'leakage' as measure, b.legal_entity_id as mix, b.legal_entity_id, b.practice_id,
    count(*) as cases,
    case when count(*) = count(b.leakage_rc) then sum(b.leakage_rc) end as lost_rc,
    case when count(*) = count(b.contract_rc) then sum(b.contract_rc) end as contract_rc
from marts.leakage_bridge as b
inner join (select distinct time_window, window_from, window_to from marts.roi_measure) as w
    on b.month_start between w.window_from and w.window_to
group by all
"""
# revenue by month and place: as recognised, as planned, and as expected of what is signed and of what is not
OUTLOOK = """
select case when basis in ('ACTUAL', 'PLAN', 'PIPELINE') then basis else 'SIGNED' end as basis,
    month_start, legal_entity_id, practice_id,
    case when count(*) = count(amount_rc) then sum(amount_rc) end as amount_rc,
    case when count(*) = count(amount_cc) then sum(amount_cc) end as amount_cc
from marts.revenue_outlook
where month_start is not null
group by all
"""
Say = Callable[[str], None]


@dataclass
class Load:
    """One load or one look back: when, which run, and what was found."""

    name: str
    at: datetime
    run_id: str
    seconds: float
    comparison: Comparison


@dataclass
class Score:
    """All loads of one firm."""

    firm: dict[str, Any]
    loads: list[Load] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Whether every load agrees with its truth."""
        return bool(self.loads) and all(load.comparison.agrees for load in self.loads)

    def controls(self) -> dict[str, Tally]:
        """Cases per control over all loads."""
        total: dict[str, Tally] = defaultdict(Tally)
        for load in self.loads:
            for control, tally in load.comparison.controls.items():
                total[control].add(tally)
        return dict(sorted(total.items()))

    def as_json(self) -> dict[str, Any]:
        """The score as plain values, differences included."""
        return {
            "firm": self.firm,
            "agrees": self.agrees,
            "controls": {
                name: {**asdict(tally), "precision": tally.precision, "recall": tally.recall}
                for name, tally in self.controls().items()
            },
            "loads": [
                {
                    "load": load.name,
                    "at": iso(load.at),
                    "run_id": load.run_id,
                    "seconds": round(load.seconds, 1),
                    "delivered": {
                        name: asdict(tally) for name, tally in sorted(load.comparison.deliveries.items())
                    },
                    "metric_rows": dict(sorted(load.comparison.metrics.items())),
                    "closed_sums": load.comparison.closes,
                    "estimates": load.comparison.estimates,
                    "cases_in_windows": load.comparison.windows,
                    "forecasts": load.comparison.forecasts,
                    "differences": [asdict(item) for item in load.comparison.differences],
                }
                for load in self.loads
            ],
        }


def truth_of(directory: Path, at: datetime, name: str) -> pa.Table:
    """A truth file of the load at `at`. Raises E-SBX-004 when it was not written."""
    path = directory / "truth" / load_id(at) / f"{name}.parquet"
    if not path.exists():
        raise error("E-SBX-004", path=path)
    return pq.read_table(path)


def compare_published(
    home: Home, directory: Path, at: datetime, struck: Collection[datetime] = ()
) -> Comparison:
    """What is published in `home` against the truth of the load at `at`; `struck`: loads told untruly."""
    connection = warehouse.open_published(home)
    try:
        cases = connection.execute(
            "select control_id, grain_key, outcome, severity, becomes_exception_on, amount_at_risk,"
            " amount_at_risk_tc from reconciliation.exception"
        ).to_arrow_table()
        runs = connection.execute("select * from reconciliation.control_run").to_arrow_table()
        metrics = connection.execute("select * from marts.metric_value").to_arrow_table()
        bridge = connection.execute("select * from reconciliation.close_bridge").to_arrow_table()
        closes = connection.execute("select * from reconciliation.period_close").to_arrow_table()
        estimates = connection.execute("select * from marts.estimate_vintage").to_arrow_table()
        windows = connection.execute(WINDOWS).to_arrow_table()
        outlook = connection.execute(OUTLOOK).to_arrow_table()
        vintages = connection.execute("select * from marts.forecast_vintage").to_arrow_table()
        accuracies = connection.execute("select * from marts.forecast_accuracy").to_arrow_table()
    finally:
        connection.close()
    comparison = Comparison()
    compare_deliveries(truth_of(directory, at, "deliveries"), delivered_rows(home, at), comparison)
    compare_cases(truth_of(directory, at, "exceptions"), cases, comparison)
    compare_counts(truth_of(directory, at, "control_counts"), runs, comparison)
    compare_estimates(truth_of(directory, at, "estimates"), estimates, comparison)
    compare_windows(truth_of(directory, at, "windows"), windows, comparison)
    so_far = [one for one in load_times(directory) if one <= at]
    outlooks = {one.date(): truth_of(directory, one, "outlook") for one in so_far}
    compare_outlook(outlooks[at.date()], outlook, at.date(), comparison)
    days = {one.date() for one in struck}
    compare_forecasts(outlooks, at.date(), vintages, accuracies, comparison, days)
    now = truth_of(directory, at, "metrics")
    compare_metrics(now, metrics, comparison)
    then = {iso(one): truth_of(directory, one, "metrics") for one in so_far}
    compare_closes(bridge, closes, then, now, comparison)
    return comparison


def delivered_rows(home: Home, at: datetime) -> pa.Table:
    """What the canonical models hold of plans and native reports as known at `at`.

    They are published nowhere, so they are read where they are built.
    """
    with duckdb.connect(str(home.build), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        parts = [
            f"select '{port}' as port, {key} as record_id, {subject} as subject, period, currency_code,"
            f" amount from canonical.canonical__{port}"
            " where not is_deleted and known_from <= $at and (known_to is null or known_to > $at)"
            for port, (key, subject) in DELIVERED.items()
        ]
        return connection.execute(" union all ".join(parts), {"at": at}).to_arrow_table()


def compare_struck(home: Home, dataset: str, kind: str, at: datetime) -> Comparison:
    """A load that a transport fault struck: INT-003 must name it, what depends on it must not be green."""
    connection = warehouse.open_published(home)
    try:
        rows = connection.execute(
            "select control_id, grain_key, outcome from reconciliation.exception"
            " where control_id = 'INT-003' or outcome = 'NOT_EVALUABLE'"
        ).fetchall()
    finally:
        connection.close()
    comparison = Comparison()
    tally = comparison.controls["INT-003"]
    tally.truth = 1
    wanted_key = f"{dataset}|{load_id(at)}|{kind}"
    found = {key for control, key, outcome in rows if control == "INT-003" and outcome == "EXCEPTION"}
    tally.found = len({key for key in found if key.startswith(f"{dataset}|")} | (found - {wanted_key}))
    tally.matched = int(wanted_key in found)
    if wanted_key not in found:
        comparison.differences.append(
            Difference("case", "INT-003", wanted_key, "MISSING", "EXCEPTION", ", ".join(sorted(found)))
        )
    for key in sorted(found):
        if not key.startswith(f"{dataset}|"):
            comparison.differences.append(Difference("case", "INT-003", key, "EXTRA", "", "EXCEPTION"))
    if not any(outcome == "NOT_EVALUABLE" and key == dataset for _, key, outcome in rows):
        comparison.differences.append(
            Difference("case", "dependants", dataset, "MISSING", "NOT_EVALUABLE", "green")
        )
    return comparison


def score(
    source: Path,
    home: Home,
    *,
    loads: int | None = None,
    look_back: bool = True,
    say: Say = lambda _line: None,
) -> Score:
    """Play the loads of the firm in `source` into `home`, which is emptied first, and compare each.

    `loads` plays only the first so many. The firm's stores are copied, so edits made and clocks moved in
    `source` do not count. Raises E-SBX-004 when `source` holds no firm, E-SBX-007 when a run fails.
    """
    asked = firm_of(source)
    build(source, asked, truth=True, progress=say)
    _empty(home)
    directory = home.sandbox
    _copy(source, directory)
    times = load_times(source)[:loads]
    result = Score(asked.identity())
    say(f"firm: {describe(result.firm)}")
    strikes = {STRIKES[fault][0]: STRIKES[fault] for fault in asked.transport}
    struck = [at for number, at in enumerate(times) if number in strikes]
    with served(directory, home.runs / "emulators.log") as announced:
        drop = bring(directory, times[0])
        set_up(home, announced, str(read_sandbox(source)["reporting_currency"]), drop=drop)
        with receiving(home, directory, announced) as inbox:
            for number, at in enumerate(times):
                set_clock(directory, at)
                bring(directory, at)
                strike = strikes.get(number)
                write_json(directory / "profile.json", [strike[1]] if strike else [])
                deliver(announced, inbox)
                seconds = _throughline(home, at, "run")
                comparison = (
                    compare_struck(home, strike[2], strike[3], at)
                    if strike
                    else compare_published(home, source, at, struck)
                )
                _note(result, Load(load_id(at), at, warehouse.current(home).run_id, seconds, comparison), say)
                # every other month is closed here, the rest by the ERP alone
                if number % 2 == 0:
                    _throughline(home, at, "close", "soft", month_before(at))
    if look_back and len(times) > 2:
        at = next((at for number, at in enumerate(times) if number >= 1 and number not in strikes), times[0])
        seconds = _throughline(
            home, times[-1], "run", "--from-stage", "build", "--known-at", iso(at), "--as-of", str(at.date())
        )
        comparison = compare_published(home, source, at, struck)
        name = f"{load_id(at)} known at, asked later"
        _note(result, Load(name, at, warehouse.current(home).run_id, seconds, comparison), say)
    write_json(home.runs / "score.json", result.as_json())
    return result


def _empty(home: Home) -> None:
    """Remove what an earlier score left; refuse a folder that is something else."""
    if home.root.exists() and any(home.root.iterdir()):
        if not (home.root / "score-home").exists():
            raise error(
                "E-SBX-003", path=home.root, found="something that is no score's home", wanted="a fresh home"
            )
        shutil.rmtree(home.root)
    home.ensure()
    (home.root / "score-home").touch()


def _copy(source: Path, directory: Path) -> None:
    """The stores as they were built, without edits, and the tray of what is delivered by file."""
    shutil.copytree(source / "stores", directory / "stores", ignore=shutil.ignore_patterns("overlay.jsonl"))
    if (source / TRAY).is_dir():
        shutil.copytree(source / TRAY, directory / TRAY)
    shutil.copyfile(source / "sandbox.json", directory / "sandbox.json")


def _throughline(home: Home, now: datetime, *words: str) -> float:
    """Run `throughline WORDS` at `now`; its seconds. Raises E-SBX-007 when it does not end with 0."""
    log = home.runs / "score.log"
    last: list[str] = []

    def keep(text: str) -> None:
        last.append(text)
        del last[:-6]

    done = process.run(
        process.module("throughline.cli", *words),
        environment={
            **{name: value for name, value in os.environ.items() if name.startswith("THROUGHLINE_")},
            "THROUGHLINE_ACTOR": "controller",
            clock.VARIABLE: iso(now),
            VARIABLE: str(home.root),
            "NO_COLOR": "1",
        },
        log=log,
        on_line=keep,
    )
    if done.code != 0:
        verb = f"throughline {' '.join(words)}"
        raise error("E-SBX-007", verb=verb, code=done.code, detail=" ".join(last).strip(), log=log)
    return done.seconds


def _note(result: Score, load: Load, say: Say) -> None:
    result.loads.append(load)
    comparison = load.comparison
    cases = sum(tally.truth for tally in comparison.controls.values())
    matched = sum(tally.matched for tally in comparison.controls.values())
    say(
        f"{load.name}: {matched} of {cases} exceptions, {sum(comparison.metrics.values()):,} metric rows,"
        f" {len(comparison.differences)} differences ({load.seconds:.0f} s)"
    )
    for line in shown(comparison.differences):
        say(f"  {line}")


def shown(differences: list[Difference], limit: int = SHOWN) -> list[str]:
    """Up to `limit` differences per control or metric, and how many more there are."""
    grouped: dict[tuple[str, str], list[Difference]] = defaultdict(list)
    for item in differences:
        grouped[(item.kind, item.subject)].append(item)
    lines = []
    for (kind, subject), items in grouped.items():
        for item in items[:limit]:
            lines.append(
                f"{kind} {subject}: {item.what} {item.key}:"
                f" truth {item.truth or '-'}, found {item.found or '-'}"
            )
        if len(items) > limit:
            lines.append(f"{kind} {subject}: {len(items) - limit} more")
    return lines


def table(result: Score) -> list[str]:
    """Recall and precision per control over all loads, and differences per metric, as lines."""
    lines = [f"{'control':<14}{'true':>6}{'found':>7}{'recall':>9}{'precision':>11}"]
    for control, tally in result.controls().items():
        lines.append(
            f"{control:<14}{tally.truth:>6}{tally.found:>7}{tally.recall:>9.3f}{tally.precision:>11.3f}"
        )
    rows: dict[str, int] = defaultdict(int)
    wrong: dict[str, int] = defaultdict(int)
    for load in result.loads:
        for metric, count in load.comparison.metrics.items():
            rows[metric] += count
        for item in load.comparison.differences:
            if item.kind == "metric":
                wrong[item.subject] += 1
    lines.append(f"{'metric':<34}{'rows':>10}{'different':>11}")
    lines += [f"{metric:<34}{rows[metric]:>10,}{wrong[metric]:>11,}" for metric in sorted(rows)]
    lines += _delivered(result)
    lines.append(f"{'sums of closed periods':<34}{sum(load.comparison.closes for load in result.loads):>10,}")
    lines.append(
        f"{'estimates at completion':<34}{sum(load.comparison.estimates for load in result.loads):>10,}"
    )
    lines.append(
        f"{'cases in the windows of the return':<34}"
        f"{sum(load.comparison.windows for load in result.loads):>10,}"
    )
    total = sum(len(load.comparison.differences) for load in result.loads)
    lines.append(
        f"{len(result.loads)} loads, {total} differences: {'agrees' if result.agrees else 'DIFFERS'}"
    )
    return lines


def _delivered(result: Score) -> list[str]:
    """Rows that came by file: per report and plan how many over all loads, and the share that was found."""
    total: dict[str, Tally] = defaultdict(Tally)
    for load in result.loads:
        for name, tally in load.comparison.deliveries.items():
            total[name].add(tally)
    if not total:
        return []
    lines = [f"{'delivered by file':<34}{'rows':>10}{'recall':>11}{'precision':>11}"]
    return lines + [
        f"{name:<34}{tally.truth:>10,}{tally.recall:>11.3f}{tally.precision:>11.3f}"
        for name, tally in sorted(total.items())
    ]
