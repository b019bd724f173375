"""The reference and large tiers: a firm of millions of time entries, as bulk files in the ports' columns.

The process simulator advances every worker day by day and is too slow for twenty million entries. This firm
is drawn by set-based SQL instead: time and materials only, no faults, no truth. It serves the measurements
of `make bench`, and anybody who wants to see how the warehouse bears a large firm through the files source.
Same seed, same rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

Progress = Callable[[str], None]
FIRST, LAST = date(2024, 7, 1), date(2026, 6, 30)
ENTITIES = (
    (1, "US01", "US", "USD", "NA"),
    (2, "US02", "US", "USD", "NA"),
    (3, "CA01", "CA", "CAD", "NA"),
    (4, "GB01", "GB", "GBP", "EU"),
    (5, "DE01", "DE", "EUR", "EU"),
    (6, "NL01", "NL", "EUR", "EU"),
)
WORTH = {"USD": "1.00", "EUR": "1.10", "GBP": "1.28", "CAD": "0.74"}
PRACTICES = ("DATA", "STRATEGY", "CLOUD", "TAX")
WORKERS = {"tiny": 20, "reference": 2_400, "large": 9_600}


@dataclass(frozen=True)
class Bulk:
    """What was written: rows per port, and the day the firm is looked at."""

    rows: dict[str, int]
    as_of: date


def draw(part: str, choices: int) -> str:
    """SQL of a number from 0 to `choices` - 1, always the same for a seed and `part`."""
    return f"(hash({part}, getvariable('seed')) % {choices})::integer"


def _setup(connection: duckdb.DuckDBPyConnection, workers: int, seed: int) -> None:
    connection.execute(f"set variable seed = {seed}")
    connection.execute(f"set variable workers = {workers}")
    connection.execute(f"set variable contracts = {max(workers // 2, 6)}")
    connection.execute(f"set variable customers = {max(workers // 8, 3)}")
    connection.execute(f"set variable first_day = date '{FIRST}'")
    connection.execute(f"set variable last_day = date '{LAST}'")
    connection.execute(
        "create table entity (number int, code text, country text, currency text, region text)"
    )
    connection.executemany("insert into entity values (?, ?, ?, ?, ?)", ENTITIES)
    connection.execute("create table worth (currency text, usd decimal(18,10))")
    connection.executemany("insert into worth values (?, ?)", list(WORTH.items()))
    connection.execute(
        "create table practice as select unnest(?) as code, unnest(range(len(?))) as number",
        [list(PRACTICES), list(PRACTICES)],
    )
    connection.execute(
        """
        create table day as
        select day::date as day, isodow(day) <= 5 as works,
            count(*) filter (isodow(day) <= 5) over (order by day) as number
        from generate_series(getvariable('first_day'), getvariable('last_day'), interval 1 day) as d(day)
        """
    )
    connection.execute(
        f"""
        create table contract as
        select c.number, c.number % getvariable('customers') as customer, entity.number as entity,
            entity.code, entity.currency, entity.region, practice.code as practice,
            90 + 10 * {draw("'rate', c.number", 16)} as rate,
            getvariable('first_day') + {draw("'signed', c.number", 90)} as signed_on
        from range(getvariable('contracts')) as c(number)
        join entity on entity.number = 1 + c.number % 6
        join practice on practice.number = c.number % 4
        """
    )
    connection.execute(
        """
        create table worker as
        select w.number, entity.number as entity, entity.code, entity.currency, entity.region,
            practice.code as practice
        from range(getvariable('workers')) as w(number)
        join entity on entity.number = 1 + w.number % 6
        join practice on practice.number = w.number % 4
        """
    )


# port -> its rows, in the port's own columns; keys are bare
SMALL: dict[str, str] = {
    "legal_entity": """
        select number as legal_entity_id, code as entity_code, code as name, country as country_code,
            currency as functional_currency from entity""",
    "currency": "select currency as currency_code, currency as name from worth",
    "exchange_rate": """
        select a.currency || b.currency || day as exchange_rate_id, a.currency as from_currency,
            b.currency as to_currency, (a.usd / b.usd)::decimal(18,10) as rate, 'spot' as rate_type,
            day as effective_from
        from day cross join worth as a cross join worth as b where a.currency <> b.currency""",
    "accounting_period": """
        select strftime(m, '%Y-%m') as period_id, strftime(m, '%Y-%m') as period_name, m::date as start_date,
            last_day(m) as end_date, last_day(m) < getvariable('last_day') as is_closed
        from generate_series(getvariable('first_day'), getvariable('last_day'), interval 1 month) as t(m)""",
    "org_unit": """
        select code as org_unit_id, code, code as name, 'practice' as unit_type from practice
        union all select distinct region, region, region, 'region' from entity""",
    "customer": """
        select 'a' || number as customer_id, 'Client ' || number as name, 'T' || number as tax_id,
            'crm' as source_system, null as erp_customer_id, null as status, null as tax_profile,
            null as credit_status
        from range(getvariable('customers')) as t(number)
        union all
        select 'c' || number, 'Client ' || number, 'T' || number, 'erp', null, 'ACTIVE', 'STANDARD', 'PASSED'
        from range(getvariable('customers')) as t(number)""",
    "opportunity": """
        select number as opportunity_id, 'Deal ' || number as name, 'a' || customer as customer_id,
            'CLOSED_WON' as stage, rate * 4000 as amount, currency as currency_code, signed_on as close_date,
            true as is_closed, true as is_won, code as legal_entity_code, 'TM' as billing_method,
            signed_on::timestamp as created_at from contract""",
    "opportunity_stage_event": """
        select number as event_id, number as opportunity_id, 'CLOSED_WON' as stage,
            signed_on::timestamp as changed_at from contract""",
    "contract": """
        select number as contract_id, 'C' || number as contract_number, number as opportunity_id,
            'c' || customer as customer_id, entity as legal_entity_id, currency as currency_code,
            'TM' as billing_method, signed_on, signed_on as effective_from, 'ACTIVE' as status,
            signed_on::timestamp as created_at
        from contract""",
    "contract_line": """
        select number as contract_line_id, number as contract_id, 1 as line_number, 'TM' as billing_method,
            rate * 4000 as original_value, currency as currency_code, practice as practice_code,
            region as region_code from contract""",
    "project": """
        select number as project_id, 'Project ' || number as name, 'a' || customer as customer_id,
            'psa' as source_system, number as opportunity_id, number as contract_line_id,
            'TM' as billing_method, true as is_billable, 'OPEN' as status, signed_on as start_date,
            currency as currency_code, code as legal_entity_code, region as region_id,
            practice as practice_id, signed_on::timestamp as created_at from contract""",
    "resource": """
        select 'e' || number as resource_id, 'hr' as source_system, 'employee' as worker_type,
            'N' || number as employee_number, code as legal_entity_code, practice as practice_code,
            region as region_code, getvariable('first_day') as hire_date, 1 as fte, 40 as weekly_hours
        from worker
        union all
        select 'r' || number, 'psa', 'employee', 'N' || number, code, practice, region, null, null, null
        from worker""",
    "cost_rate": """
        select number as cost_rate_id, 'e' || number as resource_id, getvariable('first_day') as valid_from,
            40 + number % 30 as rate, currency as currency_code from worker""",
    "work_calendar_day": """
        select entity.code as calendar_id, entity.code as calendar_name, day as calendar_date,
            case when works then 8 else 0 end as standard_hours from entity cross join day""",
}
# a worker changes projects with the quarter; every entry is two hours, approved on the Monday after
ENTRY = """
    select
        worked.worker * 100000 + worked.day_number * 10 + worked.slot as id,
        worked.contract,
        worked.worker,
        worked.day,
        2 as hours,
        c.rate,
        c.currency,
        (date_trunc('week', worked.day) + interval 7 day)::date as approved_on
    from (
        -- drawn before it is joined, so that the join is by equality
        select w.number as worker, d.number as day_number, d.day, slot,
            (hash(w.number, slot, year(d.day), quarter(d.day), getvariable('seed'))
            % getvariable('contracts'))::integer as contract
        from worker as w
        cross join (select * from day where works) as d
        cross join range(4) as s(slot)
    ) as worked
    join contract as c on worked.contract = c.number::integer
