"""The configuration: what is read, what is refused and how it is said."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from throughline import config, inputs
from throughline.errors import ThroughlineError
from throughline.home import Home
from throughline.mappings import files_ports, mappings
from throughline.records import resolve
from throughline.stages.build import instances

WHOLE = """
reporting_currency = "USD"
[home]
keep_published = 3
[engine]
threads = 2
memory = "2GiB"
[sources.salesforce]
base_url = "http://127.0.0.1:9001"
page_size = 500
[sources.netsuite]
enabled = false
instance = "eu"
[[systems_of_record]]
domain = "contract"
legal_entity = "netsuite:main:2"
system = "netsuite"
valid_from = 2025-01-01
[[entities]]
id = "netsuite:main:1"
calendar = "US"
fiscal_year_start_month = 4
[[entity_whitelist]]
control = "CRM-ERP-004"
sold_by = "a"
invoiced_by = "b"
[quota]
share = 0.5
[quota.salesforce]
share = 0.30
[parameters]
warning_share = [{value = 0.80, effective_from = 2025-01-01}, {value = 0.85, effective_from = 2026-01-01}]
basis = "standard"
strict = true
"""


def parsed(text: str) -> config.Config:
    return config.parse(Path("throughline.toml"), text)


def test_everything_is_read() -> None:
    read = parsed(WHOLE)
    assert (read.reporting_currency, read.keep_published) == ("USD", 3)
    assert read.engine == config.Engine(2, "2GiB")
    assert [source.name for source in read.enabled_sources()] == ["salesforce"]
    assert read.sources["netsuite"].dataset == "netsuite_eu"
    assert read.systems_of_record[0].legal_entity_id == "netsuite:main:2"
    assert read.systems_of_record[0].valid_from == date(2025, 1, 1)
    assert read.systems_of_record[0].valid_to is None
    assert read.entities[0].fiscal_year_start_month == 4
    assert read.entity_whitelist[0].legal_entity_id_b == "b"


def test_an_engine_is_named_alone_or_with_its_settings() -> None:
    alone = parsed('engine = "spark"\n[sources.salesforce]\n')
    assert (alone.engine.name, alone.engine.landing, dict(alone.engine.settings)) == ("spark", "parquet", {})
    assert alone.source_config(alone.sources["salesforce"])["landing"] == "parquet"
    said = '[engine]\nname = "spark"\nthreads = 2\n[engine.spark]\n"spark.master" = "local[2]"\n'
    told = said + '"spark.sql.shuffle.partitions" = 1\n"spark.ui.enabled" = false\n'
    assert parsed(told).engine == config.Engine(
        threads=2,
        name="spark",
        settings={
            "spark.master": "local[2]",
            "spark.sql.shuffle.partitions": "1",
            "spark.ui.enabled": "false",
        },
    )
    assert parsed("").engine.landing == "duckdb"
    for wrong in ('engine = "trino"', "engine = 2", '[engine.spark]\n"spark.master" = "local"\n'):
        with pytest.raises(ThroughlineError) as caught:
            parsed(wrong)
        assert caught.value.code == "E-CFG-001"


def test_numbers_of_parameters_stay_as_written() -> None:
    found = {(one.name, one.effective_from.year): one.value for one in parsed(WHOLE).parameters}
    assert found == {
        ("warning_share", 2025): "0.80",
        ("warning_share", 2026): "0.85",
        ("basis", 1900): "standard",
        ("strict", 1900): "true",
    }


def test_a_connector_gets_its_own_options_and_quota() -> None:
    read = parsed(WHOLE)
    handed = read.source_config(read.sources["salesforce"])
    assert handed["base_url"] == "http://127.0.0.1:9001"
    assert handed["page_size"] == 500
    assert str(handed["quota"]["share"]) == "0.30"
    assert str(read.source_config(read.sources["netsuite"])["quota"]["share"]) == "0.5"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("reporting_curency = 'EUR'", "did you mean reporting_currency"),
        ("reporting_currency = 'euro'", "not an ISO code"),
        ("reporting_currency = 3", "not of type str"),
        ("[home]\nkeep_published = 0", "at least 1"),
        ("[home]\nkeep_published = true", "not of type int"),
        ("[sources.a]\nenabled = 'yes'", "sources.a: enabled"),
        ("[sources.a]\ninstance = 'Main one'", "lower-case"),
        ("[[systems_of_record]]\ndomain = 'contract'", "systems_of_record[1]: the setting system is missing"),
        ("[[entities]]\nid = 'x'\ncalendar = 'US'\nfiscal_year_start_month = 13", "from 1 to 12"),
        ("[[entities]]\nid = 'x'\ncalendar = 'US'\ncolour = 1", "unknown setting colour"),
        ("[parameters]\na = [{value = 1}]", "effective_from is missing"),
        ("[parameters]\na = [{value = 1, effective_from = 'soon'}]", "not a date"),
        ("[parameters]\na = [1]", "for each date"),
        ("a = ", "not valid TOML"),
    ],
)
def test_a_mistake_is_named(text: str, said: str) -> None:
    with pytest.raises(ThroughlineError) as caught:
        parsed(text)
    assert caught.value.code == "E-CFG-001"
    assert caught.value.exit_code == 64
    assert said in caught.value.what


def test_the_home_comes_before_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, home = tmp_path / "project", Home(tmp_path / "home").ensure()
    project.mkdir()
    monkeypatch.setattr(config, "PROJECT_ROOT", project)
    with pytest.raises(ThroughlineError) as caught:
        config.load(home)
    assert caught.value.code == "E-CFG-002"
    (project / "throughline.toml").write_text("reporting_currency = 'GBP'", encoding="utf-8")
    assert config.load(home).reporting_currency == "GBP"
    home.config.write_text("reporting_currency = 'CHF'", encoding="utf-8")
    assert config.load(home).reporting_currency == "CHF"


def test_the_template_is_valid(project_root: Path) -> None:
    read = parsed((project_root / "throughline/templates/throughline.toml").read_text(encoding="utf-8"))
    assert set(read.sources) == {
        "salesforce", "certinia", "bamboohr", "netsuite", "docusign", "events", "files",
    }  # fmt: skip
    assert not read.enabled_sources()


def test_the_digest_follows_the_content() -> None:
    assert parsed(WHOLE).digest == parsed(WHOLE + "\n# a comment\n").digest
    assert parsed(WHOLE).digest != parsed(WHOLE.replace("0.80", "0.81")).digest


def test_a_second_instance_names_its_connector() -> None:
    read = parsed(
        "[sources.netsuite]\n[sources.old_books]\nconnector = 'netsuite'\ninstance = 'acquired'\n"
        "[quota.netsuite]\nshare = 0.3\n[[systems_of_record]]\ndomain = 'invoice'\nsystem = 'netsuite'\n"
        "instance = 'acquired'\n"
    )
    second = read.sources["old_books"]
    assert (second.connector, second.instance, second.dataset) == (
        "netsuite", "acquired", "netsuite_acquired",
    )  # fmt: skip
    assert read.source_config(second)["quota"] == {"share": Decimal("0.3")}
    assert instances(read) == {"netsuite": ["acquired", "main"]}
    assert instances(parsed("[sources.netsuite]\n[sources.certinia]\ninstance = 'eu'\n")) == {
        "certinia": ["eu"]
    }
    assert instances(parsed("[sources.netsuite]\n[sources.files]\ninstance = 'files'\n")) == {}


PLANS = "[sources.files]\ninstance = 'files'\nports = ['plan_target', 'native_report_line']\n"
BOOKS = "[sources.books]\nconnector = 'files'\ninstance = 'books'\n"


@pytest.mark.parametrize(
    ("text", "ports"),
    [
        ("[sources.netsuite]\n", []),
        (BOOKS, []),
        (PLANS, ["native_report_line", "plan_target"]),
        (PLANS + BOOKS, []),
        (PLANS + BOOKS + "ports = ['customer']\n", ["customer", "native_report_line", "plan_target"]),
        (PLANS + BOOKS + "enabled = false\n", ["native_report_line", "plan_target"]),
    ],
)
def test_the_ports_that_come_as_files(text: str, ports: list[str]) -> None:
    assert files_ports(parsed(text)) == ports


def test_files_fill_the_ports_that_are_named_for_them() -> None:
    named = mappings(["files", "netsuite"], of_files=["plan_target"])
    assert (named["plan_target"], named["invoice"]) == (["files"], ["netsuite"])
    assert "time_entry" not in named
    assert "person" not in mappings(["files"], of_files=["customer"])
    assert mappings(["files"], of_files=["resource"])["person"] == ["files"]
    assert mappings(["files", "netsuite"])["invoice"] == ["files", "netsuite"]


def test_a_folder_of_plans_is_the_record_of_nothing(tmp_path: Path) -> None:
    def invoices(text: str) -> list[tuple[str, str]]:
        read = parsed(f"[sources.certinia]\n{text}")
        collected = inputs.collect(
            Home(tmp_path).ensure(),
            read,
            run_id="r1",
            as_of=date(2026, 6, 30),
            known_at=datetime(2026, 7, 1, tzinfo=UTC),
            started_at=datetime(2026, 7, 1, tzinfo=UTC),
        )
        return [(row[2], row[3]) for row in collected["system_of_record"] if row[0] == "invoice"]

    assert invoices(PLANS) == [("certinia", "main")]
    assert invoices(BOOKS) == [("erp", "books")]


def test_two_tables_of_one_instance_are_refused() -> None:
    with pytest.raises(ThroughlineError, match=r"sources.netsuite is; give one of them another instance"):
        parsed("[sources.netsuite]\n[sources.old_books]\nconnector = 'netsuite'\n")


def test_one_instance_speaks_for_exchange_rates_unless_the_file_says_another() -> None:
    kinds = {("netsuite", "acquired"): "erp", ("netsuite", "main"): "erp"}
    said: dict[str, list[str]] = {one.domain: [] for one in resolve((), kinds)}
    for one in resolve((), kinds):
        said[one.domain].append(one.source_instance)
    assert said["exchange_rate"] == ["main"]
    assert said["invoice"] == ["acquired", "main"]
    [rate] = [one for one in resolve((), {("netsuite", "acquired"): "erp"}) if one.domain == "exchange_rate"]
    assert rate.source_instance == "acquired"
