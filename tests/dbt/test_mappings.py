"""The variable `mappings`: what dbt_project.yml says is what the mapping models' names say."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from throughline.mappings import MODELS, mappings, ports
from throughline.recon.catalogue import load
from throughline.stages.build import VENDORS


def test_the_project_names_the_mappings_of_the_vendors_it_knows() -> None:
    project = yaml.safe_load((MODELS.parent / "dbt_project.yml").read_text(encoding="utf-8"))
    assert project["vars"]["mappings"] == mappings(VENDORS)


def test_a_system_of_its_own_is_found_by_the_names_of_its_models(tmp_path: Path) -> None:
    for port in ("customer", "invoice"):
        path = tmp_path / "canonical" / "any" / f"canonical__{port}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    for name in ("kantata__customer", "kantata__helper"):
        path = tmp_path / "mapping" / "kantata" / f"{name}.sql"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert ports(tmp_path) == ["customer", "invoice"]
    assert mappings(["kantata", "nobody"], tmp_path) == {"customer": ["kantata"]}


def test_the_ports_that_are_looked_at_are_those_the_controls_need() -> None:
    needed = {port for control in load()["controls"] for port in control["ports"]}
    assert needed <= set(ports())
    macro = (MODELS.parent / "macros" / "ports.sql").read_text(encoding="utf-8").split("vital_ports()")[1]
    assert set(re.findall(r"'(\w+)'", macro)) == needed
