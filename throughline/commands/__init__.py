"""The command line's groups and verbs, registered in two tables and imported only when asked for.

How to add a group `deliver` (verbs `deliver now`, `deliver list`): write `commands/deliver.py` with

    import typer

    from throughline.commands.common import AsJson, actor, settings
    from throughline.output import emit, say

    app = typer.Typer(no_args_is_help=True, help="Send reports to people.")

    @app.command("now")
    def now(name: str, json_: AsJson = False) -> None:
        '''One line of help. Example: throughline deliver now monday'''
        home, config = settings()
        ...
        emit(rows, ["name", "file"], json_=json_)      # rows: one mapping per row

and put its name into GROUPS. A module that does not exist is not offered. A verb without a group stands in
VERBS; its module's `app` has a command of that name.

Rules for every command: data goes to standard output, messages to standard error (`say`); a failure is
raised as `throughline.errors.error("E-...", ...)`, which `throughline.cli` prints and turns into the exit
code of the catalogue; an outcome without a failure ends with `raise typer.Exit(1)`; heavy imports (duckdb,
dlt, xlsxwriter) happen inside the function; anything that writes to the home, people's input apart, holds
`throughline.lock.exclusive`.
"""

from __future__ import annotations

# group -> the module whose `app` it is
GROUPS: dict[str, str] = {
    "publish": "throughline.commands.publish",
    "source": "throughline.commands.source",
    "rejects": "throughline.commands.rejects",
    "recon": "throughline.commands.recon",
    "close": "throughline.commands.close",
    "sandbox": "throughline.commands.sandbox",
}

# verb -> the module whose `app` has it
VERBS: dict[str, str] = {
    "init": "throughline.commands.init",
    "run": "throughline.commands.run",
    "land": "throughline.commands.run",
    "build": "throughline.commands.run",
    "check": "throughline.commands.run",
    "status": "throughline.commands.status",
    "query": "throughline.commands.query",
    "trace": "throughline.commands.trace",
    "app": "throughline.commands.app",
    "doctor": "throughline.commands.doctor",
    "explain": "throughline.commands.explain",
}
