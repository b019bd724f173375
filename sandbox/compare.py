"""Compares what a run published with the truth of its load: cases, counts per control, metrics.

Works on Arrow tables with the columns of the truth files and of reconciliation.exception,
reconciliation.control_run and marts.metric_value; DuckDB joins them, in memory.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

CENT = Decimal("0.01")
RATIO = Decimal("0.000000001")
# What a number is made of: sums of amounts that are rounded to four decimals one by one.
PART = Decimal("0.0001")
# Metrics whose value is a quotient: a missing row is not zero, and values agree far closer than a cent.
RATIOS = (
    "average_days_delinquent",
    "backlog_burn",
    "backlog_cover",
    "billable_utilisation_net",
    "billable_utilisation_standard",
    "billable_utilisation_working",
    "billed_rate",
    "billing_realisation",
    "book_to_bill",
    "book_to_billings",
    "bookings_to_plan",
    "collection_effectiveness",
    "collection_realisation",
    "dso_balance",
    "dso_best_possible",
    "dso_countback",
    "effective_bill_rate",
    "forward_utilisation_12w",
    "forward_utilisation_4w",
    "forward_utilisation_8w",
    "hours_realisation",
    "leakage",
    "overall_realisation",
    "pipeline_coverage",
    "productive_utilisation",
    "revenue_to_plan",
    "total_utilisation",
    "win_rate",
    "wip_days",
    "wip_days_billings",
)
# and those of the handoff's stages, by how their names begin
RATIO_PREFIXES = ("handoff_lag_", "handoff_breach_", "failed_transaction_")
DIMENSIONS = (
    "metric_id",
    "as_of",
    "period_type",
    "grain",
    "legal_entity_id",
    "region_id",
    "practice_id",
    "customer_id",
    "project_id",
    "contract_line_id",
    "resource_id",
    "currency_view",
    "currency_code",
)


# what of an estimate is a number
ESTIMATED = ("eac_hours", "eac_cost_tc", "cost_to_date_tc", "revenue_effect_tc")


@dataclass(frozen=True)
class Difference:
    """One disagreement. `what`: MISSING, EXTRA or a column's name; `subject`: the control or metric."""

    kind: str
    subject: str
    key: str
    what: str
    truth: str
    found: str


@dataclass
class Tally:
    """How well the cases of one control were found."""

    truth: int = 0
    found: int = 0
    matched: int = 0

    def add(self, other: Tally) -> None:
        """Count another load's cases too."""
        self.truth += other.truth
        self.found += other.found
        self.matched += other.matched

    @property
    def recall(self) -> float:
        """Share of the true cases that were found; 1 when there are none."""
        return self.matched / self.truth if self.truth else 1.0

    @property
    def precision(self) -> float:
        """Share of the found cases that are true; 1 when nothing was found."""
        return self.matched / self.found if self.found else 1.0


@dataclass
class Comparison:
    """The outcome of one load: differences, cases per control, metric rows compared per metric, and rows that
    came by file per report and plan; sums of closed periods; estimates at completion; cases in the windows of
    the return; months of the outlook, forecasts of them and how good these were."""

    differences: list[Difference] = field(default_factory=list)
    controls: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    metrics: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    deliveries: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    closes: int = 0
    estimates: int = 0
    windows: int = 0
    forecasts: int = 0

    @property
    def agrees(self) -> bool:
        """Whether truth and warehouse are the same."""
        return not self.differences


def text_of(value: Any) -> str:
    """A value as a difference tells it; nothing for None."""
    return "" if value is None else str(value)


def _query(sql: str, **tables: pa.Table) -> list[dict[str, Any]]:
    connection = duckdb.connect(":memory:")
    try:
        connection.execute("set timezone = 'UTC'")
        for name, table in tables.items():
            connection.register(name, table)
        rows: list[dict[str, Any]] = connection.execute(sql).to_arrow_table().to_pylist()
        return rows
    finally:
        connection.close()


