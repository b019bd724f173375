"""The lock: one writer, who says who it is; gone with its process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from throughline import lock
from throughline.errors import ThroughlineError
from throughline.home import Home

HOLD = """
import sys, time
from pathlib import Path
from throughline import lock
from throughline.home import Home
with lock.exclusive(Home(Path(sys.argv[1])), "r-other"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock of the home at tmp_path."""
    child = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline().strip() == "held"
    return child


def test_a_second_writer_is_turned_away_and_told_by_whom(
    tmp_path: Path, other: subprocess.Popen[str]
) -> None:
    home = Home(tmp_path)
    try:
        with pytest.raises(ThroughlineError) as caught, lock.exclusive(home, "mine"):
            pass
        assert caught.value.exit_code == 75
        assert f"process {other.pid}" in caught.value.what
        assert "r-other" in caught.value.what
        holder = lock.holder(home)
        assert holder is not None
        assert holder.pid == other.pid
    finally:
        other.kill()
        other.wait()


def test_a_killed_holder_leaves_it_free(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    other.kill()
    other.wait()
    home = Home(tmp_path)
    assert lock.holder(home) is None
    with lock.exclusive(home, "mine"):
        assert lock.holder(home) is not None
    assert lock.holder(home) is None


def test_it_is_free_after_an_error(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(RuntimeError), lock.exclusive(home, "mine"):
        raise RuntimeError
    with lock.exclusive(home, "again"):
        holder = lock.holder(home)
        assert holder is not None
        assert (holder.pid, holder.run_id) == (os.getpid(), "again")


def test_nobody_holds_what_does_not_exist(tmp_path: Path) -> None:
    assert lock.holder(Home(tmp_path / "none")) is None
