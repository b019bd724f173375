"""The check that the workbook's roll-forwards use, on published tables: one foots, one does not."""

from __future__ import annotations

from decimal import Decimal

from throughline.recon.rows import footing


def test_the_table_that_does_not_foot_is_told_by_how_much() -> None:
    """G-DEF-03: five bands of a published note against its stated total."""
    bands = [Decimal(band) for band in (105380, 99875, 39281, 37824, 34911)]
    assert sum(bands) == 317271
    assert footing(Decimal(0), bands, Decimal(317279)) == -8


def test_two_years_of_a_published_liability_foot() -> None:
    """G-DEF-01, the same function: opening, released and received make the closing balance of each year."""
    assert footing(Decimal(107158), [Decimal(-77622), Decimal(86531)], Decimal(116067)) == 0
    assert footing(Decimal(116067), [Decimal(-77334), Decimal(63324)], Decimal(102057)) == 0
