"""What MetricFlow says of the published metrics, against the numbers every page reads."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from throughline import registry, warehouse
from throughline.home import Home
from throughline.registry.semantic import is_sum, period_of

ROOT = Path(__file__).resolve().parent.parent.parent
MONTH = "metric_time__month"
Numbers = dict[tuple[str, str], Decimal | None]
METRICS = registry.load()


def asked(home: Home, folder: Path, metrics: Sequence[str], by: str | None) -> Numbers:
    """MetricFlow's answer: (metric, member it is grouped by) -> number, None where it is blank."""
    answer = folder / "answer.csv"
    words = ["--metrics", ",".join(metrics), "--csv", str(answer), *(["--group-by", by] if by else [])]
    done = subprocess.run(
        [sys.executable, "scripts/metricflow.py", *words],
        cwd=ROOT,
        env={**os.environ, "THROUGHLINE_HOME": str(home.root), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    with answer.open(encoding="utf-8", newline="") as file:
        return {
            (metric, row[by] if by else ""): Decimal(row[metric]) if row[metric] else None
            for row in csv.DictReader(file)
            for metric in metrics
        }


def by_month(found: Numbers) -> Numbers:
    """The same, each month by its first ten letters."""
    return {(metric, member[:10]): value for (metric, member), value in found.items()}


def published_numbers(home: Home, grain: str, member: str, periods: Sequence[str]) -> Numbers:
    """The pages' numbers: (metric, month or member) -> value, None where the page is blank."""
    with warehouse.open_published(home) as connection:
        rows = connection.execute(
            f"select metric_id, as_of, {member} as member, value from marts.metric_value "
            "where grain = ? and currency_view in ('RC', 'NA') and list_contains(?, period_type)",
            [grain, list(periods)],
        ).fetchall()
    return {
        (metric, day.replace(day=1).isoformat() if member == "grain" else name): value
        for metric, day, name, value in rows
    }


def differences(
    said: Numbers, wanted: Numbers
) -> list[tuple[tuple[str, str], Decimal | None, Decimal | None]]:
    """Where the two do not agree to half a cent. No row and a blank are the same: nobody says a number."""
    found = []
    for key in sorted({*said, *wanted}):
        one, other = said.get(key), wanted.get(key)
        if (one is None) != (other is None) or (
            one is not None and other is not None and abs(one - other) > Decimal("0.005")
        ):
            found.append((key, one, other))
    return found


def test_every_sum_is_by_month_what_the_pages_show(published: Home, tmp_path: Path) -> None:
    sums = [metric.id for metric in METRICS if is_sum(metric)]
    assert len(sums) > 20
    wanted = {
        key: value
        for key, value in published_numbers(published, "FIRM", "grain", ["MONTH", "POINT"]).items()
        if key[0] in sums
    }
    # rows go further back than the first month that is shown: sums of twelve months hold them
    first = min(month for _, month in wanted)
    answer = by_month(asked(published, tmp_path, sums, MONTH))
    said = {key: value for key, value in answer.items() if key[1] >= first}
    # an hour without a cost leaves labour cost blank here as there
    assert any(value is None for value in wanted.values())
    assert sum(value is not None for value in wanted.values()) > 100
    assert differences(said, wanted) == []


def test_a_flow_by_practice_adds_up_to_its_months(published: Home, tmp_path: Path) -> None:
    by = "number_row__practice_id"
    said = asked(published, tmp_path, ["recognised_revenue"], by)
    with warehouse.open_published(published) as connection:
        rows = connection.execute(
            "select practice_id, sum(value) from marts.metric_value where metric_id = 'recognised_revenue' "
            "and grain = 'PRACTICE' and currency_view = 'RC' and period_type = 'MONTH' group by practice_id"
        ).fetchall()
    wanted: Numbers = {("recognised_revenue", practice): value for practice, value in rows}
    assert len(wanted) > 1
    assert differences(said, wanted) == []


def test_what_stood_once_is_not_said_to_stand_on_the_last_date(published: Home, tmp_path: Path) -> None:
    balances = [metric.id for metric in METRICS if is_sum(metric) and metric.kind == "balance"]
    said = asked(published, tmp_path, balances, None)
    with warehouse.open_published(published) as connection:
        rows = connection.execute(
            "select metric_id, value from marts.metric_value where grain = 'FIRM' and currency_view = 'RC' "
            "and period_type = 'POINT' and as_of = (select max(as_of) from marts.metric_value)"
        ).fetchall()
    wanted: Numbers = {(metric, ""): value for metric, value in rows if metric in balances}
    assert differences(said, wanted) == []


def test_what_is_no_sum_is_read_as_it_was_worked_out(published: Home, tmp_path: Path) -> None:
    others = {metric.id: period_of(metric) for metric in METRICS if not is_sum(metric)}
    wanted: Numbers = {}
    for period in sorted(set(others.values())):
        for key, value in published_numbers(published, "FIRM", "grain", [period]).items():
            if others.get(key[0]) == period:
                wanted[key] = value
    assert {"dso_countback", "billable_utilisation_net"} <= {metric for metric, _ in wanted}
    assert differences(by_month(asked(published, tmp_path, list(others), MONTH)), wanted) == []
