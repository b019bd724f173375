"""The inbox's spool as a source: what was pushed, in the order in which it was received.

The position in the spool only grows, and so does the time of reception; landing keeps the newest time it has
read and begins there again, so a killed load resumes without anything of its own to remember. Of an event
that was received several times the first reception counts, whatever the later ones say. What must not count
(a signature that does not fit, a line that cannot be read, a delivery report that says nothing) is refused
with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from pipelines.contract import FILE, REFUSED, ROW
from pipelines.inbox.journal import Part, lines, parts
from pipelines.manifest import Resource
from pipelines.transports.base import TOMBSTONES, Control, Found, Window
from pipelines.transports.http import Http
from throughline.errors import error

DELIVERY = "integration.delivery.changed"
STATUSES = (
    "CREATED", "IN_FLIGHT", "RETRYING", "APPLIED", "DEAD_LETTERED", "REPLAYED", "DISCARDED", "SUPERSEDED",
)  # fmt: skip
BAD_SIGNATURE, UNREADABLE, MALFORMED = "BAD_SIGNATURE", "UNREADABLE", "MALFORMED_DELIVERY"
_ENVELOPE = {
    "event_source": "source",
    "event_id": "id",
    "event_type": "type",
    "subject": "subject",
    "event_time": "time",
    "datacontenttype": "datacontenttype",
    "dataschema": "dataschema",
    "environment": "environment",
}


class InboxReader:
    """The spool in `folder`."""

    zone = "UTC"

    def __init__(self, folder: Path, source: str = "events") -> None:
        self.folder = folder
        # nothing is ever sent; landing counts requests and cleans its log lines through it
        self.http = Http(source=source, base_url="http://127.0.0.1")
        self._source = source
        self._parts: list[Part] = []
        self._sql: duckdb.DuckDBPyConnection | None = None

    def open(self) -> None:
        """Note how far the spool goes. Raises ThroughlineError E-SRC-092."""
        if not self.folder.is_dir():
            raise error("E-SRC-092", source=self._source, folder=self.folder)
        self._parts = [part for part in parts(self.folder) if part.size]

    def discover(self, resource: Resource) -> Found:
        """Every event may have attributes of its own; those that the manifest names are read."""
        return Found()

    def rows(self, resource: Resource, window: Window, found: Found) -> Iterator[pa.Table]:
        """First receptions, and what is refused, received within `window` (its end inclusive)."""
        connection = self._scanned()
        begin = window.start.isoformat() if window.start else "0001-01-01"
        span = (
            f"received_at >= timestamptz '{begin}' and received_at <= timestamptz '{window.end.isoformat()}'"
        )
        # where a line stands cannot be told by its time when it cannot be read
        wanted = f"({span} or received_at is null)"
        for number, part in enumerate(self._parts):
            [(count,)] = connection.execute(
                f"select count(*) from receptions where part = {number} and {wanted}"
            ).fetchall()
            if count:
                self._load(connection, part)
                yield connection.execute(_rows(number, wanted, part.path.name)).to_arrow_table()

    def rows_by_key(self, resource: Resource, keys: Sequence[str], found: Found) -> Iterator[pa.Table]:
        """Nothing: no key is ever missed, since nothing is received before the end of what was read."""
        return iter(())

    def tombstones(self, resource: Resource, window: Window) -> tuple[pa.Table, bool]:
        """None: what was received was received."""
        return TOMBSTONES.empty_table(), True

    def keys(self, resource: Resource, window: Window) -> Iterator[pa.Array] | None:
        """Nothing is ever deleted, so nobody has to compare."""
        return None

    def control(self, resource: Resource, window: Window) -> Control | None:
        """Events received by the end of the window, those that were refused included."""
        [(count,)] = (
            self._scanned()
            .execute(
                "select count(distinct record_id) from receptions where received_at is null"
                f" or received_at <= timestamptz '{window.end.isoformat()}'"
            )
            .fetchall()
        )
        return Control(count, None)

    def ordered(self, resource: Resource) -> bool:
        """Lines come in the order of their reception."""
        return True

    def reads_all(self, resource: Resource, window: Window) -> bool:
        """Never: a file of the spool that was put away does not take its events back."""
        return False

    def replaced(self, resource: Resource) -> list[str] | None:
        """Events have no parents."""
        return None

    def close(self) -> None:
        """Let go of what was opened."""
        if self._sql is not None:
            self._sql.close()
            self._sql = None
        self.http.close()

    def _scanned(self) -> duckdb.DuckDBPyConnection:
        """A table of all receptions: which event, when, which of them is the first that counts."""
        if self._sql is not None:
            return self._sql
        self._sql = duckdb.connect(":memory:")
        self._sql.execute("set timezone = 'UTC'")
        self._sql.execute(
            "create table heard (part integer, line bigint, position bigint, received_at timestamptz,"
            " record_id varchar, refused varchar)"
        )
        for number, part in enumerate(self._parts):
            self._load(self._sql, part)
            self._sql.execute(f"insert into heard {_heard(number, part.path.name)}")
        self._sql.execute(
            """
            create table receptions as
            with taken as (
                select record_id, min(position) as first, max(position) as last
                from heard
                where refused is null
                group by record_id
            )
            -- what was refused and then sent again as it should be is settled
            select heard.*
            from heard
            left join taken on heard.record_id = taken.record_id
            where case
                when heard.refused is null then heard.position = taken.first
                else taken.last is null or taken.last < heard.position
            end
            """
        )
        self._sql.execute("drop table heard")
        return self._sql

    @staticmethod
    def _load(connection: duckdb.DuckDBPyConnection, part: Part) -> None:
        """The lines of `part` as table `told`: number, text, and the JSON it is (else an empty one)."""
        # a line that is no UTF-8 stays in its place, as one that cannot be read
        texts = [text.decode("utf-8", "replace") for text in lines(part)]
        table = pa.table({"line": pa.array(range(1, len(texts) + 1), pa.int64()), "text": texts})
        connection.register("lines", table)
        connection.execute(
            """
            create or replace temp table told as
            with parsed as (
                select line, text, case when json_valid(text) then text::json else '{}'::json end as body
                from lines
            ),
            opened as (
                select line, text, body, json_extract_string(body, '$.payload') as payload from parsed
            )
            select *, case when json_valid(payload) then payload::json else '{}'::json end as data
            from opened
            """
        )
        connection.unregister("lines")


def _text(path: str) -> str:
    return f"json_extract_string(body, '$.{path}')"


def _data(name: str) -> str:
    return f"json_extract_string(data, '$.{name}')"


def _is_readable() -> str:
    return (
        f"try_cast({_text('position')} as bigint) is not null"
        f" and try_cast({_text('received_at')} as timestamptz) is not null"
        f" and {_text('event.id')} is not null and {_text('event.source')} is not null"
        f" and {_text('event.type')} is not null"
    )


def _refusal() -> str:
    """SQL for why a line must not count (`CODE:field:reason`); null when nothing is wrong."""
    faults: Mapping[str, str] = {
        "data.event_id is missing": f"coalesce({_data('event_id')}, '') = ''",
        "data.event_type is missing": f"coalesce({_data('event_type')}, '') = ''",
        "data.status is none of the known ones": f"coalesce({_data('status')}, '') not in {STATUSES}",
        "data.created_at is no instant": f"try_cast({_data('created_at')} as timestamptz) is null",
        "data.attempts is no whole number": (
            f"{_data('attempts')} is not null and not regexp_full_match({_data('attempts')}, '[0-9]{{1,9}}')"
        ),
        "time is missing, without which nobody knows the order": f"{_text('event.time')} is null",
    }
    whens = " ".join(f"when {test} then '{MALFORMED}:payload:{text}'" for text, test in faults.items())
    return f"""
        case
            when not ({_is_readable()}) then '{UNREADABLE}:event_id:the line of the spool cannot be read'
            when {_text("counts")} <> 'true'
                then '{BAD_SIGNATURE}:signature_ok:' || coalesce({_text("reason")}, 'it does not fit')
            when {_text("event.type")} = '{DELIVERY}' then case {whens} end
        end
    """


def _named(part: int, name: str) -> str:
    """SQL over `told` for every line of a part: its key and what is wrong with it."""
    place = f"'{name}, line ' || line"
    return f"""
        select
            *,
            {part} as part,
            try_cast({_text("position")} as bigint) as position,
            try_cast({_text("received_at")} as timestamptz) as received_at,
            case when {_is_readable()} then {_text("event.source")} else 'inbox' end as event_source,
            case when {_is_readable()} then {_text("event.id")} else {place} end as event_id,
            {_refusal()} as refused
        from told
    """


def _heard(part: int, name: str) -> str:
    return f"""
        select part, line, position, received_at, event_source || '|' || event_id as record_id, refused
        from ({_named(part, name)})
    """


def _rows(part: int, wanted: str, name: str) -> str:
    others = ", ".join(
        f"{_text('event.' + attribute)} as {column}"
        for column, attribute in _ENVELOPE.items()
        if column not in ("event_source", "event_id")
    )
    return f"""
        select
            named.event_source,
            named.event_id,
            {others},
            case when named.refused like '{UNREADABLE}:%' then named.text else named.payload end as payload,
            strftime(named.received_at, '%Y-%m-%dT%H:%M:%S.%fZ') as received_at,
            {_text("counts")} as signature_ok,
            named.position::varchar as position,
            named.refused as {REFUSED},
            named.line as {ROW},
            '{name}' as {FILE}
        from ({_named(part, name)}) as named
        where named.line in (select line from receptions where part = {part} and {wanted})
        order by named.line
    """
