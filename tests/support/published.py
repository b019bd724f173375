"""One published tiny home per test session, built by the sandbox's own play and shared by all workers.

`python -m tests.support.published HOME` builds one for several sessions; THROUGHLINE_TEST_PUBLISHED names it.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from throughline import publish
from throughline.home import Home

# A home that is published already, for quick rounds of work; two runs must be kept in it.
VARIABLE = "THROUGHLINE_TEST_PUBLISHED"
SEED = "11"
ROOT = Path(__file__).resolve().parent.parent.parent


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Holds a file lock: of the workers that ask at once, one builds and the others wait."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(handle, fcntl.LOCK_UN)


def _build(home: Path) -> None:
    command = [
        sys.executable, "-m", "sandbox.play", "--seed", SEED, "--scale", "tiny", "--faults", "all", "--alone",
        "--home", str(home), "--no-app",
    ]  # fmt: skip
    log = home.with_suffix(".log")
    with log.open("w") as out:
        done = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise RuntimeError(f"the published home could not be built:\n{log.read_text()[-4000:]}")


def session_home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The session's published home; built by the first worker that asks."""
    given = os.environ.get(VARIABLE)
    if given:
        return Home(Path(given))
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    home, done = shared / "published", shared / "published.done"
    with _alone(shared / "published.lock"):
        if not done.exists():
            shutil.rmtree(home, ignore_errors=True)
            _build(home)
            done.touch()
    return Home(home)


def copy_of(home: Home, target: Path) -> Home:
    """What dashboards need of a home, in a folder of its own: published files, pointer, state."""
    target.mkdir(parents=True)
    shutil.copytree(home.serving, target / "serving")
    for run_id in publish.published_runs(home):
        manifest = home.run(run_id) / "manifest.json"
        if manifest.exists():
            (target / "runs" / run_id).mkdir(parents=True)
            shutil.copy(manifest, target / "runs" / run_id)
    for path in (home.config, home.state):
        if path.exists():
            shutil.copy(path, target)
    return Home(target)


if __name__ == "__main__":
    _build(Path(sys.argv[1]).resolve())
