"""What every published run found, kept when its published file is gone: the memory of the history columns.

`runs/<id>/reconciliation/` holds three Parquet files per published run: its exceptions, its results per
control, and the revenue it expected. They are written by the next build, before retention can have taken the
published file, and never change. The history of a run is then a question to them, whatever order runs were
made in.

Which runs came before: those on the way to the run that is published now (a run that was rolled back was
withdrawn and does not count), made for an earlier pair of (as_of, known_at), with nothing learnt later than
this run's known_at. A pair that was run twice counts once, as last published. So a report for the past says
what it would have said then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from throughline import publish, warehouse
from throughline.content import insert, literal
from throughline.files import sync_folder
from throughline.home import Home
from throughline.state import Store

Row = tuple[Any, ...]
FOLDER, EXCEPTIONS, CONTROLS = "reconciliation", "exceptions.parquet", "controls.parquet"
OUTLOOK = "outlook.parquet"
PERIODS = 6
# whole months whose forecasts are judged, and how many months ahead the earliest of them was made
JUDGED, HORIZONS = 12, 6

_EXCEPTIONS = """
select exception_id, control_id, grain_key, outcome, state, severity, becomes_exception_on, amount_at_risk,
    root_exception_id,
    -- the row that stands for a whole control which could not run, not for a grain
    control_id <> 'INT-003' and outcome = 'NOT_EVALUABLE' and risk_object like 'dataset:%' as is_block
from reconciliation.exception order by exception_id
"""
_CONTROLS = """
select control_id, legal_entity_id, control_version, status, population_count, population_amount, pass_count,
    pending_count, pending_amount, exception_count, exception_amount, waived_count, waived_amount,
    not_evaluable_count
from reconciliation.control_run order by control_id, legal_entity_id
"""

# what the run expected of months to come, at budget rates: of what was signed, of what may still be won, and
# of both together
_OUTLOOK = """
with told as (
    select case when basis = 'PIPELINE' then 'PIPELINE' else 'BACKLOG_BURN' end as measure, *
    from marts.revenue_outlook
    where basis in ('SCHEDULED', 'TENTATIVE', 'UNSCHEDULED', 'PIPELINE') and month_start is not null
)
select measure, month_start, legal_entity_id, practice_id,
    cast(case when count(*) = count(amount_cc) then sum(amount_cc) end as decimal(28, 4)) as amount_cc
from (from told union all by name select * replace ('REVENUE' as measure) from told)
group by measure, month_start, legal_entity_id, practice_id
order by measure, month_start, legal_entity_id, practice_id
"""


@dataclass(frozen=True)
class Made:
    """A published run and the two clocks it was made for."""

    run_id: str
    as_of: date
    known_at: datetime

    @property
    def pair(self) -> tuple[date, datetime]:
        return self.as_of, self.known_at


def months(day: date, number: int = PERIODS) -> list[str]:
    """The months (YYYY-MM) that end with the month of `day`, oldest first."""
    found = []
    for _ in range(number):
        found.append(day.isoformat()[:7])
        day = day.replace(day=1) - timedelta(days=1)
    return found[::-1]


def folder(home: Home, run_id: str) -> Path:
    """Where a run's results are kept."""
    return home.run(run_id) / FOLDER


def _write(path: Path, table: pa.Table, metadata: dict[str, str]) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    pq.write_table(table.replace_schema_metadata(metadata), temporary)
    temporary.replace(path)


def keep(home: Home) -> None:
    """Write down the results of every published run that is not written down yet.

    A published file without a reconciliation has nothing to keep.
    """
    for run_id in publish.published_runs(home):
        target = folder(home, run_id)
        if (target / CONTROLS).exists():
            continue
        connection = warehouse.open_published(home, run_id)
        try:
            tables = {
                str(name)
                for (name,) in connection.execute(
                    "select table_name from information_schema.tables"
                    " where table_schema in ('reconciliation', 'marts')"
                ).fetchall()
            }
            if not {"exception", "control_run"} <= tables:
                continue
            said = connection.execute("select as_of, known_at from publication.run").fetchone()
            assert said is not None
            metadata = {"run_id": run_id, "as_of": said[0].isoformat(), "known_at": said[1].isoformat()}
            exceptions = connection.execute(_EXCEPTIONS).to_arrow_table()
            controls = connection.execute(_CONTROLS).to_arrow_table()
            # a run of before there was an outlook expected nothing that anybody could be held to
            outlook = connection.execute(_OUTLOOK).to_arrow_table() if "revenue_outlook" in tables else None
        finally:
            connection.close()
        target.mkdir(parents=True, exist_ok=True)
        # the controls come last: where they stand, the others stand too
        if outlook is not None:
            _write(target / OUTLOOK, outlook, metadata)
        _write(target / EXCEPTIONS, exceptions, metadata)
        _write(target / CONTROLS, controls, metadata)
        sync_folder(target)


