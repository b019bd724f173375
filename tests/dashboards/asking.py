"""What a page's numbers say of the rows behind them, asked in a session of the app without its pages."""

from __future__ import annotations

from typing import Any

from streamlit.testing.v1 import AppTest


def sums_of(made_by: Any, query: dict[str, str], *told: str) -> list[list[str]]:
    """Label, what the page says, what its rows give, their number and whether they tie.

    ``made_by(filters, history, *told)``, a function of a module, makes the numbers that ``query`` asks for.
    """

    def page(module: str, name: str, scope: str, as_of: str, period: str, told: tuple[str, ...]) -> None:
        from datetime import date
        from importlib import import_module

        import streamlit as st

        from dashboards import data
        from dashboards.components.sums import added
        from dashboards.filters import Filters, default_as_of
        from dashboards.readings import History

        place = next((s for s in data.scopes() if s.key == scope), data.FIRM)
        day = date.fromisoformat(as_of) if as_of else default_as_of(data.as_of_dates())
        history = History(data.metric_rows(place, period), data.as_of_dates())
        make = getattr(import_module(module), name)
        for one in make(Filters(day, period, "PP", place), history, *told):
            found = added(one)
            st.text(f"{one.label}|{one.expected}|{found.total}|{found.count}|{found.ties}")

    asked = (query.get("scope", ""), query.get("asof", ""), query.get("period", "QUARTER"), told)
    app = AppTest.from_function(
        page, default_timeout=60, args=(made_by.__module__, made_by.__name__, *asked)
    ).run()
    assert not app.exception
    return [element.value.split("|") for element in app.text]
