"""Reading the registry: `metrics.yml` as checked values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

SOURCE = Path(__file__).with_name("metrics.yml")
KINDS = ("flow", "balance", "margin", "ratio", "ahead", "days", "median", "stock")
GRAINS = ("FIRM", "LEGAL_ENTITY", "REGION", "PRACTICE", "CUSTOMER", "PROJECT", "CONTRACT_LINE", "RESOURCE")
CURRENCY_VIEWS = ("TC", "FC", "RC", "CC", "NA")
PERIOD_TYPES = ("POINT", "MONTH", "QUARTER", "YTD", "T3M", "T12M")
DIRECTIONS = ("up", "down", "none")


@dataclass(frozen=True)
class Metric:
    """One metric: its words, its formula and where it is shown."""

    id: str
    name: str
    kind: str
    formula: str
    unit: str
    good_direction: str
    blank_when: str
    grains: tuple[str, ...]
    currency_views: tuple[str, ...]
    period_types: tuple[str, ...]
    sources: tuple[str, ...]
    owner: str
    version: int


def load(source: Path = SOURCE) -> list[Metric]:
    """The registry's metrics in file order.

    Raises ValueError naming the metric and what is wrong with it: a missing or unknown field, an unknown
    word, an id used twice.
    """
    told = yaml.safe_load(source.read_text(encoding="utf-8"))["metrics"]
    metrics = [_metric(row) for row in told]
    ids = [metric.id for metric in metrics]
    for one in ids:
        if ids.count(one) > 1:
            raise ValueError(f"metric {one} stands in the registry twice")
    return metrics


def _metric(row: dict[str, Any]) -> Metric:
    name = str(row.get("id", "without an id"))
    wanted = {field.name for field in fields(Metric)}
    if set(row) != wanted:
        missing, unknown = sorted(wanted - set(row)), sorted(set(row) - wanted)
        raise ValueError(f"metric {name}: missing {missing}, unknown {unknown}")
    told: dict[str, Any] = {
        key: tuple(map(str, value)) if isinstance(value, list) else value for key, value in row.items()
    }
    metric = Metric(**told)
    for value, allowed in (
        ((metric.kind,), KINDS),
        ((metric.good_direction,), DIRECTIONS),
        (metric.grains, GRAINS),
        (metric.currency_views, CURRENCY_VIEWS),
        (metric.period_types, PERIOD_TYPES),
    ):
        for word in value:
            if word not in allowed:
                raise ValueError(f"metric {name}: {word!r} is none of {', '.join(allowed)}")
    return metric
