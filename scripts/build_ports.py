"""Write what the files source knows of the canonical ports from the ports' own YAML.

    python scripts/build_ports.py           write
    python scripts/build_ports.py --check   write nothing; exit code 1 when something would change

Written are pipelines/ports.yml, the manifest pipelines/sources/files/source.yml, the dbt sources in
models/staging/files and one mapping model per port in models/mapping/files. What a column's `meta` may say:

    required     a row without it is refused
    references   port its value names (`<port>_id` names that port by itself); `own` = a key of this system
                 that is no port; a mapping with `by` (a column) and port per value of that column
    system       whose record a bare id names, where several systems fill the port
    values       the words it may hold
    default      SQL over the row's columns for a row that does not say
    computed     not read from files: `mapping` = the mapping model makes it, `model` = the canonical model

A model's `meta` may say `key`, `systems` (that fill the port; which one a row is from must then be said) and
`personal` (columns of files that stand in master__personal alone).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
MODELS = ROOT / "dbt_project" / "models"
PORTS = ROOT / "pipelines" / "ports.yml"
MANIFEST = ROOT / "pipelines" / "sources" / "files" / "source.yml"
STAGING = MODELS / "staging" / "files" / "_files.yml"
MAPPING = MODELS / "mapping" / "files"
SYSTEMS = ("crm", "psa", "hr", "erp", "documents", "events")
ENVELOPE = frozenset(
    """
    source_system source_instance source_record_id source_created_at source_updated_at is_deleted deleted_at
    deletion_basis load_id payload_hash is_backfill known_from known_to version_number
    """.split()  # noqa: SIM905
)
KINDS = {
    "decimal(19,4)": "money",
    "decimal(18,8)": "rate",
    "decimal(18,10)": "fx",
    "decimal(9,2)": "hours",
    "decimal(9,6)": "rate",
    "integer": "int",
    "bigint": "int",
    "boolean": "bool",
    "date": "date",
    "{{ var('type_instant') }}": "ts",
    "{{ var('type_text') }}": "text",
}
NOTE = "# Written by scripts/build_ports.py from dbt_project/models/canonical; not to be edited.\n"


def _meta(entry: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = entry.get("config", {}).get("meta", {})
    return found


def models() -> dict[str, dict[str, Any]]:
    """The canonical models' YAML by port. The feeds' own health is no port: nobody fills it from a file."""
    found = {}
    for path in sorted(MODELS.glob("canonical/*/canonical__*.yml")):
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]:
            if path.parent.name != "health":
                found[model["name"].removeprefix("canonical__")] = model
    return dict(sorted(found.items()))


def _systems(model: dict[str, Any]) -> list[str]:
    """The systems of record, the first being the one a bare id names."""
    words = re.findall(r"[A-Za-z]+", str(_meta(model)["system_of_record"]))
    return [word.lower() for word in words if word.lower() in SYSTEMS]


def _references(name: str, meta: dict[str, Any], known: dict[str, Any]) -> Any:
    if "references" in meta:
        named = meta["references"]
        ports = [port for key, port in named.items() if key != "by"] if isinstance(named, dict) else [named]
        unknown = [port for port in ports if port != "own" and port not in known]
        if unknown:
            raise ValueError(f"{name} references {', '.join(unknown)}, which is no port")
        return named
    return name.removesuffix("_id") if name.endswith("_id") and name.removesuffix("_id") in known else None


def _column(port: str, key: list[str], entry: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    meta = _meta(entry)
    name = entry["name"]
    references = None if name in key and name == f"{port}_id" else _references(name, meta, known)
    is_id = references is not None or (name in key and name.endswith("_id"))
    kind = KINDS[entry["data_type"]]
    column: dict[str, Any] = {"kind": "id" if is_id and kind == "text" else kind}
    if meta.get("required") or name in key:
        column["required"] = True
    if references is not None:
        column["references"] = references
        several = isinstance(references, str) and "systems" in _meta(known.get(references, {}))
        if several and "system" not in meta:
            raise ValueError(f"{port}.{name}: several systems fill {references}; say `system` in its meta")
        if "system" in meta:
            column["system"] = meta["system"]
    for word in ("values", "default"):
        if word in meta:
            column[word] = meta[word]
    column["description"] = entry["description"].strip()
    return column


def ports() -> dict[str, Any]:
    """All ports as ports.yml holds them."""
    known = models()
    found: dict[str, Any] = {}
    for port, model in known.items():
        meta = _meta(model)
        key = list(meta.get("key", [f"{port}_id"]))
        columns = {
            entry["name"]: _column(port, key, entry, known)
            for entry in model["columns"]
            if entry["name"] not in ENVELOPE
            and "computed" not in _meta(entry)
            and not (entry["data_type"] == "bigint" and entry["name"].endswith("_key"))
        }
        for name, description in meta.get("personal", {}).items():
            columns[name] = {"kind": "text", "personal": True, "description": description}
        lacking = [name for name in key if name not in columns]
        if lacking:
            raise ValueError(f"{port}: its key {', '.join(lacking)} is no column")
        found[port] = {
            "description": " ".join(model["description"].split()),
            "grain": meta["grain"].removesuffix(", per version"),
            "system": meta.get("systems", _systems(model))[0],
            **({"systems": meta["systems"]} if "systems" in meta else {}),
            "key": key,
            "columns": columns,
        }
    return found


def manifest(found: dict[str, Any]) -> dict[str, Any]:
    """The manifest of the files source: one resource per port."""
    resources = []
    for port, entry in found.items():
        fields = {"source_system": "text!"}
        for name, column in entry["columns"].items():
            fields[name] = column["kind"] + ("!" if column.get("required") else "?")
        personal = [name for name, column in entry["columns"].items() if column.get("personal")]
        resources.append(
            {
                "name": port,
                "object": port,
                "key": ["source_system", *entry["key"]],
                **({"pii": personal} if personal else {}),
                "fields": fields,
            }
        )
    return {
        "source": "files",
        "source_system": "files",
        "domain": "files",
        "transport": "files",
        "version": 1,
        "owner": "finance systems",
        "due": "07:00",
        "time_zone": "UTC",
        "defaults": {"window": "full", "write": "append", "options": {"empty_is_suspect": True}},
        "resources": resources,
    }


def staging(found: dict[str, Any]) -> dict[str, Any]:
    """The dbt sources over what was landed from files."""
    return {
        "version": 2,
        "sources": [
            {
                "name": "files",
                "description": "Files in the ports' own columns, as landed. Append only; one row per change,"
                " with the landing's envelope (tl_*).",
                "database": "{{ var('raw_database', 'raw') }}",
                "schema": "{{ var('schemas', {}).get('files', 'files_files') }}",
                "config": {
                    "enabled": "{{ ('files' in var('systems', '').split(',')) | as_bool }}",
                    "loaded_at_field": "tl_loaded_at",
                    "freshness": {
                        "warn_after": {"count": 26, "period": "hour"},
                        "error_after": {"count": 3, "period": "day"},
                    },
                },
                "tables": [
                    {"name": port, "description": f"{entry['description']} Grain - {entry['grain']}."}
                    for port, entry in found.items()
                ],
            }
        ],
    }


def _comes(port: str) -> str:
    """Whether a port is among those that a firm's files may fill: all, unless it named some."""
    named = f"'{port}' in var('files_ports', ['{port}'])"
    return f"{{{{ ('files' in var('systems', '').split(',') and {named}) | as_bool }}}}"


