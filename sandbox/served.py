"""The emulators of a sandbox directory as a process of their own, for as long as a `with` block lasts."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from throughline import process
from throughline.errors import error
from throughline.files import read_json
from throughline.process import QUIET

PATIENCE = 60.0


@contextmanager
def served(directory: Path, log: Path) -> Iterator[dict[str, Any]]:
    """Serve `directory`, yield its serve.json (pid, endpoints, credentials); the process ends with the block.

    Its output goes to `log`. It ends with this process too, however that ends. Raises E-SBX-006 when it does
    not answer within a minute.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    announcement = directory / "serve.json"
    with log.open("a", encoding="utf-8") as out:
        child = subprocess.Popen(
            process.module("sandbox.serve", "--dir", str(directory)),
            env={**os.environ, **QUIET},
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        yield _wait(child, directory, announcement, log)
    finally:
        child.terminate()
        try:
            child.wait(timeout=15)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdin is not None:
            child.stdin.close()


def _wait(child: subprocess.Popen[bytes], directory: Path, announcement: Path, log: Path) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if child.poll() is not None:
            raise error("E-SBX-006", path=directory, log=log, detail=f"exit code {child.returncode}")
        found = read_json(announcement)
        # An announcement that an earlier process left behind names another one.
        if found is not None and found.get("pid") == child.pid:
            return dict(found)
        time.sleep(0.05)
    raise error("E-SBX-006", path=directory, log=log, detail=f"no answer within {PATIENCE:.0f} seconds")