def compare_cases(truth: pa.Table, found: pa.Table, into: Comparison) -> None:
    """EXCEPTION and PENDING rows by (control, grain): outcome, severity, first day, amounts within a cent.

    `found` rows of other outcomes count as extra: the sandbox waives nothing, and a control that could not be
    evaluated has found nothing. Precision and recall are those of the EXCEPTION rows.
    """
    rows = _query(
        """
        select
            coalesce(t.control_id, f.control_id) as control_id,
            coalesce(t.grain_key, f.grain_key) as grain_key,
            t.control_id is not null as in_truth, f.control_id is not null as in_found,
            t.case_id, t.outcome as t_outcome, f.outcome as f_outcome,
            t.severity as t_severity, f.severity as f_severity,
            t.becomes_exception_on as t_day, f.becomes_exception_on as f_day,
            t.amount_at_risk as t_amount, f.amount_at_risk as f_amount,
            t.amount_at_risk_tc as t_amount_tc, f.amount_at_risk_tc as f_amount_tc
        from truth as t
        full outer join found as f on t.control_id = f.control_id and t.grain_key = f.grain_key
        order by 1, 2
        """,
        truth=truth,
        found=found,
    )
    for row in rows:
        control, key = row["control_id"], row["grain_key"]
        tally = into.controls[control]
        tally.truth += row["t_outcome"] == "EXCEPTION"
        tally.found += row["f_outcome"] == "EXCEPTION"
        tally.matched += row["t_outcome"] == "EXCEPTION" and row["f_outcome"] == "EXCEPTION"
        if not row["in_found"]:
            case = f"{row['t_outcome']} {row['case_id']}".strip()
            into.differences.append(Difference("case", control, key, "MISSING", case, ""))
            continue
        if not row["in_truth"]:
            into.differences.append(Difference("case", control, key, "EXTRA", "", row["f_outcome"]))
            continue
        for name in ("outcome", "severity"):
            if row[f"t_{name}"] != row[f"f_{name}"]:
                into.differences.append(
                    Difference("case", control, key, name, row[f"t_{name}"], row[f"f_{name}"])
                )
        if row["t_day"] != row["f_day"]:
            into.differences.append(
                Difference(
                    "case", control, key, "becomes_exception_on", text_of(row["t_day"]), text_of(row["f_day"])
                )
            )
        for name, label in (("amount", "amount_at_risk"), ("amount_tc", "amount_at_risk_tc")):
            if apart(row[f"t_{name}"], row[f"f_{name}"], CENT):
                into.differences.append(
                    Difference(
                        "case", control, key, label, text_of(row[f"t_{name}"]), text_of(row[f"f_{name}"])
                    )
                )


def apart(one: Decimal | None, other: Decimal | None, tolerance: Decimal) -> bool:
    """Whether two amounts differ by more than the tolerance; unknown is like nothing but unknown."""
    if one is None or other is None:
        return one is not other
    return abs(one - other) > tolerance


def compare_counts(truth: pa.Table, runs: pa.Table, into: Comparison) -> None:
    """Grains per control and outcome, and amounts of exceptions and pendings, over all legal entities.

    A count that the truth does not hold is not compared for PASS (the oracle does not know every population)
    and is zero for the rest. A control that the truth does not know is not compared.
    """
    rows = _query(
        """
        with outcomes as (
            select control_id, 'PASS' as outcome, pass_count as n, null::decimal(38, 4) as amount
            from runs where legal_entity_id = 'ALL'
            union all
            select control_id, 'EXCEPTION', exception_count, exception_amount
            from runs where legal_entity_id = 'ALL'
            union all
            select control_id, 'PENDING', pending_count, pending_amount
            from runs where legal_entity_id = 'ALL'
            union all
            select control_id, 'NOT_EVALUABLE', not_evaluable_count, not_evaluable_amount
            from runs where legal_entity_id = 'ALL'
        )
        select
            coalesce(t.control_id, o.control_id) as control_id,
            coalesce(t.outcome, o.outcome) as outcome,
            t.n as t_n, o.n as f_n, t.amount as t_amount, o.amount as f_amount
        from truth as t
        full outer join outcomes as o on t.control_id = o.control_id and t.outcome = o.outcome
        where coalesce(t.control_id, o.control_id) in (select control_id from truth)
        order by 1, 2
        """,
        truth=truth,
        runs=runs,
    )
    for row in rows:
        control, outcome = row["control_id"], row["outcome"]
        if row["t_n"] is None and outcome == "PASS":
            continue
        if (row["t_n"] or 0) != (row["f_n"] or 0):
            into.differences.append(
                Difference("count", control, outcome, "n", str(row["t_n"] or 0), str(row["f_n"] or 0))
            )
        if outcome == "PASS":
            continue
        # The sum of amounts that may each be half a unit of the last place away.
        allowed = CENT * max(1, row["t_n"] or 0)
        # No row of the truth is an amount of zero; an amount nobody knows is null on both sides.
        amounts = (row["t_amount"] if row["t_n"] else Decimal(0), row["f_amount"])
        if apart(*amounts, allowed):
            into.differences.append(
                Difference("count", control, outcome, "amount", text_of(amounts[0]), text_of(amounts[1]))
            )


