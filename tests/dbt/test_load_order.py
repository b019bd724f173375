"""Loads under one clock second are told apart by the number behind their id, also from the tenth on."""

from __future__ import annotations

import duckdb
import pytest

from tests.dbt.macros import render

SECOND = "20260508T233000Z"
# As landing names them, in the order they come; then a load of the next day, whose id is shorter.
LOADS = [SECOND, *(f"{SECOND}-{number}" for number in range(2, 13)), "20260509T233000Z"]


@pytest.fixture
def told() -> duckdb.DuckDBPyConnection:
    """One record per load (r1 ... r13), and one key of which each load says another word at one instant."""
    connection = duckdb.connect()
    connection.execute("create table told (id varchar, tl_load_id varchar)")
    connection.execute("create table seen_table (id varchar, load_id varchar)")
    connection.execute(
        "create table said (id varchar, word integer, tl_load_id varchar, tl_known_at timestamptz,"
        " tl_source_updated_at timestamptz, tl_payload_hash varchar)"
    )
    for number, load in enumerate(LOADS, 1):
        connection.execute("insert into told values (?, ?)", [f"r{number}", load])
        connection.execute(
            "insert into said values ('k', ?, ?, '2026-05-01 00:00:00+00', null, ?)",
            [number, load, str(number)],
        )
    return connection


def test_the_order_is_the_order_of_the_loads(told: duckdb.DuckDBPyConnection) -> None:
    order = render("load_order('tl_load_id')")
    rows = told.execute(f"select tl_load_id from told order by {order}").fetchall()
    assert [load for (load,) in rows] == LOADS


@pytest.mark.parametrize("seen", range(len(LOADS)))
def test_what_later_loads_brought_is_not_seen_yet(told: duckdb.DuckDBPyConnection, seen: int) -> None:
    told.execute("insert into seen_table select id, tl_load_id from told limit ?", [seen])
    brought = render("brought_since('told', 'id', 'id')", this="seen_table")
    assert {row[0] for row in told.execute(brought).fetchall()} == {f"r{n + 1}" for n in range(seen, 13)}
    # Without a record's column the last load seen counts as unseen too.
    again = render("brought_since('told', 'id')", this="seen_table")
    assert {row[0] for row in told.execute(again).fetchall()} == {
        f"r{n + 1}" for n in range(max(seen - 1, 0), 13)
    }


@pytest.mark.parametrize("loads", [2, 10, 12, 13])
def test_at_one_instant_the_last_loads_word_stands(told: duckdb.DuckDBPyConnection, loads: int) -> None:
    told.execute("delete from said where word > ?", [loads])
    versions, newest_row = render("versions('said', 'id')"), render("newest('said', 'id', everywhere=true)")
    words = told.execute(f"select word from ({versions})").fetchall()
    newest = told.execute(f"select word from {newest_row}").fetchall()
    assert (words, newest) == ([(loads,)], [(loads,)])
