"""The fast way for a file's cells reads what the contract reads from the same text, or leaves it alone."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from pipelines.contract import _cast
from pipelines.manifest import Field
from pipelines.ports import Column
from pipelines.transports.typed import in_type
from pipelines.transports.values import POINT, read_cells

NUMBERS = (
    "0", "7", "+7", "-7", "7.5", ".5", "5.", "-.5", "1e3", "1E-2", "007", "10.12345", "0.0001", "12345678.12",
    "99999999999999999", "0x10", "1_000", "1,5", "1.234,5", "inf", "NaN", "--1", "1 000", "٣", "half",
)  # fmt: skip
TIMES = (
    "2026-01-31", "2026-01-31 18:00", "2026-01-31T18:00", "2026-01-31 18:00:00", "2026-01-31T18:00:00Z",
    "2026-01-31T18:00:00+02:00", "2026-01-31 18:00:00+02", "2026-01-31 18:00:00.123456",
    "2026-01-31T18:00:00.123456789", "2026-01-31 18", "2026-02-30 10:00:00", "2026-01-31 24:00:00",
    "20260131",
    "0001-01-01 00:00:00", "9999-12-31 23:59:59", "31.01.2026 18:00", "noon of that day",
)  # fmt: skip
CASES: dict[str, tuple[str, ...]] = {
    "money": NUMBERS,
    "rate": NUMBERS,
    "fx": NUMBERS,
    "hours": NUMBERS,
    "int": NUMBERS,
    "date": (*TIMES, "2026-1-1", "2026-01-01 00:00:00", "45000"),
    "ts": TIMES,
    "bool": ("true", "TRUE", "t", "yes", "Y", "1", "false", "no", "N", "0", "maybe", "2"),
}


EVENING = datetime(2026, 1, 31, 18, tzinfo=UTC)


def field(kind: str) -> Field:
    return Field("cell", kind, "cell")


def by_the_contract(kind: str, cells: pa.ChunkedArray) -> list[Any]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.register("told", pa.table({"cell": cells}))
        query = f"select {_cast(field(kind), 'UTC', True)} from told"
        return [row[0] for row in connection.execute(query).fetchall()]


def plain(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in CASES.items() for text in texts])
def test_a_cell_is_read_as_the_contract_reads_it(kind: str, text: str) -> None:
    column = Column("cell", kind, "")
    cells = pa.chunked_array([pa.array([text, "", f" {text} "])])
    fast = in_type(cells, column)
    slow = read_cells(cells, column, POINT, None)
    if fast is None:
        return
    # what is refused anywhere must never come by the fast way
    assert slow.refused == []
    wanted = by_the_contract(kind, slow.values)
    assert wanted[0] is not None
    assert [plain(one) for one in fast.to_pylist()] == [plain(one) for one in wanted]


def test_common_cells_do_go_the_fast_way() -> None:
    taken = {
        kind: in_type(pa.chunked_array([pa.array([text, ""])]), Column("cell", kind, "")) is not None
        for kind, text in {
            "money": "100.10", "rate": "120", "fx": "1.0823", "hours": "7.50", "int": "12",
            "date": "2026-01-31", "ts": "2026-01-31 18:00:00", "bool": "true",
        }.items()
    }  # fmt: skip
    assert all(taken.values()), taken


@pytest.mark.parametrize(
    ("cells", "kind", "wanted"),
    [
        (pa.array([7, -1, None], pa.int32()), "money", [Decimal("7.0000"), Decimal("-1.0000"), None]),
        (pa.array([7], pa.int64()), "hours", [Decimal("7.00")]),
        (pa.array([99_999_999], pa.int64()), "hours", None),
        (pa.array([2**60], pa.int64()), "money", None),
        (pa.array([7.5]), "money", None),
        (
            pa.array([EVENING.timestamp()]).cast(pa.int64()).cast(pa.timestamp("s")),
            "ts",
            [EVENING],
        ),
        (pa.array([7], pa.int32()), "bool", None),
        (pa.array(["draft", ""]), "text", ["draft", ""]),
        (pa.array(["drafty"]), "text", None),
    ],
)
def test_typed_columns(cells: pa.Array, kind: str, wanted: list[Any] | None) -> None:
    column = Column("cell", kind, "", values=("draft", "approved") if kind == "text" else ())
    found = in_type(pa.chunked_array([cells]), column)
    assert (found is None) == (wanted is None)
    if found is not None:
        assert [plain(one) for one in found.to_pylist()] == wanted
