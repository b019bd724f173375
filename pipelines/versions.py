"""What of a read is new: the comparison with the newest landed version of every record, as sets.

A version is landed when its payload hash differs from the record's newest one, so the same row read twice
adds nothing and A to B to A adds three. A deletion is a version too: the last payload with the flag set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import duckdb
import pyarrow as pa

from pipelines.contract import ORDER, PERSONAL_HASH, hash_expression, quoted, text
from pipelines.manifest import SQL_TYPES, Resource
from pipelines.spool import Spool

ENVELOPE: tuple[tuple[str, str], ...] = (
    ("tl_load_id", "varchar"),
    ("tl_loaded_at", "timestamp with time zone"),
    ("tl_known_at", "timestamp with time zone"),
    ("tl_is_backfill", "boolean"),
    ("tl_payload_hash", "varchar"),
    ("tl_record_id", "varchar"),
    ("tl_is_deleted", "boolean"),
    ("tl_deletion_basis", "varchar"),
    ("tl_source_created_at", "timestamp with time zone"),
    ("tl_source_updated_at", "timestamp with time zone"),
    ("tl_instance", "varchar"),
)
# only where a resource has personal fields: which of landing.personal are this row's
PERSONAL_ENVELOPE = (PERSONAL_HASH, "varchar")
PRIMARY_KEY = ("tl_record_id", "tl_load_id")
BATCH_ROWS = 250_000


def load_order(at: str = "tl_loaded_at", load_id: str = "tl_load_id") -> str:
    """SQL: a number by which loads follow each other, also two at one clock time, by the end of their ids."""
    number = f"coalesce(try_cast(nullif(split_part({load_id}, 'Z-', 2), '') as bigint), 1)"
    return f"epoch_us({at}) * 1000 + {number}"


LOAD_ORDER, ORDER_OF_LANDED = load_order(), load_order("r.tl_loaded_at", "r.tl_load_id")


@dataclass(frozen=True)
class Load:
    """One landing run of a source instance."""

    load_id: str
    at: datetime
    instance: str


class Versions:
    """The comparison for one resource. `landed` is its raw table in SQL, or none when there is none yet."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        resource: Resource,
        landed: str | None,
        landed_extras: list[str],
    ) -> None:
        self._sql = connection
        self._resource = resource
        self._landed = landed
        self._landed_extras = landed_extras
        connection.execute(
            "create or replace temp table deletions"
            " (record_id varchar, basis varchar, deleted_at timestamptz)"
        )
        connection.execute("create or replace temp table present (record_id varchar)")
        connection.execute("create or replace temp table refused (record_id varchar)")

    def prepare(
        self,
        spool: Spool | None,
        *,
        tombstones: pa.Table | None = None,
        parents: pa.Table | None = None,
        parent_column: str | None = None,
        everything: bool = True,
    ) -> None:
        """Take in what was read: one row per record, the newest by its own stamp, then by arrival.

        `tombstones` (record_id, deleted_at) and `parents` (parent_id) are what deletions will be seen by.
        Unless `everything` is to be compared, only the landed versions that these concern are looked up.
        """
        self._keep("tombstones", tombstones, "record_id varchar, deleted_at timestamptz")
        self._keep("parents", parents, "parent_id varchar")
        if spool is None or spool.rows == 0:
            self._sql.execute(
                "create or replace temp table incoming as select null::varchar as tl_record_id,"
                " null::varchar as tl_payload_hash, false as tl_is_deleted, 0::bigint as tl_order limit 0"
            )
        else:
            self._sql.register("read_rows", spool.relation())
            distinct = self._count("select count(distinct tl_record_id) from read_rows") == spool.rows
            newest = f"""
                qualify row_number() over (
                    partition by tl_record_id order by tl_source_updated_at desc nulls last, {ORDER} desc
                ) = 1
            """
            self._sql.execute(
                f"""
                create or replace temp table incoming as
                select tl_record_id, tl_payload_hash, tl_is_deleted, {ORDER}
                from read_rows
                {"" if distinct else newest}
                """
            )
        if self._landed is None:
            self._sql.execute(
                "create or replace temp table latest as select null::varchar as record_id,"
                " null::varchar as payload_hash, false as is_deleted, null::timestamptz as updated_at,"
                " null::bigint as load_order limit 0"
            )
            return
        scope = ""
        if not everything:
            scope = (
                "where tl_record_id in"
                " (select tl_record_id from incoming union all select record_id from tombstones)"
            )
            if parent_column:
                scope += f" or {quoted(parent_column)} in (select parent_id from parents)"
        self._sql.execute(
            f"""
            create or replace temp table latest as
            select
                tl_record_id as record_id,
                arg_max(tl_payload_hash, {LOAD_ORDER}) as payload_hash,
                arg_max(tl_is_deleted, {LOAD_ORDER}) as is_deleted,
                max_by(coalesce(tl_source_updated_at, tl_loaded_at), {LOAD_ORDER}) as updated_at,
                max({LOAD_ORDER}) as load_order
            from {self._landed}
            {scope}
            group by tl_record_id
            """
        )

    def live(self) -> int:
        """How many records are landed and not deleted."""
        return self._count("select count(*) from latest where not is_deleted")

    def expected(self) -> int:
        """How many records will be live, unless deletions are found that only a compare of keys can see.

        Right only when `prepare` looked up everything. Refused rows count: they exist at the source.
        """
        return self._count(
            """
            with gone as (
                select t.record_id
                from tombstones as t
                join latest as l on l.record_id = t.record_id and not l.is_deleted
                where t.deleted_at is null or t.deleted_at >= l.updated_at
            )
            select count(*) from (
                select record_id from latest
                where not is_deleted
                    and record_id not in (select tl_record_id from incoming)
                    and record_id not in (select record_id from gone)
                union
                select tl_record_id from incoming where not tl_is_deleted
                union
                select record_id from refused
            )
            """
        )

    def expected_amount(self, column: str) -> Decimal | None:
        """The sum of a column over the records that will be live; none when a refused row may be part of it.

        Right, like `expected`, only when `prepare` looked up everything and all deletions are known.
        """
        if self._count("select count(*) from refused"):
            return None
        name, sums = quoted(column), []
        if self._count("select count(*) from incoming"):
            sums.append(
                f"select sum(r.{name}) as amount from read_rows as r join incoming using ({ORDER})"
                " where not incoming.tl_is_deleted"
            )
        if self._landed is not None:
            # a load that was repeated holds a version twice; any one of them will do
            sums.append(
                f"""
                select sum(amount) as amount from (
                    select any_value(r.{name}) as amount
                    from latest as l
                    join {self._landed} as r
                        on r.tl_record_id = l.record_id and {ORDER_OF_LANDED} = l.load_order
                    where not l.is_deleted
                        and l.record_id not in (select tl_record_id from incoming)
                        and l.record_id not in (
                            select record_id from tombstones
                            where deleted_at is null or deleted_at >= l.updated_at
                        )
                    group by l.record_id
                )
                """
            )
        if not sums:
            return Decimal(0)
        row = self._sql.execute(f"select sum(amount) from ({' union all '.join(sums)})").fetchone()
        return Decimal(0) if row is None or row[0] is None else Decimal(str(row[0]))

    def state(self) -> tuple[int, int]:
        """How many records were read, and a number that changes when any of them reads differently."""
        row = self._sql.execute(
            "select count(*), coalesce(bit_xor(hash(tl_record_id, tl_payload_hash)), 0) from incoming"
        ).fetchone()
        return (int(row[0]), int(row[1])) if row else (0, 0)

    def refuse(self, record_ids: pa.Table) -> None:
        """Note records whose rows were rejected: they exist, though nothing of them lands."""
        self._sql.register("refused_ids", record_ids)
        self._sql.execute("insert into refused select record_id from refused_ids")
        self._sql.unregister("refused_ids")

    def _keep(self, name: str, table: pa.Table | None, columns: str) -> None:
        self._sql.execute(f"create or replace temp table {name} ({columns})")
        if table is not None and table.num_rows:
            self._sql.register("kept", table)
            self._sql.execute(f"insert into {name} select * from kept")
            self._sql.unregister("kept")

    def delete_tombstones(self) -> None:
        """Delete what the feed names, unless the record is there again or changed after its deletion."""
        self._sql.execute(
            """
            insert into deletions
            select t.record_id, 'tombstone', max(t.deleted_at)
            from tombstones as t
            join latest as l on l.record_id = t.record_id and not l.is_deleted
            where (t.deleted_at is null or t.deleted_at >= l.updated_at)
                and t.record_id not in (select tl_record_id from incoming)
                and t.record_id not in (select record_id from present)
            group by t.record_id
            """
        )

    def delete_absent_children(self, column: str) -> None:
        """Delete landed children of the parents that the read did not return."""
        if self._landed is None:
            return
        self._sql.execute(
            f"""
            insert into deletions
            select l.record_id, 'snapshot_absence', null
            from latest as l
            join {self._landed} as r
                on r.tl_record_id = l.record_id and {ORDER_OF_LANDED} = l.load_order
            where not l.is_deleted
                and r.{quoted(column)} in (select parent_id from parents)
                and l.record_id not in (select tl_record_id from incoming)
                and l.record_id not in (select record_id from refused)
                and l.record_id not in (select record_id from deletions)
            """
        )

    def add_present(self, keys: pa.Array) -> None:
        """Note record ids that the source says are live."""
        self._sql.register("present_ids", pa.table({"record_id": keys}))
        self._sql.execute("insert into present select record_id from present_ids")
        self._sql.unregister("present_ids")

    def present_from_read(self) -> None:
        """The read returned all there is, so what it held is what is live."""
        self._sql.execute(
            "insert into present select tl_record_id from incoming where not tl_is_deleted"
            " union all select record_id from refused"
        )

    def missed(self) -> list[str]:
        """Live at the source, but neither landed as live nor among the rows just read."""
        rows = self._sql.execute(
            """
            select distinct record_id from present
            where record_id not in (select record_id from latest where not is_deleted)
                and record_id not in (select tl_record_id from incoming)
                and record_id not in (select record_id from refused)
            order by record_id
            """
        ).fetchall()
        return [row[0] for row in rows]

    def delete_absent(self) -> tuple[int, int]:
        """Delete what is landed as live and no longer present. Keys at the source, keys absent."""
        before = self._count("select count(*) from deletions")
        self._sql.execute(
            """
            insert into deletions
            select record_id, 'snapshot_absence', null
            from latest
            where not is_deleted
                and record_id not in (select record_id from present)
                and record_id not in (select tl_record_id from incoming)
                and record_id not in (select record_id from refused)
                and record_id not in (select record_id from deletions)
            """
        )
        present = self._count("select count(distinct record_id) from present")
        return present, self._count("select count(*) from deletions") - before

    def changed(self, load: Load, *, first: bool) -> tuple[Iterator[pa.Table], int, int, int]:
        """The rows to land, and how many of them are new versions, unchanged (left out), deletions."""
        self._sql.execute(
            """
            create or replace temp table fresh as
            select i.*, coalesce(l.is_deleted, false) as was_deleted
            from incoming as i
            left join latest as l on l.record_id = i.tl_record_id
            where l.payload_hash is null or l.payload_hash <> i.tl_payload_hash
            """
        )
        new = self._count("select count(*) from fresh")
        unchanged = self._count("select count(*) from incoming") - new
        flagged = self._count("select count(*) from fresh where tl_is_deleted and not was_deleted")
        gone = self._count("select count(*) from deletions")
        return self._tables(load, first, new, gone), new + gone, unchanged, flagged + gone

    def personal(self, source_system: str, load: Load) -> pa.Table | None:
        """The personal fields of the new versions as rows of landing.personal; after `changed`."""
        if not self._resource.pii or not self._count("select count(*) from fresh"):
            return None
        have = self._read_columns()
        columns = [quoted(name) for name in self._personal_columns(self._extra_names(have)) if name in have]
        values = ", ".join(f"{name}::varchar as {name}" for name in columns)
        return self._sql.execute(
            f"""
            with wide as (
                select tl_record_id, {PERSONAL_HASH}, {values}
                from read_rows
                where {ORDER} in (select {ORDER} from fresh)
            )
            select distinct
                {text(source_system)} as source_system,
                {text(load.instance)} as source_instance,
                {text(self._resource.name)} as resource,
                tl_record_id as record_id,
                {PERSONAL_HASH} as personal_hash,
                null::varchar as reject_id,
                tl_field as field,
                tl_value as value,
                {text(load.load_id)} as load_id
            from (unpivot wide on {", ".join(columns)} into name tl_field value tl_value)
            """
        ).to_arrow_table()

    def newest(self) -> datetime | None:
        """The latest of the source's own stamps among the rows read."""
        row = self._sql.execute("select max(tl_source_updated_at) from read_rows").fetchone()
        return row[0] if row else None

    def touched_ids(self) -> pa.Table:
        """Records (record_id) that were read, changed or not, and those that this read deletes."""
        return self._sql.execute(
            "select record_id from deletions union select tl_record_id from incoming"
        ).to_arrow_table()

    def gone_ids(self) -> pa.Table:
        """Records (record_id) that this read deletes, by whatever basis."""
        return self._sql.execute(
            "select record_id from deletions union select tl_record_id from fresh where tl_is_deleted"
        ).to_arrow_table()

    def columns(self, spool: Spool | None) -> list[tuple[str, str]]:
        """Column and SQL type of the landed table: declared fields, extras as text, envelope."""
        declared = [(item.column, SQL_TYPES[item.kind]) for item in self._resource.fields]
        return [*declared, *((name, "varchar") for name in self.extras(spool)), *self._envelope()]

    def extras(self, spool: Spool | None) -> list[str]:
        """Columns beyond the declared ones, landed before or just read."""
        read = [name for name in spool.schema.names if not name.startswith("tl_")] if spool else []
        declared = {item.column for item in self._resource.fields}
        return sorted({*self._landed_extras, *(name for name in read if name not in declared)})

    def _tables(self, load: Load, first: bool, new: int, gone: int) -> Iterator[pa.Table]:
        if new:
            yield from self._stream(self._new_rows(load, first))
        if gone:
            yield from self._stream(self._deletion_rows(load, first))

    def _stream(self, query: str) -> Iterator[pa.Table]:
        reader = self._sql.execute(query).to_arrow_reader(BATCH_ROWS)
        for batch in reader:
            yield landed_form(pa.Table.from_batches([batch]))

    def _new_rows(self, load: Load, first: bool) -> str:
        have = self._read_columns()
        apart = self._personal_columns(self._extra_names(have))
        values = {
            name: f"r.{quoted(name)}" if name in have and name not in apart else f"null::{kind}"
            for name, kind in self._all_columns(have)
        }
        values.update(self._load_values(load))
        values["tl_known_at"] = (
            f"coalesce(r.tl_source_updated_at, {self._at(load)})" if first else self._at(load)
        )
        values["tl_is_backfill"] = "true" if first else "false"
        wanted = ", ".join(f"{value} as {quoted(name)}" for name, value in values.items())
        all_new = self._count("select count(*) from fresh") == self._count("select count(*) from read_rows")
        where = "" if all_new else f" where r.{ORDER} in (select {ORDER} from fresh)"
        return f"select {wanted} from read_rows as r{where}"

    def _deletion_rows(self, load: Load, first: bool) -> str:
        columns = self._all_columns(set(self._landed_extras))
        # a row landed before personal fields had their own table may still hold them: they go no further
        apart = self._personal_columns(self._landed_extras)
        values = {name: f"null::{kind}" if name in apart else quoted(name) for name, kind in columns}
        values.update(
            {
                "tl_payload_hash": hash_expression(self._resource, self._landed_extras, "true"),
                "tl_is_deleted": "true",
                "tl_deletion_basis": "deletion_basis",
                "tl_source_updated_at": "deletion_at",
                "tl_known_at": self._at(load),
                "tl_is_backfill": "true" if first else "false",
            }
        )
        values.update(self._load_values(load))
        wanted = ", ".join(f"{value} as {quoted(name)}" for name, value in values.items())
        # a load that was repeated holds a version twice; one of them is enough
        return f"""
            with gone as (
                select r.*, d.basis as deletion_basis, d.deleted_at as deletion_at
                from deletions as d
                join latest as l on l.record_id = d.record_id
                join {self._landed} as r
                    on r.tl_record_id = d.record_id and {ORDER_OF_LANDED} = l.load_order
                qualify row_number() over (partition by d.record_id order by d.deleted_at desc nulls last) = 1
            )
            select {wanted} from gone
        """

    def _all_columns(self, read: set[str]) -> list[tuple[str, str]]:
        return [
            *((item.column, SQL_TYPES[item.kind]) for item in self._resource.fields),
            *((name, "varchar") for name in self._extra_names(read)),
            *self._envelope(),
        ]

    def _read_columns(self) -> set[str]:
        return {row[0] for row in self._sql.execute("describe read_rows").fetchall()}

    def _extra_names(self, read: set[str]) -> list[str]:
        declared = {item.column for item in self._resource.fields}
        others = {name for name in read if not name.startswith("tl_")} - declared
        return sorted({*self._landed_extras, *others})

    def _personal_columns(self, extras: list[str]) -> tuple[str, ...]:
        return self._resource.personal_columns(extras)

    def _envelope(self) -> tuple[tuple[str, str], ...]:
        return (*ENVELOPE, PERSONAL_ENVELOPE) if self._resource.pii else ENVELOPE

    def _load_values(self, load: Load) -> dict[str, str]:
        return {
            "tl_load_id": text(load.load_id),
            "tl_loaded_at": self._at(load),
            "tl_instance": text(load.instance),
        }

    @staticmethod
    def _at(load: Load) -> str:
        return f"timestamptz {text(load.at.isoformat())}"

    def _count(self, query: str) -> int:
        row = self._sql.execute(query).fetchone()
        return int(row[0]) if row else 0


def landed_form(table: pa.Table) -> pa.Table:
    """`table` as dlt is given it: instants in UTC to the microsecond, key columns not null."""
    fields = []
    for item in table.schema:
        kind = pa.timestamp("us", "UTC") if pa.types.is_timestamp(item.type) else item.type
        fields.append(pa.field(item.name, kind, nullable=item.name not in PRIMARY_KEY))
    return table.cast(pa.schema(fields))


def empty_table(connection: duckdb.DuckDBPyConnection, columns: list[tuple[str, str]]) -> pa.Table:
    """A table of these columns without rows."""
    wanted = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in columns)
    return landed_form(connection.execute(f"select {wanted} limit 0").to_arrow_table())
