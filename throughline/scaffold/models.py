"""The dbt models of a scaffolded source: staging as it is landed, mapping into every column of one port."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from throughline.scaffold.domain import CREATED, UPDATED, Domain, Item

ENVELOPE = frozenset(
    {
        "source_system", "source_instance", "source_record_id", "source_created_at", "source_updated_at",
        "is_deleted", "deleted_at", "deletion_basis", "load_id", "payload_hash", "is_backfill", "known_from",
        "known_to", "version_number",
    }
)  # fmt: skip
NULLS = {"type_text": "null_text", "type_instant": "null_instant", "date": "null_date"}
CASTS = {"money": "as_money", "rate": "as_rate", "fx": "as_fx", "hours": "as_hours", "ts": "as_instant"}


def enabled(name: str) -> str:
    """The line that keeps a model out of the build while its system is not in use."""
    return f"{{{{ config(enabled=('{name}' in var('systems', '').split(','))) }}}}"


def port_columns(root: Path, port: str) -> dict[str, str]:
    """A port's columns that a mapping model has to give, with their types, from its YAML and model."""
    [path] = root.glob(f"dbt_project/models/canonical/*/canonical__{port}.yml")
    told: Any = yaml.safe_load(path.read_text(encoding="utf-8"))["models"][0]
    computed = re.search(r"computed=\[([^\]]*)\]", path.with_suffix(".sql").read_text(encoding="utf-8"))
    added = set(re.findall(r"'(\w+)'", computed[1])) if computed else set()
    columns = {}
    for column in told["columns"]:
        name, kind = column["name"], str(column["data_type"])
        if name in ENVELOPE or name in added or (kind == "bigint" and name.endswith("_key")):
            continue
        variable = re.search(r"var\('(\w+)'\)", kind)
        columns[name] = variable[1] if variable else kind
    return columns


def staging(name: str, domain: Domain) -> str:
    """The staging model: the vendor's words, typed."""
    lines = [
        f"    {_typed(item.name, item.plain_kind)},"
        for item in domain.items
        if item.name not in domain.personal
    ]
    lines += [f"    {_typed(stamp, 'ts')}," for stamp in (CREATED, UPDATED)]
    return "\n".join(
        [
            enabled(name),
            "",
            "with",
            "",
            "landed as (",
            f"    select * from {{{{ source('{name}', '{domain.resource}') }}}}",
            ")",
            "",
            "select",
            *lines,
            "    {{ landed() }}",
            "from landed",
            "",
        ]
    )


def _typed(column: str, kind: str) -> str:
    if kind in {"text", "id"}:
        return f"nullif({column}, '') as {column}"
    if kind == "date":
        return f"cast({column} as date) as {column}"
    if kind in CASTS:
        return f"{{{{ {CASTS[kind]}('{column}') }}}} as {column}"
    return column


def mapping(name: str, domain: Domain, columns: Mapping[str, str]) -> str:
    """The mapping model: every column of the port; what the vendor does not hold is a typed null."""
    alias = f"{domain.resource}s"
    given = dict(_given(name, domain, alias))
    unknown = sorted(given.keys() - columns.keys())
    if unknown:
        raise ValueError(f"{domain.port} has no column {', '.join(unknown)}")
    lines = [
        f"    {_as(given.get(column) or _null(kind), column, alias)}," for column, kind in columns.items()
    ]
    return "\n".join(
        [
            enabled(name),
            "",
            "with",
            "",
            f"{alias} as (",
            f"    select * from {{{{ ref('stg_{name}__{domain.resource}') }}}}",
            ")",
            "",
            "select",
            *lines,
            f"    '{name}' as source_system,",
            f"    {{{{ landed('{alias}') }}}}",
            f"from {alias}",
            "",
        ]
    )


def _as(expression: str, column: str, alias: str) -> str:
    return expression if expression == f"{alias}.{column}" else f"{expression} as {column}"


def _given(name: str, domain: Domain, alias: str) -> Iterator[tuple[str, str]]:
    for item in domain.items:
        if item.port is None:
            continue
        column = f"{alias}.{item.name}"
        if item.words:
            if item.raw:
                yield f"{item.port}_raw", column
            yield item.port, _words(item, column)
        elif item.expression == "own_key":
            yield item.port, f"{{{{ own_key('{name}', '{column}', '{alias}.tl_instance') }}}}"
        else:
            yield item.port, item.expression.format(c=column) if item.expression else column
    for column, expression in domain.more.items():
        yield column, expression.format(name=name, a=alias)


def _words(item: Item, column: str) -> str:
    cases = [f"        when '{theirs}' then '{ours}'" for theirs, ours in item.words.items()]
    return "\n".join([f"case {column}", *cases, "    end"])


def _null(kind: str) -> str:
    if kind in NULLS:
        return f"{{{{ {NULLS[kind]}() }}}}"
    return "{{ null_money() }}" if kind == "decimal(19,4)" else f"cast(null as {kind.replace(',', ', ')})"


def properties(name: str, title: str, domain: Domain) -> str:
    """The YAML of the staging folder: the landed tables and what the staging models are."""
    return f"""version: 2

sources:
  - name: {name}
    description: >-
      What {title} holds, as landed. Append only; one row per change, with the landing's envelope (tl_*).
    database: "{{{{ var('raw_database', 'raw') }}}}"
    schema: "{{{{ var('schemas', {{}}).get('{name}', '{name}_main') }}}}"
    config:
      enabled: "{{{{ ('{name}' in var('systems', '').split(',')) | as_bool }}}}"
      loaded_at_field: tl_loaded_at
      freshness:
        warn_after: {{count: 26, period: hour}}
        error_after: {{count: 3, period: day}}
    tables:
      - name: {domain.resource}
        description: {domain.what}

models:
  - name: stg_{name}__{domain.resource}
    description: >-
      {domain.what}
      Grain: one landed change of one {domain.resource} (id).
"""


def mapping_properties(name: str, title: str, domain: Domain) -> str:
    """The YAML of the mapping folder."""
    return f"""version: 2

models:
  - name: {name}__{domain.port}
    description: >-
      {title}'s {domain.object} in the words of the port {domain.port}; words not listed become null.
"""
