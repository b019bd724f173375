"""The catalogue of controls and the seeds written from it.

`python -m throughline.recon.catalogue` writes the four seeds anew; `--check` only compares and exits with 1
when one of them differs.
"""

from __future__ import annotations

import csv
import io
import sys
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from throughline import files
from throughline.home import PROJECT_ROOT

CATALOGUE = PROJECT_ROOT / "dbt_project" / "controls" / "controls.yml"
SEEDS = PROJECT_ROOT / "dbt_project" / "seeds"
TEXTS = ("name", "area", "assertion", "risk_type", "risk", "rule", "grain", "owner", "fix")
NUMBERS = ("abs_tol", "rel_tol", "hard_cap", "grace")


def load(path: Path = CATALOGUE) -> dict[str, Any]:
    """The catalogue as written. Raises ValueError when a control misses a text or two share an id."""
    catalogue: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    seen: set[str] = set()
    for control in catalogue["controls"]:
        missing = [
            name
            for name in ("id", *TEXTS, "systems", "parameters", "datasets", "ports")
            if name not in control
        ]
        if missing:
            raise ValueError(f"{path.name}: {control.get('id')} has no {', '.join(missing)}")
        if control["id"] in seen:
            raise ValueError(f"{path.name}: {control['id']} stands twice")
        seen.add(control["id"])
    return catalogue


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)


def _table(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_text(value) for value in row] for row in rows)
    return out.getvalue()


def seeds(catalogue: dict[str, Any]) -> dict[str, str]:
    """The text of every seed by file name, in the catalogue's order."""
    default = catalogue["defaults"]
    controls = catalogue["controls"]
    start = default["effective_from"]
    parameters = []
    settings: list[tuple[Any, ...]] = [
        ("ALL", name, value, start, None) for name, value in default["settings"].items()
    ]
    for control in controls:
        for held in control["parameters"]:
            parameters.append(
                (
                    control["id"],
                    control["grain"],
                    *(held.get(name) for name in NUMBERS),
                    "working days",
                    held.get("floor"),
                    held.get("floor_when"),
                    control["risk_type"],
                    control["owner"],
                    held.get("sla", default["sla"]),
                    held.get("effective_from", start),
                    held.get("effective_to"),
                )
            )
        for name, value in control.get("settings", {}).items():
            settings.append((control["id"], name, value, start, None))
    return {
        "control.csv": _table(
            ("control_id", "name", "area", "systems", "assertion", "risk_type", "risk", "rule", "grain",
             "owner", "fix", "version"),
            [
                (
                    control["id"], control["name"], control["area"], ", ".join(control["systems"]),
                    control["assertion"], control["risk_type"], control["risk"], control["rule"],
                    control["grain"], control["owner"], control["fix"],
                    control.get("version", default["version"]),
                )
                for control in controls
            ],
        ),
        "control_parameter.csv": _table(
            ("control_id", "grain_columns", *NUMBERS, "grace_unit", "floor", "floor_when", "risk_type",
             "owner", "sla", "effective_from", "effective_to"),
            parameters,
        ),
        "control_setting.csv": _table(
            ("control_id", "name", "value", "effective_from", "effective_to"), settings
        ),
        "control_dataset.csv": _table(
            ("control_id", "source_system", "resource"),
            [
                (control["id"], *dataset.split(".", 1))
                for control in controls
                for dataset in control["datasets"]
            ],
        ),
        "control_port.csv": _table(
            ("control_id", "port"),
            [(control["id"], port) for control in controls for port in control["ports"]],
        ),
    }  # fmt: skip


def stale(folder: Path = SEEDS) -> list[str]:
    """The seeds in `folder` that differ from what the catalogue gives."""
    return [
        name
        for name, text in seeds(load()).items()
        if not (folder / name).exists() or (folder / name).read_text(encoding="utf-8") != text
    ]


def main(argv: list[str]) -> int:
    """Write the seeds, or with --check only say which differ. 0 when all is equal or written, else 1."""
    if "--check" in argv:
        differing = stale()
        for name in differing:
            print(
                f"{name} differs from controls.yml: run python -m throughline.recon.catalogue",
                file=sys.stderr,
            )
        return 1 if differing else 0
    for name, text in seeds(load()).items():
        files.write_text(SEEDS / name, text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
