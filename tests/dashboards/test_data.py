"""The one reader: digests that cannot collide, rows that cannot be changed, runs that are pinned."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboards import data
from dashboards.components import address
from dashboards.components.rows import to_csv
from dashboards.readings import History, first_month
from throughline.home import Home

DASHBOARDS = Path(__file__).resolve().parent.parent.parent / "dashboards"
RUN = data.Publication("r1", "/one.duckdb")

# each pair reads the same once joined without a separator, or once its types are forgotten
ADVERSARIES: list[tuple[Any, ...]] = [
    ("doc1", "acme"),
    ("doc1str:orgstr:acme",),
    ("doc1acme", ""),
    ("doc1", "acme", ""),
    (("doc1", "acme"),),
    ("1",),
    (1,),
    (True,),
    (None,),
    ("None",),
    (Decimal("1"),),
    (Decimal("1.0"),),
    (date(2026, 1, 1),),
    ("2026-01-01",),
    ('["str", "doc1"]',),
    ("a", "b,c"),
    ("a,b", "c"),
]


def test_no_two_different_queries_share_a_digest() -> None:
    digests = [data.digest(RUN, "select ?", parameters) for parameters in ADVERSARIES]
    for (one, a), (two, b) in itertools.combinations(zip(ADVERSARIES, digests, strict=True), 2):
        assert a != b, (one, two)
    assert data.digest(RUN, "select ?", ("x",)) == data.digest(RUN, "select ?", ("x",))
    assert data.digest(data.Publication("r2", "/one.duckdb"), "select ?", ("x",)) not in digests
    assert data.digest(data.Publication("r1", "/two.duckdb"), "s", ()) != data.digest(RUN, "s", ())
    assert data.digest(RUN, "s?", ()) != data.digest(RUN, "s", ("?",))


def test_two_scopes_never_read_each_others_rows(at_home: Home) -> None:
    def page() -> None:
        import streamlit as st

        from dashboards import data

        first = data.row("select ? || '|' || ? as said", "doc1", "acme")
        second = data.row("select ? || '|' || ? as said", "doc1acme", "")
        third = data.row("select ? || '|' || ? as said", "doc1str:orgstr:acme", "")
        for found in (first, second, third):
            st.text(found["said"] if found else "nothing")

    app = AppTest.from_function(page, default_timeout=60).run()
    assert [element.value for element in app.text] == ["doc1|acme", "doc1acme|", "doc1str:orgstr:acme|"]


def test_cached_rows_cannot_be_changed(at_home: Home) -> None:
    def page() -> None:
        import streamlit as st

        from dashboards import data

        found = data.rows("select 1 as one")
        try:
            found[0]["one"] = 2  # type: ignore[index]
        except TypeError:
            st.text("refused")

    app = AppTest.from_function(page, default_timeout=60).run()
    assert [element.value for element in app.text] == ["refused"]


def test_nothing_else_reads_the_warehouse() -> None:
    readers = set()
    for path in DASHBOARDS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            if any(m == "duckdb" or m.startswith("throughline.warehouse") for m in modules):
                readers.add(path.name)
            if any(m == "throughline.warehouse" for m in modules) or (
                isinstance(node, ast.ImportFrom)
                and node.module == "throughline"
                and any(alias.name == "warehouse" for alias in node.names)
            ):
                readers.add(path.name)
    assert readers == {"data.py"}


def test_queries_are_few_and_quick(at_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most a dozen reads per page beside the frame's five, and none again while nothing is changed."""
    import time

    import streamlit as st

    counted: list[tuple[float, str]] = []
    plain = data._read

    def timed(path: str, sql: str, parameters: Any) -> Any:
        started = time.perf_counter()
        found = plain(path, sql, parameters)
        counted.append((time.perf_counter() - started, sql))
        return found

    monkeypatch.setattr(data, "_read", timed)
    for page in ("", "exceptions"):
        st.cache_resource.clear()
        counted.clear()
        app = AppTest.from_file(str(DASHBOARDS / "app.py"), default_timeout=90)
        if page:
            from streamlit.util import calc_hash

            app._page_hash = calc_hash(page)
        app.run()
        assert not app.error
        assert 5 < len(counted) <= 17, [sql[:80] for _, sql in counted]
        counted.clear()
        app.run()
        assert counted == []


