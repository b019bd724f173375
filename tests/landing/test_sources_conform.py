"""The same checks over every source, against the sandbox's vendors over HTTP.

Every test lands into the home of its source and moves its clock on by a day; none rests on another.
"""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines import keyed, rejects
from pipelines.conform.bench import ask
from pipelines.landing import ResourceResult, SourceResult, run_source
from pipelines.sources import load_source, source_names
from pipelines.transports.http import Http
from sandbox.build import build, wanted
from sandbox.mutate import mutate, record

# the firm's last day: from here on nothing happens but what a test does
START = datetime.fromisoformat("2026-07-08T23:30:00+00:00")


@dataclass(frozen=True)
class Subject:
    """What of a source the checks are made on.

    `text` is a harmless field, `money` one that is summed, `needed` one without which a row is refused,
    `number` one that may change its type. `growing` is a resource with its object that shows new columns.
    """

    vendor: str
    object: str
    resource: str
    key: str
    text: str
    needed: str
    number: str
    growing: tuple[str, str]
    money: str | None = None


SUBJECTS = {
    "salesforce": Subject(
        "salesforce", "Opportunity", "opportunity", "Id", "Name", "StageName", "Services_Amount__c",
        ("opportunity", "Opportunity"), "Services_Amount__c",
    ),
    "certinia": Subject(
        "salesforce", "pse__Proj__c", "proj", "Id", "Service_Line_Code__c", "pse__Stage__c",
        "Budget_Revenue__c", ("proj", "pse__Proj__c"), "Budget_Revenue__c",
    ),
    # an employee shows the fields it is asked for and no other; its tables show all they have
    "bamboohr": Subject(
        "bamboohr", "Employee", "employee", "id", "jobTitle", "employeeNumber", "customStandardHours",
        ("job_info", "jobInfo"),
    ),
    "netsuite": Subject(
        "netsuite", "transaction", "transaction", "id", "memo", "tranid", "foreigntotal",
        ("transaction", "transaction"), "foreigntotal",
    ),
    "docusign": Subject(
        "docusign", "envelopes", "envelope", "envelopeId", "emailSubject", "status", "document_value",
        ("envelope", "envelopes"),
    ),
}  # fmt: skip
# What is not verified of the vendors, each the other way than the emulators have it by themselves.
OTHER_FORMS: dict[str, dict[str, Any]] = {
    "salesforce": {
        "rest_datetime_suffix": "Z",
        "csv_datetime_suffix": "+0000",
        "honour_batch_size": False,
        "csv_quoting": "all",
        "csv_booleans": ["1", "0"],
        "job_details": False,
        "dead_session": "object",
        "system_edit_moves_modified": True,
        "bulk_aggregates": True,
    },
    "bamboohr": {
        "empty_value": "blank",
        "time_off_nested": False,
        "old_endpoints_xml": False,
        "page_limit": 7,
    },
    "netsuite": {
        "account_timezone": "Europe/Berlin",
        "date_format": "DD/MM/YYYY",
        "stringly": False,
        "omit_nulls": False,
        "unstable_order": False,
        "row_cap_mode": "error",
        "deleted_type": "table",
        "concurrency_status": 503,
        "stamp_precision": "day",
    },
    "docusign": {
        "next_uri": "absolute",
        "empty_list": "omitted",
        "empty_fields": "omitted",
        "bin_listed": True,
        "edits_change_status": True,
        "limit_status": 400,
        "page_limit": 7,
    },
}


