"""The fast way for the cells of a file: a whole column into the contract's type, or not at all.

What this reads, the contract would read from the text in the same way; whatever it is not sure of is left to
`values`, which looks closer and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.manifest import KINDS
from pipelines.ports import Column
from pipelines.transports.values import TRUTHS, as_text, is_ready

TRUE = TRUTHS[: len(TRUTHS) // 2]
WHOLE = r"^[+-]?\d+$"
ZONE = r"(Z|[+-]\d{2}(:?\d{2})?)$"
# an instant has at least hours and minutes: 2026-01-31T18:00
SHORTEST_INSTANT = 16
WIDEST = 38


def is_text(kind: pa.DataType) -> bool:
    """Whether cells of this type are text, as it is or by dictionary."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def only(cells: pa.ChunkedArray, words: Sequence[str]) -> bool:
    """Whether every cell holds one of these words."""
    known = pc.all(pc.is_in(cells, value_set=pa.array(words)), min_count=0).as_py()
    return bool(known)


def has_blank(cells: pa.ChunkedArray) -> bool:
    """Whether a cell is empty."""
    if cells.null_count:
        return True
    return pa.types.is_string(cells.type) and bool(pc.any(pc.equal(cells, "")).as_py())


def in_type(cells: pa.ChunkedArray, column: Column) -> pa.ChunkedArray | None:
    """The cells as the contract would read them, text for text kinds; none when one of them is doubtful."""
    wanted = KINDS[column.kind]
    try:
        if is_ready(column.kind, cells.type):
            return pc.cast(cells, wanted, safe=False)
        if not pa.types.is_string(wanted) and not is_text(cells.type):
            return _from_typed(cells, wanted)
        text = as_text(cells)
        if pa.types.is_string(wanted):
            known = not column.values or only(text.filter(pc.not_equal(text, "")), column.values)
            return text if known else None
        blank = pc.equal(text, "")
        if pc.any(blank).as_py():
            text = pc.if_else(blank, None, text)
        return _from_text(text, wanted)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _from_typed(cells: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray | None:
    """Whole numbers as decimals, instants without a zone as UTC."""
    found = cells.type
    if pa.types.is_decimal(wanted) and pa.types.is_signed_integer(found):
        # through a type that holds any whole number; one too large for the port raises
        return pc.cast(pc.cast(cells, pa.decimal128(WIDEST, wanted.scale)), wanted)
    if pa.types.is_timestamp(wanted) and pa.types.is_timestamp(found) and not found.tz:
        return pc.assume_timezone(pc.cast(cells, pa.timestamp("us"), safe=False), "UTC")
    return None


def _from_text(text: pa.ChunkedArray, wanted: pa.DataType) -> pa.ChunkedArray | None:
    if pa.types.is_boolean(wanted):
        lower = pc.utf8_lower(text)
        if not only(lower.drop_null(), TRUTHS):
            return None
        return pc.if_else(pc.is_null(lower), None, pc.is_in(lower, value_set=pa.array(TRUE)))
    if pa.types.is_integer(wanted) and not pc.all(pc.match_substring_regex(text, WHOLE), min_count=0).as_py():
        # Arrow would take hexadecimal digits too
        return None
    if pa.types.is_timestamp(wanted):
        shortest = pc.min(pc.utf8_length(text)).as_py()
        if shortest is not None and shortest < SHORTEST_INSTANT:
            return None
        zoned = pc.match_substring_regex(text, ZONE)
        if pc.all(zoned, min_count=0).as_py():
            return pc.cast(text, wanted)
        # some with a zone and some without are left to the slower way
        bare = not pc.any(zoned).as_py()
        return pc.assume_timezone(pc.cast(text, pa.timestamp("us")), "UTC") if bare else None
    return pc.cast(text, wanted)
