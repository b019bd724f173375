"""dbt with its own work done once builds what dbt builds as it comes, and says the same."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.unit.test_core_inputs import a_project
from throughline import dbt_quick
from throughline.home import PROJECT_ROOT

PROGRAM = """
import sys
from pathlib import Path
from throughline import dbt_quick, dbt_process
dbt_quick.quicken.__defaults__ = (Path(sys.argv.pop(1)),)
sys.exit(dbt_process.main(sys.argv[1:]))
"""


KNOWS = ", timestamp '2026-06-30 12:00' as known_at"


def _run(folder: Path, project: Path, templates: Path, *, plain: bool, knows: str = KNOWS) -> tuple[int, str]:
    """dbt's exit code and console for a new home in `folder`; `knows` is what its run has of its clock."""
    folder.mkdir()
    told = {}
    for name in ("raw", "build", "serving"):
        path = folder / f"{name}.duckdb"
        connection = duckdb.connect(str(path))
        if name == "raw":
            connection.execute("create schema demo_main")
            connection.execute(
                "create table demo_main.thing as from (values (1, 1.5), (1, 2.5), (2, 0.5)) t(id, amount)"
            )
        if name == "build":
            connection.execute("create schema inputs")
            connection.execute(
                f"create table inputs.run_context as select date '2026-06-30' as as_of, 'r1' as run_id{knows}"
            )
        connection.close()
        told[f"THROUGHLINE_{name.upper()}_DB"] = str(path)
    environment = os.environ | told | {"DO_NOT_TRACK": "1"} | ({dbt_quick.PLAIN: "1"} if plain else {})
    done = subprocess.run(
        [
            sys.executable, "-c", PROGRAM, str(templates), "--project", str(project),
            "--target", str(folder / "target"),
        ],
        env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def _said(folder: Path, step: str) -> list[tuple[Any, ...]]:
    """What a step's results say of each node, without the times."""
    results = json.loads((folder / "target" / f"{step}_results.json").read_text(encoding="utf-8"))["results"]
    return sorted(
        (
            one["unique_id"],
            one["status"],
            one["failures"] or 0,
            one["message"] or "",
            _own(one["compiled_code"]),
        )
        for one in results
    )


def _own(code: str | None) -> str:
    return re.sub(r"\s+", " ", code or "")


def _lines(said: str) -> list[str]:
    """The console without its times, in order of words: two threads may end either way round."""
    return sorted(
        re.sub(r"\d\d:\d\d:\d\d|[\d.]+ ?s(econds)?\b|\.{3,}.*", "", line) for line in said.splitlines()
    )


def test_models_tests_results_and_console_are_those_of_dbt_as_it_comes(tmp_path: Path) -> None:
    project, templates = a_project(tmp_path / "project", PROJECT_ROOT), tmp_path / "kept" / "templates.bin"
    ran = {
        name: _run(tmp_path / name, project, templates, plain=name == "plain")
        for name in ("plain", "first", "second")
    }
    # one test fails on purpose: two things have the number 1
    assert {name: code for name, (code, _) in ran.items()} == {"plain": 1, "first": 1, "second": 1}, ran
    assert not [name for name, (_, said) in ran.items() if "Traceback" in said], ran
    assert len(dbt_quick._read(templates, dbt_quick.head())) > 10, "templates are kept, and used"
    for name in ("first", "second"):
        for step in ("models", "tests"):
            assert _said(tmp_path / name, step) == _said(tmp_path / "plain", step)
        assert _lines(ran[name][1].replace(f"/{name}/", "/plain/")) == _lines(ran["plain"][1])
        assert (tmp_path / name / "target" / "manifest.json").exists()
    assert [one[1:3] for one in _said(tmp_path / "first", "tests")] == [("fail", 1)]
    with duckdb.connect(str(tmp_path / "second" / "build.duckdb"), read_only=True) as built:
        assert built.execute("select count(*) from ledger.entry").fetchone() == (3,)


def test_a_run_that_cannot_say_what_it_is_given_is_not_one_of_which_a_node_failed(tmp_path: Path) -> None:
    project = a_project(tmp_path / "project", PROJECT_ROOT)
    code, said = _run(tmp_path / "home", project, tmp_path / "t.bin", plain=False, knows="")
    assert code == 2, said
    assert "dbt was not begun" in said
    assert "known_at" in said
    assert not (tmp_path / "home" / "target" / "models_results.json").exists()


def test_templates_are_kept_and_one_of_another_python_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "kept" / "templates.bin"
    code = compile("7", "template", "eval")
    dbt_quick._write(path, b"this python", {"a": code})
    assert dbt_quick._read(path, b"this python") == {"a": code}
    assert dbt_quick._read(path, b"another python") == {}
    path.write_bytes(path.read_bytes()[:-3])
    assert dbt_quick._read(path, b"this python") == {}
    assert dbt_quick._read(tmp_path / "nothing", b"this python") == {}


@pytest.mark.parametrize(
    "words", [("BaseEvent", "__init__"), ("BaseEvent", "__getattr__"), ("EventManager", "fire_event")]
)
def test_dbt_still_has_what_is_changed(words: tuple[str, str]) -> None:
    from dbt_common.events import base_types, event_manager

    owner = getattr(base_types, words[0], None) or getattr(event_manager, words[0])
    assert words[1] in vars(owner)


def test_messages_wait_until_they_are_asked_for() -> None:
    """In a process of its own, since dbt is changed for good."""
    program = """
from throughline import dbt_quick
from dbt_common.events import base_types, event_manager
made = []
parse = base_types.ParseDict
base_types.ParseDict = lambda *args: (made.append(args), parse(*args))[1]
dbt_quick.later_messages()
from dbt_common.events.types import Note, SystemStdErr
manager = event_manager.EventManager()
heard = []
manager.callbacks.append(lambda message: heard.append(message.info.msg))
manager.fire_event(SystemStdErr(bmsg="nobody is told"))
assert not made and not heard
manager.fire_event(Note(msg="all are told"))
assert len(made) == 2 and heard == ["all are told"]
raised = SystemStdErr(bmsg="told after all")
manager.fire_event(raised, base_types.EventLevel.WARN)
assert heard[1:] == [raised.message()] and "told after all" in heard[1]
assert Note(msg="read").msg == "read"
changed = Note(msg="before")
changed.msg = "after"
assert changed.message() == "after"
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
