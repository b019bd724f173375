"""Running a step in a process of its own, and what steps cost in time and memory.

A child never outlives its parent by more than a moment, however the parent ends: it runs on a leash
(`throughline.leash`), and it shares what the parent has locked, so that nobody begins before both are gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

# What every process we start is told: nothing calls home, everything is in UTC.
QUIET = {
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DBT_VERSION_CHECK": "false",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "GX_ANALYTICS_ENABLED": "false",
    "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false",
    "TZ": "UTC",
}
# How long a child may take to end when it is asked to, and what asks a process to end.
PATIENCE = 10.0
ENDINGS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_shared: list[int] = []


@contextlib.contextmanager
def sharing(descriptor: int) -> Iterator[None]:
    """Hand `descriptor` on to every child that `run` starts within the block.

    A lock taken through it is free only when the last process that has it is gone.
    """
    _shared.append(descriptor)
    try:
        yield
    finally:
        _shared.remove(descriptor)


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs the Python module `name` as a child of ours, on its leash."""
    return [sys.executable, "-m", "throughline.leash", name, *arguments]


@dataclass(frozen=True)
class Finished:
    """How a process ended: its exit code, seconds, and peak resident memory in MiB."""

    code: int
    seconds: float
    peak_mib: float


def run(
    arguments: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    on_line: Callable[[str], None] | None = None,
    cwd: Path | None = None,
) -> Finished:
    """Run `arguments` to the end, its output into `log` line by line and each line to `on_line`.

    The child is stopped when this process is interrupted. Its standard input is the leash: a pipe that is
    never written to and closes when this process ends, by whatever signal; what `module` starts ends then.
    """
    started = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as out:
        child = subprocess.Popen(
            list(arguments),
            env={**os.environ, **QUIET, **environment},
            cwd=cwd,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            pass_fds=_shared,
        )
        try:
            assert child.stdout is not None
            for line in child.stdout:
                out.write(line)
                out.flush()
                if on_line is not None:
                    on_line(line.rstrip("\n"))
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            _stop(child)
            raise
        finally:
            if child.stdin is not None:
                child.stdin.close()
        child.returncode = os.waitstatus_to_exitcode(status)
    return Finished(child.returncode, time.monotonic() - started, usage.ru_maxrss / 1024)


def foreground(arguments: Sequence[str], *, environment: Mapping[str, str], cwd: Path | None = None) -> int:
    """Run `arguments` with this process's output until they end, or until we are told to end: the exit code.

    SIGTERM, SIGINT and SIGHUP are handed on, and a child that does not follow in ten seconds is killed; then
    the code is 0. Whatever kills this process ends the child too, when `module` made the command.
    """
    told: list[float] = []
    child = subprocess.Popen(
        list(arguments), env={**os.environ, **QUIET, **environment}, cwd=cwd, stdin=subprocess.PIPE
    )

    def hand_on(number: int, _frame: FrameType | None) -> None:
        told.append(time.monotonic())
        child.send_signal(number)

    before = {number: signal.signal(number, hand_on) for number in ENDINGS}
    try:
        while True:
            try:
                code = child.wait(timeout=0.5)
            except subprocess.TimeoutExpired:
                if told and time.monotonic() - told[0] > PATIENCE:
                    child.kill()
            else:
                return 0 if told else code
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if child.stdin is not None:
            child.stdin.close()


def _stop(child: subprocess.Popen[str]) -> None:
    """End a child: asked first, then killed; a second interrupt does not leave it behind."""
    try:
        child.terminate()
        child.wait(timeout=PATIENCE)
    except ChildProcessError:
        pass
    except BaseException:
        child.send_signal(signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            child.wait()


def reset_own_peak() -> None:
    """Start measuring this process's peak memory anew, where the system can."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def own_peak_mib() -> float:
    """This process's peak resident memory in MiB since `reset_own_peak`; 0 where the system does not say."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0