@dataclass
class World:
    """A firm's vendors being served, and one source that lands them into a home."""

    source: str
    root: Path
    home: Path
    monkeypatch: pytest.MonkeyPatch
    now: datetime = START
    waits: list[float] = field(default_factory=list)
    edited: bool = False

    @property
    def subject(self) -> Subject:
        return SUBJECTS[self.source]

    @property
    def table(self) -> str:
        return f"{self.source}_main.{self.subject.resource}"

    def tick(self, hours: float = 24) -> None:
        """Move the vendors' and our clock on."""
        self.now += timedelta(hours=hours)
        self._write("clock.json", {"now": self.now.isoformat()})

    def faults(self, *rules: dict[str, Any]) -> None:
        """Make the vendor misbehave from now on."""
        self._write("profile.json", [{"vendor": self.subject.vendor, **rule} for rule in rules])

    def forms(self, settings: dict[str, Any] | None) -> None:
        """Make the vendor write as `settings` say from now on; none = as it does by itself."""
        if settings is None:
            (self.root / "settings.json").unlink()
            return
        self._write("settings.json", {self.subject.vendor: settings})

    def asked(self, since: int = 0) -> list[dict[str, Any]]:
        """What the vendor was asked, from the given place in its log on."""
        path = self.root / "requests.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line) for line in lines[since:]]

    def config(self, **more: Any) -> dict[str, Any]:
        served = json.loads((self.root / "serve.json").read_text())
        config = {"base_url": served["endpoints"][self.subject.vendor]}
        if self.source == "netsuite":
            settings = self.root / "settings.json"
            own = json.loads(settings.read_text())["netsuite"] if settings.exists() else {}
            schema = json.loads((self.root / "stores/netsuite/schema.json").read_text())
            config["time_zone"] = {**schema["settings"], **own}["account_timezone"]
        return {**config, **served["credentials"][self.subject.vendor], "sleep": self.waits.append, **more}

    def land(self, resources: list[str] | None = None, **more: Any) -> SourceResult:
        """A day later, land the subject (or the resources named)."""
        self.tick()
        names = resources or [self.subject.resource]
        with self.monkeypatch.context() as patch:
            patch.setenv("THROUGHLINE_NOW", self.now.isoformat())
            return run_source(self.source, "main", self.home, self.config(**more), "conform", names)

    def land_one(self, **more: Any) -> ResourceResult:
        [found] = [one for one in self.land(**more).resources if one.resource == self.subject.resource]
        return found

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        return ask(self.home / "raw.duckdb", query)

    def hashes(self, table: str) -> dict[str, str]:
        """The newest payload hash of every record of a table."""
        query = f"select tl_record_id, arg_max(tl_payload_hash, tl_loaded_at) from {table} group by 1"
        return dict(self.sql(query))

    def live_keys(self) -> list[str]:
        """Record ids landed and not deleted, in order."""
        rows = self.sql(
            f"select tl_record_id from {self.table} group by 1"
            " having not arg_max(tl_is_deleted, tl_loaded_at) order by 1"
        )
        return [row[0] for row in rows]

    def edit(self, key: str, op: str, minutes_ago: Any = 60, **fields: Any) -> None:
        """A user's edit, some time before the next landing."""
        self.edited = True
        moment = self.now + timedelta(hours=24) - timedelta(minutes=minutes_ago)
        mutate(self.root, self.subject.vendor, self.subject.object, key, op, fields, moment)

    def versions(self, key: str) -> list[tuple[Any, ...]]:
        """Deleted flag, hash and basis of a record's versions in load order."""
        return self.sql(
            f"select tl_is_deleted, tl_payload_hash, tl_deletion_basis from {self.table}"
            f" where tl_record_id = '{key}' order by tl_loaded_at"
        )

    def _write(self, name: str, content: Any) -> None:
        path = self.root / name
        path.with_suffix(".new").write_text(json.dumps(content))
        path.with_suffix(".new").replace(path)
        # the vendors look at the file's time
        time.sleep(0.02)


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny firm's stores, built once."""
    root = tmp_path_factory.mktemp("firm") / "sandbox"
    build(root, wanted(11, "tiny", "none", acquisition=False), truth=False)
    return root


# these have no vendor to emulate: test_conformance_of_events.py and test_conformance_of_files.py check them
PUSHED_OR_LAID = ("events", "files")


