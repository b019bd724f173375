"""Landing into files of Parquet says the same as landing into DuckDB, and mends what a kill leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines import personal, rejects
from pipelines.landing import SourceResult
from pipelines.parquet import raw_store
from tests.landing.conftest import Home
from tests.landing.fakes import Org
from tests.landing.test_personal import PEOPLE, SECRETS, SPLIT, contact
from throughline.errors import ThroughlineError

NOW, NEXT, LAST = "2026-03-10T12:00:00Z", "2026-03-11T12:00:00Z", "2026-03-12T12:00:00Z"
EARLY, LATER = "2026-03-01T08:00:00.000+0000", "2026-03-10T13:00:00.000+0000"
TABLES = (
    "certinia_main.contact",
    "certinia_main.timecard_split",
    "landing.extract_run",
    "landing.reject",
    "landing.reject_event",
    "landing.schema_change",
    "landing.key_compare",
    "landing.erased",
)
# keyed by the home's own secret, or names of a run
OWN = {"tl_personal_hash", "tl_payload_hash", "payload_hash", "reject_id", "_dlt_load_id", "_dlt_id"}


class Files(Home):
    """A home that lands into files."""

    def land(
        self, source: str, config: dict[str, Any], now: str, resources: list[str] | None = None
    ) -> SourceResult:
        return super().land(source, {**config, "landing": "parquet"}, now, resources)

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with raw_store(self.path, "certinia", "main").reading() as connection:
            connection.execute("use raw")
            return connection.execute(query).fetchall()

    def files(self, table: str) -> list[Path]:
        """The files of one table, oldest first."""
        return sorted((self.path / "raw" / table.replace(".", "/")).glob("*.parquet"))


@pytest.fixture
def filed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """A fresh home that lands into files."""
    (tmp_path / "files").mkdir()
    return Files(tmp_path / "files", monkeypatch)


@pytest.fixture
def org() -> Org:
    """Two people and two splits, one of which cannot be read."""
    org = Org(source="certinia")
    contact(org, "c1", EARLY, Name="Ida Quillfeather", Email="zebedee@a.test")
    contact(org, "c2", EARLY, Name="Otto Stays", Email="otto@a.test")
    org.put("pse__Timecard__c", "t1", EARLY, **SPLIT)
    org.put("pse__Timecard__c", "t2", EARLY, **{**SPLIT, "pse__Total_Billable_Amount__c": "n/a"})
    return org


def told(home: Home, table: str) -> list[tuple[Any, ...]]:
    """The rows of a table without what each home says in its own words."""
    names = [row[0] for row in home.sql(f"select column_name from (describe select * from {table})")]
    columns = ", ".join(f'"{name}"' for name in names if name not in OWN)
    return home.sql(f"select {columns} from {table} order by all")


def test_both_forms_hold_the_same_rows_load_by_load(home: Home, filed: Files, org: Org) -> None:
    for now in (NOW, NEXT, LAST):
        for one in (home, filed):
            one.land("certinia", org.config(), now, PEOPLE)
        assert {table: told(filed, table) for table in TABLES} == {
            table: told(home, table) for table in TABLES
        }
        if now == NOW:
            # a change, a deletion, a column that was not there, and the row that could not be read put right
            org.describe_changes["Contact"] = {"MobilePhone": "phone"}
            contact(org, "c1", LATER, pse__Resource_Role__c="Lead", MobilePhone="+49 170 555")
            org.delete("Contact", "c2", LATER)
            org.put("pse__Timecard__c", "t2", LATER, **SPLIT)
    assert not (filed.path / "raw.duckdb").exists()
    assert [row["state"] for row in rejects.list_rejects(filed.path, state=None)] == ["RESOLVED"]
    kinds = (
        "select column_name, data_type from duckdb_columns() where table_name = 'timecard_split' order by 1"
    )
    assert filed.sql(kinds) == home.sql(kinds)


def test_a_load_that_was_cut_off_is_swept_away_and_comes_again(filed: Files, org: Org) -> None:
    filed.land("certinia", org.config(), NOW, PEOPLE)
    whole = told(filed, "certinia_main.contact")
    torn = filed.files("certinia_main.contact")[0]
    torn.write_bytes(torn.read_bytes()[:-10])
    again = filed.land("certinia", org.config(), NEXT, PEOPLE)
    assert not torn.exists()
    assert [row.rows_landed for row in again.resources] == [2, 0]
    assert len(told(filed, "certinia_main.contact")) == len(whole)


def test_what_is_erased_is_in_no_file(filed: Files, org: Org) -> None:
    filed.land("certinia", org.config(), NOW, PEOPLE)
    filed.at(NOW)
    assert personal.erase(filed.path, "certinia", "main", "contact", "c1") == 2
    assert filed.sql("select distinct record_id from landing.personal where resource = 'contact'") == [
        ("c2",)
    ]
    held = "select count(*) from landing.personal where " + " or ".join(
        f"contains(value, '{word}')" for word in SECRETS
    )
    assert filed.sql(held) == [(0,)]
    assert personal.erase(filed.path, "certinia", "main", "contact", "c1") == 0


def test_a_home_keeps_the_form_it_was_landed_in(home: Home, filed: Files, org: Org) -> None:
    home.land("certinia", org.config(), NOW, PEOPLE)
    filed.land("certinia", org.config(), NOW, PEOPLE)
    for path, other in ((home.path, "parquet"), (filed.path, "duckdb")):
        with pytest.raises(ThroughlineError) as caught:
            raw_store(path, "certinia", "main", other)
        assert (caught.value.code, caught.value.exit_code) == ("E-SRC-060", 64)
