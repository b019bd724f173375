"""Numbers and dates as they read on a page."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dashboards import numbers

D = Decimal


@pytest.mark.parametrize(
    ("amount", "currency", "sign", "text"),
    [
        (D("48200000"), "USD", False, "$48.2m"),
        (D("-1300000"), "EUR", False, "−€1.3m"),
        (D("12000"), "CAD", False, "CAD 12k"),
        (D("950"), "USD", True, "+$950"),
        (D("-0.2"), "USD", True, "$0"),
        (D("0.00"), "USD", True, "$0"),
        (D("999499"), "USD", False, "$999k"),
        (D("999500"), "USD", False, "$1.0m"),
        (D("999950000"), "USD", False, "$1.0bn"),
        (D("999.6"), "USD", False, "$1k"),
        (D("2300000000"), "GBP", False, "£2.3bn"),
        (None, "USD", False, "–"),
    ],
)
def test_money(amount: D | None, currency: str, sign: bool, text: str) -> None:
    assert numbers.money(amount, currency, sign) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(D("1234.5"), "1,234.50"), (D("-1234.5"), "(1,234.50)"), (D("-0.004"), "0.00"), (None, "–")],
)
def test_full_money(amount: D | None, text: str) -> None:
    assert numbers.full_money(amount) == text


def test_shares_and_points() -> None:
    assert numbers.percent(D("0.7136")) == "71.4%"
    assert numbers.percent(D("-0.25")) == "−25.0%"
    assert numbers.percent(D("-0.0001")) == "0.0%"
    assert numbers.points(D("0.013")) == "+1.3 pts"
    assert numbers.points(D("-0.013")) == "−1.3 pts"
    assert numbers.points(D("0.0001")) == "0.0 pts"
    assert numbers.times(D("1.304")) == "1.30×"


def test_days_dates_and_counts() -> None:
    assert numbers.days(D("2.50")) == "2.5 days"
    assert numbers.days(1) == "1 day"
    assert numbers.days(1200) == "1,200 days"
    assert numbers.day(date(2026, 11, 5)) == "5 Nov 2026"
    assert numbers.counted(1, "case") == "1 case"
    assert numbers.counted(1204, "case") == "1,204 cases"
    assert numbers.count(None) == "–"


def test_quantities_lose_zeros_not_digits() -> None:
    assert numbers.quantity(D("288.00000000")) == "288"
    assert numbers.quantity(D("-7.2500")) == "−7.25"
    assert numbers.quantity(D("100")) == "100"
    assert numbers.quantity(D("1E+3")) == "1,000"


def test_a_dollar_does_not_begin_a_formula() -> None:
    assert numbers.md("$1 and $2") == "\\$1 and \\$2"