@pytest.fixture(scope="module", params=[name for name in source_names() if name not in PUSHED_OR_LAID])
def world(
    request: pytest.FixtureRequest, firm: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A source's vendor served from a copy of the firm, and landed once."""
    base = tmp_path_factory.mktemp(request.param)
    root = base / "sandbox"
    shutil.copytree(firm, root)
    (root / "clock.json").write_text(json.dumps({"now": START.isoformat()}))
    with (base / "serve.log").open("wb") as log:
        server = subprocess.Popen([sys.executable, "-m", "sandbox.serve", "--dir", str(root)], stderr=log)
        try:
            deadline = time.monotonic() + 120
            while not (root / "serve.json").exists():
                assert server.poll() is None, (base / "serve.log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.1)
            with pytest.MonkeyPatch.context() as patch:
                world = World(request.param, root, base / "home", patch)
                world.home.mkdir()
                first = world.land_one()
                assert first.status == "OK", first.error
                assert first.rows_landed > 5
                yield world
        finally:
            server.terminate()
            server.wait(30)


@pytest.fixture(autouse=True)
def _behaved(world: World) -> Iterator[None]:
    """Every test begins and ends with vendors that behave and nothing left to land."""
    if world.edited:
        assert world.land_one().status == "OK"
        world.edited = False
    yield
    world.faults()


def test_keys_are_unique_and_figures_agree_with_the_source(world: World) -> None:
    rows, ids = world.sql(f"select count(*), count(distinct (tl_record_id, tl_load_id)) from {world.table}")[
        0
    ]
    assert rows == ids
    found = world.land_one()
    assert found.source_count == len(world.live_keys())
    if world.subject.money:
        column = next(
            item.column
            for item in load_source(world.source).manifest.resource(world.subject.resource).fields
            if item.name == world.subject.money
        )
        [(total,)] = world.sql(
            f"with latest as (select tl_record_id, arg_max({column}, tl_loaded_at) as amount,"
            f" arg_max(tl_is_deleted, tl_loaded_at) as gone from {world.table} group by 1)"
            " select sum(amount) from latest where not gone"
        )
        assert found.source_amount == Decimal(total)


def test_second_load_is_empty(world: World) -> None:
    found = world.land_one()
    assert (found.status, found.rows_landed, found.rows_deleted) == ("OK", 0, 0)


def test_from_a_to_b_to_a_is_three_versions(world: World) -> None:
    key = world.live_keys()[0]
    before = record(world.root, world.subject.vendor, world.subject.object, key)[world.subject.text]
    known = len(world.versions(key))
    world.edit(key, "update", **{world.subject.text: "changed"})
    assert world.land_one().rows_landed == 1
    world.edit(key, "update", **{world.subject.text: before})
    assert world.land_one().rows_landed == 1
    hashes = [row[1] for row in world.versions(key)]
    assert len(hashes) == known + 2
    assert hashes[-1] == hashes[-3] != hashes[-2]
    assert world.land_one().rows_landed == 0


def test_a_touch_lands_nothing(world: World) -> None:
    world.edit(world.live_keys()[1], "touch")
    found = world.land_one()
    assert (found.status, found.rows_landed) == ("OK", 0)


def test_a_row_late_inside_the_window_is_caught(world: World) -> None:
    first, second = world.live_keys()[2:4]
    world.edit(first, "update", minutes_ago=60, **{world.subject.text: "on time"})
    assert world.land_one().rows_landed == 1
    world.edit(second, "update", minutes_ago=24 * 60 + 65, **{world.subject.text: "late"})
    assert world.land_one().rows_landed == 1


def test_an_edit_that_moves_no_stamp_is_not_invented(world: World) -> None:
    key = world.live_keys()[4]
    world.edit(key, "silent", **{world.subject.text: "unseen"})
    found = world.land_one()
    full_read = world.source in ("bamboohr", "docusign")
    assert found.rows_landed == (1 if full_read else 0)


@pytest.mark.parametrize("op", ["delete", "purge"])
def test_deletions_are_seen_and_restores_too(world: World, op: str) -> None:
    key = world.live_keys()[-1 if op == "delete" else -2]
    bases = {"salesforce": "flag", "certinia": "flag", "docusign": "snapshot_absence"}
    expected = bases.get(world.source, "tombstone")
    world.edit(key, op)
    found = world.land_one()
    assert (found.rows_landed, found.rows_deleted) == (1, 1)
    gone, _, basis = world.versions(key)[-1]
    assert (gone, basis) == (True, expected if op == "delete" else "snapshot_absence")
    assert world.land_one().rows_landed == 0
    if op == "purge":
        return
    world.edit(key, "restore")
    assert world.land_one().rows_landed == 1
    versions = world.versions(key)
    assert [row[0] for row in versions[-3:]] == [False, True, False]
    assert versions[-1][1] == versions[-3][1]


@pytest.mark.parametrize("more", [0, 1])
def test_page_size_and_one_more(world: World, more: int, tmp_path: Path) -> None:
    live = len(world.live_keys())
    size = live - more
    fresh = World(world.source, world.root, tmp_path, world.monkeypatch, world.now)
    limits = {"page_size": size, "bulk_page": size}
    found = fresh.land_one(limits=limits, mode="bulk")
    world.now = fresh.now
    assert found.status == "OK", found.error
    assert len(fresh.live_keys()) == live


@pytest.mark.parametrize("kind", ["429_seconds", "429_date", "503", "truncated_json", "html_200"])
def test_trouble_that_passes_is_waited_out(world: World, kind: str) -> None:
    world.faults({"kind": kind, "times": 1, "after": 1})
    before = len(world.waits)
    found = world.land_one()
    assert (found.status, found.rows_landed) == ("OK", 0), found.error
    assert found.retries >= 1 or len(world.waits) > before


def test_trouble_that_stays_fails_the_resource_and_the_next_run_resumes(world: World) -> None:
    key = world.live_keys()[5]
    world.edit(key, "update", **{world.subject.text: "while it was down"})
    world.faults({"kind": "503", "after": 2})
    failed = world.land_one(limits={"attempts": 2})
    assert failed.status == "FAILED"
    assert failed.error is not None
    assert failed.error.code == "E-SRC-004"
    world.faults()
    found = world.land_one()
    assert (found.status, found.rows_landed) == ("OK", 1)


def test_session_that_expires_mid_run_is_renewed(world: World) -> None:
    if world.source == "bamboohr":
        world.faults({"kind": "session_expired", "times": 1, "after": 1})
        found = world.land_one()
        assert found.error is not None
        assert found.error.code == "E-SRC-003", "a static key cannot be renewed"
        return
    world.faults({"kind": "session_expired", "times": 1, "after": 2})
    assert world.land_one().status == "OK"


def test_repeated_cursor_ends_the_read(world: World, tmp_path: Path) -> None:
    world.faults({"kind": "repeat_cursor"})
    fresh = World(world.source, world.root, tmp_path, world.monkeypatch, world.now)
    found = fresh.land_one(limits={"page_size": 3, "bulk_page": 3}, mode="bulk")
    world.now = fresh.now
    assert found.status == "OK" or (found.error is not None and found.error.code == "E-SRC-007")
    assert fresh.sql(f"select count(*) - count(distinct tl_record_id) from {world.table}") == [(0,)]


@pytest.mark.parametrize("kind", ["duplicate_rows", "page_shift", "empty_page", "unordered"])
def test_disturbed_pages_neither_double_a_row_nor_delete_one(world: World, kind: str) -> None:
    before, deleted = world.live_keys(), f"select count(*) from {world.table} where tl_is_deleted"
    gone, asked = world.sql(deleted), len(world.asked())
    times = {} if kind == "unordered" else {"times": 1}
    world.faults({"kind": kind, **times, "object": world.subject.object, "params": {"rows": 1}})
    found = world.land_one(limits={"page_size": 4, "bulk_page": 4}, mode="bulk")
    struck = [entry for entry in world.asked(asked) if entry.get("bent") == kind]
    expected = None
    if kind == "page_shift":
        # a read by key asks for the rows behind the last one, so that nothing shifts under it
        expected = None if world.source == "netsuite" else "E-SRC-023"
    elif kind == "unordered" and world.source == "netsuite":
        expected = "E-SRC-007"
    assert bool(struck) is not (kind == "page_shift" and world.source == "netsuite")
    assert (found.error.code if found.error else None) == expected, found.error
    assert (found.rows_landed, world.sql(deleted)) == (0, gone)
    world.faults()
    again = world.land_one()
    assert (again.status, again.rows_landed, world.live_keys()) == ("OK", 0, before)


def test_a_failed_job_is_started_again(world: World) -> None:
    if world.subject.vendor != "salesforce":
        pytest.skip("this vendor has no jobs")
    world.faults({"kind": "job_failed", "times": 1})
    found = world.land_one(mode="bulk")
    assert (found.status, found.rows_landed) == ("OK", 0)
    world.faults({"kind": "job_failed"})
    failed = world.land_one(mode="bulk")
    assert failed.error is not None
    assert failed.error.code == "E-SRC-013"


def test_lost_permission_is_named_and_comes_back(world: World) -> None:
    world.faults({"kind": "permission_lost", "object": world.subject.object})
    failed = world.land_one()
    assert failed.error is not None
    assert failed.error.code in {"E-SRC-010", "E-SRC-011"}
    assert len(world.sql(f"select 1 from {world.table} where tl_is_deleted")) == len(
        world.sql(f"select 1 from {world.table} where tl_is_deleted and tl_deletion_basis is not null")
    )
    world.faults()
    found = world.land_one()
    assert (found.status, found.rows_landed) == ("OK", 0)


def test_renamed_column_fails_its_resource_with_its_name(world: World) -> None:
    name = world.subject.text
    params = {"field": name, "new": "renamed_field"}
    world.faults({"kind": "schema_rename", "object": world.subject.object, "params": params})
    failed = world.land_one()
    assert failed.error is not None
    assert failed.error.code == "E-SRC-011"
    assert name.lower() in str(failed.error).lower()
    changed = world.sql("select change from landing.schema_change where change = 'REMOVED'")
    assert changed


def test_a_new_column_is_taken_in_and_reported_once(world: World) -> None:
    resource, obj = world.subject.growing
    assert world.land([resource]).status == "OK"
    params = {"field": "customnew__c", "value": "here"}
    world.faults({"kind": "schema_add", "object": obj, "params": params})
    found = world.land([resource])
    assert found.status == "OK", found.errors
    told = (
        "select change from landing.schema_change"
        f" where resource = '{resource}' and column_name = 'customnew__c'"
    )
    # the column goes again with the fault, and rows that are read again then say so
    world.edited = True
    assert world.sql(told) == [("ADDED",)]
    # rows outside the window keep what they had; those that were read again have the new value
    if found.rows_landed:
        table = f"{world.source}_main.{resource}"
        assert world.sql(f"select distinct customnew__c from {table} where customnew__c is not null") == [
            ("here",)
        ]
    assert world.land([resource]).rows_landed == 0
    assert world.sql(told) == [("ADDED",)]


def test_a_column_of_another_type_fails_its_resource_and_lands_nothing(world: World, tmp_path: Path) -> None:
    params = {"field": world.subject.number, "to": "text with comma decimal"}
    world.faults({"kind": "schema_retype", "object": world.subject.object, "params": params})
    fresh = World(world.source, world.root, tmp_path, world.monkeypatch, world.now)
    failed = fresh.land_one()
    world.now = fresh.now
    assert failed.error is not None
    assert (failed.status, failed.error.code) == ("FAILED", "E-SRC-012")
    assert fresh.sql(f"select count(*) from {world.table}") == [(0,)]
    assert fresh.sql("select count(*) from landing.reject") == [(0,)]
    assert fresh.sql("select change from landing.schema_change") == [("RETYPED",)]


def test_a_bad_row_waits_and_is_fed_in_once(world: World) -> None:
    key = world.live_keys()[6]
    field_name, before = world.subject.needed, world.live_keys()
    kept = record(world.root, world.subject.vendor, world.subject.object, key)[field_name]
    versions = len(world.versions(key))
    world.edit(key, "update", **{field_name: None, world.subject.text: "bad"})
    found = world.land_one()
    assert (found.status, found.rows_landed, found.rows_rejected) == ("OK", 0, 1)
    assert world.live_keys() == before
    [waiting] = rejects.list_rejects(world.home, source=world.source)
    shown = rejects.show_reject(world.home, waiting["reject_id"][:12])
    assert (shown["record_id"], shown["reason_code"], shown["state"]) == (key, "REQUIRED_MISSING", "OPEN")
    name = next(one for one in json.loads(shown["payload"]) if one.lower() == field_name.lower())
    corrected = {shown["reject_id"]: {name: kept}}
    with world.monkeypatch.context() as patch:
        patch.setenv("THROUGHLINE_NOW", (world.now + timedelta(hours=1)).isoformat())
        assert rejects.replay(world.home, source=world.source).rows_landed == 0
        done = rejects.replay(world.home, [shown["reject_id"]], corrections=corrected)
        twice = rejects.replay(world.home, [shown["reject_id"]], corrections=corrected)
    assert (done.rows_landed, twice.rows_landed, twice.replayed) == (1, 0, [])
    assert len(world.versions(key)) == versions + 1
    assert rejects.list_rejects(world.home, source=world.source) == []
    # the source's own correction says the same, so it adds nothing
    world.edit(key, "update", **{field_name: kept})
    assert world.land_one().rows_landed == 0


def test_forms_that_are_not_verified_land_the_same(world: World, tmp_path: Path) -> None:
    wanted = {"bamboohr": ["employee", "employment_status", "time_off"]}.get(
        world.source, [world.subject.resource]
    )
    plain = World(world.source, world.root, tmp_path / "plain", world.monkeypatch, world.now)
    other = World(world.source, world.root, tmp_path / "other", world.monkeypatch, world.now)
    plain.home.mkdir()
    other.home.mkdir()
    # hashes of personal fields are keyed per home
    shared = keyed.secret_path(other.home)
    shared.parent.mkdir()
    shared.write_text(keyed.home_secret(plain.home))
    assert plain.land(wanted, mode="rest").status == "OK"
    other.now = plain.now
    other.forms(OTHER_FORMS[world.subject.vendor])
    try:
        found = other.land(wanted, mode="bulk")
        assert found.status == "OK", found.errors
        for name in wanted:
            table = f"{world.source}_main.{name}"
            known, told = plain.hashes(table), other.hashes(table)
            assert {key: told.get(key) for key in known} == known
            # an account that lists its bin shows what lay in it all along
            assert all(other.versions(key)[-1][0] for key in told.keys() - known.keys())
        changed, deleted = world.live_keys()[7:9]
        other.edit(changed, "update", **{world.subject.text: "in another form"})
        other.edit(deleted, "delete")
        again = other.land(wanted, mode="bulk")
        assert again.status == "OK", again.errors
        assert (again.rows_landed, again.resources[0].rows_deleted) == (2, 1)
        bases = dict.fromkeys(("salesforce", "certinia", "docusign"), "flag")
        expected = bases.get(world.source, "tombstone")
        assert other.versions(deleted)[-1][2] == expected
    finally:
        other.forms(None)
        world.now, world.edited = other.now, True


def test_every_resource_lands_once(world: World, tmp_path: Path) -> None:
    fresh = World(world.source, world.root, tmp_path, world.monkeypatch, world.now)
    names = [resource.name for resource in load_source(world.source).manifest.resources]
    first, second = fresh.land(names), fresh.land(names)
    world.now = fresh.now
    assert (first.status, second.status, second.rows_landed) == ("OK", "OK", 0), first.errors
    for found in second.resources:
        table = f"{world.source}_main.{found.resource}"
        [(rows, ids, live)] = fresh.sql(
            "select count(*), count(distinct tl_record_id), count(*) filter (where not tl_is_deleted)"
            f" from {table}"
        )
        assert rows == ids, table
        assert found.source_count in {None, live}, table


def test_cut_extract_shows_in_the_control_figures(world: World, tmp_path: Path) -> None:
    world.faults({"kind": "truncate_extract", "object": world.subject.object, "params": {"share": 0.6}})
    fresh = World(world.source, world.root, tmp_path, world.monkeypatch, world.now)
    found = fresh.land_one()
    world.now = fresh.now
    if world.source == "bamboohr":
        # a list that is cut together with its announced total shows only beside what is landed
        failed = world.land_one()
        assert failed.error is not None
        assert failed.error.code == "E-SRC-022"
        return
    if world.source == "docusign":
        # the list announces how many it should have been
        assert found.error is not None
        assert found.error.code == "E-SRC-023"
        return
    assert found.source_count is not None
    assert found.source_count > found.rows_landed


def test_no_secret_leaves_the_process(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    hidden: set[str] = set()
    hide = Http.hide

    def listen(self: Http, secrets: Iterable[str]) -> None:
        known = list(secrets)
        hidden.update(known)
        hide(self, known)

    world.monkeypatch.setattr(Http, "hide", listen)
    try:
        world.faults({"kind": "session_expired", "times": 1, "after": 1}, {"kind": "503", "after": 3})
        failed = [world.land_one(limits={"attempts": 2})]
        # a vendor that repeats what it was sent, login included: at the login, then at the data
        for rule in ({"kind": "echo"}, {"kind": "echo", "object": world.subject.object}):
            world.faults(rule)
            failed.append(world.land_one())
    finally:
        world.monkeypatch.setattr(Http, "hide", hide)
    told = "".join(str(one.error) + repr(one.error) for one in failed)
    assert "refused: " in told
    config = world.config()
    secrets = [str(config[name]) for name in ("client_secret", "api_key") if name in config]
    if "private_key" in config:
        secrets += Path(config["private_key"]).read_text().splitlines()[1:-1]
    # tokens and assertions too: what the connector was given on its way is as good as a key
    assert len(hidden) > 1
    secrets += [line for secret in hidden for line in secret.splitlines() if not line.startswith("-----")]
    for path in (path for path in world.home.rglob("*") if path.is_file()):
        body = path.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in body], path
    said = caplog.text + told
    assert world.source in said
    assert not [secret for secret in secrets if secret in said]


def test_no_variant_column_anywhere(world: World) -> None:
    with contextlib.closing(duckdb.connect(str(world.home / "raw.duckdb"), read_only=True)) as connection:
        found = connection.execute(
            "select table_name, column_name from duckdb_columns() where contains(column_name, '__v_')"
        ).fetchall()
    assert found == []