def mapping(found: dict[str, Any]) -> dict[str, Any]:
    """The YAML of the mapping models."""
    return {
        "version": 2,
        "models": [
            *(
                {
                    "name": f"files__{port}",
                    "description": f"{entry['description']} From files.",
                    "config": {"enabled": _comes(port)},
                }
                for port, entry in found.items()
            ),
            {
                "name": "files__person",
                "description": "Names and e-mail of the people that files tell of.",
                "config": {"enabled": _comes("resource")},
            },
        ],
    }


def _text(data: Any) -> str:
    return NOTE + yaml.safe_dump(data, sort_keys=False, width=116, allow_unicode=True)


def written() -> dict[Path, str]:
    """Every file with its text."""
    found = ports()
    return {
        PORTS: _text(found),
        MANIFEST: _text(manifest(found)),
        STAGING: _text(staging(found)),
        MAPPING / "_files_mapping.yml": _text(mapping(found)),
        **{MAPPING / f"files__{port}.sql": "{{ files_rows('" + port + "') }}\n" for port in found},
        MAPPING / "files__person.sql": "{{ files_people() }}\n",
    }


def stale(texts: dict[Path, str]) -> list[Path]:
    """The files that are not as they would be written, and mapping models of ports that are gone."""
    wrong = [
        path for path, text in texts.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    return wrong + [path for path in sorted(MAPPING.glob("files__*.sql")) if path not in texts]


def main(arguments: list[str]) -> int:
    """Write what has changed, or with --check say what would."""
    texts = written()
    wrong = stale(texts)
    for path in wrong:
        print(path.relative_to(ROOT))
        if "--check" in arguments:
            continue
        if path not in texts:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[path], encoding="utf-8")
    return 1 if wrong and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
