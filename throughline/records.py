"""Which system is the record of what: throughline.toml's table, made whole for the models.

Ledger and metrics read the record, controls read all systems. A domain the file does not name has as its
record the enabled sources of the kind that usually keeps it; a firm without that kind falls back to the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from throughline.config import ALL, BEGINNING, RECORD_DOMAINS, SystemOfRecord

Span = tuple[date, date | None]
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Record:
    """One line for the models. `excluded_entities` (`|a|b|`) are those an 'ALL' line does not speak for."""

    domain: str
    legal_entity_id: str
    source_system: str
    source_instance: str
    valid_from: date
    valid_to: date | None
    excluded_entities: str = ""


def _uncovered(span: Span, taken: Iterable[Span]) -> list[Span]:
    """What is left of `span` without the days of `taken`; last days are inclusive, None is for ever."""
    left = [span]
    for start, end in taken:
        rest: list[Span] = []
        for since, until in left:
            if (until is not None and until < start) or (end is not None and end < since):
                rest.append((since, until))
                continue
            if since < start:
                rest.append((since, start - DAY))
            if end is not None and (until is None or end < until):
                rest.append((end + DAY, until))
        left = rest
    return left


def _default(domain: str, instances: Mapping[tuple[str, str], str]) -> list[SystemOfRecord]:
    """The enabled instances of the first kind of system, in the domain's order, that the firm has."""
    for kind in RECORD_DOMAINS[domain].kinds:
        held = sorted(key for key, own in instances.items() if own == kind)
        if held and RECORD_DOMAINS[domain].alone:
            held = [next((key for key in held if key[1] == "main"), held[0])]
        if held:
            return [
                SystemOfRecord(domain, ALL, system, instance, BEGINNING, None) for system, instance in held
            ]
    return []


def resolve(configured: Iterable[SystemOfRecord], instances: Mapping[tuple[str, str], str]) -> list[Record]:
    """The records of every domain, sorted. `instances`: (source system, instance) -> kind, of those in use.

    An entity with lines of its own is spoken for by them alone on the days they cover, and by the lines for
    all entities on the others.
    """
    by_domain: dict[str, list[SystemOfRecord]] = defaultdict(list)
    for one in configured:
        by_domain[one.domain].append(one)
    found: list[Record] = []
    for domain in RECORD_DOMAINS:
        lines = by_domain.get(domain) or _default(domain, instances)
        general = [one for one in lines if one.legal_entity_id == ALL]
        own = sorted({one.legal_entity_id for one in lines} - {ALL})
        excluded = f"|{'|'.join(own)}|" if own else ""
        found += [
            Record(
                domain, ALL, one.source_system, one.source_instance, one.valid_from, one.valid_to, excluded
            )
            for one in general
        ]
        for entity in own:
            mine = [one for one in lines if one.legal_entity_id == entity]
            taken = [(one.valid_from, one.valid_to) for one in mine]
            found += [
                Record(domain, entity, one.source_system, one.source_instance, one.valid_from, one.valid_to)
                for one in mine
            ]
            found += [
                Record(domain, entity, one.source_system, one.source_instance, since, until)
                for one in general
                for since, until in _uncovered((one.valid_from, one.valid_to), taken)
            ]
    return sorted(found, key=lambda one: tuple(str(value) for value in vars(one).values()))
