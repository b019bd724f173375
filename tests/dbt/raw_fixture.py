"""A landed warehouse written by hand: the tables of every source's manifest, and the rows of a test's loads.

The tests of the models stand on this instead of on a landing: what they check is what the models make of
landed rows, and every number in them is small enough to work out on paper.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from pipelines.manifest import SQL_TYPES, Manifest, load_manifest
from tests.support import records

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("salesforce", "certinia", "bamboohr", "netsuite", "docusign")

ENVELOPE = (
    "tl_load_id varchar, tl_loaded_at timestamp with time zone, tl_known_at timestamp with time zone,"
    " tl_is_backfill boolean, tl_payload_hash varchar, tl_record_id varchar, tl_is_deleted boolean,"
    " tl_deletion_basis varchar, tl_source_created_at timestamp with time zone,"
    " tl_source_updated_at timestamp with time zone, tl_instance varchar"
)
LANDING = {
    "extract_run": (
        "extract_run_id varchar, run_id varchar, source_system varchar, source_instance varchar, "
        "resource varchar, dataset varchar, load_id varchar, started_at timestamp with time zone, "
        "ended_at timestamp with time zone, cursor_from timestamp with time zone, cursor_to "
        "timestamp with time zone, rows_extracted bigint, rows_landed bigint, rows_unchanged "
        "bigint, rows_rejected bigint, rows_deleted bigint, source_count bigint, source_amount "
        "decimal(38,4), control_amount_field varchar, pages bigint, requests bigint, retries "
        "bigint, quota_used bigint, schema_hash varchar, status varchar, is_backfill boolean, "
        "error_code varchar, error varchar"
    ),
    "reject": (
        "reject_id varchar, source_system varchar, source_instance varchar, resource varchar, "
        "record_id varchar, column_name varchar, reason_code varchar, reason varchar, payload "
        "varchar, amount decimal(19,4), load_id varchar, rejected_at timestamp with time zone, "
        "contract_version varchar"
    ),
    "personal": (
        "source_system varchar, source_instance varchar, resource varchar, record_id varchar, "
        "personal_hash varchar, reject_id varchar, field varchar, value varchar, load_id varchar"
    ),
    "reject_event": ('reject_id varchar, action varchar, load_id varchar, "at" timestamp with time zone'),
    "schema_change": (
        "source_system varchar, source_instance varchar, resource varchar, column_name varchar, "
        'change varchar, declared_type varchar, found_type varchar, load_id varchar, "at" '
        "timestamp with time zone"
    ),
}


def manifests() -> dict[str, Manifest]:
    """The manifest of every source, by source."""
    return {name: load_manifest(ROOT / "pipelines" / "sources" / name / "source.yml") for name in SOURCES}


def instant(text: str) -> datetime:
    """An ISO instant; without an offset it is UTC."""
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@dataclass
class Load:
    """One landing run: its id, its clock time, and whether it is the first of its resources."""

    raw: Raw
    at: datetime
    is_backfill: bool

    @property
    def load_id(self) -> str:
        return self.at.strftime("%Y%m%dT%H%M%SZ")

    def add(
        self,
        dataset: str,
        *,
        deleted: str | None = None,
        updated: str | None = None,
        created: str | None = None,
        **values: Any,
    ) -> None:
        """Land one row of `dataset` ('certinia.proj'); columns not named are null.

        `deleted` is the deletion basis; `updated` when the vendor last edited it.
        """
        source, resource = dataset.split(".")
        manifest = self.raw.manifests[source].resource(resource)
        columns = {item.name: item.column for item in manifest.fields}
        unknown = set(values) - set(columns.values())
        if unknown:
            raise KeyError(f"{dataset} has no column {', '.join(sorted(unknown))}")
        record_id = "|".join(str(values[columns[part]]) for part in manifest.key)
        told = repr((sorted(values.items()), deleted is not None))
        edited = instant(updated) if updated else None
        row = {
            **values,
            "tl_load_id": self.load_id,
            "tl_loaded_at": self.at,
            "tl_known_at": edited if self.is_backfill and edited else self.at,
            "tl_is_backfill": self.is_backfill,
            "tl_payload_hash": hashlib.sha256(told.encode()).hexdigest()[:32],
            "tl_record_id": record_id,
            "tl_is_deleted": deleted is not None,
            "tl_deletion_basis": deleted,
            "tl_source_created_at": instant(created) if created else None,
            "tl_source_updated_at": edited,
            "tl_instance": "main",
        }
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" for _ in row)
        self.raw.connection.execute(
            f'insert into {source}_main."{resource}" ({names}) values ({marks})', list(row.values())
        )


@dataclass
class Raw:
    """A raw warehouse file with every declared table, empty until loads are written."""

    path: Path
    manifests: dict[str, Manifest] = field(default_factory=manifests)

    def __post_init__(self) -> None:
        self.connection = duckdb.connect(str(self.path))
        self.connection.execute("set TimeZone = 'UTC'")
        for source, manifest in self.manifests.items():
            self.connection.execute(f"create schema if not exists {source}_main")
            for resource in manifest.resources:
                columns = ", ".join(f'"{item.column}" {SQL_TYPES[item.kind]}' for item in resource.fields)
                columns += ", tl_personal_hash varchar" if resource.pii else ""
                self.connection.execute(
                    f'create table if not exists {source}_main."{resource.name}" ({columns}, {ENVELOPE})'
                )
        self.connection.execute("create schema if not exists landing")
        for name, columns in LANDING.items():
            self.connection.execute(f"create table if not exists landing.{name} ({columns})")

    def load(self, at: str, *, backfill: bool = False) -> Load:
        """A landing run at `at`."""
        return Load(self, instant(at), backfill)

    def close(self) -> None:
        """Let go of the file, so that dbt can read it."""
        self.connection.close()


def write_inputs(build: Path, *, as_of: date, known_at: datetime) -> None:
    """What the command line hands to a build: here the run's own row and the systems of record."""
    from throughline.inputs import TABLES

    connection = duckdb.connect(str(build))
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("create schema if not exists inputs")
    for name, columns in TABLES.items():
        connection.execute(f"create or replace table inputs.{name} ({columns})")
    connection.execute(
        "insert into inputs.run_context values ('test', ?, ?, 'USD', ?)", [as_of, known_at, known_at]
    )
    connection.executemany(
        "insert into inputs.system_of_record values (?, ?, ?, ?, ?, ?, ?)",
        [[row[column] for column in records.COLUMNS] for row in records.rows()],
    )
    connection.close()