"""
LARGE: dict[str, str] = {
    "time_entry": """
        select id as time_entry_id, contract as project_id, 'r' || worker as resource_id, day as work_date,
            hours, true as is_billable,
            case when approved_on <= getvariable('last_day') then 'approved' else 'submitted' end as status,
            hours * rate as billable_amount, currency as currency_code, rate as bill_rate,
            day::timestamp as submitted_at,
            case when approved_on <= getvariable('last_day') then approved_on::timestamp end as approved_at
        from entry""",
    "billing_item": """
        select id as billing_item_id, 'TIME' as source_type, id as source_key, contract as contract_line_id,
            day as work_date, hours as quantity, rate as unit_price, hours * rate as amount,
            currency as currency_code, true as is_billable, approved_on::timestamp as eligible_at,
            case when last_day(day) < date_trunc('month', getvariable('last_day'))
                then 'INVOICED' else 'OPEN' end as status
        from entry where approved_on <= getvariable('last_day')""",
    "invoice_line": """
        select id as invoice_line_id, contract || strftime(day, '-%Y-%m') as invoice_id,
            'TIME' as source_type, id as source_key, contract as contract_line_id, hours as quantity,
            rate as unit_price, hours * rate as net_amount, currency as currency_code
        from entry where last_day(day) < date_trunc('month', getvariable('last_day'))""",
    "invoice": """
        select contract || strftime(m, '-%Y-%m') as invoice_id, 'invoice' as document_type,
            'I' || contract || strftime(m, '-%Y-%m') as invoice_number, 'c' || c.customer as customer_id,
            c.entity as legal_entity_id, contract as contract_id, (last_day(m) + 3)::date as invoice_date,
            (last_day(m) + 33)::date as due_date, c.currency as currency_code, 1 as exchange_rate,
            total as total_amount, total as net_amount, total as amount_due, 'open' as status,
            (last_day(m) + 3)::timestamp as posted_at
        from (
            select contract, date_trunc('month', day)::date as m, sum(hours * rate) as total from entry
            where last_day(day) < date_trunc('month', getvariable('last_day')) group by all
        ) join contract as c on c.number = contract""",
    "revenue_entry": """
        select contract || strftime(m, '-%Y-%m') as revenue_entry_id, contract as contract_line_id,
            total as amount, total as amount_functional, currency as currency_code,
            last_day(m) as accounting_date, strftime(m, '%Y-%m') as period_id,
            (last_day(m) + 1)::timestamp as posted_at, 'recognised' as kind
        from (
            select contract, currency, date_trunc('month', day)::date as m, sum(hours * rate) as total
            from entry group by all
        )""",
}


def write(folder: Path, scale: str, seed: int, progress: Progress | None = None) -> Bulk:
    """Write the firm's ports to `folder`/<port>.parquet. `scale` is one of WORKERS.

    About 2,090 entries per worker.
    """
    tell = progress or (lambda _line: None)
    folder.mkdir(parents=True, exist_ok=True)
    rows: dict[str, int] = {}
    with duckdb.connect(":memory:") as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"set temp_directory = '{folder / '.spill'}'")
        connection.execute("set preserve_insertion_order = false")
        _setup(connection, WORKERS[scale], seed)
        connection.execute(f"create table entry as {ENTRY}")
        for port, select in {**SMALL, **LARGE}.items():
            path = folder / f"{port}.parquet"
            copied = connection.execute(
                f"copy ({select}) to '{path}' (format parquet, compression zstd)"
            ).fetchone()
            rows[port] = int(copied[0]) if copied else 0
            tell(f"{port}: {rows[port]:,} rows")
    return Bulk(rows, LAST)
