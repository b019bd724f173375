"""The home's inbox as a process of its own while loads are played, and the bus told to fill it."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from sandbox.clock_file import NAME
from sandbox.home_setup import BUS
from throughline import clock, process
from throughline.config import load
from throughline.errors import error
from throughline.files import read_json
from throughline.home import Home
from throughline.process import QUIET

PATIENCE = 60.0


@contextmanager
def receiving(home: Home, directory: Path, announced: dict[str, Any]) -> Iterator[str | None]:
    """Receive into `home` on the clock of the sandbox in `directory`; yields the inbox's address.

    None where the firm has no bus or the home does not listen. Raises E-SBX-009 when it does not answer.
    """
    listens = any(one.connector == BUS for one in load(home).enabled_sources())
    if BUS not in announced["endpoints"] or not listens:
        yield None
        return
    home.runs.mkdir(parents=True, exist_ok=True)
    with (home.runs / "inbox.log").open("a", encoding="utf-8") as out:
        child = subprocess.Popen(
            process.module("throughline.inbox", "--home", str(home.root)),
            env={**os.environ, **QUIET, clock.VARIABLE: f"@{directory / NAME}"},
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _wait(child, home)
    finally:
        child.terminate()
        try:
            child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdin is not None:
            child.stdin.close()


def deliver(announced: dict[str, Any], inbox: str | None) -> int:
    """Have the bus push all it knows by now; how many events it sent. Raises E-SBX-009 when it could not."""
    if inbox is None:
        return 0
    try:
        answer = httpx.post(
            f"{announced['endpoints'][BUS]}/_sandbox/deliver", json={"to": inbox}, timeout=300
        )
    except httpx.HTTPError as problem:
        raise error("E-SBX-009", detail=f"{type(problem).__name__}: {problem}") from None
    if not answer.is_success:
        raise error("E-SBX-009", detail=answer.text[:200])
    return int(answer.json()["sent"])


def _wait(child: subprocess.Popen[bytes], home: Home) -> str:
    announcement = home.root / "inbox" / "main" / "serve.json"
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if child.poll() is not None:
            raise error("E-SBX-009", detail=f"the inbox ended with exit code {child.returncode}")
        found = read_json(announcement)
        # an announcement that an earlier process left behind names another one
        if found is not None and found.get("pid") == child.pid:
            return str(found["url"])
        time.sleep(0.05)
    raise error("E-SBX-009", detail=f"the inbox gave no answer within {PATIENCE:.0f} seconds")
