"""Systems of record: what the models are told of throughline.toml's table, checked by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from throughline.config import ALL, BEGINNING, SystemOfRecord, parse
from throughline.errors import ThroughlineError
from throughline.records import Record, resolve

MAIN = ("netsuite", "main")
NORTH = ("netsuite", "north")
FIRM = {MAIN: "erp", ("salesforce", "main"): "crm", ("certinia", "main"): "psa", ("bamboohr", "main"): "hr"}


def line(domain: str, entity: str, key: tuple[str, str], since: date, until: date | None) -> SystemOfRecord:
    return SystemOfRecord(domain, entity, *key, since, until)


def of(domain: str, found: list[Record]) -> list[Record]:
    return [one for one in found if one.domain == domain]


def test_an_unnamed_domain_has_the_usual_kind_of_system_as_its_record() -> None:
    found = resolve((), FIRM)
    assert {one.domain: one.source_system for one in found} == {
        "contract": "netsuite", "customer": "netsuite", "exchange_rate": "netsuite", "invoice": "netsuite",
        "legal_entity": "netsuite",
        "opportunity": "salesforce", "project": "certinia", "resource": "bamboohr", "time_entry": "certinia",
    }  # fmt: skip
    assert all(one.legal_entity_id == ALL and one.valid_to is None for one in found)


def test_a_firm_without_an_hr_system_takes_the_psa_s_people_as_they_are() -> None:
    found = of("resource", resolve((), {key: kind for key, kind in FIRM.items() if kind != "hr"}))
    assert [one.source_system for one in found] == ["certinia"]


def test_a_firm_with_none_of_the_kinds_names_nobody() -> None:
    assert of("opportunity", resolve((), {MAIN: "erp"})) == []


def test_an_entity_with_lines_of_its_own_is_left_to_the_others_on_the_days_they_do_not_cover() -> None:
    found = of(
        "invoice",
        resolve(
            (
                line("invoice", ALL, MAIN, BEGINNING, None),
                line("invoice", "netsuite:main:2", NORTH, date(2026, 3, 1), date(2026, 5, 31)),
            ),
            FIRM,
        ),
    )
    assert found == [
        Record("invoice", "ALL", *MAIN, BEGINNING, None, "|netsuite:main:2|"),
        Record("invoice", "netsuite:main:2", *MAIN, BEGINNING, date(2026, 2, 28)),
        Record("invoice", "netsuite:main:2", *MAIN, date(2026, 6, 1), None),
        Record("invoice", "netsuite:main:2", *NORTH, date(2026, 3, 1), date(2026, 5, 31)),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('domain = "invoices"\nsystem = "netsuite"', "did you mean invoice?"),
        ('domain = "customer"\nsystem = "netsuite"\nlegal_entity = "1"', "leave legal_entity out"),
        (
            'domain = "invoice"\nsystem = "netsuite"\nvalid_from = 2026-03-01\nvalid_to = 2026-02-01',
            "valid_to = 2026-02-01 is before",
        ),
        (
            'domain = "invoice"\nsystem = "netsuite"\n[[systems_of_record]]\n'
            'domain = "invoice"\nsystem = "netsuite"\nvalid_from = 2026-03-01',
            "netsuite is the record of invoice twice on 2026-03-01",
        ),
        ('domain = "invoice"\nsystem = "sap"', "nothing would be the record of invoice"),
    ],
)  # fmt: skip
def test_a_line_the_models_cannot_follow_is_refused(text: str, said: str) -> None:
    with pytest.raises(ThroughlineError) as caught:
        parse(Path("throughline.toml"), f"[sources.netsuite]\n[[systems_of_record]]\n{text}\n")
    assert caught.value.code == "E-CFG-001"
    assert said in str(caught.value)