def _kept(home: Home) -> dict[str, Made]:
    found = {}
    for path in sorted(home.runs.glob(f"*/{FOLDER}/{CONTROLS}")):
        said = pq.read_metadata(path).metadata
        run_id, as_of, known_at = (said[name].decode() for name in (b"run_id", b"as_of", b"known_at"))
        found[run_id] = Made(run_id, date.fromisoformat(as_of), datetime.fromisoformat(known_at))
    return found


def lineage(home: Home) -> list[Made]:
    """The published runs on the way to the one published now, oldest first, itself last."""
    kept, run_id = _kept(home), publish.current_run(home)
    came_after = {
        event.object_id: event.payload.get("from")
        for event in Store(home).read("publication")
        if event.payload.get("action") == "publish"
    }
    line: list[Made] = []
    passed: set[str] = set()
    while run_id is not None and run_id not in passed:
        passed.add(run_id)
        if run_id in kept:
            line.append(kept[run_id])
        if run_id in came_after:
            run_id = came_after[run_id]
        else:
            # killed between the swap of the pointer and the word of it: ids grow with time
            run_id = max((one for one in kept if one < run_id), default=None)
    return line[::-1]


def before(home: Home, as_of: date, known_at: datetime) -> list[Made]:
    """The runs that came before the pair (as_of, known_at), by pair, each pair as last published."""
    by_pair = {
        made.pair: made
        for made in lineage(home)
        if made.pair < (as_of, known_at) and made.known_at <= known_at
    }
    return [by_pair[pair] for pair in sorted(by_pair)]


def periods(earlier: list[Made], as_of: date) -> dict[str, Made]:
    """The last of the runs before per month, for the months before that of `as_of` that a trend shows.

    The run for the month's end where there was one, as last published: no later day is in the month.
    """
    shown = months(as_of)[:-1]
    return {made.as_of.isoformat()[:7]: made for made in earlier if made.as_of.isoformat()[:7] in shown}


def _open(home: Home, earlier: list[Made]) -> duckdb.DuckDBPyConnection:
    """The runs and what they found as tables `run`, `sighting` and `result`, numbered by pair."""
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(
        "create table run (number integer, run_id varchar, as_of date, known_at timestamptz, place varchar)"
    )
    places = [str(folder(home, made.run_id)) for made in earlier]
    insert(
        connection,
        "run",
        [
            (number, made.run_id, made.as_of, made.known_at, place)
            for number, (made, place) in enumerate(zip(earlier, places, strict=True))
        ],
    )
    for table, name in (("sighting", EXCEPTIONS), ("result", CONTROLS)):
        files = ", ".join(literal(f"{place}/{name}") for place in places)
        connection.execute(
            f"create table {table} as select run.number, kept.* exclude (filename) from"
            f" read_parquet([{files}], filename = true, union_by_name = true) as kept"
            f" inner join run on kept.filename = run.place || '/{name}'"
        )
    return connection


