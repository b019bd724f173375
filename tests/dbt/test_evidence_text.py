"""Evidence is JSON whatever a vendor's text holds, on either engine."""

from __future__ import annotations

import json

import duckdb
import pytest

from tests.dbt.macros import render

CONTROLS = "".join(map(chr, range(1, 32)))
# RFC 8259, section 7: what must be escaped, written by hand.
ESCAPED = (
    r"\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000B\f\r\u000E\u000F\u0010\u0011\u0012\u0013\u0014"
    r"\u0015\u0016\u0017\u0018\u0019\u001A\u001B\u001C\u001D\u001E\u001F"
)


@pytest.mark.parametrize(
    "text", [CONTROLS, "a\tb", "\x01", 'say "no"', "back\\slash", "/", "Zoë \u2028 😀", "", "null", "{}"]
)
def test_any_text_comes_back_as_it_was(text: str) -> None:
    pairs = render("evidence([('note', 'note'), ('amount', 'cast(1.50 as decimal(9,2))'), ('none', 'null')])")
    (said,) = duckdb.connect().execute(f"select {pairs} from (select ? as note)", [text]).fetchone() or ("",)
    assert json.loads(said) == {"note": text, "amount": "1.50", "none": None}


def test_the_escapes_are_the_standards() -> None:
    text = render("json_text('?')")
    row = duckdb.connect().execute(f"select {text}", [CONTROLS]).fetchone()
    assert row == (f'"{ESCAPED}"',)


def test_spark_cuts_the_text_out_of_its_object() -> None:
    """Spark's writer gives `{"v":"..."}`; its cut is played here on that text, since Spark is not at hand."""
    sql = render("json_text('note')", engine="spark")
    written = "to_json(named_struct('v', cast(note as string)))"
    assert sql.count(written) == 2
    played = sql.replace(written, "object")
    rows = duckdb.connect().execute(
        f"select {played} from (values ('x', '{{\"v\":\"x\"}}'), ('', '{{\"v\":\"\"}}'), (null, '{{}}'))"
        " as t (note, object)"
    )
    assert rows.fetchall() == [('"x"',), ('""',), (None,)]
