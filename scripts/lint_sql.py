"""Lint the models and singular tests with sqlfluff, compiled by dbt against three empty files.

Usage: python scripts/lint_sql.py [PATH ...]      (all of them unless given)

dbt reads the project once; then one sqlfluff per core compiles and judges files, each what no other took,
so that no file's tree goes from process to process. What is judged is a copy of the project in which loops
over every dataset go over one of each shape: a loop's body is one piece of SQL however often it is written
out, and judging it fifty times took longer than all the rest.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
# Every model and singular test; macros are judged by what they make of them.
DEFAULT = ("dbt_project/models", "dbt_project/tests")
# The files that the project's profile names; empty here.
FILES = ("raw", "build", "serving")
# The macro file with the long lists, and what stands for each list here.
LISTS = "dbt_project/macros/controls.sql"
SHORT_LISTS = {
    "landed_datasets": """
    {%- set some, shapes = [], [] -%}
    {%- for one in throughline.every_landed_datasets() -%}
        {%- set shape = one[2] is none -%}
        {%- if shape not in shapes -%}{%- do shapes.append(shape) -%}{%- do some.append(one) -%}{%- endif -%}
    {%- endfor -%}
    {{ return(some) }}
""",
    "conserved_datasets": """
    {%- set some, shapes = {}, [] -%}
    {%- for dataset, through in throughline.every_conserved_datasets().items() -%}
        {%- set shape = through | list -%}
        {%- if shape not in shapes -%}
            {%- do shapes.append(shape) -%}
            {%- do some.update({dataset: through}) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(some) }}
""",
}


def shortened(macros: str) -> str:
    """The macros' text with each long list cut to one of each shape; ValueError when a list is gone."""
    for name, body in SHORT_LISTS.items():
        head = f"{{% macro {name}() -%}}"
        if macros.count(head) != 1:
            raise ValueError(
                f"{LISTS} does not define {name}() once: mend SHORT_LISTS in {Path(__file__).name}"
            )
        macros = macros.replace(head, f"{{% macro every_{name}() -%}}")
        macros += f"\n{{% macro {name}() -%}}{body}{{%- endmacro %}}\n"
    return macros


def copy_project(folder: Path) -> None:
    """Copy what sqlfluff and dbt read into `folder`, with the long lists cut short."""
    for name in (".sqlfluff", ".sqlfluffignore"):
        shutil.copyfile(ROOT / name, folder / name)
    shutil.copytree(
        ROOT / "dbt_project", folder / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")
    )
    lists = folder / LISTS
    lists.write_text(shortened(lists.read_text(encoding="utf-8")), encoding="utf-8")


def read_project(folder: Path, environment: dict[str, str]) -> int:
    """Let dbt read the project in `folder`, for the processes that come; its exit code."""
    return subprocess.run(
        [
            sys.executable, "-m", "throughline.dbt_quick", "parse", "--quiet", "--target", "duckdb",
            "--project-dir", "dbt_project", "--profiles-dir", "dbt_project",
        ],
        env=environment,
        cwd=room(folder, "reader"),
        check=False,
    ).returncode  # fmt: skip


def room(folder: Path, name: str) -> Path:
    """A folder for one process: the same project, database files of its own, since DuckDB lets one in."""
    own = folder / name
    own.mkdir()
    for shared in ("dbt_project", ".sqlfluff", ".sqlfluffignore"):
        (own / shared).symlink_to(folder / shared)
    for file in FILES:
        duckdb.connect(str(own / f"{file}.duckdb")).close()
    return own


def judge(folder: Path, environment: dict[str, str], paths: list[str]) -> int:
    """sqlfluff's exit code for `paths` in `folder`: the worst of the processes that share them."""
    command = [sys.executable, str(ROOT / "scripts" / "sqlfluff_once.py"), "lint", "--disable-progress-bar"]
    with ExitStack() as open_files:
        running = []
        for number in range(os.cpu_count() or 1):
            own = room(folder, f"judge_{number}")
            output = open_files.enter_context((own / "said").open("w+"))
            one = subprocess.Popen(
                [*command, *paths], env=environment, cwd=own, stdout=output, stderr=subprocess.STDOUT
            )
            running.append((one, output))
        codes = [one.wait() for one, _ in running]
        for _, output in running:
            output.seek(0)
            print(output.read(), end="")
    return max(abs(code) for code in codes)


def main(paths: list[str]) -> int:
    """sqlfluff's exit code for `paths`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        copy_project(folder)
        (folder / "claims").mkdir()
        environment = {
            **os.environ,
            **{f"THROUGHLINE_{file.upper()}_DB": f"{file}.duckdb" for file in FILES},
            "PYTHONPATH": str(ROOT),
            "THROUGHLINE_LINT_CLAIMS": str(folder / "claims"),
            "DBT_TARGET_PATH": str(folder / "target"),
            "DBT_LOG_PATH": str(folder / "logs"),
        }
        chosen = [os.path.relpath(Path(path).resolve(), ROOT) for path in paths]
        return read_project(folder, environment) or judge(folder, environment, chosen or list(DEFAULT))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
