"""A firm's reconciliation as a published file, as publishing would leave it; and one run after another."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb

from tests.reconciliation.firm import Firm
from throughline import files, state
from throughline import publish as publishing
from throughline.home import Home
from throughline.inputs import TABLES
from throughline.recon import archive

FORMULA = '=HYPERLINK("http://x.example","click")'
PUBLISHED = ("exception", "exception_history", "control_run", "control_period", "recon__control",
             "recon__dataset_status", "recon__due", "recon__reporting_rate", "tie_out",
             "tie_out_item")  # fmt: skip
CONSERVATION = "source_system varchar, source_instance varchar, resource varchar, currency_code varchar"


def publish(firm: Firm, home: Home, run_id: str, customers: dict[str, str] | None = None) -> None:
    """Put the firm's reconciliation into a published file, point at it and record that it was published.

    `customers` names customers by key; the standard one is called like a formula unless named.
    """
    home.ensure()
    home.run(run_id).mkdir(parents=True, exist_ok=True)
    before = publishing.current_run(home)
    target = duckdb.connect(str(home.published(run_id)))
    target.execute("set TimeZone = 'UTC'")
    target.execute("create schema reconciliation")
    firm.build(*PUBLISHED)
    for model in PUBLISHED:
        held = firm.connection.execute(f'select * from serving.reconciliation."{model}"').to_arrow_table()
        target.register("held", held)
        target.execute(f'create table reconciliation."{model}" as select * from held')
        target.unregister("held")
    target.execute(f"create table reconciliation.conservation ({CONSERVATION})")
    target.execute("create schema master")
    target.execute("create table master.dim_legal_entity as select 'netsuite:main:1' as legal_entity_id,"
                   " 'US01' as entity_code union all select 'netsuite:main:4', 'GB01'")  # fmt: skip
    target.execute("create table master.dim_customer (customer_id varchar, name varchar)")
    for key, name in {"netsuite:main:K1": FORMULA, **(customers or {})}.items():
        target.execute("insert into master.dim_customer values (?, ?)", [key, name])
    target.execute("create schema publication")
    target.execute(
        "create table publication.run as select ? as run_id, ?::date as as_of, ?::timestamptz as known_at,"
        " 'USD' as reporting_currency, ?::timestamptz as started_at, 'f00d' as content_hash",
        [run_id, firm.as_of, firm.known_at, firm.known_at],
    )
    target.execute(
        "create table publication.content as select 'reconciliation.exception' as table_name,"
        " count(*) as row_count, 'beef' as content_hash from reconciliation.exception"
    )
    target.close()
    point(home, run_id)
    state.append(home, "publication", run_id, "throughline", {"action": "publish", "from": before})


def point(home: Home, run_id: str) -> None:
    """Point at a published run, as a rollback does."""
    files.write_json(home.pointer, {"run_id": run_id})


def remember(firm: Firm, home: Home) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Hand the firm what the runs published before its clocks knew: prior exceptions, prior control runs."""
    found = archive.history(home, firm.as_of, datetime.fromisoformat(firm.known_at))
    for table, rows in zip(("prior_exception", "prior_control_run"), found, strict=True):
        names = [column.strip().split(" ")[0] for column in TABLES[table].replace("(19,4)", "").split(",")]
        firm.tables[table] = [dict(zip(names, row, strict=True)) for row in rows]
    return firm.tables["prior_exception"], firm.tables["prior_control_run"]