def test_csv_is_inert_and_complete() -> None:
    table: list[data.Row] = [
        {"a": "=HYPERLINK(1)", "b": Decimal("-1.50"), "c": date(2026, 1, 2)},
        {"a": "x", "b": None, "c": None},
    ]
    assert to_csv(table) == "a,b,c\n'=HYPERLINK(1),-1.50,2026-01-02\nx,,\n"
    assert to_csv([]) == ""


def test_addresses_hold_known_codes_only() -> None:
    assert address.chosen_codes("A;B;zzz", ["A", "B", "C"]) == ("A", "B")
    assert address.chosen_codes("", ["A"], ("A",)) == ("A",)
    assert address.chosen_codes("any", ["A"], ("A",)) == ()
    assert address.joined(["A", "B"]) == "A;B"


def test_months_of_a_period() -> None:
    assert first_month(date(2026, 2, 28), "QUARTER") == date(2026, 1, 1)
    assert first_month(date(2026, 1, 31), "T3M") == date(2025, 11, 1)


def test_an_unknown_month_makes_the_sum_unknown() -> None:
    def row(day: date, value: Decimal | None) -> dict[str, Any]:
        return {
            "metric_id": "m", "period_type": "MONTH", "as_of": day,
            "numerator": Decimal(1), "denominator": None, "value": value,
        }  # fmt: skip

    dates = [date(2026, 4, 30), date(2026, 5, 31)]
    known = History([row(dates[0], Decimal(2)), row(dates[1], Decimal(3))], dates)
    reading = known.at("m", "QUARTER", dates[1])
    assert reading is not None
    assert reading.value == 5
    unknown = History([row(dates[0], None), row(dates[1], Decimal(3))], dates)
    reading = unknown.at("m", "QUARTER", dates[1])
    assert reading is not None
    assert reading.value is None
    assert known.at("m", "QUARTER", date(2025, 5, 31)) is None
    zero = known.money_at("other", "QUARTER", dates[1])
    assert zero is not None
    assert zero.value == 0


def test_nothing_published_is_said_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, open_page: Callable[..., AppTest]
) -> None:
    monkeypatch.setenv("THROUGHLINE_HOME", str(tmp_path))
    app = open_page()
    assert not app.exception
    assert [title.value for title in app.title] == ["Nothing is published yet"]


def test_a_failure_shows_a_reference_and_no_traceback(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from dashboards import cases

    def broken(*_: Any) -> Any:
        raise RuntimeError("secret detail of the machine")

    monkeypatch.setattr(cases, "by_control", broken)
    app = open_page()
    assert not app.exception
    said = " ".join(str(e.value) for kind in (app.error, app.caption, app.markdown) for e in kind)
    assert "could not be shown" in said
    assert "secret detail" not in said
    reference = said.split("Reference ")[1].split(".")[0].split()[0]
    assert reference in caplog.text
    assert "secret detail" in caplog.text


def test_a_month_in_which_nothing_happened_is_a_zero() -> None:
    def row(day: date) -> dict[str, Any]:
        return {
            "metric_id": "m", "period_type": "MONTH", "as_of": day,
            "numerator": Decimal(1), "denominator": None, "value": Decimal(1),
        }  # fmt: skip

    dates = [date(2026, 2, 28), date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31)]
    history = History([row(dates[1]), row(dates[3])], dates)
    assert [(day, r.value) for day, r in history.months("m", dates[3])] == [
        (dates[1], 1),
        (dates[2], 0),
        (dates[3], 1),
    ]
    assert history.months("other", dates[3]) == []
