"""The same landed rows give the same tables on DuckDB and on Spark, to the last digit."""

from __future__ import annotations

from tests.spark.compare import SHOWN, Comparison, tables
from tests.spark.firm import Both

LAYERS = {"canonical", "master", "ledger", "controls", "reconciliation", "marts"}
# Without these the comparison would prove little, whatever else is equal.
NEEDED = {
    "canonical.canonical__time_entry",
    "canonical.canonical__contract_line",
    "ledger.fct_value_movement",
    "controls.ctl_crm_erp_001",
    "controls.ctl_psa_erp_001",
    "marts.metric_value",
    "marts.backlog_rollforward",
}


def test_every_table_is_the_same_row_by_row(both: Both) -> None:
    comparison = Comparison(
        both.duckdb.build, both.duckdb.candidate(both.run_ids[0]), both.spark.spark / "warehouse"
    )
    outcomes = [comparison.compare(one) for one in tables(both.manifest, both.built, LAYERS)]
    comparison.close()
    print()
    for outcome in outcomes:
        print(outcome.line())
        for difference in outcome.differences[:SHOWN]:
            print(f"    {difference}")
    rows = sum(outcome.duckdb_rows for outcome in outcomes)
    differing = [outcome for outcome in outcomes if outcome.differences]
    print(f"{len(outcomes)} tables, {rows:,} rows compared, {len(differing)} tables differ")
    filled = {outcome.table.title for outcome in outcomes if outcome.duckdb_rows}
    assert filled >= NEEDED, f"not compared, or empty: {sorted(NEEDED - filled)}"
    assert not differing, [outcome.table.title for outcome in differing]
