"""A tiny firm over HTTP, homes as they stand between the stages of a run, and runs killed on the way.

A point is a phase and a share of it, drawn from a seed. A phase is a source being landed, dbt before its
first model, its models, its tests, the check, the publish; its share is measured in the processor time that a
run which nobody killed spent in it, because that hardly depends on how busy the machine is. Where the system
does not tell a process's time, the clock's time is taken.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines import keyed
from sandbox.build import LOAD_TIMES, build, read_sandbox, wanted
from sandbox.clock_file import set_clock
from sandbox.home_setup import SOURCES, set_up
from sandbox.served import served
from throughline.clock import iso
from throughline.home import Home

LAND = tuple(f"land {source}" for source in SOURCES)
BUILD = ("build before dbt", "build models", "build tests")
CHECK, PUBLISH = "check", "publish"
# The command that is killed in each phase.
WORDS = {
    **dict.fromkeys(LAND, ("run",)),
    **dict.fromkeys(BUILD, ("run", "--from-stage", "build")),
    CHECK: ("run", "--from-stage", "check"),
    PUBLISH: ("publish",),
}
# The states a home is kept in at each load, and the verb that leads there from the one before.
STATES = {"start": "", "landed": "land", "built": "build", "checked": "check", "published": "publish"}
TICKS = os.sysconf("SC_CLK_TCK")
LOOK_EVERY = 0.004


@dataclass(frozen=True)
class Point:
    """Where a run is killed: in `phase`, after `share` of it; its process group, or the parent alone."""

    phase: str
    share: float
    alone: bool

    def __str__(self) -> str:
        return f"{self.phase} at {self.share:.2f}, {'the parent alone' if self.alone else 'the whole group'}"


def draw(seed: int, phases: tuple[str, ...], number: int) -> list[Point]:
    """`number` points over the phases in turn, the same for the same seed."""
    dice = random.Random(f"{seed} {' '.join(phases)}")
    return [
        Point(phases[position % len(phases)], dice.uniform(0.0, 0.97), dice.random() < 0.5)
        for position in range(number)
    ]


def spent(pid: int) -> float:
    """Processor seconds of a process and all its descendants, waited for or not."""
    total = 0
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        try:
            fields = Path(f"/proc/{one}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
            total += sum(int(fields[position]) for position in (11, 12, 13, 14))
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
        except (FileNotFoundError, ProcessLookupError):
            if not Path("/proc").exists():
                return time.monotonic()
    return total / TICKS


def _written(path: Path) -> int:
    return path.stat().st_mtime_ns


@dataclass
class Progress:
    """Which phase the run that was started last is in, read off its manifest and dbt's log."""

    home: Home
    since: int = field(default_factory=time.time_ns)
    _dbt: str = BUILD[0]
    _read: int = 0

    def phase(self) -> str | None:
        """The phase; None before the first and after the last."""
        for path in sorted(self.home.runs.glob("r*/manifest.json"), key=_written, reverse=True):
            if _written(path) < self.since:
                return None
            manifest = json.loads(path.read_text(encoding="utf-8"))
            # The run begins with writing down that those before it were killed.
            if manifest["status"] != "KILLED":
                return self._of_manifest(manifest, path.parent)
        return None

    def _of_manifest(self, manifest: dict[str, Any], folder: Path) -> str | None:
        running = [stage["name"] for stage in manifest["stages"] if stage["status"] == "RUNNING"]
        if not running:
            return None
        if running[-1] == "land":
            return LAND[min(len(manifest.get("landing", [])), len(LAND) - 1)]
        return self._of_build(folder) if running[-1] == "build" else str(running[-1])

    def _of_build(self, folder: Path) -> str:
        try:
            with (folder / "dbt" / "dbt.log").open(encoding="utf-8") as log:
                log.seek(self._read)
                said = log.read()
                self._read += len(said.encode())
        except FileNotFoundError:
            return self._dbt
        for kind in re.findall(r"\d+ of \d+ START (test)?", said):
            self._dbt = BUILD[2] if kind else BUILD[1]
        return self._dbt


