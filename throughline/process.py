"""Running a step in a process of its own, and what steps cost in time and memory."""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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

    The child is stopped when this process is interrupted.
    """
    started = time.monotonic()
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as out:
        child = subprocess.Popen(
            list(arguments),
            env={**os.environ, **QUIET, **environment},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        try:
            assert child.stdout is not None
            for line in child.stdout:
                out.write(line)
                if on_line is not None:
                    on_line(line.rstrip("\n"))
            _, status, usage = os.wait4(child.pid, 0)
        except BaseException:
            child.terminate()
            with contextlib.suppress(ChildProcessError):
                child.wait(timeout=10)
            raise
        child.returncode = os.waitstatus_to_exitcode(status)
    return Finished(child.returncode, time.monotonic() - started, usage.ru_maxrss / 1024)


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
