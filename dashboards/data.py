"""The only reader of the warehouse: published files, pinned per session, one digest per cached query."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import streamlit as st

from throughline import warehouse
from throughline.errors import ThroughlineError
from throughline.files import read_json
from throughline.home import Home, resolve
from throughline.recon import workbook as recon_workbook
from throughline.recon.export import base_name, software
from throughline.recon.published import Filter, read_report
from throughline.state import Event, Store

Row = Mapping[str, Any]
_SESSION_RUN = "pinned_run"
RUN_PARAMETER = "run"


@dataclass(frozen=True)
class Publication:
    """The published run a session reads."""

    run_id: str
    path: str


def home() -> Home:
    """The home the app was started for."""
    return resolve()


def latest() -> Publication:
    """What the pointer names now. Raises E-PUB-001 when nothing is published."""
    found = warehouse.resolve(home())
    return Publication(found.run_id, str(found.path))


def pinned() -> Publication:
    """The run this session reads: the one its link names, else the one published when the session began."""
    if _SESSION_RUN not in st.session_state:
        st.session_state[_SESSION_RUN] = _asked() or latest()
    found: Publication = st.session_state[_SESSION_RUN]
    return found


def _asked() -> Publication | None:
    """The run named by the address, when it is still kept."""
    run_id = st.query_params.get(RUN_PARAMETER)
    if not run_id:
        return None
    try:
        found = warehouse.resolve(home(), run_id)
    except ThroughlineError:
        return None
    return Publication(found.run_id, str(found.path))


def take_latest() -> None:
    """Moves the session to what is published now."""
    st.query_params.pop(RUN_PARAMETER, None)
    st.session_state[_SESSION_RUN] = latest()


def published_at(run_id: str) -> str | None:
    """When the run was published, as the pointer says; None for an earlier run."""
    pointer = read_json(home().pointer) or {}
    return str(pointer["published_at"]) if pointer.get("run_id") == run_id else None


@st.cache_resource(max_entries=4, show_spinner=False)
def _connection(path: str) -> duckdb.DuckDBPyConnection:
    return warehouse.open_file(Path(path))


def _read(path: str, sql: str, parameters: Sequence[Any]) -> tuple[Row, ...]:
    cursor = _connection(path).cursor()
    cursor.execute(sql, list(parameters))
    names = [column[0] for column in cursor.description or []]
    return tuple(MappingProxyType(dict(zip(names, values, strict=True))) for values in cursor.fetchall())


@st.cache_resource(max_entries=1000, show_spinner=False)
def _cached(digest: str, _path: str, _sql: str, _parameters: tuple[Any, ...]) -> tuple[Row, ...]:
    """Read-only rows, shared by all sessions. One argument decides: the digest (several could collide)."""
    return _read(_path, _sql, _parameters)


def digest(publication: Publication, sql: str, parameters: tuple[Any, ...]) -> str:
    """A canonical name of a query: the same only when run, statement and every parameter are the same."""
    parts = [publication.run_id, publication.path, sql, [_plain(value) for value in parameters]]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def _plain(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return ["list", [_plain(item) for item in value]]
    if isinstance(value, (date, datetime, Decimal)):
        return [type(value).__name__, str(value)]
    return [type(value).__name__, value]


def rows(sql: str, *parameters: Any) -> tuple[Row, ...]:
    """Rows of a read on the session's run; money stays Decimal."""
    publication = pinned()
    return _cached(digest(publication, sql, parameters), publication.path, sql, parameters)


def row(sql: str, *parameters: Any) -> Row | None:
    """The first row, or None."""
    found = rows(sql, *parameters)
    return found[0] if found else None


def uncached_rows(publication: Publication, sql: str, *parameters: Any) -> tuple[Row, ...]:
    """Rows for a download: asked for once, from a thread that has no session, and not kept."""
    return _read(publication.path, sql, parameters)


def run_info() -> Row:
    """run_id, as_of, known_at, reporting_currency and started_at of the session's run."""
    found = row("select run_id, as_of, known_at, reporting_currency, started_at from publication.run")
    assert found is not None, "publishing writes publication.run"
    return found


def currency() -> str:
    """The reporting currency's code."""
    return str(run_info()["reporting_currency"])


def as_of_dates() -> list[date]:
    """Dates that have numbers, latest first."""
    found = rows("select distinct as_of from marts.metric_value where grain = 'FIRM' order by as_of desc")
    return [r["as_of"] for r in found]


def freshness() -> tuple[Row, ...]:
    """Per source system: its newest and its oldest load, how many of its data sets did not arrive whole."""
    return rows(
        "select source_system, max(loaded_at) as newest, min(loaded_at) as oldest, count(*) as datasets, "
        "count(*) filter (where status <> 'OK') as failed from reconciliation.recon__dataset_status "
        "group by source_system order by source_system"
    )


@dataclass(frozen=True)
class Scope:
    """What part of the firm a page shows: a grain of metric_value and its member."""

    grain: str
    member: str
    label: str

    @property
    def key(self) -> str:
        """As it stands in the address."""
        return f"{self.grain}:{self.member}"


