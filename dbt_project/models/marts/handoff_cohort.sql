-- Each stage by the month whose cases it holds: the month a deal was won in, at every stage of its way; of
-- items and invoices the month the stage began. Cases that still wait stay in their month, so a young month
-- does not look fast only because its slow cases are not done yet.
with handoff as (
    select
        stage,
        cohort_month,
        legal_entity_id,
        'NONE' as region_id,
        practice_id,
        'NONE' as customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        'NONE' as resource_id,
        amount_rc,
        lag,
        open_age,
        state,
        is_breached,
        currency_days
    from {{ ref('lifecycle__handoff') }}
),

grain as (
    select 'FIRM' as grain
    union all
    select 'LEGAL_ENTITY' as grain
    union all
    select 'PRACTICE' as grain
),

measured as (
    select
        handoff.stage,
        handoff.cohort_month,
        grain.grain,
        {{ ledger_grain_members('handoff', 'grain.grain') }},
        {{ known_sum('handoff.amount_rc') }} as amount_rc,
        sum(handoff.currency_days) as currency_days,
        {{ handoff_counts() }}
    from handoff
    cross join grain
    group by
        handoff.stage, handoff.cohort_month, grain.grain,
        {{ ledger_grain_members('handoff', 'grain.grain', aliased=false) }}
)

select
    stage,
    cohort_month,
    {{ as_text('grain') }} as grain,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('practice_id') }} as practice_id,
    {{ run_as_of() }} as as_of,
    cast(completed as bigint) as completed,
    cast(open_count as bigint) as open_count,
    cast(negative as bigint) as negative,
    cast(median_lag as decimal(18, 4)) as median_lag,
    cast(p90_lag as decimal(18, 4)) as p90_lag,
    cast(breached_completed + breached_open as bigint) as breached,
    cast(completed + breached_open as bigint) as judged,
    {{ safe_divide(
        'cast(breached_completed + breached_open as decimal(18, 0))',
        'cast(completed + breached_open as decimal(18, 0))',
    ) }} as breach_rate,
    cast(amount_rc as decimal(28, 4)) as amount_rc,
    cast(coalesce(open_amount_rc, 0) as decimal(28, 4)) as open_amount_rc,
    case when unpriced = 0 then cast(coalesce(currency_days, 0) as decimal(28, 4)) end as currency_days
from measured