_PRIOR_EXCEPTIONS = """
with

-- the last run that could judge the control: one that could not says nothing of what it did not look at
judged as (
    select result.control_id, max(result.number) as number
    from result
    where
        result.legal_entity_id = 'ALL'
        and not exists (
            select 1 from sighting
            where sighting.is_block and sighting.control_id = result.control_id
                and sighting.number = result.number
        )
    group by result.control_id
),

seen as (
    select
        sighting.exception_id,
        arg_max(sighting.control_id, sighting.number) as control_id,
        arg_max(sighting.grain_key, sighting.number) as grain_key,
        min(run.as_of) as first_seen_on,
        max(run.as_of) as last_seen_on,
        count(*) as occurrences,
        bool_or(sighting.outcome in ('EXCEPTION', 'WAIVED')) as was_open,
        bool_or(sighting.is_block) as is_block
    from sighting
    inner join run on sighting.number = run.number
    group by sighting.exception_id
),

placed as (
    select
        seen.*,
        case when seen.is_block then (select max(run.number) from run) else judged.number end as number
    from seen
    left join judged on seen.control_id = judged.control_id
)

select
    placed.exception_id,
    placed.control_id,
    placed.grain_key,
    prior.outcome,
    prior.state,
    prior.severity,
    prior.becomes_exception_on,
    prior.amount_at_risk,
    prior.root_exception_id,
    run.run_id,
    run.known_at,
    placed.first_seen_on,
    placed.last_seen_on,
    cast(placed.occurrences as integer) as occurrences,
    placed.was_open,
    period_end.outcome as period_outcome,
    period_end.amount_at_risk as period_amount_at_risk
from placed
left join run on placed.number = run.number
left join sighting as prior
    on placed.exception_id = prior.exception_id and placed.number = prior.number
left join sighting as period_end
    on placed.exception_id = period_end.exception_id and period_end.number = $period
order by placed.exception_id
"""
_PRIOR_CONTROLS = """
select
    run.run_id, run.as_of, run.known_at, result.control_id, result.legal_entity_id,
    cast(result.control_version as integer) as control_version,
    result.status,
    coalesce(blocked.is_block, false) as is_blocked,
    cast(result.pending_count as bigint) as pending_count,
    cast(result.exception_count as bigint) as exception_count,
    result.exception_amount
from result
inner join run on result.number = run.number
left join (select distinct number, control_id, is_block from sighting where is_block) as blocked
    on result.number = blocked.number and result.control_id = blocked.control_id
where result.number in ($numbers)
order by run.as_of, result.control_id, result.legal_entity_id
"""


def history(home: Home, as_of: date, known_at: datetime) -> tuple[list[Row], list[Row]]:
    """What the runs before (as_of, known_at) knew: the rows of inputs.prior_exception, one per exception ever
    seen by them, and of inputs.prior_control_run, one per month shown, control and legal entity."""
    keep(home)
    earlier = before(home, as_of, known_at)
    if not earlier:
        return [], []
    shown = periods(earlier, as_of)
    number = {made.run_id: place for place, made in enumerate(earlier)}
    period = shown.get(months(as_of, 2)[0])
    connection = _open(home, earlier)
    try:
        exceptions = connection.execute(
            _PRIOR_EXCEPTIONS.replace("$period", str(number[period.run_id]) if period else "null")
        ).fetchall()
        told = ", ".join(str(number[made.run_id]) for made in shown.values()) or "null"
        controls = connection.execute(_PRIOR_CONTROLS.replace("$numbers", told)).fetchall()
    finally:
        connection.close()
    return exceptions, controls


def outlooks(home: Home, as_of: date, known_at: datetime) -> list[Row]:
    """What was expected before each month began: the rows of inputs.prior_outlook.

    Per first day of a month, back to the earliest that a forecast is judged by, the last outlook published
    for a day before it: the forecast that stood when the month began.
    """
    kept = [made for made in before(home, as_of, known_at) if (folder(home, made.run_id) / OUTLOOK).exists()]
    rows: list[Row] = []
    for month in months(as_of, JUDGED + HORIZONS + 1):
        first = date.fromisoformat(f"{month}-01")
        stood = [made for made in kept if made.as_of < first]
        if not stood:
            continue
        last = max(stood, key=lambda made: made.pair)
        table = pq.read_table(folder(home, last.run_id) / OUTLOOK)
        # one kept before the two were told apart is of both
        rows += [
            (first, last.run_id, last.as_of, row.get("measure", "REVENUE"), row["month_start"],
             row["legal_entity_id"], row["practice_id"], row["amount_cc"])
            for row in table.to_pylist()
        ]  # fmt: skip
    return rows
