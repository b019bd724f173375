"""query: SQL on what is published."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from throughline.commands.common import AsJson, home
from throughline.errors import error
from throughline.output import as_csv, as_json, table

app = typer.Typer()


@app.command("query")
def query(
    sql: Annotated[str, typer.Argument(help="One SQL statement; - reads it from standard input.")],
    json_: AsJson = False,
    csv_: Annotated[bool, typer.Option("--csv", help="CSV with a header line.")] = False,
    run_id: Annotated[
        str | None, typer.Option("--run", help="A published run; the current one unless given.")
    ] = None,
) -> None:
    """Read-only SQL. Example: throughline query "select * from marts.metric_value" --json"""
    import duckdb

    from throughline.warehouse import open_published

    if json_ and csv_:
        raise error("E-RUN-001", detail="--json and --csv exclude each other")
    text = sys.stdin.read() if sql == "-" else sql
    connection = open_published(home(), run_id)
    try:
        statements = connection.extract_statements(text)
        if len(statements) != 1:
            raise error("E-QRY-001", detail=f"one statement at a time, not {len(statements)}")
        cursor = connection.execute(statements[0])
        columns = [name for name, *_ in cursor.description or []]
        rows = cursor.fetchall()
    except duckdb.Error as problem:
        raise error("E-QRY-001", detail=str(problem).strip()) from problem
    finally:
        connection.close()
    if json_:
        twice = sorted({name for name in columns if columns.count(name) > 1})
        if twice:
            raise error("E-QRY-001", detail=f"two columns are called {', '.join(twice)}; name them apart")
        print(as_json(columns, rows))
    elif csv_:
        print(as_csv(columns, rows))
    else:
        table(columns, rows)
