"""What the sandbox firm delivers by file, landed from load to load, and what is wrong with a delivery."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from pipelines.landing import ResourceResult, SourceResult
from sandbox.drop_folder import bring
from sandbox.emission.drop.deliveries import Delivery, deliveries
from sandbox.emission.drop.files import write_tray
from sandbox.home_setup import DROPPED
from sandbox.oracle.deliveries import delivered_rows
from tests.landing.test_files_source import Folder
from tests.landing.test_files_source import empty_home as empty_home  # a fixture
from tests.landing.test_files_source import folder as folder  # a fixture
from tests.unit.simulator_support import firm_of
from throughline.clock import parse_instant

FEBRUARY, MARCH, MAY = (parse_instant(f"2026-0{month}-08T23:30:00Z") for month in (2, 3, 5))
Held = dict[tuple[str, str], tuple[str, str | None, Decimal]]


@pytest.fixture(scope="module")
def delivered() -> list[Delivery]:
    return deliveries(firm_of("tiny"))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory, delivered: list[Delivery]) -> Path:
    directory = tmp_path_factory.mktemp("sandbox")
    write_tray(delivered, directory)
    return directory


def land(folder: Folder, sandbox: Path, at: datetime) -> SourceResult:
    """Load what has come by `at`."""
    brought = bring(sandbox, at)
    assert brought is not None
    folder.path = brought
    return load(folder, at)


def load(folder: Folder, at: datetime) -> SourceResult:
    return folder.land(at.isoformat(), layout="drop", ports=list(DROPPED))


def truth(delivered: list[Delivery], at: datetime) -> Held:
    return {
        (row["port"], row["record_id"]): (row["period"], row["currency_code"], row["amount"])
        for row in delivered_rows(delivered, at)
    }


def held(folder: Folder) -> Held:
    """The newest version of every record that is not deleted."""
    found: Held = {}
    for port in DROPPED:
        rows = folder.sql(
            f"""
            select source_system || ':files:' || {port}_id, period, currency_code, amount
            from files_files.{port}
            qualify
                row_number() over (partition by tl_record_id order by tl_load_id desc) = 1
                and not tl_is_deleted
            """
        )
        found |= {(port, key): (period, currency, amount) for key, period, currency, amount in rows}
    return found


def of_report(rows: Held, report: str) -> Held:
    return {key: row for key, row in rows.items() if f":{report}|" in key[1]}


def part(result: SourceResult, port: str) -> ResourceResult:
    return next(one for one in result.resources if one.resource == port)


def test_each_load_holds_what_had_come_by_then(
    folder: Folder, sandbox: Path, delivered: list[Delivery]
) -> None:
    backlog = []
    for at in (FEBRUARY, MARCH, MAY):
        result = land(folder, sandbox, at)
        assert (result.status, result.errors) == ("OK", [])
        assert [(one.resource, one.rows_rejected) for one in result.resources] == [(p, 0) for p in DROPPED]
        found = held(folder)
        assert found == truth(delivered, at)
        backlog.append(bool(of_report(found, "PSA_BACKLOG|2026-02")))
    # in March its file lay there without a manifest
    assert (folder.path / "native_report_line" / "2026-03-07" / "psa_backlog_2026_02.xlsx").is_file()
    assert backlog == [False, False, True]
    # the list that was sent again is there in two versions, each once, however often they were read
    versions = folder.sql(
        "select count(*), count(distinct printed_at) from files_files.native_report_line"
        " where report = 'AR_AGEING' and period = '2026-01' and not tl_is_deleted"
        " group by native_report_line_id"
    )
    assert (2, 2) in versions
    assert set(versions) <= {(1, 1), (2, 2)}
    again = load(folder, parse_instant("2026-05-08T23:40:00Z"))
    assert (again.status, again.rows_landed) == ("OK", 0)


def entry_of(manifest: Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    told = json.loads(manifest.read_text(encoding="utf-8"))
    return told, next(entry for entry in told["files"] if entry["file"] == name)


def test_a_list_that_is_not_what_its_manifest_says_leaves_the_numbers_as_they_were(
    folder: Folder, sandbox: Path, delivered: list[Delivery], tmp_path: Path
) -> None:
    land(folder, sandbox, FEBRUARY)
    brought = bring(sandbox, MARCH)
    assert brought is not None
    folder.path = shutil.copytree(brought, tmp_path / "damaged")
    manifest = folder.path / "native_report_line" / "2026-03-08" / "manifest.json"
    told, entry = entry_of(manifest, "billings_2026_02.csv")
    entry["sha256"] = "0" * 64
    manifest.write_text(json.dumps(told), encoding="utf-8")
    result = load(folder, MARCH)
    problem = part(result, "native_report_line").error
    assert problem is not None
    assert (result.status, problem.code) == ("PARTIAL", "E-SRC-071")
    # the plans were read; of the lists all stay as they were, the other ones of the day too
    assert part(result, "plan_target").error is None
    assert held(folder) == truth(delivered, FEBRUARY)
    land(folder, sandbox, MAY)
    assert held(folder) == truth(delivered, MAY)


def test_a_line_that_cannot_be_read_is_refused_and_is_all_that_is_missing(
    folder: Folder, sandbox: Path, delivered: list[Delivery], tmp_path: Path
) -> None:
    brought = bring(sandbox, FEBRUARY)
    assert brought is not None
    folder.path = shutil.copytree(brought, tmp_path / "damaged")
    manifest = folder.path / "native_report_line" / "2026-02-08" / "manifest.json"
    told, entry = entry_of(manifest, "billings_2026_01.csv")
    listed = manifest.parent / entry["file"]
    lines = listed.read_text(encoding="utf-8-sig").splitlines()
    header, cells = lines[0].split(";"), lines[1].split(";")
    cells[header.index("amount")] = "n/a"
    lines[1] = ";".join(cells)
    listed.write_text("\n".join(lines) + "\n", encoding="utf-8-sig")
    entry["sha256"] = hashlib.sha256(listed.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(told), encoding="utf-8")
    assert part(load(folder, FEBRUARY), "native_report_line").rows_rejected == 1
    [(column, code, _)] = folder.refused()
    assert (column, code) == ("amount", "NOT_A_NUMBER")
    key = ("native_report_line", f"erp:files:{cells[header.index('native_report_line_id')]}")
    wanted = truth(delivered, FEBRUARY)
    assert wanted.pop(key)[2] != 0
    assert held(folder) == wanted
