"""A run: its id, its folder, its manifest and its log.

`runs/<id>/manifest.json` says what went in, what each stage did and cost, and how it ended; it is rewritten
in one step after every stage, so a killed run leaves a manifest that says how far it came.
`log.jsonl` beside it
has one line per message.
"""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from throughline import clock, files, process
from throughline.config import Config
from throughline.errors import ThroughlineError
from throughline.home import PROJECT_ROOT, Home

STAGES = ("land", "build", "check", "publish")
RUNNING, PUBLISHED, NOT_PUBLISHED, FAILED, COMPLETED = (
    "RUNNING",
    "PUBLISHED",
    "NOT_PUBLISHED",
    "FAILED",
    "COMPLETED",
)
VERSIONS_OF = ("dbt-core", "dbt-duckdb", "duckdb", "dlt", "great-expectations", "streamlit", "plotly")


def _commit() -> str | None:
    """The project's commit, where it runs from a checkout."""
    if not (PROJECT_ROOT / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"], cwd=PROJECT_ROOT, capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None


def versions() -> dict[str, str]:
    """Python's and the main packages' versions."""
    found = {"python": ".".join(str(part) for part in sys.version_info[:3])}
    for name in VERSIONS_OF:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@dataclass
class Run:
    """One run in progress. `manifest` is what is written to its folder."""

    home: Home
    run_id: str
    config: Config
    manifest: dict[str, Any]
    quiet: bool = False
    _line: int = field(default=0)

    @property
    def folder(self) -> Path:
        return self.home.run(self.run_id)

    @property
    def as_of(self) -> date | None:
        text = self.manifest.get("as_of")
        return date.fromisoformat(text) if text else None

    @property
    def known_at(self) -> datetime | None:
        text = self.manifest.get("known_at")
        return clock.parse_instant(text) if text else None

    def save(self) -> None:
        """Write the manifest in one step."""
        files.write_json(self.folder / "manifest.json", self.manifest)

    def log(self, stage: str, message: str, **facts: Any) -> None:
        """One line for people on standard error, one line of JSON in the run's log."""
        record = {"at": clock.iso(clock.now()), "run_id": self.run_id, "stage": stage, "message": message}
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as out:
            out.write(json.dumps({**record, **facts}, default=str) + "\n")
        if not self.quiet:
            print(f"{stage:<8}{message}", file=sys.stderr, flush=True)

    def stage_done(self, name: str) -> bool:
        """Whether stage `name` of this run ended well."""
        return any(entry["name"] == name and entry["status"] == "OK" for entry in self.manifest["stages"])

    @contextmanager
    def stage(self, name: str) -> Iterator[dict[str, Any]]:
        """Time and record one stage; the dictionary yielded is its entry, to which facts are added."""
        entry: dict[str, Any] = {"name": name, "status": RUNNING, "started_at": clock.iso(clock.now())}
        self.manifest["stages"] = [one for one in self.manifest["stages"] if one["name"] != name] + [entry]
        self.save()
        process.reset_own_peak()
        started = time.monotonic()
        try:
            yield entry
            entry["status"] = "OK"
        except BaseException as problem:
            entry["status"] = FAILED
            entry["error"] = (
                {"code": problem.code, "what": problem.what}
                if isinstance(problem, ThroughlineError)
                else {"code": None, "what": f"{type(problem).__name__}: {problem}"}
            )
            raise
        finally:
            entry["seconds"] = round(time.monotonic() - started, 2)
            entry["ended_at"] = clock.iso(clock.now())
            peak = max(process.own_peak_mib(), entry.get("peak_mib", 0.0))
            entry["peak_mib"] = round(peak, 1)
            self.save()
            self.log(name, f"{entry['status'].lower()} in {entry['seconds']:.1f} s, {peak:,.0f} MiB")

    def finish(self, status: str) -> None:
        """Record how the run ended."""
        self.manifest["status"] = status
        self.manifest["ended_at"] = clock.iso(clock.now())
        self.save()


def start(
    home: Home,
    config: Config,
    *,
    verb: str,
    as_of: date | None = None,
    known_at: datetime | None = None,
    select: str | None = None,
    quiet: bool = False,
) -> Run:
    """Open a new run: the next free id of this second, its folder, its first manifest."""
    home.ensure()
    moment = clock.now()
    number = 1
    while True:
        run_id = f"r{moment:%Y%m%dT%H%M%SZ}-{number:02d}"
        try:
            home.run(run_id).mkdir(parents=True)
            break
        except FileExistsError:
            number += 1
    manifest: dict[str, Any] = {
        "run_id": run_id,
        "verb": verb,
        "status": RUNNING,
        "started_at": clock.iso(moment),
        "ended_at": None,
        "as_of": as_of.isoformat() if as_of else None,
        "known_at": clock.iso(known_at) if known_at else None,
        "select": select,
        "reporting_currency": config.reporting_currency,
        "config": {"path": str(config.path) if config.path else None, "sha256": config.digest},
        "code_commit": _commit(),
        "versions": versions(),
        "stages": [],
    }
    run = Run(home, run_id, config, manifest, quiet)
    run.save()
    return run


def manifests(home: Home) -> list[dict[str, Any]]:
    """The manifests of all runs, newest first. Folders without a readable one are left out."""
    found = []
    for folder in sorted(home.runs.glob("r*"), reverse=True):
        try:
            manifest = files.read_json(folder / "manifest.json")
        except ThroughlineError:
            continue
        if manifest is not None:
            found.append(manifest)
    return found


def reopen(home: Home, config: Config, run_id: str, *, quiet: bool = False) -> Run:
    """A run that exists already, to carry on with. Raises FileNotFoundError when it has no manifest."""
    manifest = files.read_json(home.run(run_id) / "manifest.json")
    if manifest is None:
        raise FileNotFoundError(home.run(run_id) / "manifest.json")
    return Run(home, run_id, config, manifest, quiet)
