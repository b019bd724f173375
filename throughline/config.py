"""throughline.toml, read whole and checked before anything runs.

Read from the home first, else from the project's root. Credentials never stand in it: they live in the
home's `.dlt/secrets.toml` or in the environment.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from throughline.errors import ThroughlineError, error
from throughline.home import PROJECT_ROOT, Home

ALL = "ALL"
BEGINNING = date(1900, 1, 1)

# the systems that rows out of files may speak for
FILE_SYSTEMS = ("crm", "psa", "hr", "erp", "documents", "events")


@dataclass(frozen=True)
class RecordDomain:
    """What has a system of record: the kinds of system that keep it, the usual one first.

    `by_entity`: whether its rows name a legal entity, so that two entities may have two records. `alone`:
    whether one instance speaks for all where the file does not say more, because two would contradict.
    """

    kinds: tuple[str, ...]
    by_entity: bool
    alone: bool = False


RECORD_DOMAINS: dict[str, RecordDomain] = {
    "contract": RecordDomain(("erp", "crm"), True),
    "contract_document": RecordDomain(("documents",), False),
    "customer": RecordDomain(("erp", "crm", "psa"), False),
    # two rates of one pair and day would be two truths
    "exchange_rate": RecordDomain(("erp",), False, alone=True),
    "invoice": RecordDomain(("erp", "psa"), True),
    "legal_entity": RecordDomain(("erp", "psa"), False),
    "opportunity": RecordDomain(("crm",), True),
    "project": RecordDomain(("psa", "erp"), True),
    "resource": RecordDomain(("hr", "psa", "erp"), False),
    "time_entry": RecordDomain(("psa", "erp"), False),
}


@dataclass(frozen=True)
class Source:
    """One source instance. `options` is what its connector reads: base_url, page sizes, start dates ...

    `name` is its table's in the file, `connector` the source that reads it: the same, unless a firm has two.
    """

    name: str
    enabled: bool
    instance: str
    dataset: str
    options: dict[str, Any] = field(default_factory=dict)
    connector: str = ""

    def __post_init__(self) -> None:
        if not self.connector:
            object.__setattr__(self, "connector", self.name)


@dataclass(frozen=True)
class SystemOfRecord:
    """For one domain, legal entity ('ALL' = every one) and range of dates: which system is the record."""

    domain: str
    legal_entity_id: str
    source_system: str
    source_instance: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class EntityCalendar:
    """A legal entity's calendar: which holidays, where its day ends, when its fiscal year begins."""

    legal_entity_id: str
    calendar: str
    time_zone: str
    fiscal_year_start_month: int


@dataclass(frozen=True)
class Whitelisted:
    """A pair of legal entities (sold by a, invoiced by b) that a control leaves alone by design."""

    control_id: str
    legal_entity_id_a: str
    legal_entity_id_b: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class Parameter:
    """One business parameter from a date on; numbers travel as text so that they stay exact."""

    name: str
    value: str
    effective_from: date


ENGINES = ("duckdb", "spark")


@dataclass(frozen=True)
class Engine:
    """What builds the models, and how much of the machine it may take; `settings` are Spark's own."""

    threads: int = 1
    memory: str = "6GiB"
    name: str = "duckdb"
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def landing(self) -> str:
        """The form in which this engine reads what was landed."""
        return "parquet" if self.name == "spark" else "duckdb"


@dataclass(frozen=True)
class Config:
    """The whole configuration. `path` is the file it came from, None when there was none."""

    path: Path | None = None
    reporting_currency: str = "EUR"
    keep_published: int = 14
    engine: Engine = Engine()
    sources: dict[str, Source] = field(default_factory=dict)
    systems_of_record: tuple[SystemOfRecord, ...] = ()
    entities: tuple[EntityCalendar, ...] = ()
    entity_whitelist: tuple[Whitelisted, ...] = ()
    quota: dict[str, Any] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    digest: str = ""

    def enabled_sources(self) -> list[Source]:
        """The sources a run lands, in the order of the file."""
        return [source for source in self.sources.values() if source.enabled]

    def source_config(self, source: Source) -> dict[str, Any]:
        """What a connector is handed: its own options, its dataset's name and its quota."""
        general = {key: value for key, value in self.quota.items() if not isinstance(value, dict)}
        own = {**self.quota.get(source.connector, {}), **self.quota.get(source.name, {})}
        return {
            **source.options,
            "dataset": source.dataset,
            "landing": self.engine.landing,
            "quota": {**general, **own},
        }