def compare_metrics(truth: pa.Table, found: pa.Table, into: Comparison) -> None:
    """Rows of metric_value by all keys: amounts to the cent, quotients to 1e-9, denominators to the digit.

    A row that one side lacks is an amount of zero; of a quotient it is a difference, as null is of a number.
    """
    keys = ", ".join(f"coalesce(t.{name}, f.{name}) as {name}" for name in DIMENSIONS)
    joined = " and ".join(f"t.{name} is not distinct from f.{name}" for name in DIMENSIONS)
    ratios = ", ".join(f"'{name}'" for name in RATIOS)
    prefixes = "|".join(RATIO_PREFIXES)
    counted = _query(
        f"""
        select coalesce(t.metric_id, f.metric_id) as metric_id, count(*) as n
        from truth as t full outer join found as f on {joined} group by 1
        """,
        truth=truth,
        found=found,
    )
    for row in counted:
        into.metrics[row["metric_id"]] += row["n"]
    rows = _query(
        f"""
        with pairs as (
            select
                {keys},
                t.metric_id is not null as in_truth, f.metric_id is not null as in_found,
                t.value as t_value, f.value as f_value,
                t.denominator as t_below, f.denominator as f_below,
                t.metric_id is not null and f.metric_id is not null
                and (
                    (t.denominator is null) <> (f.denominator is null)
                    or coalesce(abs(t.denominator - f.denominator) > {PART}, false)
                ) as is_other_below,
                coalesce(t.metric_id, f.metric_id) in ({ratios})
                or regexp_matches(coalesce(t.metric_id, f.metric_id), '^({prefixes})') as is_ratio
            from truth as t
            full outer join found as f on {joined}
        )
        select * from pairs
        where is_other_below or case
            when in_truth and in_found and t_value is null and f_value is null then false
            when in_truth and in_found and (t_value is null or f_value is null) then true
            when is_ratio then
                not (in_truth and in_found) or abs(t_value - f_value) > {RATIO}
            when (in_truth and t_value is null) or (in_found and f_value is null) then true
            else abs(coalesce(t_value, 0) - coalesce(f_value, 0)) > {CENT}
        end
        order by {", ".join(DIMENSIONS)}
        """,
        truth=truth,
        found=found,
    )
    for row in rows:
        key = " ".join(str(row[name]) for name in DIMENSIONS[1:] if row[name] != "ALL")
        what = "value" if row["in_truth"] and row["in_found"] else "EXTRA" if row["in_found"] else "MISSING"
        truth_says, found_says = row["t_value"], row["f_value"]
        if row["is_other_below"]:
            what, truth_says, found_says = "denominator", row["t_below"], row["f_below"]
        into.differences.append(
            Difference("metric", row["metric_id"], key, what, text_of(truth_says), text_of(found_says))
        )


def compare_estimates(truth: pa.Table, found: pa.Table, into: Comparison) -> None:
    """Estimates at completion by project and number: day and hours exactly, money to the cent."""
    rows = _query(
        f"""
        select
            coalesce(t.project_id, f.project_id) as project_id,
            coalesce(t.vintage_number, f.vintage_number) as vintage_number,
            t.project_id is not null as in_truth, f.project_id is not null as in_found,
            t.estimated_on as t_estimated_on, f.estimated_on as f_estimated_on,
            {", ".join(f"t.{name} as t_{name}, f.{name} as f_{name}" for name in ESTIMATED)}
        from truth as t
        full outer join found as f
            on t.project_id = f.project_id and t.vintage_number = f.vintage_number
        order by 1, 2
        """,
        truth=truth,
        found=found,
    )
    for row in rows:
        into.estimates += 1
        key = f"{row['project_id']} {row['vintage_number']}"
        if not (row["in_truth"] and row["in_found"]):
            what = "MISSING" if row["in_truth"] else "EXTRA"
            days = text_of(row["t_estimated_on"]), text_of(row["f_estimated_on"])
            into.differences.append(Difference("estimate", row["project_id"], key, what, *days))
            continue
        for name in ("estimated_on", *ESTIMATED):
            says, finds = row[f"t_{name}"], row[f"f_{name}"]
            same = says == finds if name == "estimated_on" else not apart(says, finds, CENT)
            if not same:
                into.differences.append(
                    Difference("estimate", row["project_id"], key, name, text_of(says), text_of(finds))
                )


