"""A drop folder: what is read of it, what a delivery takes the place of, what is wrong with one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.landing import SourceResult, run_source
from pipelines.ports import load_ports
from pipelines.sources import load_source
from tests.landing.test_files_source import GOOD, HEADER, LAST, NEXT, NOW, Folder, rows_of, unreadable
from tests.landing.test_files_source import empty_home as empty_home  # a fixture
from tests.landing.test_files_source import folder as folder  # a fixture
from throughline.errors import ThroughlineError

PORT = "time_entry"
SAMPLE = {
    "text": "x",
    "id": "x1",
    "date": "2026-03-01",
    "ts": "2026-03-01T08:00:00Z",
    "bool": "true",
    "money": "1",
}


def entry(number: int, status: str = "approved") -> str:
    return GOOD.replace("t1", f"t{number}").replace("approved", status)


def deliver(
    folder: Folder, day: str, *files: tuple[str, list[str]], port: str = PORT, **said: Any
) -> list[dict[str, Any]]:
    """Put `files` (name, lines) into the port's folder of `day`, with a manifest that also says `said`."""
    where = folder.path / port / day
    where.mkdir(parents=True)
    entries = []
    for name, lines in files:
        data = "".join(f"{line}\n" for line in lines).encode()
        (where / name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        entries.append({"file": name, "rows": len(lines) - 1, "sha256": digest, **said})
    manifest(where, entries)
    return entries


def manifest(where: Path, entries: Any, version: int = 1) -> None:
    body = {"schema_version": version, "files": entries}
    (where / "manifest.json").write_text(json.dumps(body), encoding="utf-8")


def land(folder: Folder, now: str = NOW) -> SourceResult:
    return folder.land(now, layout="drop")


def held(folder: Folder) -> list[tuple[Any, ...]]:
    return rows_of(folder, PORT, "time_entry_id, status")


def code_of(result: SourceResult) -> tuple[str, str]:
    problem = result.resources[0].error
    assert problem is not None
    return problem.code, problem.what


def test_the_rows_of_all_files_are_the_ports_and_a_file_without_a_manifest_is_not_there_yet(
    folder: Folder,
) -> None:
    deliver(folder, "2026-03-01", ("jan.csv", [HEADER, entry(1)]), ("feb.csv", [HEADER, entry(2), entry(3)]))
    coming = folder.path / PORT / "2026-03-09"
    coming.mkdir()
    (coming / "mar.csv").write_text(f"{HEADER}\n{entry(4)}\n", encoding="utf-8")
    (folder.path / PORT / "2026-03-01" / "notes.csv").write_text("anything", encoding="utf-8")
    result = land(folder)
    assert (result.status, result.rows_landed) == ("OK", 3), result.errors
    assert [key for key, _ in held(folder)] == ["t1", "t2", "t3"]
    assert folder.sql("select source_count from landing.extract_run where rows_landed > 0") == [(3,)]
    assert land(folder, NEXT).rows_landed == 0


def test_deliveries_that_stand_as_they_stood_are_not_read(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = deliver(folder, "2026-03-01", ("jan.csv", [HEADER, entry(1)]), ("feb.csv", [HEADER, entry(2)]))
    land(folder)
    with monkeypatch.context() as patched:
        unreadable(patched)
        again = land(folder, NEXT)
        assert (again.status, again.resources[0].rows_unchanged) == ("OK", 2), again.errors
        # the order decides whose row a key has, so another order is another content
        manifest(folder.path / PORT / "2026-03-01", told[::-1])
        assert "the file is read" in str(land(folder, LAST).errors)
    (folder.path / PORT / "2026-03-01" / "jan.csv").write_text(f"{HEADER}\n", encoding="utf-8")
    assert code_of(land(folder, LAST))[0] == "E-SRC-071"


def test_a_file_delivered_again_takes_the_place_of_its_rows_and_both_stay_landed(folder: Folder) -> None:
    deliver(folder, "2026-03-01", ("jan.csv", [HEADER, entry(1), entry(2)]), ("feb.csv", [HEADER, entry(3)]))
    land(folder)
    deliver(folder, "2026-03-05", ("jan.csv", [HEADER, entry(1, "rejected")]))
    again = land(folder, NEXT)
    assert (again.status, again.resources[0].rows_deleted) == ("OK", 1), again.errors
    assert held(folder) == [("t1", "rejected"), ("t3", "approved")]
    told = "select status, tl_is_deleted from files_files.time_entry where time_entry_id = 't1'"
    told += " order by tl_load_id"
    assert folder.sql(told) == [("approved", False), ("rejected", False)]


@pytest.mark.parametrize("replaces", ["draft.csv", ["draft.csv", "older.csv"]])
def test_a_file_may_replace_others_by_name(folder: Folder, replaces: Any) -> None:
    deliver(folder, "2026-03-01", ("draft.csv", [HEADER, entry(1), entry(2)]), ("x.csv", [HEADER, entry(9)]))
    land(folder)
    deliver(folder, "2026-03-02", ("final.csv", [HEADER, entry(1)]), replaces=replaces)
    land(folder, NEXT)
    assert [key for key, _ in held(folder)] == ["t1", "t9"]


def test_what_all_rows_share_may_be_said_once(folder: Folder) -> None:
    header = "billing_item_id,source_type,contract_line_id,quantity,unit_price,amount,is_billable,status"
    lines = [header, "b1,TIME,l1,8,100,800,true,OPEN"]
    port = load_ports()["billing_item"]
    kinds = {column.name: column.kind for column in port.columns}
    for name in port.required:
        if name not in lines[0].split(",") and name != "currency_code":
            lines = [f"{lines[0]},{name}", f"{lines[1]},{SAMPLE[kinds[name]]}"]
    deliver(folder, "2026-03-01", ("items.csv", lines), port="billing_item", currency="EUR")
    result = land(folder)
    assert result.status == "OK", result.errors
    assert rows_of(folder, "billing_item", "billing_item_id, currency_code") == [("b1", "EUR")]


def test_a_key_that_another_file_has_is_refused_and_comes_back_when_that_one_lets_go(folder: Folder) -> None:
    deliver(folder, "2026-03-01", ("a.csv", [HEADER, entry(1)]), ("b.csv", [HEADER, entry(1), entry(2)]))
    result = land(folder)
    assert (result.rows_landed, result.resources[0].rows_rejected) == (2, 1)
    [(column, code, reason)] = folder.refused()
    assert (column, code) == ("time_entry_id", "DUPLICATE_KEY")
    assert "stands in a.csv already" in reason
    assert folder.sql("select source_count from landing.extract_run where rows_landed > 0") == [(2,)]
    deliver(folder, "2026-03-02", ("a.csv", [HEADER, entry(7)]))
    assert land(folder, NEXT).resources[0].rows_rejected == 0
    assert [key for key, _ in held(folder)] == ["t1", "t2", "t7"]


def test_a_file_cut_short_is_not_read_and_nothing_of_its_port_is_deleted(folder: Folder) -> None:
    deliver(folder, "2026-03-01", ("jan.csv", [HEADER, entry(1), entry(2)]))
    land(folder)
    [said] = deliver(folder, "2026-03-02", ("jan.csv", [HEADER, entry(1), entry(2), entry(3)]))
    path = folder.path / PORT / "2026-03-02" / "jan.csv"
    path.write_bytes(path.read_bytes()[:-9])
    code, what = code_of(land(folder, NEXT))
    assert (code, "SHA-256" in what, str(path) in what) == ("E-SRC-071", True, True)
    assert len(held(folder)) == 2
    path.unlink()
    assert code_of(land(folder, LAST))[0] == "E-SRC-071"
    # the digest fits, the count does not: the manifest was written of something else
    path.write_text(f"{HEADER}\n{entry(1)}\n", encoding="utf-8")
    said.update(sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    manifest(path.parent, [said])
    code, what = code_of(land(folder, "2026-03-13T12:00:00Z"))
    assert (code, "it has 1 rows, its manifest says 3" in what) == ("E-SRC-071", True)
    assert len(held(folder)) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no JSON"),
        ("[]", 'no list "files"'),
        ('{"schema_version": 2, "files": []}', "schema_version is 2"),
        ('{"schema_version": 1, "files": [{"file": "a.csv"}]}', "file 1 has no rows, sha256"),
        ('{"schema_version": 1, "files": [{"file": "a.csv", "rows": "1", "sha256": ""}]}', "rows = '1'"),
        ('{"schema_version": 1, "files": [{"file": "../a.csv", "rows": 1, "sha256": ""}]}', "no name of a"),
        ('{"schema_version": 1, "files": [{"file": "a.doc", "rows": 1, "sha256": ""}]}', "no name of a"),
        (
            '{"schema_version": 1, "files": [{"file": "a.csv", "rows": 1, "sha256": "", "rate": 2}]}',
            "rate, which",
        ),
    ],
)
def test_a_manifest_that_cannot_be_followed_stops_the_folder(folder: Folder, text: str, said: str) -> None:
    where = folder.path / PORT / "2026-03-01"
    where.mkdir(parents=True)
    (where / "manifest.json").write_text(text, encoding="utf-8")
    problem = land(folder).errors[0]
    assert (problem.code, said in problem.what) == ("E-SRC-070", True), problem.what


def test_a_folder_named_like_no_port_is_told(folder: Folder) -> None:
    deliver(folder, "2026-03-01", ("a.csv", [HEADER, entry(1)]), port="time_entrys")
    problem = land(folder).errors[0]
    assert (problem.code, "did you mean time_entry" in problem.what) == ("E-SRC-032", True)


def test_an_empty_drop_and_an_unknown_layout_are_told(folder: Folder) -> None:
    assert land(folder).errors[0].code == "E-SRC-031"
    with pytest.raises(ThroughlineError) as caught:
        load_source("files").reader({"path": str(folder.path), "layout": "heap"})
    assert (caught.value.code, "folder, drop" in caught.value.what) == ("E-SRC-031", True)


def test_a_folder_for_some_ports_holds_no_others(folder: Folder, tmp_path: Path) -> None:
    deliver(folder, "2026-03-01", ("jan.csv", [HEADER, entry(1)]))
    result = folder.land(NOW, layout="drop", ports=["customer"])
    assert [one.resource for one in result.resources] == ["customer"]
    assert (result.errors[0].code, result.errors[0].what.split("; ")[1]) == (
        "E-SRC-032",
        "time_entry is not among the ports that throughline.toml names for this folder",
    )
    assert folder.land(NEXT, layout="drop", ports=["customer", "time_entry"]).status == "OK"
    # the tables of the others are there: another folder may hold those ports, and models join them all
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    settings = {"path": str(folder.path), "layout": "drop", "ports": ["time_entry"]}
    assert run_source("files", "files", fresh, settings, "run-1").status == "OK"
    with duckdb.connect(str(fresh / "raw.duckdb"), read_only=True) as connection:
        made = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'files_files'"
            " and not starts_with(table_name, '_dlt')"
        ).fetchall()
    assert {name for (name,) in made} == set(load_ports())


@pytest.mark.parametrize("ports", [["time_entrys"], [], "time_entry"])
def test_ports_are_a_list_of_ports(folder: Folder, ports: Any) -> None:
    deliver(folder, "2026-03-01", ("jan.csv", [HEADER, entry(1)]))
    with pytest.raises(ThroughlineError) as caught:
        folder.land(NOW, layout="drop", ports=ports)
    assert (caught.value.code, "is no list of ports" in caught.value.what) == ("E-SRC-031", True)