class _Reader:
    """Takes values out of a table by name and type, and says exactly what is wrong where."""

    def __init__(self, path: Path, table: dict[str, Any], where: str) -> None:
        self.path = path
        self.table = dict(table)
        self.where = where

    def fail(self, detail: str) -> ThroughlineError:
        return error("E-CFG-001", path=self.path, detail=f"{self.where}{detail}")

    def take(self, name: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
        if name not in self.table:
            if default is ...:
                raise self.fail(f"the setting {name} is missing")
            return default
        value = self.table.pop(name)
        wanted = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
            names = " or ".join(one.__name__ for one in wanted)
            raise self.fail(f"{name} = {value!r} is not of type {names}")
        return value

    def take_date(self, name: str, default: Any = ...) -> Any:
        value = self.take(name, (date, str), default)
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                raise self.fail(f"{name} = {value!r} is not a date like 2026-01-31") from None
        return value

    def tables(self, name: str) -> list[_Reader]:
        entries = self.take(name, list, [])
        if not all(isinstance(entry, dict) for entry in entries):
            raise self.fail(f"{name} is written as [[{name}]] tables")
        return [
            _Reader(self.path, entry, f"{self.where}{name}[{number}]: ")
            for number, entry in enumerate(entries, start=1)
        ]

    def finish(self, known: tuple[str, ...]) -> None:
        for name in self.table:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise self.fail(f"unknown setting {name}{hint}")


def _sources(path: Path, table: dict[str, Any]) -> dict[str, Source]:
    sources: dict[str, Source] = {}
    for name, entry in table.items():
        if not isinstance(entry, dict):
            raise error(
                "E-CFG-001", path=path, detail=f"sources.{name} is written as a [sources.{name}] table"
            )
        reader = _Reader(path, entry, f"sources.{name}: ")
        enabled = reader.take("enabled", bool, True)
        instance = reader.take("instance", str, "main")
        if not instance.replace("_", "").isalnum() or not instance.islower():
            raise reader.fail(f"instance = {instance!r} must be lower-case letters, digits and underscores")
        connector = reader.take("connector", str, name)
        dataset = reader.take("dataset", str, f"{connector}_{instance}")
        for other in sources.values():
            if (other.connector, other.instance) == (connector, instance):
                raise reader.fail(
                    f"is the instance {instance} of {connector}, as sources.{other.name} is; give one of them"
                    " another instance"
                )
        sources[name] = Source(name, enabled, instance, dataset, reader.table, connector)
    return sources


def _systems(reader: _Reader, sources: dict[str, Source]) -> tuple[SystemOfRecord, ...]:
    found: list[SystemOfRecord] = []
    connectors = {one.connector for one in sources.values()}
    systems = {*connectors, *(FILE_SYSTEMS if "files" in connectors else ())}
    for entry in reader.tables("systems_of_record"):
        one = SystemOfRecord(
            domain=entry.take("domain", str),
            legal_entity_id=entry.take("legal_entity", str, ALL),
            source_system=entry.take("system", str),
            source_instance=entry.take("instance", str, "main"),
            valid_from=entry.take_date("valid_from", BEGINNING),
            valid_to=entry.take_date("valid_to", None),
        )
        entry.finish(("domain", "legal_entity", "system", "instance", "valid_from", "valid_to"))
        if one.source_system not in systems:
            raise entry.fail(
                f"system = {one.source_system!r} is no table under [sources] (there are"
                f" {', '.join(sorted(systems)) or 'none'}); nothing would be the record of {one.domain}"
            )
        _check_system(entry, one, found)
        found.append(one)
    return tuple(found)


def _check_system(entry: _Reader, one: SystemOfRecord, before: list[SystemOfRecord]) -> None:
    """Raises E-CFG-001 when the models could not follow this line, or would count a row twice by it."""
    if one.domain not in RECORD_DOMAINS:
        near = difflib.get_close_matches(one.domain, RECORD_DOMAINS, n=1)
        known = f"did you mean {near[0]}?" if near else f"known are {', '.join(sorted(RECORD_DOMAINS))}"
        raise entry.fail(f"domain = {one.domain!r} has no system of record; {known}")
    if one.legal_entity_id != ALL and not RECORD_DOMAINS[one.domain].by_entity:
        raise entry.fail(f"rows of {one.domain} name no legal entity of their own; leave legal_entity out")
    if one.valid_to is not None and one.valid_to < one.valid_from:
        raise entry.fail(f"valid_to = {one.valid_to} is before valid_from = {one.valid_from}")
    for other in before:
        same = (one.domain, one.legal_entity_id, one.source_system, one.source_instance) == (
            other.domain, other.legal_entity_id, other.source_system, other.source_instance,
        )  # fmt: skip
        apart = (other.valid_to is not None and other.valid_to < one.valid_from) or (
            one.valid_to is not None and one.valid_to < other.valid_from
        )
        if same and not apart:
            raise entry.fail(f"{one.source_system} is the record of {one.domain} twice on {one.valid_from}")


def _entities(reader: _Reader) -> tuple[EntityCalendar, ...]:
    found = []
    for entry in reader.tables("entities"):
        calendar = EntityCalendar(
            legal_entity_id=entry.take("id", str),
            calendar=entry.take("calendar", str),
            time_zone=entry.take("time_zone", str, "UTC"),
            fiscal_year_start_month=entry.take("fiscal_year_start_month", int, 1),
        )
        if not 1 <= calendar.fiscal_year_start_month <= 12:
            raise entry.fail("fiscal_year_start_month is a month from 1 to 12")
        entry.finish(("id", "calendar", "time_zone", "fiscal_year_start_month"))
        found.append(calendar)
    return tuple(found)


def _whitelist(reader: _Reader) -> tuple[Whitelisted, ...]:
    found = []
    for entry in reader.tables("entity_whitelist"):
        found.append(
            Whitelisted(
                control_id=entry.take("control", str, ALL),
                legal_entity_id_a=entry.take("sold_by", str),
                legal_entity_id_b=entry.take("invoiced_by", str),
                valid_from=entry.take_date("valid_from", BEGINNING),
                valid_to=entry.take_date("valid_to", None),
            )
        )
        entry.finish(("control", "sold_by", "invoiced_by", "valid_from", "valid_to"))
    return tuple(found)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parameters(reader: _Reader) -> tuple[Parameter, ...]:
    found = []
    for name, value in reader.take("parameters", dict, {}).items():
        where = f"parameters.{name}: "
        if isinstance(value, list):
            for entry in value:
                if not isinstance(entry, dict):
                    raise reader.fail(f"{where}write {{value = ..., effective_from = ...}} for each date")
                one = _Reader(reader.path, entry, where)
                kinds = (str, int, Decimal, bool, date)
                found.append(
                    Parameter(name, _text(one.take("value", kinds)), one.take_date("effective_from"))
                )
                one.finish(("value", "effective_from"))
        elif isinstance(value, dict):
            raise reader.fail(f"{where}a value, or a list of {{value = ..., effective_from = ...}}")
        else:
            found.append(Parameter(name, _text(value), BEGINNING))
    return tuple(found)


def _engine(path: Path, said: dict[str, Any] | str) -> Engine:
    """The table [engine]; `engine = "spark"` is short for one that names the engine alone."""
    reader = _Reader(path, {"name": said} if isinstance(said, str) else said, "engine: ")
    name = reader.take("name", str, "duckdb")
    if name not in ENGINES:
        raise reader.fail(f"name = {name!r} is none of {', '.join(ENGINES)}")
    settings = reader.take("spark", dict, {})
    if settings and name != "spark":
        raise reader.fail('settings of Spark stand here, but the engine is not name = "spark"')
    threads, memory = reader.take("threads", int, 1), reader.take("memory", str, "6GiB")
    reader.finish(("name", "threads", "memory", "spark"))
    return Engine(threads, memory, name, {key: _text(value) for key, value in settings.items()})


def parse(path: Path, text: str) -> Config:
    """The configuration in `text`. Raises E-CFG-001 (exit 64) naming the setting that is wrong."""
    try:
        table = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as problem:
        raise error("E-CFG-001", path=path, detail=f"not valid TOML: {problem}") from None
    reader = _Reader(path, table, "")
    home = _Reader(path, reader.take("home", dict, {}), "home: ")
    currency = reader.take("reporting_currency", str, "EUR")
    if len(currency) != 3 or not currency.isalpha() or not currency.isupper():
        raise reader.fail(f"reporting_currency = {currency!r} is not an ISO code like EUR")
    sources = _sources(path, reader.take("sources", dict, {}))
    config = Config(
        path=path,
        reporting_currency=currency,
        keep_published=home.take("keep_published", int, 14),
        engine=_engine(path, reader.take("engine", (dict, str), {})),
        sources=sources,
        systems_of_record=_systems(reader, sources),
        entities=_entities(reader),
        entity_whitelist=_whitelist(reader),
        quota=reader.take("quota", dict, {}),
        parameters=_parameters(reader),
        digest=hashlib.sha256(json.dumps(table, sort_keys=True, default=str).encode()).hexdigest(),
    )
    if config.keep_published < 1:
        raise home.fail("keep_published must be at least 1")
    home.finish(("keep_published",))
    reader.finish(
        ("reporting_currency", "home", "engine", "sources", "systems_of_record", "entities",
         "entity_whitelist", "quota", "parameters")
    )  # fmt: skip
    return config


def find(home: Home) -> Path | None:
    """The file that is read: the home's own, else the project's."""
    for path in (home.config, PROJECT_ROOT / "throughline.toml"):
        if path.exists():
            return path
    return None


def load(home: Home) -> Config:
    """The home's configuration. Raises E-CFG-002 when there is none, E-CFG-001 when one is wrong."""
    path = find(home)
    if path is None:
        raise error("E-CFG-002", home=home.root)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise error("E-CFG-001", path=path, detail=f"cannot be read: {problem}") from None
    return parse(path, text)
