"""The ports as files fill them, written from the canonical YAML; what `init --files` makes of them."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from pipelines.manifest import Manifest
from pipelines.ports import SYSTEMS, Port, load_ports
from pipelines.sources import load_source
from scripts import build_ports
from throughline import cli, config, port_templates
from throughline.home import Home

# Which code list of the seed says what a column may hold; the lists are made of the vendors' words.
CODES = {
    ("assignment", "status"): "assignment_status",
    ("billing_line", "category"): "billing_category",
    ("contract", "billing_method"): "billing_method",
    ("contract", "status"): "contract_status",
    ("contract_line", "billing_method"): "billing_method",
    ("customer", "customer_type"): "customer_type",
    ("customer", "status"): "customer_status",
    ("customer_entity", "status"): "customer_status",
    ("expense_line", "status"): "expense_status",
    ("expense_report", "status"): "expense_status",
    ("gl_account", "statement"): "account_statement",
    ("invoice", "document_type"): "document_type",
    ("invoice", "status"): "invoice_status",
    ("milestone", "status"): "milestone_status",
    ("opportunity", "billing_method"): "billing_method",
    ("opportunity", "opportunity_type"): "opportunity_type",
    ("opportunity", "stage"): "stage",
    ("opportunity_stage_event", "stage"): "stage",
    ("project", "billing_method"): "billing_method",
    ("project", "status"): "project_status",
    ("project_budget", "budget_type"): "budget_type",
    ("time_entry", "status"): "time_status",
    ("time_off", "status"): "absence_status",
}
WORDS = frozenset(
    "case when then else end and or not in is null true false coalesce extract year from".split()  # noqa: SIM905
)
# ids of nothing that a port holds
NO_RECORDS = {"tax_id", "owner_id", "correlation_id", "approval_id", "metric_id"}


def test_what_is_written_from_the_ports_yaml_is_current() -> None:
    assert build_ports.stale(build_ports.written()) == [], "run python scripts/build_ports.py"


def test_an_edited_file_is_found(tmp_path: Path) -> None:
    path = tmp_path / "ports.yml"
    path.write_text("old", encoding="utf-8")
    assert build_ports.stale({path: "new"}) == [path, *sorted(build_ports.MAPPING.glob("files__*.sql"))]


def test_every_port_is_a_resource_with_the_same_columns() -> None:
    manifest: Manifest = load_source("files").manifest
    assert [resource.name for resource in manifest.resources] == list(load_ports())
    for resource in manifest.resources:
        port = load_ports()[resource.name]
        assert resource.names == port.header
        assert resource.key == ("source_system", *port.key)
        assert {item.name for item in resource.fields if item.required} >= set(port.required)
        assert resource.pii == {column.name for column in port.columns if column.personal}


@pytest.mark.parametrize("port", load_ports().values(), ids=list(load_ports()))
def test_a_port_says_what_its_columns_are(port: Port) -> None:
    known = load_ports()
    assert port.system in SYSTEMS
    for column in port.columns:
        assert column.description, column.name
        if isinstance(column.references, str) and column.references != "own":
            target = known[column.references]
            assert column.kind == "id"
            assert column.system in (target.systems if target.asks_system else (None,)), column.name
        if column.name.endswith("_id") and column.name not in NO_RECORDS:
            assert column.references or column.name in port.key, f"{column.name} leads nowhere"
        if column.default is not None:
            assert not column.required, f"{column.name} is required and has a default"
            bare = re.sub(r"'[^']*'", "", column.default)
            named = set(re.findall(r"[a-z_]+", bare)) - WORDS
            assert named <= {other.name for other in port.columns}, column.name


def test_codes_are_those_of_the_seed(project_root: Path) -> None:
    meant: dict[str, set[str]] = {}
    with (project_root / "dbt_project" / "seeds" / "codes.csv").open(encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            meant.setdefault(row["code_type"], set()).add(row["canonical_value"])
    for (port, name), code_type in CODES.items():
        column = load_ports()[port].column(name)
        assert column is not None
        assert set(column.values) == meant[code_type], (port, name)


def test_a_reference_to_a_port_that_several_systems_fill_must_say_which(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models = build_ports.models()
    column = next(entry for entry in models["invoice"]["columns"] if entry["name"] == "customer_id")
    del column["config"]["meta"]["system"]
    monkeypatch.setattr(build_ports, "models", lambda: models)
    with pytest.raises(ValueError, match=r"invoice.customer_id: several systems fill customer"):
        build_ports.ports()
    column["config"]["meta"]["references"] = "custommer"
    with pytest.raises(ValueError, match=r"customer_id references custommer, which is no port"):
        build_ports.ports()


def test_init_writes_templates_and_a_configuration_that_reads_them(tmp_path: Path) -> None:
    home, folder = Home(tmp_path / "home"), tmp_path / "in"
    words = ["--home", str(home.root), "init", "--files", str(folder)]
    assert CliRunner().invoke(cli.app, words).exit_code == 0
    assert {path.stem for path in folder.glob("*.csv")} == set(load_ports())
    for port in load_ports().values():
        assert (folder / f"{port.name}.csv").read_text(encoding="utf-8") == ",".join(port.header) + "\n"
    [source] = config.load(home).enabled_sources()
    assert (source.name, source.instance, source.options["path"]) == ("files", "files", str(folder))
    # a second time nothing that people wrote is lost
    (folder / "currency.csv").write_text("currency_code\nEUR\n", encoding="utf-8")
    (folder / "invoice.csv").rename(folder / "invoice.xlsx")
    home.config.write_text("# mine\n", encoding="utf-8")
    assert CliRunner().invoke(cli.app, words).exit_code == 0
    assert (folder / "currency.csv").read_text(encoding="utf-8") == "currency_code\nEUR\n"
    assert not (folder / "invoice.csv").exists()
    assert home.config.read_text(encoding="utf-8") == "# mine\n"


def test_the_page_has_a_row_for_every_column() -> None:
    text = port_templates.page(load_ports())
    for port in load_ports().values():
        section = text.split(f"\n## {port.name}\n")[1].split("\n## ")[0]
        assert re.findall(r"^\| (\w+) \|", section, re.MULTILINE)[1:] == list(port.header)
    assert "| customer_id | id of customer (erp) | yes | ERP customer. |" in text
    assert yaml.safe_load(build_ports.PORTS.read_text(encoding="utf-8")).keys() == load_ports().keys()
