"""Publishing: whole or not at all, at whatever moment it is cut short; readers never notice."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from tests.unit.core_support import a_candidate, a_checked_run, a_home
from throughline import content, facts, files, lock, publish, runs, state, warehouse
from throughline.cli import app
from throughline.errors import ThroughlineError
from throughline.home import Home

TABLES = ("marts.metric_value", "marts.other", "reconciliation.control_run", "marts.metric_drill")


def marks(connection: duckdb.DuckDBPyConnection) -> set[int]:
    """The marks of all tables: one number when they are all of one run."""
    found: set[int] = set()
    for table in TABLES:
        sql = f"select distinct mark from {table} where mark is not null"
        found |= {row[0] for row in connection.execute(sql).fetchall()}
    return found


def needed(home: Home) -> set[str]:
    """The files of rows that the kept runs list."""
    return {one.file for run in publish.published_runs(home) for one in facts.of_file(home.published(run))}


def shown(home: Home) -> set[int]:
    connection = warehouse.open_published(home)
    try:
        return marks(connection)
    finally:
        connection.close()


def test_a_checked_run_is_published(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    run = a_checked_run(home, settings, 1)
    publish.publish(run)
    assert shown(home) == {1}
    assert not home.candidate(run.run_id).exists()
    assert stat.S_IMODE(home.published(run.run_id).stat().st_mode) == 0o444
    pointer = files.read_json(home.pointer)
    assert (pointer["run_id"], pointer["as_of"]) == (run.run_id, "2026-06-30")
    manifest = files.read_json(run.folder / "manifest.json")
    assert manifest["status"] == runs.PUBLISHED
    assert manifest["published"]["tables"]["marts.other"]["rows"] == 50
    connection = warehouse.open_published(home)
    said = connection.execute("select run_id, content_hash from publication.run").fetchone()
    connection.close()
    assert said == (run.run_id, pointer["content_hash"])


def test_an_unchecked_run_is_not(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    run = runs.start(home, settings, verb="run", quiet=True)
    a_candidate(home, run.run_id, 1)
    with pytest.raises(ThroughlineError) as caught:
        publish.publish(run)
    assert caught.value.exit_code == 4
    assert not home.pointer.exists()


def test_a_failed_check_is_not_enough(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    run = runs.start(home, settings, verb="run", quiet=True)
    a_candidate(home, run.run_id, 1)
    with pytest.raises(RuntimeError), run.stage("check"):
        raise RuntimeError
    with pytest.raises(ThroughlineError):
        publish.publish(run)


def test_content_hashes_follow_content_not_order(tmp_path: Path) -> None:
    hashes = {}
    for name, sql in {
        "up": "select i, i * 2 as v from range(1000) as r(i) order by i",
        "down": "select i, i * 2 as v from range(1000) as r(i) order by i desc",
        "value": "select i, i * 2 + cast(i = 5 as int) as v from range(1000) as r(i)",
        "fewer": "select i, i * 2 as v from range(999) as r(i)",
        "name": "select i, i * 2 as w from range(1000) as r(i)",
    }.items():
        connection = duckdb.connect(str(tmp_path / f"{name}.duckdb"))
        connection.execute(f"create schema marts; create table marts.t as {sql}")
        hashes[name] = content.table_hash(connection, "marts", "t")[1]
        connection.close()
    assert hashes["up"] == hashes["down"]
    assert len(set(hashes.values())) == 4


def test_retention_keeps_the_newest_the_pinned_and_the_current(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path, keep=2)
    published = []
    for mark in range(6):
        run = a_checked_run(home, settings, mark)
        publish.publish(run)
        published.append(run.run_id)
        if mark == 0:
            publish.pin(home, run.run_id, "ann")
    assert publish.published_runs(home) == [published[0], *published[-2:]]
    publish.pin(home, published[0], "ann", on=False)
    publish.rollback(home, published[0], "ann")
    assert publish.retain(home, 1) == [published[4]]
    assert publish.published_runs(home) == [published[0], published[5]]


def test_rollback_shows_the_run_before_and_is_remembered(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    ids = []
    for mark in (1, 2, 3):
        run = a_checked_run(home, settings, mark)
        publish.publish(run)
        ids.append(run.run_id)
    assert publish.rollback(home, None, "ann") == ids[1]
    assert shown(home) == {2}
    assert publish.rollback(home, ids[2], "ann") == ids[2]
    publish.rollback(home, ids[0], "ann")
    with pytest.raises(ThroughlineError) as caught:
        publish.rollback(home, None, "ann")
    assert caught.value.code == "E-PUB-004"
    with pytest.raises(ThroughlineError) as caught:
        publish.rollback(home, "r-none", "ann")
    assert caught.value.code == "E-PUB-002"
    assert shown(home) == {1}
    told = [event.payload["action"] for event in state.read(home, "publication")]
    assert told == ["publish"] * 3 + ["rollback"] * 3


def test_the_commands_list_roll_back_and_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, settings = a_home(tmp_path)
    monkeypatch.setenv("THROUGHLINE_HOME", str(home.root))
    ids = []
    for mark in (1, 2):
        run = a_checked_run(home, settings, mark)
        publish.publish(run)
        ids.append(run.run_id)
    command = CliRunner()
    assert command.invoke(app, ["publish", "rollback"]).exit_code == 0
    assert command.invoke(app, ["publish", "pin", ids[1]]).exit_code == 0
    listed = json.loads(command.invoke(app, ["publish", "list", "--json"]).stdout)
    assert [(row["run_id"], row["current"], row["pinned"]) for row in listed] == [
        (ids[1], False, True),
        (ids[0], True, False),
    ]
    assert command.invoke(app, ["publish", "pin", "r-none"]).exit_code == 64
    with lock.exclusive(home, "somebody"):
        assert command.invoke(app, ["publish", "rollback", ids[1]]).exit_code == 75
    assert shown(home) == {1}


# The process that publishes run 2 and is killed at the named moment.
PUBLISH_AND_DIE = """
import os, signal, sys
from pathlib import Path
from tests.unit.core_support import a_checked_run, a_home
from throughline import content, facts, lock, publish
from throughline.home import Home

