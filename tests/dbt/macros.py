"""The project's macros rendered in process, for either engine: a macro's words without a run of dbt."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import jinja2

from tests.dbt.raw_fixture import ROOT

FILES = (
    "portable.sql",
    "controls.sql",
    "versions.sql",
    "keys.sql",
    "splits.sql",
    "events.sql",
    "collections.sql",
)


class _Module:
    """The macros by name; `dispatch` chooses the engine's own as dbt does."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self.module: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)

    def dispatch(self, name: str, _package: str) -> Any:
        return getattr(self.module, f"{self._engine}__{name}", None) or getattr(
            self.module, f"default__{name}"
        )


class _Modules:
    """dbt's modules, as far as the macros use them."""

    re = re


def render(
    call: str,
    *,
    engine: str = "default",
    this: str = "this_table",
    variables: Mapping[str, Any] | None = None,
) -> str:
    """What `{{ call }}` is for an engine (`default` is DuckDB), in a model that is the table `this`."""
    macros = _Module(engine)
    environment = jinja2.Environment(extensions=["jinja2.ext.do"], autoescape=False)
    held = dict(variables or {})
    environment.globals.update(
        adapter=macros, throughline=macros, this=this, modules=_Modules, var=held.get,
        **{"return": lambda value: value},
    )  # fmt: skip
    text = "".join((ROOT / "dbt_project" / "macros" / name).read_text(encoding="utf-8") for name in FILES)
    macros.module = environment.from_string(text).module
    return environment.from_string(text + "{{ " + call + " }}").render().strip()
