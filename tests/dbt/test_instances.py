"""References between systems of which a firm has several: whose record an id means."""

from __future__ import annotations

import duckdb
import pytest

from tests.dbt.macros import render

TWO = {"instances": {"netsuite": ["acquired", "main"], "certinia": ["acquired", "main"]}}


def key(native: str | None, own: str, variables: dict[str, object], call: str | None = None) -> str | None:
    """The canonical key that a row of the instance `own` means by `native`."""
    text = render(call or "foreign_key('netsuite', 'told.native')", variables=variables)
    row = duckdb.execute(f"select {text} from (select ? as native, ? as tl_instance) as told", [native, own])
    [(found,)] = row.fetchall()
    return found


@pytest.mark.parametrize(
    ("native", "own", "meant"),
    [
        ("1042", "main", "netsuite:main:1042"),
        ("1042", "acquired", "netsuite:acquired:1042"),
        # an integration that crosses says so
        ("main:1042", "acquired", "netsuite:main:1042"),
        ("acquired:1042", "main", "netsuite:acquired:1042"),
        # the other system has no instance of the row's own name
        ("1042", "partner", "netsuite:main:1042"),
        (None, "main", None),
    ],
)
def test_a_bare_id_is_of_the_instance_of_the_same_name(
    native: str | None, own: str, meant: str | None
) -> None:
    assert key(native, own, TWO) == meant


def test_of_one_instance_every_id_is_its_own() -> None:
    assert key("1042", "acquired", {}) == "netsuite:main:1042"
    assert key("1042", "main", {"instances": {"netsuite": ["eu"]}}) == "netsuite:eu:1042"


def test_without_a_main_the_first_instance_is_meant() -> None:
    assert key("7", "x", {"instances": {"netsuite": ["east", "west"]}}) == "netsuite:east:7"


def test_the_row_itself_may_be_named_apart_from_the_id() -> None:
    call = "foreign_key('netsuite', \"coalesce(null, told.native)\", 'told.tl_instance')"
    assert key("9", "acquired", TWO, call) == "netsuite:acquired:9"


@pytest.mark.parametrize(
    ("source", "own", "found"),
    [
        ("S2-3", "acquired", "acquired:S1-3"),
        ("acquired:S2-3", "main", "acquired:S1-3"),
        ("S2-3", "main", "S2-3"),
    ],
)
def test_a_split_made_anew_is_looked_for_in_the_instance_that_is_meant(
    source: str, own: str, found: str
) -> None:
    join = render(
        "split_join('roots', 'renewed', 'items.kind', 'items.source', 'items.load_id')", variables=TWO
    )
    day = render("split_day('items.source', 'renewed')", variables=TWO)
    [(said,)] = duckdb.execute(
        f"""
        with items as (
            select 'TIME' as kind, ? as source, ? as tl_instance, '20260308T233000Z' as load_id
        ),
        roots as (
            select
                'S2' as split_id, 'S1' as root_split_id, 'acquired' as tl_instance,
                '20260208T233000Z000000' as born_in
        )
        select {day} from items {join}
        """,
        [source, own],
    ).fetchall()
    assert said == found


def test_rows_of_two_datasets_are_united_by_name() -> None:
    text = render("union_by_name(['one', 'other'])")
    rows = duckdb.execute(
        "with one as (select 1 as a, 'x' as b), other as (select 'y' as b, 2 as a, true as c)"
        f" select * from ({text}) order by a"
    ).fetchall()
    assert rows == [(1, "x", None), (2, "y", True)]
