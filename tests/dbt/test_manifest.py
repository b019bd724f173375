"""Every model tells its grain, its columns and what must be unique; every rule is seen to bite."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator

import pytest

from tests.dbt import manifest_rules as rules
from tests.dbt.manifest_rules import Manifest
from tests.dbt.raw_fixture import ROOT, Project, Raw

Rule = Callable[[Manifest], Iterator[str]]


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """dbt's own reading of the project."""
    folder = tmp_path_factory.mktemp("manifest")
    Raw(folder / "raw.duckdb").close()
    project = Project(folder, folder / "raw.duckdb")
    project.prepare(as_of="2026-01-31", known_at="2026-02-01T00:00:00")
    project.dbt("parse", "--no-partial-parse")
    read: Manifest = json.loads((folder / "target" / "manifest.json").read_text(encoding="utf-8"))
    return read


@pytest.mark.parametrize(
    "rule",
    [
        rules.models_without_grain,
        rules.models_without_contract,
        rules.models_without_uniqueness,
        rules.stars_in_final_selects,
        rules.tests_that_are_no_sentences,
        rules.sources_without_freshness,
    ],
    ids=lambda rule: rule.__name__,
)
def test_the_project_keeps_the_house_rules(manifest: Manifest, rule: Rule) -> None:
    assert list(rule(manifest)) == []


def _model(manifest: Manifest, name: str) -> dict[str, object]:
    found: dict[str, object] = manifest["nodes"][f"model.throughline.{name}"]
    return found


def _no_grain(manifest: Manifest) -> None:
    del _model(manifest, "dim_customer")["config"]["meta"]["grain"]  # type: ignore[index]


def _no_contract(manifest: Manifest) -> None:
    _model(manifest, "exception")["config"]["contract"]["enforced"] = False  # type: ignore[index]


def _no_meaning(manifest: Manifest) -> None:
    _model(manifest, "metric_value")["columns"]["value"]["description"] = " "  # type: ignore[index]


def _no_uniqueness(manifest: Manifest) -> None:
    manifest["nodes"] = {
        key: node
        for key, node in manifest["nodes"].items()
        if node.get("attached_node") != "model.throughline.metric_drill"
    }


def _star(manifest: Manifest) -> None:
    model = _model(manifest, "conservation")
    model["raw_code"] = f"{model['raw_code']}\nselect\n    laid.*,\n    1 as one\nfrom laid\n"


def _no_sentence(manifest: Manifest) -> None:
    key = next(key for key in manifest["nodes"] if key.endswith(".canonical__journals_balance"))
    manifest["nodes"][key]["name"] = "test_7"


def _no_number(manifest: Manifest) -> None:
    key = next(key for key in manifest["nodes"] if key.endswith(".canonical__journals_balance"))
    manifest["nodes"][key]["raw_code"] = "-- Journals.\nselect 1"


def _no_freshness(manifest: Manifest) -> None:
    manifest["sources"]["source.throughline.netsuite.customer"]["loaded_at_field"] = None


@pytest.mark.parametrize(
    ("rule", "spoil", "said"),
    [
        (rules.models_without_grain, _no_grain, "dim_customer does not say its grain"),
        (rules.models_without_contract, _no_contract, "exception has no enforced contract"),
        (rules.models_without_contract, _no_meaning, "metric_value.value has no meaning"),
        (rules.models_without_uniqueness, _no_uniqueness, "metric_drill has no uniqueness test"),
        (rules.stars_in_final_selects, _star, "conservation ends with select *"),
        (rules.tests_that_are_no_sentences, _no_sentence, "test_7 is not named"),
        (rules.tests_that_are_no_sentences, _no_number, "canonical__journals_balance does not open with"),
        (rules.sources_without_freshness, _no_freshness, "netsuite.customer has no freshness"),
    ],
    ids=lambda part: part.__name__.strip("_") if callable(part) else None,
)
def test_a_model_that_lacks_something_is_named(
    manifest: Manifest, rule: Rule, spoil: Callable[[Manifest], None], said: str
) -> None:
    spoilt = copy.deepcopy(manifest)
    spoil(spoilt)
    assert [fault for fault in rule(spoilt) if said in fault]


def _read_tables(*folders: str) -> set[str]:
    """The published tables that Python files under `folders` name."""
    return {
        name
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in re.findall(
            r"\b(?:marts|reconciliation|master)\.(?!sql\b)[a-z_]+", path.read_text(encoding="utf-8")
        )
    }


def test_exposures_name_every_page_and_the_workbook(manifest: Manifest) -> None:
    app = (ROOT / "dashboards" / "app.py").read_text(encoding="utf-8")
    pages = set(re.findall(r'\btitle="([^"]+)"', app))
    told = {one["label"]: one["type"] for one in manifest["exposures"].values()}
    assert pages == {label for label, kind in told.items() if kind == "dashboard"}
    assert "Exception workbook" in told


@pytest.mark.parametrize("folder", ["dashboards", "throughline/recon"])
def test_exposures_name_every_table_that_is_read(manifest: Manifest, folder: str) -> None:
    exposed = set().union(*rules.exposed_tables(manifest).values())
    read = _read_tables(folder)
    assert len(read) > 5
    assert read <= exposed, sorted(read - exposed)
