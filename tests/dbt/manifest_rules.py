"""The house rules that dbt's manifest can be held against: what each model, source, test and exposure tells.

Each rule takes a manifest (the parsed `manifest.json`) and gives one sentence per fault, none if all is well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Manifest = dict[str, Any]
Node = dict[str, Any]

# Layers whose models are contracts: others build on their columns. Staging and mapping keep vendors' words.
CONTRACT_LAYERS = ("canonical", "master", "ledger", "lifecycle", "controls", "reconciliation", "marts")
# Steps that several controls share: read by controls only, and held by the controls' own contracts.
INNER_FOLDERS = ("models/controls/base/", "models/controls/control__outcome.sql")
UNIQUENESS = ("unique", "unique_combination")
# Tables in which a row stands for something that went wrong or changed: silence is no sign of age.
EVENT_TABLES = ("landing.reject", "landing.reject_event", "landing.schema_change", "landing.personal")
SENTENCE = re.compile(r"[a-z]+__[a-z0-9]+(_[a-z0-9]+){1,}")
OPENING = "-- The wrong number this would let through: "


def models(manifest: Manifest) -> list[Node]:
    """The models of the layers that are contracts."""
    return [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["fqn"][1] in CONTRACT_LAYERS
    ]


def is_inner(model: Node) -> bool:
    """Whether a model is a step between others of its layer."""
    return model["original_file_path"].startswith(INNER_FOLDERS)


def models_without_grain(manifest: Manifest) -> Iterator[str]:
    """Models that do not say what one row of them is."""
    for model in models(manifest):
        if not model["description"].strip():
            yield f"{model['name']} says nothing about itself"
        if not str(model["config"]["meta"].get("grain", "")).strip():
            yield f"{model['name']} does not say its grain"


def models_without_contract(manifest: Manifest) -> Iterator[str]:
    """Models whose columns may change unnoticed, or mean something nobody wrote down."""
    for model in models(manifest):
        if is_inner(model):
            continue
        if not model["config"]["contract"]["enforced"]:
            yield f"{model['name']} has no enforced contract"
        if not model["columns"]:
            yield f"{model['name']} lists no columns"
        for name, column in model["columns"].items():
            if not column["description"].strip():
                yield f"{model['name']}.{name} has no meaning"


def models_without_uniqueness(manifest: Manifest) -> Iterator[str]:
    """Models in which a row that came twice would be counted twice."""
    tested = {
        node["attached_node"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test"
        and (node.get("test_metadata") or {}).get("name") in UNIQUENESS
        and node["config"]["severity"].lower() == "error"
    }
    for model in models(manifest):
        if model["unique_id"] not in tested:
            yield f"{model['name']} has no uniqueness test on its grain"


def stars_in_final_selects(manifest: Manifest) -> Iterator[str]:
    """Contract models whose columns are whatever the step before them has."""
    for model in models(manifest):
        if is_inner(model):
            continue
        final = re.split(r"(?m)^select\b", model["raw_code"])[-1]
        # a model that ends with a macro's select begins no line with one
        if final != model["raw_code"] and re.search(r"(?m)^\s*(\w+\.)?\*", final):
            yield f"{model['name']} ends with select *"


def tests_that_are_no_sentences(manifest: Manifest) -> Iterator[str]:
    """Singular tests that do not say what they hold, or which wrong number their failure would have been."""
    for node in manifest["nodes"].values():
        if node["resource_type"] != "test" or node.get("test_metadata"):
            continue
        if not SENTENCE.fullmatch(node["name"]):
            yield f"{node['name']} is not named {{layer}}__{{sentence}}"
        if not node["raw_code"].startswith(OPENING):
            yield f"{node['name']} does not open with '{OPENING.strip()}'"


def sources_without_freshness(manifest: Manifest) -> Iterator[str]:
    """Landed tables that could stand still unnoticed."""
    for source in manifest["sources"].values():
        name = f"{source['source_name']}.{source['name']}"
        if source["database"] != "raw" or name in EVENT_TABLES:
            continue
        limit = (source.get("freshness") or {}).get("error_after") or {}
        if not limit.get("count") or not source.get("loaded_at_field"):
            yield f"{name} has no freshness"


def exposed_tables(manifest: Manifest) -> dict[str, set[str]]:
    """Per exposure's label, the `schema.table` names it depends on."""
    return {
        exposure["label"]: {
            f"{manifest['nodes'][key]['schema'].removeprefix('main_')}.{manifest['nodes'][key]['name']}"
            for key in exposure["depends_on"]["nodes"]
        }
        for exposure in manifest["exposures"].values()
    }
