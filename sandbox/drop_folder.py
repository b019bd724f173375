"""DIR/drop: the folder a warehouse reads, holding what was delivered by the sandbox's present instant.

The firm's deliveries lie in DIR/tray, each under the instant at which it comes; a manifest may come later
than its files.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from sandbox.emission.drop.files import TRAY, stamp

FOLDER = "drop"


def bring(directory: Path, at: datetime) -> Path | None:
    """Put into DIR/drop what was delivered by `at`, no more; None where the firm delivers nothing."""
    tray, folder = directory / TRAY, directory / FOLDER
    if not tray.is_dir():
        return None
    # from nothing, so that a clock that went back takes with it what has not come yet
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for arrived in sorted(tray.iterdir()):
        if arrived.name <= stamp(at):
            shutil.copytree(arrived, folder, dirs_exist_ok=True)
    return folder
