"""Native record ids as the vendors form them: Salesforce's 18 characters, NetSuite's and BambooHR's
integers as text."""

from __future__ import annotations

from functools import lru_cache

from sandbox.firm.house import NORTHGATE, House

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"

PREFIXES = {
    "account": "001",
    "contact": "003",
    "user": "005",
    "opportunity": "006",
    "opportunity_history": "008",
    "opportunity_line_item": "00k",
    "region": "a01",
    "practice": "a02",
    "grp": "a03",
    "work_calendar": "a04",
    "holiday": "a05",
    "proj": "a10",
    "milestone": "a11",
    "schedule": "a12",
    "assignment": "a13",
    "resource_request": "a14",
    "timecard_header": "a15",
    "timecard_split": "a16",
    "expense_report": "a17",
    "expense": "a18",
    "billing_event": "a19",
    "billing_event_item": "a1A",
    "rate_card": "a1B",
    "budget": "a1C",
}

# What faults add to the firm is numbered far from what the clean firm holds, so that both firms share every
# other id.
FAULT_OFFSET = 90_000_000
# Records that only the emission needs (journal lines, history rows) are numbered from here, clear of the
# simulator's.
EMISSION_OFFSET = 500_000_000


@lru_cache(maxsize=65_536)
def _check_character(chunk: str) -> str:
    return _CHECK[sum(1 << place for place, letter in enumerate(chunk) if letter.isupper())]


def _base62(number: int, width: int) -> str:
    digits = []
    while number:
        number, rest = divmod(number, 62)
        digits.append(_BASE62[rest])
    return "".join(reversed(digits)).rjust(width, "0")


def salesforce_id(kind: str, number: int) -> str:
    """The 18-character id of record `number` of a `kind` of :data:`PREFIXES` (KeyError for another).

    The last three characters tell upper from lower case, so ids differ even where case is ignored.
    """
    body = PREFIXES[kind] + "Tl" + _base62(number, 10)
    return body + _check_character(body[:5]) + _check_character(body[5:10]) + _check_character(body[10:])


def canonical(system: str, native: str) -> str:
    """The warehouse's key of a record: an id of another instance than main bears it (see :class:`Ids`)."""
    return f"{system}:{native}" if ":" in native else f"{system}:main:{native}"


class Ids:
    """Counters of native ids, one per record type.

    Ids of a house that works in systems of another name than main, or in several, are written with the
    instance in front (`acquired:1042`); each store leaves out its own.
    """

    def __init__(self, offset: int = 0, house: House = NORTHGATE) -> None:
        self._offset = offset
        self._next: dict[str, int] = {}
        self._crm = f"{house.crm}:" if house.crm else ""
        self._erp = f"{house.erp}:" if house.erp else ""
        self._house = house

    def _take(self, counter: str, first: int, own: int = 0) -> int:
        number = self._next.get(counter, first + self._offset + own)
        self._next[counter] = number + 1
        return number

    def salesforce(self, kind: str) -> str:
        """The next id of a Salesforce or Certinia record."""
        return self._crm + salesforce_id(kind, self._take(kind, 1, self._house.crm_offset))

    def netsuite(self, record: str) -> str:
        """The next internal id of a NetSuite record type; every kind of transaction shares `transaction`."""
        return f"{self._erp}{self._take(f'ns:{record}', 1001, self._house.erp_offset)}"

    def line_key(self) -> str:
        """The next `transactionline.uniquekey`, unique over all transactions."""
        return f"{self._erp}{self._take('ns:uniquekey', 100_001, self._house.erp_offset)}"

    def bamboo(self, table: str) -> str:
        """The next row id of a BambooHR table."""
        return str(self._take(f"hr:{table}", 101, self._house.hr_offset))

    def number(self, series: str, first: int = 1) -> int:
        """The next value of a document number series."""
        return self._take(f"series:{series}", first, self._house.erp_offset)