FIRM = Scope("FIRM", "ALL", "Whole firm")
MEMBER_COLUMN = {
    "LEGAL_ENTITY": "legal_entity_id",
    "REGION": "region_id",
    "PRACTICE": "practice_id",
    "CUSTOMER": "customer_id",
}
_SCOPES = """
select 1 as position, 'LEGAL_ENTITY' as grain, legal_entity_id as member,
    entity_code || ' · ' || name as label
from master.dim_legal_entity
union all
select case unit_type when 'practice' then 2 else 3 end, upper(unit_type), code, name
from master.dim_org_unit where unit_type in ('practice', 'region')
union all
select 4, 'CUSTOMER', customer_id, name from master.dim_customer
where customer_id in (select customer_id from marts.metric_value where grain = 'CUSTOMER')
order by 1, 4
"""
_GRAIN_WORD = {
    "LEGAL_ENTITY": "Entity",
    "PRACTICE": "Practice",
    "REGION": "Region",
    "CUSTOMER": "Client",
}


def scopes() -> list[Scope]:
    """Everything a page can be narrowed to: firm, entities, practices, regions, clients."""
    found = rows(_SCOPES)
    return [
        FIRM,
        *(Scope(r["grain"], r["member"], f"{_GRAIN_WORD[r['grain']]}: {r['label']}") for r in found),
    ]


def narrowing(scope: Scope, prefix: str = "") -> tuple[str, tuple[str, ...]]:
    """SQL that narrows a table with the member columns to the scope (or nothing), and its value."""
    if scope.grain == "FIRM":
        return "", ()
    return f"and {prefix}{MEMBER_COLUMN[scope.grain]} = ?", (scope.member,)


def metric_rows(scope: Scope, period: str) -> tuple[Row, ...]:
    """All metrics of one scope in the reporting currency: monthly, balances, and the period asked for."""
    condition, parameters = narrowing(scope)
    return rows(
        "select metric_id, as_of, period_type, numerator, denominator, value from marts.metric_value "
        "where grain = ? and period_type in ('MONTH', 'POINT', ?) and currency_view in ('RC', 'NA') "
        f"{condition}",
        scope.grain,
        period,
        *parameters,
    )


def practice_rows(period: str) -> tuple[Row, ...]:
    """The same for every practice, with its code and name."""
    return rows(
        "select v.practice_id, u.name as practice, v.metric_id, v.as_of, v.period_type, v.numerator, "
        "v.denominator, v.value from marts.metric_value v "
        "left join (select distinct code, name from master.dim_org_unit where unit_type = 'practice') u "
        "on u.code = v.practice_id "
        "where v.grain = 'PRACTICE' and v.period_type in ('MONTH', 'POINT', ?) "
        "and v.currency_view in ('RC', 'NA') order by v.practice_id",
        period,
    )


def registry() -> tuple[Row, ...]:
    """Every metric as the run knew it, by name."""
    return rows(
        "select metric_id, name, kind, formula, unit, good_direction, blank_when, grains, currency_views, "
        "period_types, sources, owner, version from marts.metric_definition order by lower(name), metric_id"
    )


def definitions() -> dict[str, Row]:
    """The registry's rows by metric."""
    return {r["metric_id"]: r for r in registry()}


def handoff_stages(scope: Scope) -> tuple[Row, ...]:
    """Stages from signature to cash of the firm, an entity or a practice, at the run's own day."""
    condition, parameters = narrowing(scope)
    return rows(
        "select stage, completed, median_lag, open_count, open_amount_rc, oldest_open_age, breach_rate "
        f"from marts.handoff_stage where grain = ? {condition} order by stage",
        scope.grain,
        *parameters,
    )


def backlog_steps(scope: Scope, after: date, until: date) -> dict[str, Decimal | None]:
    """Movements of the backlog in (after, until] by kind, reporting currency; None: a part has no rate."""
    condition, parameters = narrowing(scope)
    found = rows(
        "select movement_type, case when count(*) = count(amount_rc) then sum(amount_rc) end as amount "
        "from marts.backlog_bridge "
        f"where as_of > ? and as_of <= ? {condition} group by movement_type",
        after,
        until,
        *parameters,
    )
    return {
        r["movement_type"]: None if r["amount"] is None else Decimal(r["amount"])
        for r in found
        if r["amount"] is None or r["amount"]
    }


def health() -> Row:
    """What the run's numbers rest on: open cases, controls that could run, landed totals that were kept."""
    found = row(
        "select (select count(*) from reconciliation.exception where outcome = 'EXCEPTION') as open_count, "
        "(select count(*) from reconciliation.exception where outcome = 'EXCEPTION' "
        "and severity in ('S1', 'S2')) as blocking, "
        "(select count(*) from reconciliation.exception where outcome = 'NOT_EVALUABLE') as not_checked, "
        "(select count(distinct control_id) from reconciliation.control_run) as controls, "
        "(select count(*) from (select control_id from reconciliation.control_run group by control_id "
        "having count(*) filter (where status = 'NOT_EVALUABLE') = 0)) as ran, "
        "(select count(*) from reconciliation.conservation) as kept, "
        "(select count(*) filter (where is_conserved) from reconciliation.conservation) as conserved"
    )
    assert found is not None, "counts have a row"
    return found


