"""The build's second engine: what a build on Apache Spark needs beside what every build needs.

dbt runs as ever in a process of its own, here one of an environment of its own (`.venv-spark`), around a
Spark session: `throughline.spark_process`. Nothing of Spark is imported into this process.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from throughline import content, inputs
from throughline.config import Engine
from throughline.errors import error
from throughline.home import PROJECT_ROOT, Home

OLDEST_JAVA = 17
# What the models are told of the engine: how its types are called, that it has no databases beside schemas,
# and that what is read more than once had better be a table.
VARIABLES = {"type_text": "string", "type_instant": "timestamp", "raw_database": "", "views_as": "table"}
ENVIRONMENT = {"THROUGHLINE_ENGINE": "spark", "PYTHONPATH": str(PROJECT_ROOT)}


def python() -> Path:
    """The interpreter of the environment that holds pyspark and dbt-spark; it may not be there."""
    inside = Path("Scripts/python.exe") if os.name == "nt" else Path("bin/python")
    return PROJECT_ROOT / ".venv-spark" / inside


def java() -> str | None:
    """The Java that Spark would start: JAVA_HOME's, else the path's; None when there is none."""
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java", path=str(Path(home) / "bin")) if home else shutil.which("java")


def _java_version(program: str) -> int:
    said = subprocess.run([program, "-version"], capture_output=True, text=True, check=False, timeout=60)
    found = re.search(r'version "(\d+)', said.stderr + said.stdout)
    return int(found.group(1)) if found else 0


def check_machine() -> None:
    """Raises ThroughlineError E-RUN-013 when Spark cannot start here: no environment, no Java, too old."""
    if not python().exists():
        raise error("E-RUN-013", detail=f"there is no {python().parent.parent.name}")
    program = java()
    if program is None:
        raise error("E-RUN-013", detail="there is no Java")
    version = _java_version(program)
    if version < OLDEST_JAVA:
        raise error("E-RUN-013", detail=f"Java is {version or 'of no known version'}")


def command(home: Home, engine: Engine, arguments: Sequence[str]) -> list[str]:
    """The command that runs dbt's process with `arguments` around a Spark session."""
    return [
        str(python()), "-m", "throughline.leash", "throughline.spark_process",
        "--raw", str(home.landed_files), "--inputs", str(home.spark / "inputs"),
        "--warehouse", str(home.spark / "warehouse"), "--settings", json.dumps(dict(engine.settings)),
        "--", *arguments,
    ]  # fmt: skip


def write_inputs(folder: Path, rows: dict[str, list[inputs.Row]]) -> dict[str, Any]:
    """Write the inputs as `folder`/inputs/inputs/<table>/*.parquet; what `inputs.write` says of them."""
    folder.mkdir(parents=True, exist_ok=True)
    file, target = folder / "handed_over.duckdb", folder / "inputs" / "inputs"
    file.unlink(missing_ok=True)
    shutil.rmtree(target, ignore_errors=True)
    summary = inputs.write(file, rows)
    connection = duckdb.connect(str(file), read_only=True)
    try:
        connection.execute("set TimeZone = 'UTC'")
        for name in inputs.TABLES:
            path = target / name / "0.parquet"
            path.parent.mkdir(parents=True)
            connection.execute(f"copy inputs.{name} to {content.literal(str(path))} (format parquet)")
    finally:
        connection.close()
        file.unlink()
    return summary
