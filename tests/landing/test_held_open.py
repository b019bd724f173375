"""The raw warehouse is opened once to read a source and once to store it, however many resources it has."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipelines import keyed
from pipelines.store import LANDING, RECORDS, RawStore
from tests.landing.conftest import Home
from tests.landing.fakes import Org
from tests.landing.test_personal import SPLIT
from throughline.errors import ThroughlineError

NOW = "2026-03-10T12:00:00Z"
EARLY = "2026-03-01T08:00:00.000+0000"


@pytest.fixture
def store(tmp_path: Path) -> RawStore:
    """An empty raw warehouse."""
    found = RawStore(tmp_path, "certinia", "main")
    found.recover()
    return found


def compared(load_id: str) -> dict[str, pa.Table]:
    """One record of landing's own."""
    row = dict.fromkeys(RECORDS["key_compare"].names) | {
        "source_system": "certinia",
        "source_instance": "main",
        "resource": "account",
        "load_id": load_id,
        "at": datetime(2026, 3, 10, tzinfo=UTC),
    }
    return {"key_compare": pa.Table.from_pylist([row], RECORDS["key_compare"])}


def test_while_it_is_held_open_reads_see_what_was_just_loaded(store: RawStore) -> None:
    seen = []
    with store.writing():
        for load_id in ("A", "B"):
            store.record(compared(load_id))
            with store.reading() as connection:
                found = connection.execute(f"select load_id from {store.table('key_compare', LANDING)}")
                seen.append(sorted(row[0] for row in found.fetchall()))
    assert seen == [["A"], ["A", "B"]]


def test_closed_it_holds_everything_and_leaves_no_log_to_be_replayed(store: RawStore) -> None:
    with store.writing():
        store.record(compared("A"))
    assert not store.path.with_name("raw.duckdb.wal").exists()
    with duckdb.connect(str(store.path), read_only=True) as connection:
        assert connection.execute("select load_id from landing.key_compare").fetchall() == [("A",)]


def test_an_error_while_it_is_held_open_lets_go_of_it(store: RawStore) -> None:
    with pytest.raises(ZeroDivisionError), store.writing():
        print(1 / 0)
    store.record(compared("A"))
    with store.reading() as connection, pytest.raises(duckdb.InvalidInputException, match="read-only"):
        connection.execute("delete from raw.landing.key_compare")


def test_a_warehouse_that_cannot_be_opened_to_be_written_says_so(store: RawStore) -> None:
    store.path.write_bytes(b"no database")
    with pytest.raises(ThroughlineError) as caught, store.writing():
        print("not reached")
    assert caught.value.code == "E-SRC-019"
    assert store._held is None


def test_a_connection_beside_another_has_tables_of_its_own_the_zone_and_the_secret(store: RawStore) -> None:
    with store.reading() as first, store.beside(first) as one, store.beside(first) as other:
        one.execute("create temp table incoming as select 1 as number")
        other.execute("create temp table incoming as select 2 as number")
        assert one.execute("select number from incoming").fetchone() == (1,)
        for connection in (one, other):
            assert connection.execute("select current_setting('TimeZone')").fetchone() == ("UTC",)
            assert keyed.is_ready(connection)


def test_a_landing_opens_it_once_to_read_however_many_resources_it_reads(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    org = Org(source="certinia")
    org.put("pse__Timecard__c", "t1", EARLY, **SPLIT)
    home.land("certinia", org.config(), NOW)
    opened = []
    real = RawStore._attach

    def attach(store: RawStore, connection: duckdb.DuckDBPyConnection) -> None:
        opened.append(store.dataset)
        real(store, connection)

    monkeypatch.setattr(RawStore, "_attach", attach)
    result = home.land("certinia", org.config(), "2026-03-11T12:00:00Z")
    # to name the load and to read all; what stores it holds it open itself
    assert len(opened) == 1 < len(result.resources)