def compare_deliveries(truth: pa.Table, found: pa.Table, into: Comparison) -> None:
    """Rows that came by file: each there once, and the sum of money per report or plan, month and currency.

    Amounts are compared exactly: nothing is computed of them on the way.
    """
    rows = _query(
        """
        with held as (
            select record_id, subject, period, currency_code, sum(amount) as amount, count(*) as n
            from found group by all
        )
        select
            coalesce(t.subject, h.subject) as subject,
            coalesce(t.record_id, h.record_id) as record_id,
            t.record_id is not null as in_truth, h.record_id is not null as in_found,
            coalesce(h.n, 0) as n, t.amount as t_amount, h.amount as f_amount
        from truth as t
        full outer join held as h
            on t.record_id = h.record_id and t.subject = h.subject and t.period = h.period
            and t.currency_code is not distinct from h.currency_code
        order by 1, 2
        """,
        truth=truth,
        found=found,
    )
    for row in rows:
        subject, key = row["subject"], row["record_id"]
        same = row["in_truth"] and row["n"] == 1 and row["t_amount"] == row["f_amount"]
        tally = into.deliveries[subject]
        tally.truth += row["in_truth"]
        tally.found += row["n"]
        tally.matched += same
        if not row["in_found"]:
            into.differences.append(
                Difference("delivery", subject, key, "MISSING", text_of(row["t_amount"]), "")
            )
        elif not row["in_truth"]:
            into.differences.append(
                Difference("delivery", subject, key, "EXTRA", "", text_of(row["f_amount"]))
            )
        elif row["n"] != 1:
            into.differences.append(Difference("delivery", subject, key, "n", "1", str(row["n"])))
        elif not same:
            amounts = (text_of(row["t_amount"]), text_of(row["f_amount"]))
            into.differences.append(Difference("delivery", subject, key, "amount", *amounts))
    _compare_sums(truth, found, into)


def _compare_sums(truth: pa.Table, found: pa.Table, into: Comparison) -> None:
    sums = """
        select port, subject, period, coalesce(currency_code, '') as currency_code, count(*) as n,
            sum(amount) as amount
        from {} group by all
    """
    rows = _query(
        f"""
        with t as ({sums.format("truth")}), f as ({sums.format("found")})
        select coalesce(t.port, f.port) as port,
            concat_ws(' ', subject, period, currency_code) as key,
            coalesce(t.n, 0) as t_n, coalesce(f.n, 0) as f_n, t.amount as t_amount, f.amount as f_amount
        from t full outer join f using (port, subject, period, currency_code)
        where coalesce(t.n, 0) <> coalesce(f.n, 0) or t.amount is distinct from f.amount
        order by 1, 2
        """,
        truth=truth,
        found=found,
    )
    for row in rows:
        for what in ("n", "amount"):
            one, other = text_of(row[f"t_{what}"]), text_of(row[f"f_{what}"])
            if one != other:
                into.differences.append(Difference("delivered", row["port"], row["key"], what, one, other))


# of a case in a window: what it is known by
CASE = (
    "time_window",
    "measure",
    "mix",
    "legal_entity_id",
    "practice_id",
    "took",
    "calendar_days",
    "is_open",
)


