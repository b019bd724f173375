"""The check that every row passes before it is stored.

A vendor's value either becomes exactly what the manifest declares or its row is set aside with the reason.
Nothing is rounded, guessed or turned into null on the way. The same statement computes what versions are
compared by: the record id and the hash of the payload, in which personal fields count by their keyed hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines import keyed
from pipelines.manifest import KINDS, NUMBERS, OTHERS, SQL_TYPES, Field, Resource, snake_case
from pipelines.transports.json_pages import RESTRICTED

ORDER = "tl_order"
PERSONAL_HASH = "tl_personal_hash"
ZONE = "_zone"
# what a transport itself finds wrong with a row (`CODE:field:reason`), and where in a file the row stands
REFUSED, FILE, ROW = "_refused", "_file", "_row"
# where in the read a row stands: counted here, a window function over the batch would cost more
POSITION = "_position"
NO_DATA = frozenset({RESTRICTED, REFUSED, FILE, ROW, POSITION})
CHECKED = (
    ("tl_record_id", "varchar"),
    ("tl_payload_hash", "varchar"),
    ("tl_is_deleted", "boolean"),
    ("tl_deletion_basis", "varchar"),
    ("tl_source_created_at", "timestamp with time zone"),
    ("tl_source_updated_at", "timestamp with time zone"),
)
REJECTED = pa.schema(
    [
        ("record_id", pa.string()),
        ("column_name", pa.string()),
        ("reason_code", pa.string()),
        ("reason", pa.string()),
        ("payload", pa.string()),
        ("personal", pa.string()),
        ("amount", pa.decimal128(19, 4)),
    ]
)
# kinds whose digits are all meant: a fifth decimal of money is refused, never rounded away
EXACT = frozenset({"money", "hours", "int"})
MISFITS = frozenset({"NOT_A_NUMBER", "NOT_A_DATE", "NOT_A_TIME", "NOT_A_BOOLEAN", "TOO_PRECISE"})
ABSENT = frozenset({"REQUIRED_MISSING", "KEY_MISSING", "RESTRICTED"})
FEWEST_FOR_DRIFT = 5


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """`value` as an SQL string."""
    return "'" + value.replace("'", "''") + "'"


@dataclass
class Drift:
    """How often each column was refused, to tell a bad row from a column that has changed its nature."""

    rows: int = 0
    misfits: dict[str, int] = field(default_factory=dict)
    absent: dict[str, int] = field(default_factory=dict)

    def add(self, rows: int, rejected: pa.Table | None) -> None:
        """Count one checked batch."""
        self.rows += rows
        if rejected is None:
            return
        for column, code in zip(
            rejected.column("column_name").to_pylist(),
            rejected.column("reason_code").to_pylist(),
            strict=True,
        ):
            counts = self.misfits if code in MISFITS else self.absent if code in ABSENT else None
            if counts is not None:
                counts[column] = counts.get(column, 0) + 1

    def retyped(self) -> str | None:
        """A column that refuses at least half of all rows for their form."""
        return self._most(self.misfits)

    def removed(self) -> str | None:
        """A required column that is missing from at least half of all rows."""
        return self._most(self.absent)

    def _most(self, counts: Mapping[str, int]) -> str | None:
        for column, count in counts.items():
            if count >= max(FEWEST_FOR_DRIFT, self.rows / 2):
                return column
        return None


@dataclass(frozen=True)
class Checked:
    """One batch after the check: rows of the landed columns, and the refused ones (none when all passed)."""

    good: pa.Table
    rejected: pa.Table | None


def extra_columns(resource: Resource, names: list[str]) -> dict[str, str]:
    """Vendor field to landed column for what the manifest does not name; collisions are left aside."""
    taken = {item.column for item in resource.fields}
    named = {name.lower() for name in resource.names}
    extras: dict[str, str] = {}
    for name in names:
        column = snake_case(name)
        reserved = column.startswith(("tl_", "_")) or "__v_" in column
        if name.lower() in named or column in taken or reserved:
            continue
        extras[name] = column
        taken.add(column)
    return extras


def check(
    connection: duckdb.DuckDBPyConnection, resource: Resource, batch: pa.Table, zone: str, start: int
) -> Checked:
    """`batch` (vendor names; strings, or already typed columns) cast, hashed and split into good and refused.

    `zone` is the time zone of instants that name none; `start` the position of the first row in the read.
    """
    extras = extra_columns(resource, batch.column_names)
    if resource.pii and not keyed.is_ready(connection):
        raise ValueError(f"{resource.name}: no secret to hash personal fields with")
    schema = batch.schema
    positions = pa.array(np.arange(start, start + batch.num_rows, dtype="int64"))
    connection.register("contract_batch", batch.append_column(POSITION, positions))
    # a batch is too small to be shared out: a second thread costs nearly as much as it does
    connection.execute("set threads = 1")
    try:
        checked = connection.execute(_statement(resource, schema, extras, zone)).to_arrow_table()
        refused = checked.num_rows - checked.column("tl_reason").null_count
        good = checked.drop_columns(["tl_reason"])
        if not refused:
            return Checked(good, None)
        keep = pc.is_null(checked.column("tl_reason"))
        wrong = checked.select([ORDER, "tl_reason", "tl_record_id"]).filter(pc.invert(keep))
        connection.register("contract_wrong", wrong)
        rejected = connection.execute(_rejected(resource, schema, zone)).to_arrow_table()
        connection.unregister("contract_wrong")
        return Checked(good.filter(keep), rejected.cast(REJECTED))
    finally:
        connection.execute("reset threads")
        connection.unregister("contract_batch")


def hash_expression(
    resource: Resource, extras: list[str], deleted: str, absent: frozenset[str] = frozenset()
) -> str:
    """SQL for the payload hash over landed columns; `deleted` is the SQL of the deleted flag.

    `absent` names columns that are known to be null in all rows.

    Personal fields enter through the row's PERSONAL_HASH, which stays when they are taken out or erased.

    Nulls add nothing, so that a column which appears later leaves the hash of rows without it as it was. The
    cursor only says when a row was touched and is no part of the payload.
    """
    apart = set(resource.personal_columns(extras))
    pieces = _pieces(resource, [column for column in extras if column not in apart], resource.pii, absent)
    if resource.pii:
        pieces.append(_piece(PERSONAL_HASH, "text"))
    pieces.append(f"case when {deleted} then chr(31) || 'tl_is_deleted' else '' end")
    return f"substr(sha256(concat({', '.join(pieces)})), 1, 32)"


def personal_hash_expression(resource: Resource, extras: list[str]) -> str:
    """SQL for the keyed hash of the personal fields over checked columns; null where a row has none."""
    others = frozenset(resource.names) - resource.pii
    apart = [column for column in extras if column in resource.personal_columns(extras)]
    return keyed.expression(f"concat({', '.join(_pieces(resource, apart, others))})")


def _pieces(
    resource: Resource, extras: list[str], apart: frozenset[str], absent: frozenset[str] = frozenset()
) -> list[str]:
    out = {*resource.volatile, *apart, resource.cursor, resource.deletes.flag}
    pieces = [
        _piece(item.column, item.kind)
        for item in sorted(resource.fields, key=lambda item: item.column)
        if item.name not in out and item.column not in absent
    ]
    return pieces + [_piece(column, "text") for column in sorted(extras)]


def record_id_expression(resource: Resource) -> str:
    """SQL for the record id over landed columns."""
    parts = [f"{quoted(resource.field(name).column)}::varchar" for name in resource.key]
    return " || '|' || ".join(parts)


def _piece(column: str, kind: str) -> str:
    name = quoted(column)
    value = {"ts": f"epoch_us({name})::varchar", "id": name, "text": name}.get(kind, f"{name}::varchar")
    return f"coalesce(chr(31) || {text(column)} || chr(30) || {value}, '')"


def _statement(resource: Resource, schema: pa.Schema, extras: Mapping[str, str], zone: str) -> str:
    casts, reasons = [], []
    for item in resource.fields:
        if item.name not in schema.names:
            casts.append(f"null::{SQL_TYPES[item.kind]} as {quoted(item.column)}")
            if item.required:
                reasons.append(_missing(resource, item))
            continue
        is_text = pa.types.is_string(schema.field(item.name).type)
        casts.append(f"{_cast(item, zone, is_text)} as {quoted(item.column)}")
        if is_text and item.kind not in {"id", "text"}:
            reasons.append(_misfit(item))
        if item.required:
            reasons.append(_missing(resource, item))
    casts += [f"nullif({quoted(name)}::varchar, '') as {quoted(column)}" for name, column in extras.items()]
    raws = [quoted(item.name) + f" as {quoted('raw ' + item.name)}" for item in resource.fields]
    raws = [raw for raw, item in zip(raws, resource.fields, strict=True) if item.name in schema.names]
    restricted = RESTRICTED in schema.names
    if restricted:
        raws.append(f"{quoted(RESTRICTED)} as {quoted('raw ' + RESTRICTED)}")
        reasons.insert(
            0,
            f"case when {quoted('raw ' + RESTRICTED)} is not null "
            f"then 'RESTRICTED:' || split_part({quoted('raw ' + RESTRICTED)}, ', ', 1) end",
        )
    if REFUSED in schema.names:
        raws.append(f"{quoted(REFUSED)} as {quoted('raw ' + REFUSED)}")
        reasons.insert(0, quoted("raw " + REFUSED))
    columns = [quoted(item.column) for item in resource.fields] + [quoted(name) for name in extras.values()]
    # a column that the batch lacks is null in every row, and nulls add nothing to a hash
    absent = frozenset(item.column for item in resource.fields if item.name not in schema.names)
    deleted, basis = _deleted(resource)
    created = _moment(resource, resource.created)
    updated = _moment(resource, resource.cursor)
    personal = ""
    if resource.pii:
        personal = f", {personal_hash_expression(resource, list(extras.values()))} as {PERSONAL_HASH}"
        columns.append(PERSONAL_HASH)
    return f"""
        with typed as (
            select {", ".join(casts + raws)}, {POSITION} as {ORDER}
            from contract_batch
        ),
        judged as (
            select *, {deleted} as tl_is_deleted, coalesce({", ".join(reasons) or "null"}, null) as tl_reason
                {personal}
            from typed
        )
        select
            {", ".join(columns)},
            {record_id_expression(resource)} as tl_record_id,
            {hash_expression(resource, list(extras.values()), "tl_is_deleted", absent)} as tl_payload_hash,
            tl_is_deleted,
            case when tl_is_deleted then {basis} end as tl_deletion_basis,
            {created} as tl_source_created_at,
            {updated} as tl_source_updated_at,
            {ORDER},
            tl_reason
        from judged
    """


def _cast(item: Field, zone: str, is_text: bool) -> str:
    value = quoted(item.name)
    if not is_text:
        return f"{value}::{SQL_TYPES[item.kind]}"
    value = _present(item, value)
    if item.kind in {"id", "text"}:
        return f"replace({value}, chr(0), '')"
    if item.kind == "bool":
        return (
            f"case when lower({value}) in ('true', 't', 'yes', 'y', '1') then true "
            f"when lower({value}) in ('false', 'f', 'no', 'n', '0') then false end"
        )
    if item.kind == "date":
        return f"try_strptime({value}, '%Y-%m-%d')::date"
    if item.kind == "ts":
        if zone == "UTC":
            return f"case when length({value}) > 10 then try_cast({value} as timestamp with time zone) end"
        return f"(try_strptime({value}, '%Y-%m-%d %H:%M:%S') at time zone {text(zone)})"
    number = f"try_cast({value} as {SQL_TYPES[item.kind]})"
    if item.kind == "money":
        # DuckDB reads text into decimals of more than 18 digits a hundred times slower than into others
        number = f"coalesce(try_cast({value} as decimal(18,4))::{SQL_TYPES[item.kind]}, {number})"
    return f"case when not contains({value}, '_') then {number} end"


def _present(item: Field, value: str) -> str:
    nulls = ", ".join(text(word) for word in ("", *item.null_values))
    return f"(case when {value} in ({nulls}) then null else {value} end)"


def _misfit(item: Field) -> str:
    raw = _present(item, quoted("raw " + item.name))
    typed = quoted(item.column)
    code = {"bool": "NOT_A_BOOLEAN", "date": "NOT_A_DATE", "ts": "NOT_A_TIME"}.get(item.kind, "NOT_A_NUMBER")
    whens = f"when {raw} is not null and {typed} is null then '{code}:'"
    if item.kind in NUMBERS:
        # as exact as can be and as slow, so only where it can tell something
        wide = f"try_cast({raw} as decimal(38,12))"
        whens = (
            f"when {raw} is not null and {typed} is null"
            f" then case when {wide} is not null then 'OUT_OF_RANGE:' else '{code}:' end"
        )
        if item.kind in EXACT:
            behind = (
                f"length({raw}) - instr({raw}, '.') > {KINDS[item.kind].scale if item.kind != 'int' else 0}"
            )
            whens += (
                f" when contains({raw}, '.') and {behind} or contains(lower({raw}), 'e')"
                f" then case when {wide} <> {typed} then 'TOO_PRECISE:' end"
            )
    return f"case {whens} end || {text(item.name)}"


def _missing(resource: Resource, item: Field) -> str:
    code = "KEY_MISSING" if item.name in resource.key else "REQUIRED_MISSING"
    return f"case when {quoted(item.column)} is null then {text(f'{code}:{item.name}')} end"


def _deleted(resource: Resource) -> tuple[str, str]:
    """SQL of the deleted flag over typed columns, and of its basis."""
    tests, whens = [], []
    if resource.deletes.flag:
        flag = f"coalesce({quoted(resource.field(resource.deletes.flag).column)}, false)"
        tests.append(flag)
        whens.append(f"when {flag} then 'flag'")
    if resource.deletes.status_field:
        values = ", ".join(text(value) for value in resource.deletes.status_values)
        status = (
            f"coalesce({quoted(resource.field(resource.deletes.status_field).column)} in ({values}), false)"
        )
        tests.append(status)
        whens.append(f"when {status} then 'status'")
    if not tests:
        return "false", "null::varchar"
    return " or ".join(tests), f"case {' '.join(whens)} end"


def _moment(resource: Resource, name: str | None) -> str:
    if name is None:
        return "null::timestamp with time zone"
    item = resource.field(name)
    return quoted(item.column) if item.kind == "ts" else f"{quoted(item.column)}::timestamp with time zone"


def _rejected(resource: Resource, schema: pa.Schema, zone: str) -> str:
    names = [name for name in schema.names if name not in NO_DATA]
    open_names = (set(resource.names) if OTHERS in resource.pii else set(names)) - resource.pii
    members = [f"{quoted(name)} := {quoted(name)}::varchar" for name in names if name in open_names]
    apart = ", ".join(
        f"{quoted(name)} := {quoted(name)}::varchar" for name in names if name not in open_names
    )
    personal = f"to_json(struct_pack({apart}))::varchar" if apart else "null::varchar"
    if zone != "UTC":
        # a replay has to read the payload's instants as they were meant
        members.append(f"{quoted(ZONE)} := {text(zone)}")
    payload = ", ".join(members)
    columns = ", ".join(f"when {text(item.name)} then {text(item.column)}" for item in resource.fields)
    columns = columns.replace(", when", " when")
    shown = " ".join(
        f"when {text(item.name)} then {quoted(item.name)}::varchar"
        for item in resource.fields
        if item.name in schema.names and item.name not in resource.pii
    )
    own, place = "false", "''"
    if REFUSED in schema.names:
        own = f"{quoted(REFUSED)} is not null"
    if FILE in schema.names:
        place = f"' (' || {quoted(FILE)} || ', row ' || {quoted(ROW)} || ')'"
    amount = "null::decimal(19,4)"
    if resource.control_amount and resource.control_amount in schema.names:
        amount = f"try_cast({quoted(resource.control_amount)} as decimal(19,4))"
    return f"""
        with numbered as (
            select *, {POSITION} as {ORDER} from contract_batch
        ),
        named as (
            select
                *,
                split_part(tl_reason, ':', 1) as reason_code,
                split_part(tl_reason, ':', 2) as field_name
            from numbered join contract_wrong using ({ORDER})
        )
        select
            coalesce(tl_record_id, '') as record_id,
            case field_name {columns} end as column_name,
            reason_code,
            case when {own} then substr(tl_reason, length(reason_code) + length(field_name) + 3)
                when reason_code in ('KEY_MISSING', 'REQUIRED_MISSING') then field_name || ' is empty'
                when reason_code = 'RESTRICTED' then field_name || ' is hidden from this login'
                else field_name || ' holds '
                    || coalesce('"' || substr(case field_name {shown} end, 1, 60) || '"', 'a misfit')
            end || {place} as reason,
            to_json(struct_pack({payload}))::varchar as payload,
            {personal} as personal,
            {amount} as amount
        from named
        order by {ORDER}
    """