home, settings = a_home(Path(sys.argv[1]), keep=1)
point = sys.argv[2]

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

if point == "hashing":
    content.table_hash = die
elif point == "writing rows":
    facts.declare = die
elif point == "writing the pointer":
    real = Path.replace
    Path.replace = lambda self, target: die() if "current.json" in str(target) else real(self, target)
else:
    publish.reached = lambda here: die() if here == point else None

with lock.exclusive(home, "publish"):
    publish.publish(a_checked_run(home, settings, 2))
print("survived")
"""
BEFORE = ("start", "facts", "writing rows", "hashing", "hashed", "closed", "renamed", "writing the pointer")
AFTER = ("pointed", "recorded", "retain", "sweep")


@pytest.mark.parametrize("point", [*BEFORE, *AFTER])
def test_killed_at_any_point_readers_see_one_whole_run(
    tmp_path: Path, point: str, project_root: Path
) -> None:
    home, settings = a_home(tmp_path, keep=1)
    publish.publish(a_checked_run(home, settings, 1))
    dead = subprocess.run(
        [sys.executable, "-c", PUBLISH_AND_DIE, str(tmp_path), point],
        cwd=project_root,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    expected = 2 if point in AFTER else 1
    assert shown(home) == {expected}

    with lock.exclusive(home, "recover"):
        publish.recover(home)
        assert shown(home) == {expected}
        assert [one["status"] for one in runs.manifests(home)][::-1] == [
            runs.PUBLISHED,
            runs.PUBLISHED if point in AFTER else "KILLED",
        ]
        assert not list(home.serving.glob(".*")), "temporary files are gone"
        ids = [one["run_id"] for one in runs.manifests(home)][::-1]
        said = [(event.object_id, event.payload["from"]) for event in state.read(home, "publication")]
        assert said == [(ids[0], None), (ids[1], ids[0])][:expected], "each publication has its word, once"
        assert {path.name for path in facts.paths(home.serving)} == needed(home), "and rows nobody needs"
        assert publish.recover(home) == [], "a second recovery finds nothing to do"
        if point in BEFORE:
            # What was checked is not lost: it can still be published.
            waiting = publish.candidates(home)
            assert len(waiting) == 1
            publish.publish(runs.reopen(home, settings, waiting[0], quiet=True))
            assert shown(home) == {2}
        publish.publish(a_checked_run(home, settings, 3))
    assert shown(home) == {3}
    assert len(publish.published_runs(home)) == 1
    assert {path.name for path in facts.paths(home.serving)} == needed(home)


READ = """
import sys, threading, time
from pathlib import Path
from throughline import warehouse
from throughline.home import Home

home, stop = Home(Path(sys.argv[1])), Path(sys.argv[2])
tables = ("marts.metric_value", "marts.other", "reconciliation.control_run", "marts.metric_drill")
problems, seen, reads = [], set(), [0]

def read():
    while not stop.exists():
        try:
            connection = warehouse.open_published(home)
            found = set()
            for _ in range(2):
                for table in tables:
                    sql = f"select mark, count(*) from {table} where mark is not null group by mark"
                    found |= set(connection.execute(sql).fetchall())
            connection.close()
            if len(found) != 1 or next(iter(found))[1] != 50:
                problems.append(f"mixed: {found}")
            seen.update(mark for mark, _ in found)
            reads[0] += 1
        except Exception as problem:
            problems.append(repr(problem))
        time.sleep(0.02)

threads = [threading.Thread(target=read) for _ in range(10)]
[thread.start() for thread in threads]
print("reading", flush=True)
[thread.join() for thread in threads]
print(len(problems), len(seen), reads[0], problems[:3])
"""


def test_twenty_readers_during_publishes_see_no_error_and_no_mixed_run(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path / "home", keep=2)
    publish.publish(a_checked_run(home, settings, 0))
    stop = tmp_path / "stop"
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READ, str(home.root), str(stop)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline().strip() == "reading"
    try:
        for mark in range(1, 16):
            publish.publish(a_checked_run(home, settings, mark))
    finally:
        stop.touch()
        answers = [reader.communicate(timeout=60)[0] for reader in readers]
    for answer in answers:
        problems, seen, reads, _ = answer.split(maxsplit=3)
        assert problems == "0", answer
        assert int(seen) >= 5
        assert int(reads) >= 20


def test_a_session_keeps_its_run_whatever_is_published(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path, keep=1)
    publish.publish(a_checked_run(home, settings, 1))
    session = warehouse.open_published(home)
    for mark in (2, 3):
        publish.publish(a_checked_run(home, settings, mark))
    assert marks(session) == {1}, "its file is deleted, its numbers stand"
    assert shown(home) == {3}
    session.close()


def test_many_threads_open_at_once(tmp_path: Path) -> None:
    home, settings = a_home(tmp_path)
    publish.publish(a_checked_run(home, settings, 4))
    problems: list[BaseException] = []
    begin = threading.Barrier(8)

    def read() -> None:
        begin.wait()
        try:
            assert shown(home) == {4}
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems


def test_small_files_are_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    files.write_json(path, {"a": 1})
    inode = path.stat().st_ino
    files.write_json(path, {"a": 2})
    assert path.stat().st_ino != inode
    assert files.read_json(path) == {"a": 2}

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        files.write_json(path, {"a": 3})
    assert files.read_json(path) == {"a": 2}
