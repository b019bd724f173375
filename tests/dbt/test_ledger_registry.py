"""The registry is the one place that says what a metric means; what it generates is not edited by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from throughline.registry import documents, load, stale
from throughline.registry.catalogue import SOURCE
from throughline.registry.catalogue import load as load_from


def test_seed_and_page_say_what_the_registry_says(project_root: Path) -> None:
    assert stale(project_root) == []


def test_an_edited_seed_is_found(tmp_path: Path) -> None:
    for path, text in documents().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    seed = next(path for path in documents() if path.suffix == ".csv")
    (tmp_path / seed).write_text(documents()[seed].replace("Revenue", "Turnover", 1), encoding="utf-8")
    assert stale(tmp_path) == [seed]


def test_metrics_of_the_first_release_are_registered() -> None:
    wanted = {
        "gross_bookings", "net_bookings", "total_backlog", "wip_operational", "billed", "recognised_revenue",
        "labour_cost", "subcontractor_cost", "project_gross_margin", "ar_gross", "billable_utilisation_net",
        "delayed_revenue_currency_days",
    }  # fmt: skip
    registered = {metric.id for metric in load()}
    assert wanted <= registered
    assert {one for one in registered if one.startswith("handoff_lag_")} == registered - wanted


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "guess"}, "'guess' is none of"),
        ({"grains": ["FIRM", "PLANET"]}, "'PLANET' is none of"),
        ({"colour": "red"}, "unknown ['colour']"),
        ({"formula": None, "name": None, "id": "billed"}, "twice"),
    ],
    ids=["unknown kind", "unknown grain", "unknown field", "id twice"],
)
def test_a_wrong_entry_is_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    told = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    told["metrics"][0] |= change
    source = tmp_path / "metrics.yml"
    source.write_text(yaml.safe_dump(told), encoding="utf-8")
    with pytest.raises(ValueError, match="metric") as problem:
        load_from(source)
    assert said in str(problem.value)
