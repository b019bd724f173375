"""The command line. Groups and verbs are listed in `throughline.commands`; each is imported when asked for.

Exit codes: 0 ok (`run`: published) · 1 checks failed or exceptions open · 3 could not run · 4 not published ·
64 usage · 75 locked.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_group

from throughline import clock, foreseen
from throughline.commands import GROUPS, VERBS
from throughline.errors import error, render
from throughline.home import VARIABLE
from throughline.process import QUIET

USAGE = 64


class Lazy(TyperGroup):
    """A group whose members are imported when asked for, and which ends with the project's exit codes."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The verbs in the order of their table, then the groups, as far as their modules exist."""
        table = {**VERBS, **GROUPS}
        return [name for name, module in table.items() if importlib.util.find_spec(module) is not None]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command or group of that name, None when there is none."""
        if cmd_name in VERBS and cmd_name in self.list_commands(ctx):
            return get_group(importlib.import_module(VERBS[cmd_name]).app).commands[cmd_name]
        if cmd_name in GROUPS and cmd_name in self.list_commands(ctx):
            group = get_group(importlib.import_module(GROUPS[cmd_name]).app)
            group.name = cmd_name
            return group
        return None

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run, and turn whatever went wrong into a text that teaches and the exit code it stands for."""
        try:
            return super().main(*args, **kwargs)
        except SystemExit as ended:
            # Typer ends with 2 when a command was called wrongly.
            sys.exit(USAGE if ended.code == 2 else ended.code)
        except Exception as problem:
            told = foreseen.told(problem)
            if told is None:
                traceback.print_exc()
                told = error("E-RUN-999", detail=f"{type(problem).__name__}: {problem}")
            print(render(told), file=sys.stderr)
            sys.exit(told.exit_code)


app = typer.Typer(
    cls=Lazy,
    no_args_is_help=True,
    help="From opportunity to revenue: one ledger, every metric a sum, every difference shown.",
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    context: typer.Context,
    home: Path | None = typer.Option(
        None, "--home", envvar=VARIABLE, help="The warehouse's folder; ./.throughline unless said otherwise."
    ),
    no_color: bool = typer.Option(False, "--no-color", help="No colours, even on a terminal."),
) -> None:
    """Options that every command shares."""
    os.environ.update(QUIET)
    if home is not None:
        os.environ[VARIABLE] = str(home)
    if no_color:
        os.environ["NO_COLOR"] = "1"
    if context.invoked_subcommand != "doctor":
        # Asked before anything is done: a clock that cannot be read would stop a run half way.
        try:
            clock.now()
        except ValueError as problem:
            raise error("E-CFG-004", variable=clock.VARIABLE, detail=str(problem)) from None


if __name__ == "__main__":
    app()
