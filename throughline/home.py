"""Where everything of one warehouse lies: the home's paths, in one place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "THROUGHLINE_HOME"
DEFAULT = ".throughline"
PROJECT_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Home:
    """The folder of one warehouse. Nothing is created before `ensure`."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "throughline.toml"

    @property
    def dlt(self) -> Path:
        """Settings, secrets and the pipelines' working folders."""
        return self.root / ".dlt"

    @property
    def secrets(self) -> Path:
        return self.dlt / "secrets.toml"

    @property
    def raw(self) -> Path:
        return self.root / "raw.duckdb"

    @property
    def build(self) -> Path:
        return self.root / "build.duckdb"

    @property
    def landed_files(self) -> Path:
        """What landing writes instead of raw.duckdb where Spark builds: a folder per dataset and table."""
        return self.root / "raw"

    @property
    def spark(self) -> Path:
        """What a build on Spark reads and writes beside the landed files: `inputs` and `warehouse`."""
        return self.root / "spark"

    @property
    def state(self) -> Path:
        return self.root / "state.db"

    @property
    def serving(self) -> Path:
        return self.root / "serving"

    @property
    def pointer(self) -> Path:
        """The small file that says which run is published."""
        return self.serving / "current.json"

    @property
    def pins(self) -> Path:
        return self.serving / "pins.json"

    @property
    def runs(self) -> Path:
        return self.root / "runs"

    @property
    def exports(self) -> Path:
        return self.root / "exports"

    @property
    def sandbox(self) -> Path:
        return self.root / "sandbox"

    @property
    def lock(self) -> Path:
        return self.root / "throughline.lock"

    @property
    def partial_parse(self) -> Path:
        """dbt's parsed project, kept from run to run because parsing is most of its start-up."""
        return self.root / "dbt" / "partial_parse.msgpack"

    def run(self, run_id: str) -> Path:
        return self.runs / run_id

    @property
    def attached(self) -> Path:
        """The candidate while dbt has it open: one name for all runs, because dbt parses its whole project
        anew whenever a path in its profile has changed."""
        return self.serving / "attached.duckdb"

    def candidate(self, run_id: str) -> Path:
        """The serving file from the end of its build until it is published."""
        return self.serving / f"candidate_{run_id}.duckdb"

    def published(self, run_id: str) -> Path:
        """The serving file once it is published. A name is used once and its content never changes."""
        return self.serving / f"serving_{run_id}.duckdb"

    def ensure(self) -> Home:
        """Create the folders that must exist before anything runs."""
        for folder in (self.root, self.dlt, self.serving, self.runs, self.exports):
            folder.mkdir(parents=True, exist_ok=True)
        return self


def resolve(path: str | Path | None = None) -> Home:
    """The home at `path`, else at $THROUGHLINE_HOME, else `./.throughline`."""
    chosen = path or os.environ.get(VARIABLE) or DEFAULT
    return Home(Path(chosen).expanduser().resolve())
