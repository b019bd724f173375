"""Pages of result rows as the vendors' text, built by DuckDB page by page: Python loops over no values."""

from __future__ import annotations

import pyarrow as pa

from sandbox.emulators.soql import Compiled
from sandbox.emulators.store import Store


def json_text(column: str) -> str:
    """SQL for a string column as a JSON string, null as null."""
    return f"coalesce(cast(to_json({column}) as VARCHAR), 'null')"


def plain_decimal(column: str, kind: pa.DataType, *, fraction: bool) -> str:
    """SQL for the exact text of a number without trailing zeros; `fraction` keeps one decimal (480000.0)."""
    if pa.types.is_integer(kind):
        return f"cast({column} as VARCHAR)" + (" || '.0'" if fraction else "")
    # An average of decimals is a double in DuckDB; ten places are more than any vendor shows.
    scale = max(int(kind.scale), 1) if pa.types.is_decimal(kind) else 10
    exact = pa.types.is_decimal(kind) and kind.scale == scale
    text = f"cast({column if exact else f'cast({column} as DECIMAL(38,{scale}))'} as VARCHAR)"
    if not fraction:
        return f"rtrim(rtrim({text}, '0'), '.')"
    return f"regexp_replace({text}, '0{{1,{scale - 1}}}$', '')" if scale > 1 else text


def _moment(column: str, suffix: str) -> str:
    return f"strftime({column}, '%Y-%m-%dT%H:%M:%S.%g') || '{suffix}'"


def salesforce_value(column: str, kind: pa.DataType, type_name: str, suffix: str) -> str:
    """SQL for one Salesforce value as JSON text."""
    if type_name == "boolean":
        return f"(case when {column} then 'true' else 'false' end)"
    if type_name == "int":
        return f"coalesce(cast({column} as VARCHAR), 'null')"
    if type_name in ("currency", "double", "percent"):
        return f"coalesce({plain_decimal(column, kind, fraction=True)}, 'null')"
    if type_name == "date":
        return f"coalesce('\"' || cast({column} as VARCHAR) || '\"', 'null')"
    if type_name == "datetime":
        return f"coalesce('\"' || {_moment(column, suffix)} || '\"', 'null')"
    return json_text(f"cast({column} as VARCHAR)")


def salesforce_records(
    store: Store, page: pa.Table, compiled: Compiled, version: str, suffix: str
) -> list[str]:
    """Each row of `page` as the JSON text of a record."""
    pieces: list[str] = []
    parents_done: set[str] = set()
    if compiled.kind == "aggregate":
        pieces.append('\'"attributes":{"type":"AggregateResult"}\'')
    else:
        url = f"/services/data/{version}/sobjects/"
        pieces.append(
            f'\'"attributes":{{"type":"{compiled.obj}","url":"{url}{compiled.obj}/\' || '
            f"c{compiled.id_column} || '\"}}'"
        )
    parents = {name: (target, index) for name, target, index in compiled.parents}
    for index, output in enumerate(compiled.outputs):
        if output.parent is None:
            value = salesforce_value(f"c{index}", page.schema.field(index).type, output.type, suffix)
            pieces.append(f"'\"{output.path[-1]}\":' || {value}")
            continue
        name = output.parent.lower()
        if name in parents_done:
            continue
        parents_done.add(name)
        target, key = parents[name]
        inner = [
            f'\'"attributes":{{"type":"{target}","url":"/services/data/{version}/sobjects/{target}/\' || '
            f"c{key} || '\"}}'"
        ]
        inner += [
            f"'\"{other.path[-1]}\":' || "
            + salesforce_value(f"c{position}", page.schema.field(position).type, other.type, suffix)
            for position, other in enumerate(compiled.outputs)
            if other.parent is not None and other.parent.lower() == name
        ]
        body = ", ',', ".join(inner)
        pieces.append(
            f"'\"{output.parent}\":' || "
            f"case when c{key} is null then 'null' else concat('{{', {body}, '}}') end"
        )
    # One concat of many parts: a chain of || would copy the growing text again for each of them.
    return store.over(page, "select concat('{', " + ", ',', ".join(pieces) + ", '}') from page")


def salesforce_csv(
    store: Store,
    page: pa.Table,
    compiled: Compiled,
    suffix: str,
    delimiter: str,
    newline: str,
    quoting: str,
    booleans: tuple[str, str] = ("true", "false"),
) -> str:
    """`page` with its header line as CSV. `quoting`: minimal (RFC 4180) or all (every field in quotes)."""
    literal = delimiter.replace("'", "''")
    yes, no = (word.replace("'", "''") for word in booleans)
    cells: list[str] = []
    for index, output in enumerate(compiled.outputs):
        column = f"c{index}"
        kind = page.schema.field(index).type
        if output.type == "boolean":
            text = f"case when {column} then '{yes}' else '{no}' end"
        elif output.type == "int":
            text = f"cast({column} as VARCHAR)"
        elif output.type in ("currency", "double", "percent"):
            text = plain_decimal(column, kind, fraction=True)
        elif output.type == "datetime":
            text = _moment(column, suffix)
        else:
            text = f"cast({column} as VARCHAR)"
            if quoting == "minimal":
                text = (
                    f"case when regexp_matches({text}, '[\"\\r\\n]') or contains({text}, '{literal}') "
                    f"then '\"' || replace({text}, '\"', '\"\"') || '\"' else {text} end"
                )
        if quoting == "all":
            text = f"'\"' || replace({text}, '\"', '\"\"') || '\"'"
            cells.append(f"coalesce({text}, '\"\"')")
        else:
            cells.append(f"coalesce({text}, '')")
    header = [".".join(output.path) for output in compiled.outputs]
    if quoting == "all":
        header = [f'"{name}"' for name in header]
    lines = [delimiter.join(header)]
    if page.num_rows:
        lines += store.over(page, "select concat(" + f", '{literal}', ".join(cells) + ") from page")
    return newline.join(lines) + newline
