"""A firm without APIs: a folder of files in the ports' columns is a whole warehouse, even an empty one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from sandbox.bulk import LAST, write
from throughline import warehouse
from throughline.home import Home

pytestmark = pytest.mark.slow
NOW = f"{LAST}T23:30:00Z"


def throughline(home: Path, *words: str, ends: int = 0) -> str:
    """What a command printed; it must end with the code `ends`."""
    done = subprocess.run(
        [sys.executable, "-m", "throughline.cli", *words],
        env={**os.environ, "THROUGHLINE_HOME": str(home), "THROUGHLINE_NOW": NOW},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == ends, done.stdout[-3000:] + done.stderr[-2000:]
    return done.stdout


def test_empty_templates_alone_say_that_nothing_can_be_said(tmp_path: Path) -> None:
    throughline(tmp_path / "home", "init", "--files", str(tmp_path / "in"))
    throughline(tmp_path / "home", "run")
    with warehouse.open_published(Home(tmp_path / "home")) as connection:
        said = connection.execute(
            "select distinct control_id, status from reconciliation.control_run where control_id <> 'INT-003'"
        ).fetchall()
        metrics = connection.execute("select count(*) from marts.metric_value").fetchone()
    assert {status for _, status in said} == {"NOT_EVALUABLE"}
    assert len(said) > 10
    assert metrics == (0,), "nothing was handed over, and nothing is no zero"


def test_a_folder_of_files_is_a_whole_warehouse(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    write(folder, "tiny", seed=5)
    home = tmp_path / "home"
    throughline(home, "init", "--files", str(folder))
    throughline(home, "run")
    with duckdb.connect() as own:
        own.execute("set TimeZone = 'UTC'")

        def total(port: str, amount: str, day: str, currency: str, where: str) -> Decimal:
            # in euro at the rate of each row's day
            found = own.execute(
                f"""select sum(round({amount} * case when {currency} = 'EUR' then 1 else rate end, 4))
                from '{folder}/{port}.parquet' left join '{folder}/exchange_rate.parquet'
                on {currency} = from_currency and to_currency = 'EUR' and effective_from = {day}
                where {where}"""
            ).fetchone()
            assert found is not None
            return Decimal(found[0])

        june = f"between '{LAST.replace(day=1)}' and '{LAST}'"
        billed = total("invoice", "net_amount", "invoice_date", "currency_code", f"invoice_date {june}")
        revenue = total(
            "revenue_entry", "amount", "accounting_date", "currency_code", f"accounting_date {june}"
        )
        waiting = total("billing_item", "amount", f"date '{LAST}'", "currency_code", "status = 'OPEN'")
    with warehouse.open_published(Home(home)) as connection:
        found = dict(
            connection.execute(
                "select metric_id, value from marts.metric_value where grain = 'FIRM' and as_of = ?"
                " and currency_view = 'RC' and period_type in ('MONTH', 'POINT')",
                [LAST],
            ).fetchall()
        )
        failing = connection.execute(
            "select distinct control_id from reconciliation.exception where outcome = 'EXCEPTION'"
        ).fetchall()
        conserved = connection.execute(
            "select count(*), bool_and(is_conserved) from reconciliation.conservation"
        ).fetchone()
    assert found["recognised_revenue"] == revenue
    # rounded to four decimals by line there, by document and by item here
    assert abs(found["billed"] - billed) < 1
    assert abs(found["wip_operational"] - waiting) < 1
    # the bulk firm never released its customers for an entity; there is nothing else to find
    assert failing == [("MDM-001",)]
    assert conserved == (19, True)
    # with exceptions open, 1 is what the command ends with
    listed = json.loads(throughline(home, "recon", "list", "--json", "--status", "NEW", ends=1))
    assert {row["control_id"] for row in listed} >= {"MDM-001"}
