"""`python -m sandbox.play`: from nothing to a published warehouse, a workbook and a dashboard, in one go.

Builds the firm (unless the home holds it), serves its vendors on the loopback, lands, builds, checks and
publishes at the last close and at the last day, writes the workbook and opens the dashboard. Called again it
runs at the last day only, where just what changed is landed. Seconds and memory of every step stand in
HOME/runs/play.json.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.build import Wanted, build, describe, wanted
from sandbox.clock_file import month_before, set_clock
from sandbox.drop_folder import bring
from sandbox.home_setup import set_up
from sandbox.inbox import deliver, receiving
from sandbox.served import served
from throughline import clock, process
from throughline.clock import iso, parse_instant
from throughline.errors import ThroughlineError, error, render
from throughline.files import read_json, write_json
from throughline.home import VARIABLE, Home, resolve

PORT = 8501
# Open exceptions are what the sandbox is for: the export says so by exit code 1.
EXPORT_CODES = (0, 1)


@dataclass
class Step:
    """One step of the play: seconds, and the peak memory of the process that did it."""

    name: str
    seconds: float
    peak_mib: float


@dataclass
class Play:
    """One call: the home it fills and what its steps cost."""

    home: Home
    steps: list[Step] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def say(self, line: str) -> None:
        """A progress line with the seconds since the call."""
        print(f"[{time.monotonic() - self.began:6.1f} s] {line}", flush=True)

    def command(self, name: str, now: datetime, *words: str, codes: Sequence[int] = (0,)) -> None:
        """Run `throughline WORDS` at the instant `now`. Raises E-SBX-007 when it ends with another code."""
        log = self.home.runs / "play.log"
        last: list[str] = []

        def line(text: str) -> None:
            last.append(text)
            del last[:-6]
            if text.strip():
                self.say(f"  {text}")

        done = process.run(
            process.module("throughline.cli", *words),
            environment={
                clock.VARIABLE: iso(now),
                VARIABLE: str(self.home.root),
                "NO_COLOR": "1",
                "THROUGHLINE_ACTOR": "controller",
            },
            log=log,
            on_line=line,
        )
        self.steps.append(Step(name, round(done.seconds, 2), round(done.peak_mib, 1)))
        if done.code not in codes:
            raise error(
                "E-SBX-007",
                verb=f"throughline {' '.join(words)}",
                code=done.code,
                detail=" ".join(last[-3:]).strip(),
                log=log,
            )

    def timed(self, name: str, work: Callable[[], Any]) -> Any:
        """Do `work` in this process and note what it cost."""
        process.reset_own_peak()
        started = time.monotonic()
        result = work()
        self.steps.append(Step(name, round(time.monotonic() - started, 2), round(process.own_peak_mib(), 1)))
        return result

    def save(self, facts: dict[str, Any]) -> None:
        """Write HOME/runs/play.json."""
        total = round(time.monotonic() - self.began, 2)
        body = {**facts, "seconds": total, "steps": [asdict(step) for step in self.steps]}
        write_json(self.home.runs / "play.json", body)


def published_at(home: Home) -> datetime | None:
    """The knowledge time of what is published now; None when nothing is."""
    pointer = read_json(home.pointer)
    if pointer is None:
        return None
    manifest = read_json(home.run(str(pointer["run_id"])) / "manifest.json") or {}
    known = manifest.get("known_at") or pointer.get("known_at")
    return parse_instant(str(known)) if known else None


def play(home: Home, asked: Wanted, *, app: bool, port: int = PORT) -> int:
    """Everything, in order; the exit code. Raises ThroughlineError for what stops it."""
    home.ensure()
    scene = Play(home)
    scene.say(f"firm: {describe(asked.identity())}")
    facts = scene.timed(
        "build firm",
        lambda: build(home.sandbox, asked, truth=False, progress=lambda line: scene.say(f"  {line}")),
    )
    times = [parse_instant(str(text)) for text in facts["known_at"]]
    reached = published_at(home)
    due = [at for at in times if reached is None or at > reached] or times[-1:]
    with served(home.sandbox, home.runs / "emulators.log") as announced:
        drop = bring(home.sandbox, due[0])
        set_up(home, announced, str(facts["reporting_currency"]), drop=drop)
        with receiving(home, home.sandbox, announced) as inbox:
            for at in due:
                set_clock(home.sandbox, at)
                bring(home.sandbox, at)
                scene.say(f"run at {iso(at)}, {deliver(announced, inbox):,} events pushed")
                scene.command(f"run {at.date()}", at, "run")
                if at != times[-1]:
                    # what the firm's controller does then: whatever comes later is told as a restatement
                    scene.command("close", at, "close", "soft", month_before(at))
        scene.say("workbook")
        scene.command("export", times[-1], "recon", "export", codes=EXPORT_CODES)
        scene.save({"firm": asked.identity(), "runs": _stages(home, len(due))})
        _report(scene, facts, asked, app=app, port=port)
        if app:
            return _dashboard(home, times[-1], port)
    return 0


def _stages(home: Home, count: int) -> list[dict[str, Any]]:
    """The stages of the newest `count` runs, oldest first, as their manifests tell."""
    manifests = [read_json(path) for path in home.runs.glob("*/manifest.json")]
    newest = sorted((one for one in manifests if one), key=lambda one: str(one["run_id"]))[-count:]
    return [
        {
            "run_id": one["run_id"],
            "as_of": one.get("as_of"),
            "stages": [
                {name: stage.get(name) for name in ("name", "status", "seconds", "peak_mib")}
                for stage in one.get("stages", [])
            ],
            "landed": {source["source"]: source.get("rows_landed") for source in one.get("landing", [])},
        }
        for one in newest
    ]


def _report(scene: Play, facts: dict[str, Any], asked: Wanted, *, app: bool, port: int) -> None:
    home = scene.home
    records = sum(sum(objects.values()) for objects in facts["store_versions"].values())
    books = sorted(home.exports.rglob("*.xlsx"), key=lambda path: path.stat().st_mtime)
    pointer = read_json(home.pointer) or {}
    flags = "" if str(home.root) == str(resolve(".throughline").root) else f" --home {home.root}"
    shown = f"http://127.0.0.1:{port} (Ctrl-C ends it)" if app else f"throughline{flags} app"
    print(
        f"\nbuilt      a {asked.scale} firm (seed {asked.seed}): {records:,} record versions in"
        f" {len(facts['store_versions'])} stores,"
        f" loaded over HTTP as of {facts['as_of']}\n"
        f"published  {pointer.get('run_id', 'nothing')} in {home.root}"
        f" after {time.monotonic() - scene.began:.0f} s; costs in {home.runs / 'play.json'}\n"
        f"workbook   {books[-1] if books else home.exports}\n"
        f"dashboard  {shown}\n"
        f"next       throughline{flags} recon list · throughline{flags} trace total_backlog ·"
        f" docs/controller.md",
        flush=True,
    )


def _dashboard(home: Home, now: datetime, port: int) -> int:
    """The dashboard in the foreground; 0 when it was ended by the keyboard or a signal."""
    return process.foreground(
        process.module("throughline.cli", "app", "--port", str(port)),
        environment={clock.VARIABLE: iso(now), VARIABLE: str(home.root)},
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; the exit codes are throughline's."""
    parser = argparse.ArgumentParser(prog="sandbox.play", description="Build, load and show a sandbox firm.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", default="demo", help="tiny or demo")
    parser.add_argument("--faults", default="all", help="none, all, transport, or ids by commas")
    parser.add_argument("--home", type=Path, default=None, help="the warehouse's folder (./.throughline)")
    parser.add_argument("--alone", action="store_true", help="without the firm it bought")
    parser.add_argument("--no-app", action="store_true", help="end after the workbook")
    parser.add_argument("--port", type=int, default=PORT, help="of the dashboard")
    given = parser.parse_args(arguments)
    # As an interrupt does, so that the servers and the step in hand are ended on the way out.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        return play(
            resolve(given.home),
            wanted(given.seed, given.scale, given.faults, acquisition=not given.alone),
            app=not given.no_app,
            port=given.port,
        )
    except ThroughlineError as problem:
        print(render(problem), file=sys.stderr)
        return problem.exit_code
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