class Scene:
    """The firm, its servers, and one home whose states are kept and put back.

    There is one path for the home whatever state it is in, because dbt parses its whole project anew when
    a path of its profile changes.
    """

    def __init__(self, folder: Path, announced: dict[str, Any]) -> None:
        self.folder = folder
        self.firm = folder / "firm"
        self.home = Home(folder / "home")
        self.announced = announced
        self.at: datetime = LOAD_TIMES[0]
        self.cost: dict[tuple[int, str], float] = {}
        set_up(self.home, announced, str(read_sandbox(self.firm)["reporting_currency"]))
        # what is pushed has no window to be killed in: tests/landing/test_inbox_source.py kills the inbox
        text = self.home.config.read_text(encoding="utf-8")
        self.home.config.write_text(
            text.replace("[sources.events]\nenabled = true", "[sources.events]\nenabled = false"),
            encoding="utf-8",
        )
        # hashes of personal fields are compared too: every state of the home has the same key
        keyed.home_secret(self.home.root)

    def move(self, load: int) -> None:
        """Set the vendors' clock and ours to a load's time."""
        self.at = LOAD_TIMES[load]
        set_clock(self.firm, self.at)

    def kept(self, load: int, state: str) -> Path:
        """Where a state of the home is kept."""
        return self.folder / f"{load} {state}"

    def need(self, load: int, state: str) -> Path:
        """Where a state is kept; a run that nobody kills brings the home there first, if it was not yet."""
        kept, position = self.kept(load, state), list(STATES).index(state)
        if kept.exists():
            return kept
        if position:
            self.need(load, list(STATES)[position - 1])
            self.put_back(load, list(STATES)[position - 1])
            assert self.run(STATES[state], load=load) == 0, self.last_words()
        elif load:
            self.need(load - 1, "published")
            self.put_back(load - 1, "published")
        shutil.copytree(self.home.root, kept)
        return kept

    def put_back(self, load: int, state: str) -> None:
        """Make the home what it was in a state that was kept, and the time that load's."""
        self.move(load)
        shutil.rmtree(self.home.root)
        shutil.copytree(self.kept(load, state), self.home.root)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start `throughline WORDS` as the leader of a process group of its own."""
        with (self.folder / "said.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "throughline.cli", *words],
                env={
                    **os.environ,
                    "THROUGHLINE_HOME": str(self.home.root),
                    "THROUGHLINE_NOW": iso(self.at),
                    "NO_COLOR": "1",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, *words: str, load: int | None = None) -> int:
        """Run `throughline WORDS` to its end: its exit code. With `load`, note what its phases cost."""
        progress, child = Progress(self.home), self.start(*words)
        before: tuple[str | None, float] = (None, 0.0)
        while child.poll() is None:
            if load is not None:
                now = (progress.phase(), spent(child.pid))
                if now[0] != before[0]:
                    before = now
                if now[0] is not None:
                    self.cost[load, now[0]] = now[1] - before[1]
            time.sleep(LOOK_EVERY if load is not None else 0.05)
        return child.wait()

    def last_words(self, number: int = 2500) -> str:
        """The end of what the commands said."""
        return (self.folder / "said.log").read_text(encoding="utf-8", errors="replace")[-number:]

    def kill(self, load: int, point: Point) -> str | None:
        """Start the command of the point's phase and kill it there: the phase it died in; None: it ended."""
        progress, child = Progress(self.home), self.start(*WORDS[point.phase])
        goal = point.share * self.cost[load, point.phase]
        begun: float | None = None
        while child.poll() is None:
            phase = progress.phase()
            if begun is None and phase == point.phase:
                begun = spent(child.pid)
            if begun is not None and (phase != point.phase or spent(child.pid) - begun >= goal):
                break
            time.sleep(LOOK_EVERY)
        ended = child.poll() is not None
        if not ended:
            (os.kill if point.alone else os.killpg)(child.pid, signal.SIGKILL)
        child.wait()
        return None if ended else progress.phase() or "between"


@contextmanager
def staged(folder: Path, seed: int) -> Iterator[Scene]:
    """A scene in `folder` with a tiny firm of every fault, served for as long as the block lasts."""
    build(folder / "firm", wanted(seed, "tiny", "all", acquisition=False), truth=False)
    with served(folder / "firm", folder / "emulators.log") as announced:
        yield Scene(folder, announced)
