"""The expectations of both doors, as data: (suite, frame, expectation)."""

from __future__ import annotations

# The grain of every table that leaves the house; more than one row for a grain is the commonest wrong number.
GRAINS: dict[str, tuple[str, ...]] = {
    "marts.metric_value": (
        "metric_id",
        "as_of",
        "period_type",
        "grain",
        "legal_entity_id",
        "region_id",
        "practice_id",
        "customer_id",
        "project_id",
        "contract_line_id",
        "resource_id",
        "currency_view",
        "currency_code",
    ),
    "reconciliation.exception": ("exception_id",),
    "reconciliation.control_run": ("control_id", "legal_entity_id"),
}

# Statements return (rows that break the identity, worst absolute difference).
IDENTITIES: dict[str, str] = {
    "backlog roll-forward foots per line": (
        "select count(*) filter (where abs(unexplained) > 0.01), max(abs(unexplained)) "
        "from candidate.marts.backlog_rollforward"
    ),
    "wip roll-forward foots per line": (
        "select count(*) filter (where abs(unexplained) > 0.01), max(abs(unexplained)) "
        "from candidate.marts.wip_rollforward"
    ),
    "receivables roll-forward foots per document": (
        "select count(*) filter (where abs(unexplained) > 0.01), max(abs(unexplained)) "
        "from candidate.marts.ar_rollforward"
    ),
    "entities add up to the firm (no orphan money)": """
        with sums as (
            select
                metric_id, as_of, period_type, currency_view, currency_code,
                sum(numerator) filter (where grain = 'FIRM') as firm,
                sum(numerator) filter (where grain = 'LEGAL_ENTITY') as entities
            from candidate.marts.metric_value
            where grain in ('FIRM', 'LEGAL_ENTITY') and currency_view = 'RC'
            group by all
        )
        select
            count(*) filter (where abs(coalesce(firm, 0) - coalesce(entities, 0)) > 0.01),
            max(abs(coalesce(firm, 0) - coalesce(entities, 0)))
        from sums
    """,
    "rows and money are conserved from landing to fact": (
        "select count(*) filter (where not is_conserved), max(abs(row_difference)) "
        "from candidate.reconciliation.conservation"
    ),
}