def compare_windows(truth: pa.Table, found: pa.Table, into: Comparison) -> None:
    """Cases of the two windows of the return by all that is told of them; money of their work to the cent.

    What is known of a case is what it is known by, so one that took longer is one missing and one extra.
    """
    rows = _query(
        f"""
        select
            {", ".join(f"coalesce(t.{name}, f.{name}) as {name}" for name in CASE)},
            t.cases as t_cases, f.cases as f_cases, t.lost_rc as t_lost_rc, f.lost_rc as f_lost_rc,
            t.contract_rc as t_contract_rc, f.contract_rc as f_contract_rc
        from truth as t
        full outer join found as f
            on {" and ".join(f"t.{name} is not distinct from f.{name}" for name in CASE)}
        order by {", ".join(CASE)}
        """,
        truth=truth,
        found=found,
    )
    for row in rows:
        into.windows += row["t_cases"] or 0
        key = " ".join(text_of(row[name]) for name in CASE if name != "measure")
        if row["t_cases"] != row["f_cases"]:
            counts = text_of(row["t_cases"]), text_of(row["f_cases"])
            into.differences.append(Difference("window", row["measure"], key, "cases", *counts))
            continue
        for name in ("lost_rc", "contract_rc"):
            says, finds = row[f"t_{name}"], row[f"f_{name}"]
            if apart(says, finds, CENT):
                into.differences.append(
                    Difference("window", row["measure"], key, name, text_of(says), text_of(finds))
                )


# the metrics that add up movements: a closed month reports each of them
CLOSED_METRICS = (
    "billed",
    "billed_gross",
    "cash_applied",
    "cash_received",
    "credit_notes",
    "debookings",
    "gross_bookings",
    "labour_cost",
    "net_bookings",
    "recognised_revenue",
    "subcontractor_cost",
)


def compare_closes(
    bridge: pa.Table, closes: pa.Table, then: dict[str, pa.Table], now: pa.Table, into: Comparison
) -> None:
    """Closed periods: what was reported is the truth of the load that was closed, what is known is today's.

    `bridge` and `closes` are reconciliation.close_bridge and period_close; `then` has the metrics' truth of
    each load by its instant (ISO, UTC). A close at any other instant, one whose content is not reproduced,
    and a metric that adds up movements and is not in the bridge are differences too. A month whose areas were
    closed on what different loads knew has no one load to be held against, and is left to the dbt tests.
    """
    for row in closes.to_pylist():
        key = f"{row['legal_entity_id']} {row['period']} {row['area']}"
        if row["proof"] == "DIFFERS":
            into.differences.append(Difference("close", key, row["area"], "proof", "REPRODUCED", "DIFFERS"))
    asked: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in closes.to_pylist():
        if row["state"] in ("SOFT_CLOSED", "HARD_CLOSED", "REOPENED"):
            asked[row["legal_entity_id"], row["period"]].add(_instant(row["closed_known_at"]))
    told = {
        (row["metric_id"], row["legal_entity_id"], row["period"]): row
        for row in bridge.to_pylist()
        if row["currency_view"] == "RC"
    }
    current = _by_month(now)
    earlier = {at: _by_month(table) for at, table in then.items()}
    first = min((period for _, _, period in current), default="")
    for (entity, period), instants in sorted(asked.items()):
        if period < first or len(instants) != 1:
            continue
        [at] = instants
        if at not in earlier:
            into.differences.append(Difference("close", entity, period, "closed_known_at", "a load", at))
            continue
        for metric in CLOSED_METRICS:
            row = told.get((metric, entity, period), {"as_reported": 0, "as_now_known": 0})
            for column, truth in (("as_reported", earlier[at]), ("as_now_known", current)):
                wanted = truth.get((metric, entity, period), Decimal(0))
                found = Decimal(row[column])
                into.closes += 1
                if abs(wanted - found) > CENT:
                    difference = Difference(
                        "close", metric, f"{entity} {period}", column, str(wanted), str(found)
                    )
                    into.differences.append(difference)


def _instant(value: Any) -> str:
    return str(value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _by_month(truth: pa.Table) -> dict[tuple[str, str, str], Decimal]:
    """(metric, legal entity, YYYY-MM) -> the month's sum in reporting currency, of whole months."""
    rows = _query(
        "select metric_id, legal_entity_id, strftime(as_of, '%Y-%m') as period, numerator from truth"
        " where grain = 'LEGAL_ENTITY' and period_type = 'MONTH' and currency_view = 'RC'"
        " and as_of = last_day(as_of)",
        truth=truth,
    )
    return {(row["metric_id"], row["legal_entity_id"], row["period"]): row["numerator"] for row in rows}
