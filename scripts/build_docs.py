"""Write dbt's documentation of the models as one static page.

Usage: python scripts/build_docs.py [FILE]      (build/docs/models.html unless given)

The page needs no warehouse: models are compiled against three empty files, so that it shows what the project
says of every model, column, test and their lineage, and no figure of any firm.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "dbt_project"


def main(target: Path) -> int:
    """dbt's exit code; on 0 `target` is the page."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
        for name in ("raw", "build", "serving"):
            path = Path(folder) / f"{name}.duckdb"
            duckdb.connect(str(path)).close()
            environment[f"THROUGHLINE_{name.upper()}_DB"] = str(path)
        code = subprocess.run(
            [
                str(Path(sys.executable).parent / "dbt"), "docs", "generate", "--static", "--empty-catalog",
                "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
                "--target-path", folder, "--log-path", folder,
            ],
            env=environment,
            check=False,
        ).returncode  # fmt: skip
        if code == 0:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(folder) / "static_index.html", target)
            print(f"wrote {target}")
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "docs" / "models.html"))
