"""explain: what an error code means."""

from __future__ import annotations

from typing import Annotated

import typer

from throughline.commands.common import AsJson
from throughline.errors import FIELDS, catalogue, error
from throughline.output import emit

app = typer.Typer()


@app.command("explain")
def explain(
    code: Annotated[
        str | None, typer.Argument(help="A code like E-PUB-003; all of them unless given.")
    ] = None,
    json_: AsJson = False,
) -> None:
    """What an error means and what to do. Example: throughline explain E-PUB-003"""
    entries = catalogue()
    if code is None:
        emit(
            [{"code": one.code, "what": one.what} for one in entries.values()], ["code", "what"], json_=json_
        )
        return
    entry = entries.get(code.upper())
    if entry is None:
        raise error("E-RUN-001", detail=f"there is no error {code}; `throughline explain` lists them all")
    texts = {field: getattr(entry, field) for field in FIELDS}
    if json_:
        emit([{"code": entry.code, **texts, "exit_code": entry.exit_code}], [], json_=True)
        return
    print(f"{entry.code}  {entry.what}\n")
    for label, text in list(texts.items())[1:]:
        print(f"  {label.capitalize():<8} {text}")
    print(f"  {'Exit':<8} {entry.exit_code}")
