"""The dbt project, compiled once a session for tests that run its SQL in process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.reconciliation.firm import Compiled, Firm
from throughline.inputs import TABLES
from throughline.stages.build import VENDORS


@pytest.fixture(scope="session")
def compiled(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    """The controls and the reconciliation as SQL."""
    folder = tmp_path_factory.mktemp("dbt")
    build = folder / "build.duckdb"
    with duckdb.connect(str(build)) as connection:
        connection.execute("create schema inputs")
        for name, columns in TABLES.items():
            connection.execute(f"create table inputs.{name} ({columns})")
    duckdb.connect(str(folder / "raw.duckdb")).close()
    project = project_root / "dbt_project"
    # every vendor, and the events inbox beside them
    told = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]["mappings"]
    variables = {
        "systems": ",".join([*VENDORS, "events"]),
        "mappings": {**told, "integration_event": ["events"]},
    }
    done = subprocess.run(
        [sys.executable, "-m", "throughline.dbt_quick", "compile", "--quiet", "--project-dir", str(project),
         "--profiles-dir", str(project), "--target-path", str(folder / "target"),
         "--log-path", str(folder / "logs"), "--vars", json.dumps(variables),
         "--select", "models/controls", "models/reconciliation"],
        env={
            **os.environ,
            "THROUGHLINE_BUILD_DB": str(build),
            "THROUGHLINE_RAW_DB": str(folder / "raw.duckdb"),
            "THROUGHLINE_SERVING_DB": str(folder / "serving_candidate.duckdb"),
        },
        cwd=folder,
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = json.loads((folder / "target" / "manifest.json").read_text(encoding="utf-8"))
    return Compiled(manifest, project)


@pytest.fixture
def firm(compiled: Compiled) -> Firm:
    """An empty firm."""
    return Firm(compiled)