def measured(metric_id: str, scope: Scope) -> bool:
    """Whether the metric exists at the scope's grain at all; where it does not, nothing is no zero."""
    found = definitions().get(metric_id)
    return found is not None and scope.grain in [part.strip() for part in str(found["grains"]).split(",")]


def holds(table: str, schema: str = "marts") -> bool:
    """Whether the run holds the table; runs published before it was made do not."""
    found = row(
        "select count(*) as n from information_schema.tables where table_schema = ? and table_name = ?",
        schema,
        table,
    )
    return found is not None and bool(found["n"])


def holds_column(table: str, column: str) -> bool:
    """Whether the run's mart has the column; runs published before it was made do not."""
    found = row(
        "select count(*) as n from information_schema.columns "
        "where table_schema = 'marts' and table_name = ? and column_name = ?",
        table,
        column,
    )
    return found is not None and bool(found["n"])


LATE = "delayed_revenue_currency_days"


def late_by_kind(scope: Scope) -> tuple[Row, ...]:
    """What waits beyond its due day, by kind: cases, amount, amount times days; the run's own day."""
    condition, parameters = narrowing(scope)
    return rows(
        "select movement_type, count(*) as cases, sum(base) as amount, sum(amount_rc) as currency_days, "
        "count(*) filter (where base is null) as unpriced from marts.metric_drill "
        f"where metric_id = '{LATE}' {condition} group by movement_type order by movement_type",
        *parameters,
    )


def blocked_deals(scope: Scope, limit: int) -> tuple[Row, ...]:
    """The deals with most money beyond its due day: a deal is its project, or itself while it has none."""
    condition, parameters = narrowing(scope, "late.")
    return rows(
        f"""
        with told as (
            select e.risk_object, arg_min(e.exception_id, e.severity) as exception_id,
                arg_min(c.name, e.severity) as control_name
            from reconciliation.exception e
            left join reconciliation.recon__control c on c.control_id = e.control_id
            where e.outcome = 'EXCEPTION' and e.counted_in_headline
            group by e.risk_object
        )
        select late.customer_id, late.project_id,
            case when late.project_id = 'NONE' then late.record_id end as deal_id,
            sum(late.base) as amount, sum(late.amount_rc) as currency_days, min(late.business_date) as due_on,
            count(*) filter (where late.movement_type = 'deal') as deals,
            count(*) filter (where late.movement_type = 'item') as items,
            count(*) filter (where late.movement_type = 'invoice') as invoices,
            max(p.name) as project, max(told.control_name) as control_name,
            max(told.exception_id) as exception_id
        from marts.metric_drill late
        left join master.dim_project p on p.project_id = late.project_id
        left join told on told.risk_object = concat(late.movement_type, ':', late.record_id)
        where late.metric_id = '{LATE}' {condition}
        group by 1, 2, 3 order by amount desc nulls last, late.project_id, deal_id limit {limit}
        """,
        *parameters,
    )


def assignees() -> dict[str, str]:
    """Exception -> whom people last gave it to; as of now, not of the run."""
    latest_of = Store(home()).latest("assignment")
    return {key: str(event.payload.get("owner") or "") for key, event in latest_of.items()}


def people(object_id: str) -> list[Event]:
    """What people said of one exception, oldest first."""
    return Store(home()).read(object_id=object_id)


def signed_in_as() -> str | None:
    """The reader's verified address where the deployment has a login; None otherwise."""
    return str(st.user.email) if getattr(st.user, "is_logged_in", False) else None


def say(kind: str, object_id: str, actor: str, payload: dict[str, Any]) -> Event:
    """Keeps one event about an exception of the session's run."""
    return Store(home()).append(kind, object_id, actor, payload)


@dataclass(frozen=True)
class Listed(Filter):
    """The workbook's filter for exactly the cases a page lists, with the page's own words for it."""

    ids: frozenset[str] = frozenset()
    words: str = ""

    def admits(self, row: Any) -> bool:
        """A listed case; what could not be judged at all stays in, as it does in every report."""
        if row["outcome"] == "NOT_EVALUABLE" and row["legal_entity_id"] is None:
            return bool(super().admits(row))
        return row["exception_id"] in self.ids

    def text(self) -> str:
        """The page's filters, for the cover."""
        return self.words


def workbook(publication: Publication, listed: Listed) -> bytes:
    """The exception workbook of the listed cases, made as ``throughline recon export`` makes it.

    The export is recorded as an event. Called from a thread without a session: everything it needs is given.
    """
    report = read_report(home(), listed, run_id=publication.run_id)
    name = f"{base_name(report)}.xlsx"
    content = recon_workbook.build(report, name, software())
    Store(home()).append(
        "export",
        report.run_id,
        "dashboard",
        {
            "file": name,
            "hash": report.hash,
            "rows": len(report.exceptions),
            "run_id": report.run_id,
            "filters": listed.text(),
        },
    )
    return content
