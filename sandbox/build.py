"""Builds a sandbox directory: the firm, its vendors' stores, the truth of each load, and what it is called.

DIR/stores/ and DIR/clock.json are what the emulators serve, DIR/drop what has come by file by then (of
DIR/tray, where all deliveries lie), DIR/truth/ what a warehouse is scored against, DIR/sandbox.json says
which firm it is; it is written last, so a directory that has it is complete.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import platform
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from sandbox.clock_file import set_clock
from sandbox.drop_folder import FOLDER, bring
from sandbox.emission import write_stores
from sandbox.emission.drop.deliveries import Delivery, deliveries
from sandbox.emission.drop.files import TRAY, write_tray
from sandbox.firm.calendar import DAY, month_end
from sandbox.firm.group import simulate_group
from sandbox.firm.state import Firm
from sandbox.oracle.truth import load_id, write_truth
from throughline.clock import iso, parse_instant
from throughline.errors import error
from throughline.files import read_json, write_json, write_text

Progress = Callable[[str], None]

# When loads are played: the last close and the last day; scoring plays the six closes before the end.
PLAY_TIMES = tuple(datetime(2026, month, 8, 23, 30, tzinfo=UTC) for month in (6, 7))
LOAD_TIMES = tuple(datetime(2026, month, 8, 23, 30, tzinfo=UTC) for month in range(2, 8))
# Faults of the way to the warehouse: they strike the answers of the emulators, never the firm.
TRANSPORT = ("F67", "F69")
ROOT = Path(__file__).resolve().parent
IDENTITY = ("seed", "scale", "faults", "transport", "acquisition", "deliveries", "made_by")


@dataclass(frozen=True)
class Wanted:
    """The firm asked for. `faults` of the business and `transport` faults are kept apart."""

    seed: int
    scale: str
    faults: tuple[str, ...]
    transport: tuple[str, ...]
    # with the firm it bought, whose systems are second instances
    acquisition: bool = True
    # with plans and native reports that come by file
    deliveries: bool = True

    def identity(self) -> dict[str, Any]:
        """What tells this firm from another one; `made_by` changes with the code that makes it."""
        return {
            "seed": self.seed,
            "scale": self.scale,
            "faults": list(self.faults),
            "transport": list(self.transport),
            "acquisition": self.acquisition,
            "deliveries": self.deliveries,
            "made_by": source_digest("firm", "emission"),
        }


def wanted(
    seed: int, scale: str, faults: str, *, acquisition: bool = True, deliveries: bool | None = None
) -> Wanted:
    """The firm that the command line's words ask for: `none`, `all`, `transport`, or fault ids by commas.

    A firm that bought nobody delivers no files, unless `deliveries` says so.
    """
    names = [name.strip() for name in faults.split(",") if name.strip() and name.strip() != "none"]
    transport = [name for name in TRANSPORT if name in names or "transport" in names]
    business = [name for name in names if name not in TRANSPORT and name != "transport"]
    return Wanted(
        seed,
        scale,
        tuple(business),
        tuple(transport),
        acquisition,
        acquisition if deliveries is None else deliveries,
    )


def source_digest(*packages: str) -> str:
    """First 12 hex of the hash over the Python files of the sandbox's `packages`."""
    digest = hashlib.sha256()
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(f"{path.relative_to(ROOT)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def describe(identity: dict[str, Any]) -> str:
    """A firm's identity in words."""
    faults = ",".join([*identity["faults"], *identity["transport"]]) or "none"
    return (
        f"seed {identity['seed']}, scale {identity['scale']}, faults {faults}, made by {identity['made_by']}"
    )


def read_sandbox(directory: Path) -> dict[str, Any]:
    """DIR/sandbox.json. Raises E-SBX-004 when there is none."""
    found = read_json(directory / "sandbox.json")
    if found is None:
        raise error("E-SBX-004", path=directory)
    return dict(found)


def refuse_another(path: Path, found: dict[str, Any], asked: Wanted) -> None:
    """Raise E-SBX-003 when the sandbox.json `found` in `path` is not the firm asked for."""
    here = {name: found.get(name) for name in IDENTITY}
    if here != asked.identity():
        raise error("E-SBX-003", path=path, found=describe(here), wanted=describe(asked.identity()))


def build(
    directory: Path, asked: Wanted, *, truth: bool = True, progress: Progress | None = None
) -> dict[str, Any]:
    """Make the firm in `directory` unless it is there, and with `truth` the truth of all load times.

    Returns what sandbox.json says. Raises E-SBX-003 when the directory holds another firm.
    """
    tell = progress or (lambda _line: None)
    # The faults are checked before anything is touched, by the simulator itself.
    found = read_json(directory / "sandbox.json")
    if found is not None:
        refuse_another(directory, found, asked)
        if not truth or _truth_stands(directory):
            return dict(found)
    group = simulate_group(asked.seed, asked.scale, asked.faults, with_acquisition=asked.acquisition)
    firm = group.firm
    tell(
        f"firm: {len(firm.workers)} workers, {len(firm.contracts)} contracts,"
        f" {len(firm.timecards):,} timecards, {len(firm.invoices):,} invoices"
    )
    delivered = deliveries(firm) if asked.deliveries else []
    if found is None:
        for left in ("stores", TRAY, FOLDER):
            shutil.rmtree(directory / left, ignore_errors=True)
        directory.mkdir(parents=True, exist_ok=True)
        versions = write_stores(group, directory, tell)
        if asked.deliveries:
            files = write_tray(delivered, directory)
            tell(f"delivered by file: {sum(files.values())} files of {len(files)} ports")
        set_clock(directory, PLAY_TIMES[0])
        bring(directory, PLAY_TIMES[0])
        found = {**asked.identity(), **_facts(firm), "store_versions": versions}
        write_json(directory / "sandbox.json", found)
    if truth:
        make_truth(firm, directory, tell, delivered)
    return dict(found)


def _facts(firm: Firm) -> dict[str, Any]:
    return {
        "as_of": PLAY_TIMES[-1].date().isoformat(),
        "known_at": [iso(at) for at in PLAY_TIMES],
        "load_times": [iso(at) for at in LOAD_TIMES],
        "month_ends": [day.isoformat() for day in month_ends(firm.start, PLAY_TIMES[-1].date())],
        "reporting_currency": firm.reporting_currency,
        "versions": {"python": platform.python_version(), "pyarrow": pa.__version__},
    }


def month_ends(first: date, last: date) -> list[date]:
    """Ends of the months from that of `first` on, not after `last`."""
    ends = []
    day = month_end(first)
    while day <= last:
        ends.append(day)
        day = month_end(day + DAY)
    return ends


def _truth_stands(directory: Path) -> bool:
    stamp = directory / "truth" / "made_by"
    return stamp.exists() and stamp.read_text(encoding="utf-8").strip() == source_digest("firm", "oracle")


def make_truth(
    firm: Firm,
    directory: Path,
    progress: Progress | None = None,
    delivered: Sequence[Delivery] = (),
) -> None:
    """Write DIR/truth/<load id>/ for every load time, two loads at once where the system can fork."""
    tell = progress or (lambda _line: None)
    if "fork" in multiprocessing.get_all_start_methods():
        _truth_in_processes(firm, directory, LOAD_TIMES, tell, delivered)
    else:
        for at in LOAD_TIMES:
            write_truth(firm, directory, [at], delivered, LOAD_TIMES)
            tell(f"truth: {load_id(at)}")
    write_text(directory / "truth" / "made_by", source_digest("firm", "oracle") + "\n")


def _truth_in_processes(
    firm: Firm,
    directory: Path,
    times: Sequence[datetime],
    tell: Progress,
    delivered: Sequence[Delivery],
) -> None:
    # The firm is inherited by the fork, not sent: it is the largest thing there is.
    context = multiprocessing.get_context("fork")
    waiting = list(reversed(times))
    running: list[tuple[datetime, Any]] = []
    while waiting or running:
        while waiting and len(running) < 2:
            at = waiting.pop()
            child = context.Process(target=write_truth, args=(firm, directory, [at], delivered, times))
            child.start()
            running.append((at, child))
        at, child = running.pop(0)
        child.join()
        if child.exitcode != 0:
            for _, other in running:
                other.terminate()
            raise RuntimeError(
                f"the truth of {load_id(at)} could not be written (exit code {child.exitcode})"
            )
        tell(f"truth: {load_id(at)}")


def firm_of(directory: Path) -> Wanted:
    """The firm that `directory` holds, as it was asked for. Raises E-SBX-004."""
    found = read_sandbox(directory)
    return Wanted(
        int(found["seed"]),
        str(found["scale"]),
        tuple(found["faults"]),
        tuple(found.get("transport", ())),
        bool(found.get("acquisition", False)),
        bool(found.get("deliveries", False)),
    )


def load_times(directory: Path) -> list[datetime]:
    """The instants at which this firm is meant to be loaded, in order. Raises E-SBX-004."""
    return [parse_instant(str(text)) for text in read_sandbox(directory)["load_times"]]
