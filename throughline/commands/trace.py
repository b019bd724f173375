"""trace: a number back to the records it is made of."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from throughline.commands.common import AsJson, home
from throughline.output import emit, table

app = typer.Typer()
COLUMNS = {
    "number": ["metric_id", "as_of", "period_type", "grain", "currency_view", "currency_code", "value"],
    "row behind": [
        "movement_type", "business_date", "contract_line_id", "project_id", "amount_tc", "currency_code",
        "amount_rc", "hours", "record_id", "load_id",
    ],
    "exception": [
        "exception_id", "control_id", "grain_key", "outcome", "severity", "amount_at_risk", "evidence",
    ],
    "ledger row": [
        "movement_type", "business_date", "known_at", "contract_line_id", "amount_tc", "currency_code",
        "amount_rc", "source_system", "source_record_id", "load_id",
    ],
    "source record": [
        "dataset", "tl_record_id", "tl_known_at", "tl_is_deleted", "tl_load_id", "tl_payload_hash",
    ],
    "load": ["dataset", "load_id", "run_id", "started_at", "rows_extracted", "rows_landed", "status"],
}  # fmt: skip


@app.command("trace")
def trace(
    subject: Annotated[str, typer.Argument(help="A metric, an exception id or a canonical key.")],
    key: Annotated[str | None, typer.Option("--key", help="The metric of this key only.")] = None,
    period: Annotated[str | None, typer.Option("--period", help="POINT, MONTH, YTD ...")] = None,
    run_id: Annotated[str | None, typer.Option("--run", help="A published run.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Rows per step, the largest first.")] = 10,
    json_: AsJson = False,
) -> None:
    """Number, the rows that add up to it, ledger rows, source records, load.

    Example: throughline trace total_backlog
    """
    from throughline import trace as tracing

    found = tracing.trace(home(), subject, key=key, period=period, run_id=run_id, limit=limit)
    if json_:
        rows: list[dict[str, Any]] = [{"step": step, **row} for step, rows in found.steps() for row in rows]
        if found.total is not None:
            told = found.total
            rows.append(
                {
                    "step": "sum of rows behind", "rows": told.rows, "total": told.total,
                    "number": told.number, "ties": told.ties,
                }
            )  # fmt: skip
        emit(rows, [], json_=True)
        return
    for step, rows in found.steps():
        print(f"{step} ({len(rows)})")
        if rows:
            shown = [name for name in COLUMNS[step] if name in rows[0]]
            table(shown, [[row.get(name) for name in shown] for row in rows])
        if step == "row behind" and found.total is not None:
            print(found.total.text())
        print()
