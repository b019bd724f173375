-- Each stage of the way from won deal to cash, by part of the firm: how long it took where it is done, and
-- how much is still waiting. Open cases are counted, never dropped; p90 over done and open ones is a lower
-- bound.
with handoff as (
    select
        stage,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        'NONE' as resource_id,
        amount_rc,
        lag,
        open_age,
        state,
        is_breached,
        currency_days,
        currency_days_in_month
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
        grain.grain,
        {{ ledger_grain_members('handoff', 'grain.grain') }},
        max(case when handoff.state = 'OPEN' then handoff.open_age end) as oldest_open_age,
        sum(case when handoff.state = 'OPEN' then handoff.currency_days end) as waiting_currency_days,
        sum(handoff.currency_days_in_month) as month_currency_days,
        {{ handoff_counts() }}
    from handoff
    cross join grain
    group by handoff.stage, grain.grain, {{ ledger_grain_members('handoff', 'grain.grain', aliased=false) }}
)

select
    stage,
    {{ as_text('grain') }} as grain,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('practice_id') }} as practice_id,
    {{ run_as_of() }} as as_of,
    cast(completed as bigint) as completed,
    cast(median_lag as decimal(18, 4)) as median_lag,
    cast(p90_lag as decimal(18, 4)) as p90_lag,
    cast(open_count as bigint) as open_count,
    cast(coalesce(open_amount_rc, 0) as decimal(28, 4)) as open_amount_rc,
    cast(oldest_open_age as integer) as oldest_open_age,
    cast(negative as bigint) as negative,
    cast(breached_completed + breached_open as bigint) as breached,
    cast(completed + breached_open as bigint) as judged,
    -- open cases that are still in time are in neither part of the rate
    {{ safe_divide(
        'cast(breached_completed + breached_open as decimal(18, 0))',
        'cast(completed + breached_open as decimal(18, 0))',
    ) }} as breach_rate,
    -- money times the days it was or is late: what stands today, and what the month to date has added
    case when unpriced = 0 then cast(coalesce(waiting_currency_days, 0) as decimal(28, 4)) end
        as waiting_currency_days,
    case when unpriced = 0 then cast(coalesce(month_currency_days, 0) as decimal(28, 4)) end
        as month_currency_days
from measured
