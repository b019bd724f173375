"""Lint the models and singular tests with sqlfluff, compiled by dbt against three empty files.

Usage: python scripts/lint_sql.py [PATH ...]      (all of them unless given)

dbt reads the project once, in the first process; the others judge what it compiled, one per core. What is
judged is a copy of the project in which loops over every dataset go over one of each shape: a loop's body is
one piece of SQL however often it is written out, and judging it fifty times took longer than all the rest.
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
# Every model and singular test; macros are judged by what they make of them.
DEFAULT = ("dbt_project/models", "dbt_project/tests")
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


def main(paths: list[str]) -> int:
    """sqlfluff's exit code for `paths`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        copy_project(folder)
        environment = dict(os.environ)
        for file in ("raw", "build", "serving"):
            path = folder / f"{file}.duckdb"
            duckdb.connect(str(path)).close()
            environment[f"THROUGHLINE_{file.upper()}_DB"] = str(path)
        environment["DBT_TARGET_PATH"] = str(folder / "target")
        environment["DBT_LOG_PATH"] = str(folder / "logs")
        chosen = [os.path.relpath(Path(path).resolve(), ROOT) for path in paths]
        return subprocess.run(
            [
                sys.executable,
                str(ROOT / "scripts" / "sqlfluff_once.py"),
                "lint",
                "--disable-progress-bar",
                "--processes",
                "0",
                *(chosen or DEFAULT),
            ],
            env=environment,
            cwd=folder,
            check=False,
        ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
