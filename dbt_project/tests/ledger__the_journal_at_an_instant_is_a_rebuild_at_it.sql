-- The wrong number this would let through: a closed month that changes when it is read again. The journal
-- up to an instant has to add up to what a build from only the rows known then would find.
-- Checked at every instant at which posted revenue or a document's line changed after the first load, at
-- the run's known_at, and at the instant the variable names (--vars 'ledger_rebuild_at:
-- 2026-06-08T23:30:00Z').
-- Not asserted: other movements than posted revenue, billing and hours; a test over a whole firm rebuilds
-- those.
with instant as (
    select known_from as known_at from {{ ref('canonical__revenue_entry') }}
    where not is_backfill
    union
    select known_from as known_at from {{ ref('canonical__invoice_line') }}
    where not is_backfill
    union
    select known_at from {{ source('inputs', 'run_context') }}
    {%- if var('ledger_rebuild_at', '') %}
    union
    select cast('{{ var("ledger_rebuild_at") }}' as {{ type_instant() }}) as known_at
    {%- endif %}
),

rebuilt as (
    select
        instant.known_at,
        'recognised' as measure,
        sum(entry.amount) as amount
    from instant
    inner join {{ ref('canonical__revenue_entry') }} as entry
        on
            instant.known_at >= entry.known_from
            and (entry.known_to is null or instant.known_at < entry.known_to)
    where
        not entry.is_deleted
        and entry.kind = 'recognised'
        and entry.entry_type in ('NORMAL', 'CATCH_UP', 'REVERSAL')
    group by instant.known_at
    union all
    select
        instant.known_at,
        'billed' as measure,
        sum(invoice_line.net_amount) as amount
    from instant
    inner join {{ ref('canonical__invoice_line') }} as invoice_line
        on
            instant.known_at >= invoice_line.known_from
            and (invoice_line.known_to is null or instant.known_at < invoice_line.known_to)
    inner join {{ ref('canonical__invoice') }} as invoice
        on
            invoice_line.invoice_id = invoice.invoice_id
            -- what a first load brought describes the lines that came with it
            and (
                instant.known_at >= invoice.known_from
                or (invoice.version_number = 1 and invoice.is_backfill)
            )
            and (invoice.known_to is null or instant.known_at < invoice.known_to)
    where
        not invoice_line.is_deleted
        and not invoice.is_deleted
        and invoice.status not in ('draft', 'void')
        and invoice.posted_at is not null
    group by instant.known_at
    union all
    select
        instant.known_at,
        'hours' as measure,
        sum(entry.hours) as amount
    from instant
    inner join {{ ref('canonical__time_entry') }} as entry
        on
            instant.known_at >= entry.known_from
            and (entry.known_to is null or instant.known_at < entry.known_to)
    where not entry.is_deleted and entry.status in ('approved', 'submitted')
    group by instant.known_at
),

journal as (
    select
        movement_type,
        known_at,
        sum(amount_tc) as amount_tc,
        sum(hours) as hours
    from {{ ref('fct_value_movement') }}
    where movement_type in ('recognised', 'billed', 'credited', 'labour_cost')
    group by movement_type, known_at
),

-- a contractor's submitted hours are no cost yet: they are counted apart
contractor_waiting as (
    select
        instant.known_at,
        sum(time_value.hours) as hours
    from instant
    inner join {{ ref('ledger__time_value') }} as time_value
        on
            instant.known_at >= time_value.known_from
            and (time_value.known_to is null or instant.known_at < time_value.known_to)
    where time_value.resource_kind = 'contractor' and time_value.status in ('approved', 'submitted')
    group by instant.known_at
),

added_up as (
    select
        instant.known_at,
        case when journal.movement_type in ('billed', 'credited') then 'billed' else 'recognised' end
            as measure,
        sum(journal.amount_tc) as amount
    from instant
    inner join journal on instant.known_at >= journal.known_at
    where journal.movement_type in ('recognised', 'billed', 'credited')
    group by
        instant.known_at,
        case when journal.movement_type in ('billed', 'credited') then 'billed' else 'recognised' end
    union all
    select
        instant.known_at,
        'hours' as measure,
        sum(journal.hours) + coalesce(max(contractor_waiting.hours), 0) as amount
    from instant
    inner join journal on instant.known_at >= journal.known_at
    left join contractor_waiting on instant.known_at = contractor_waiting.known_at
    where journal.movement_type = 'labour_cost'
    group by instant.known_at
)

select
    rebuilt.known_at,
    rebuilt.measure,
    rebuilt.amount,
    added_up.amount as journal
from rebuilt
left join added_up on rebuilt.known_at = added_up.known_at and rebuilt.measure = added_up.measure
where rebuilt.amount is distinct from added_up.amount
