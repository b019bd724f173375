"""What starts a server ends it: by a signal, by a kill, also in the middle of something else."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from sandbox.build import build, wanted
from throughline.home import PROJECT_ROOT

PATIENCE = 90.0


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(*words: str, home: Path) -> subprocess.Popen[str]:
    """A command as the leader of a process group, so that what it leaves behind can be found."""
    return subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=PROJECT_ROOT,
        env={**os.environ, "THROUGHLINE_HOME": str(home)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def group_ends(leader: int, within: float = 30.0) -> bool:
    """Whether every process of a group ends in time; one that is only not yet waited for has ended."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        listed = subprocess.run(["ps", "-eo", "pgid=,state="], capture_output=True, text=True, check=True)
        states = [line.split()[1][0] for line in listed.stdout.splitlines() if line.split()[0] == str(leader)]
        if all(state == "Z" for state in states):
            return True
        time.sleep(0.1)
    os.killpg(leader, signal.SIGKILL)
    return False


def answers(port: int) -> bool:
    """Whether the dashboard answers in time."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            time.sleep(0.2)
    return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -9)], ids=lambda n: str(n)
)
def test_the_dashboard_ends_with_its_command(tmp_path: Path, number: signal.Signals, code: int) -> None:
    port = free_port()
    command = start("throughline.cli", "app", "--port", str(port), home=tmp_path)
    try:
        assert answers(port)
        command.send_signal(number)
        assert command.wait(timeout=30) == code
        assert group_ends(command.pid)
    finally:
        if command.poll() is None:
            os.killpg(command.pid, signal.SIGKILL)


def test_a_port_that_is_taken_is_told_of(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        command = start("throughline.cli", "app", "--port", str(taken.getsockname()[1]), home=tmp_path)
        said, _ = command.communicate(timeout=PATIENCE)
    assert command.returncode == 3, said
    assert "E-APP-003" in said


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL], ids=lambda n: str(n))
def test_the_play_ends_its_servers_and_the_run_in_hand(tmp_path: Path, number: signal.Signals) -> None:
    build(tmp_path / "sandbox", wanted(11, "tiny", "none", acquisition=False), truth=False)
    words = ("sandbox.play", "--seed", "11", "--scale", "tiny", "--faults", "none", "--alone", "--no-app")
    command = start(*words, "--home", str(tmp_path), home=tmp_path)
    assert command.stdout is not None
    try:
        for line in command.stdout:
            if "asking http" in line:
                break
        command.send_signal(number)
        command.stdout.close()
        assert command.wait(timeout=30) != 0
        assert group_ends(command.pid)
    finally:
        if command.poll() is None:
            os.killpg(command.pid, signal.SIGKILL)
