"""The only reader of the warehouse: published files, pinned per session, one digest per cached query."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import streamlit as st

from throughline import warehouse
from throughline.home import Home, resolve

Row = dict[str, Any]
_SESSION_RUN = "pinned_run"


@dataclass(frozen=True)
class Publication:
    """The published run a session reads."""

    run_id: str
    path: str


def home() -> Home:
    """The home the app was started for."""
    return resolve()


def latest() -> Publication:
    """What the pointer names now."""
    found = warehouse.resolve(home())
    return Publication(found.run_id, str(found.path))


def pinned() -> Publication:
    """The run this session reads: the one published when it began, until the reader takes the new one."""
    if _SESSION_RUN not in st.session_state:
        st.session_state[_SESSION_RUN] = latest()
    found: Publication = st.session_state[_SESSION_RUN]
    return found


def take_latest() -> None:
    """Moves the session to what is published now."""
    st.session_state[_SESSION_RUN] = latest()


@st.cache_resource(max_entries=4, show_spinner=False)
def _connection(path: str) -> duckdb.DuckDBPyConnection:
    return warehouse.open_file(Path(path))


@st.cache_data(max_entries=2000, show_spinner=False)
def _cached(digest: str, _path: str, _sql: str, _parameters: tuple[Any, ...]) -> list[Row]:
    """One argument decides: the digest of run, statement and parameters (separate ones could collide)."""
    cursor = _connection(_path).cursor()
    cursor.execute(_sql, list(_parameters))
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


def digest(run_id: str, sql: str, parameters: tuple[Any, ...]) -> str:
    """A canonical name of a query: the same only when run, statement and every parameter are the same."""
    text = json.dumps([run_id, sql, [_plain(value) for value in parameters]], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> list[Any]:
    if isinstance(value, (list, tuple)):
        return ["list", [_plain(item) for item in value]]
    if isinstance(value, (date, datetime, Decimal)):
        return [type(value).__name__, str(value)]
    return [type(value).__name__, value]


def rows(sql: str, *parameters: Any) -> list[Row]:
    """Rows of a read on the session's run; money stays Decimal."""
    publication = pinned()
    return _cached(digest(publication.run_id, sql, parameters), publication.path, sql, parameters)


def row(sql: str, *parameters: Any) -> Row | None:
    """The first row, or None."""
    found = rows(sql, *parameters)
    return found[0] if found else None


def run_info() -> Row:
    """run_id, as_of and known_at of the session's run."""
    found = row("select max(as_of) as as_of, max(known_at) as known_at from marts.metric_value")
    return {"run_id": pinned().run_id, **(found or {"as_of": None, "known_at": None})}


def as_of_dates() -> list[date]:
    """Dates that have numbers, latest first."""
    return [r["as_of"] for r in rows("select distinct as_of from marts.metric_value order by as_of desc")]


@dataclass(frozen=True)
class Scope:
    """What part of the firm a page shows: a grain of metric_value and its member."""

    grain: str
    member: str
    label: str


FIRM = Scope("FIRM", "ALL", "Whole firm")
MEMBER_COLUMN = {
    "FIRM": "'ALL'",
    "LEGAL_ENTITY": "legal_entity_id",
    "REGION": "region_id",
    "PRACTICE": "practice_id",
    "CUSTOMER": "customer_id",
    "PROJECT": "project_id",
}


def scopes() -> list[Scope]:
    """Everything a page can be narrowed to: firm, entities, practices, regions, clients."""
    found = [FIRM]
    entities = rows(
        "select legal_entity_id as id, entity_code || ' · ' || name as label "
        "from master.dim_legal_entity order by 2"
    )
    found += [Scope("LEGAL_ENTITY", r["id"], f"Entity: {r['label']}") for r in entities]
    units = rows(
        "select distinct unit_type, code, name from master.dim_org_unit "
        "where unit_type in ('practice', 'region') order by unit_type, code"
    )
    found += [
        Scope("PRACTICE", r["code"], f"Practice: {r['name']}") for r in units if r["unit_type"] == "practice"
    ]
    found += [Scope("REGION", r["code"], f"Region: {r['name']}") for r in units if r["unit_type"] == "region"]
    customers = rows(
        "select c.customer_id as id, c.name as label from master.dim_customer c "
        "where c.customer_id in (select customer_id from marts.metric_value where grain = 'CUSTOMER') "
        "order by 2"
    )
    found += [Scope("CUSTOMER", r["id"], f"Client: {r['label']}") for r in customers]
    return found


def metric(metric_id: str, as_of: date, period_type: str, scope: Scope, view: str = "RC") -> Row | None:
    """numerator, denominator, value of one metric, or None when the scope has none."""
    member = MEMBER_COLUMN[scope.grain]
    return row(
        f"select numerator, denominator, value from marts.metric_value where metric_id = ? and as_of = ? "
        f"and period_type = ? and grain = ? and {member} = ? and currency_view = ?",
        metric_id,
        as_of,
        period_type,
        scope.grain,
        scope.member,
        view,
    )


def metric_series(metric_id: str, period_type: str, scope: Scope, view: str = "RC") -> list[Row]:
    """as_of, numerator, denominator, value in date order."""
    member = MEMBER_COLUMN[scope.grain]
    return rows(
        f"select as_of, numerator, denominator, value from marts.metric_value where metric_id = ? "
        f"and period_type = ? and grain = ? and {member} = ? and currency_view = ? order by as_of",
        metric_id,
        period_type,
        scope.grain,
        scope.member,
        view,
    )


def definition(metric_id: str) -> Row | None:
    """Name, formula, unit and the rest of the registry's row."""
    return row("select * from marts.metric_definition where metric_id = ?", metric_id)