@dataclass
class Project:
    """dbt on files of a test's own."""

    folder: Path
    raw: Path
    project: Path = ROOT / "dbt_project"

    @property
    def build(self) -> Path:
        return self.folder / "build.duckdb"

    @property
    def serving(self) -> Path:
        return self.folder / "candidate.duckdb"

    def prepare(self, *, as_of: str, known_at: str) -> None:
        """Write the run's inputs and an empty candidate."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.serving.unlink(missing_ok=True)
        duckdb.connect(str(self.serving)).close()
        write_inputs(self.build, as_of=date.fromisoformat(as_of), known_at=instant(known_at))

    def dbt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run dbt with these arguments; raises AssertionError with its output when it fails."""
        environment = {
            **os.environ,
            "THROUGHLINE_RAW_DB": str(self.raw),
            "THROUGHLINE_BUILD_DB": str(self.build),
            "THROUGHLINE_SERVING_DB": str(self.serving),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "DBT_LOG_PATH": str(self.folder / "logs"),
        }
        done = subprocess.run(
            [
                sys.executable, "-m", "throughline.dbt_quick", *arguments,
                "--project-dir", str(self.project), "--profiles-dir", str(self.project),
            ],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
        return done

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query over the build file, with the candidate attached as `serving`."""
        connection = duckdb.connect(str(self.build), read_only=True)
        try:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(f"attach '{self.serving}' as serving (read_only)")
            return connection.execute(query).fetchall()
        finally:
            connection.close()


def money(text: str) -> Decimal:
    """A decimal as money is compared: by value."""
    return Decimal(text)


def days(first: str, last: str) -> Iterator[date]:
    """Every date from `first` to `last`."""
    for number in range(date.fromisoformat(first).toordinal(), date.fromisoformat(last).toordinal() + 1):
        yield date.fromordinal(number)
