"""The systems of record of a firm with the vendors that the models know, as a build is told."""

from __future__ import annotations

from typing import Any

from throughline.records import resolve

KINDS = {
    ("salesforce", "main"): "crm",
    ("certinia", "main"): "psa",
    ("bamboohr", "main"): "hr",
    ("netsuite", "main"): "erp",
    ("docusign", "main"): "documents",
}
COLUMNS = (
    "domain", "legal_entity_id", "source_system", "source_instance", "valid_from", "valid_to",
    "excluded_entities",
)  # fmt: skip


def rows(*domains: str) -> list[dict[str, Any]]:
    """The rows of inputs.system_of_record, by column: of `domains`, else of all."""
    return [vars(one) for one in resolve((), KINDS) if not domains or one.domain in domains]
