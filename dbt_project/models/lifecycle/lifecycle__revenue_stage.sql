-- Months of work on a contract line, with the day on which revenue of that month was first posted, as the run
-- knew it: what was posted, and what was earned of the line in a month that is over and for which nothing is
-- posted. A line whose cap is reached has nothing left to post.
with run as (
    select as_of from {{ source('inputs', 'run_context') }}
),

entry as (
    select
        contract_line_id,
        {{ month_start('coalesce(service_from, accounting_date)') }} as service_month,
        amount,
        currency_code,
        posted_at
    from {{ as_known(ref('canonical__revenue_entry')) }} as known
    where
        kind = 'recognised'
        and entry_type in ('NORMAL', 'CATCH_UP')
        and contract_line_id is not null
        and accounting_date <= {{ run_as_of() }}
),

line_day as (
    select
        contract_line_id,
        business_date,
        value_tc,
        posted_tc,
        carried_over_tc
    from {{ ref('ledger__line_day') }}
),

line as (
    select
        contract_line_id,
        contract_id,
        billing_method,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        currency_code,
        original_value
    from {{ ledger_as_known(ref('ledger__contract_line_version')) }} as known
),

position as (
    select
        contract_line_id,
        ceiling_tc
    from {{ ref('ledger__estimate_position') }}
    where as_of = {{ run_as_of() }}
),

{{ lifecycle_imports() }},

zones as {{ import_zones() }},

posted as (
    select
        contract_line_id,
        service_month,
        min(currency_code) as currency_code,
        {{ known_sum('amount') }} as amount,
        min(posted_at) as t9_at
    from entry
    group by contract_line_id, service_month
),

earned as (
    select
        contract_line_id,
        {{ month_start('business_date') }} as service_month,
        {{ known_sum('value_tc - carried_over_tc') }} as amount
    from line_day
    group by contract_line_id, {{ month_start('business_date') }}
),

posted_in_all as (
    select
        contract_line_id,
        {{ known_sum('posted_tc') }} as amount
    from line_day
    group by contract_line_id
),

month_of_line as (
    select
        contract_line_id,
        service_month,
        currency_code,
        amount,
        t9_at,
        true as is_posted
    from posted
    union all
    select
        earned.contract_line_id,
        earned.service_month,
        line.currency_code,
        earned.amount,
        {{ null_instant() }} as t9_at,
        false as is_posted
    from earned
    inner join line on earned.contract_line_id = line.contract_line_id
    left join posted
        on earned.contract_line_id = posted.contract_line_id and earned.service_month = posted.service_month
    left join position on earned.contract_line_id = position.contract_line_id
    left join posted_in_all on earned.contract_line_id = posted_in_all.contract_line_id
    where
        posted.contract_line_id is null
        and coalesce(earned.amount, 1) > 0
        and {{ month_end('earned.service_month') }} <= {{ run_as_of() }}
        and not coalesce(
            line.billing_method = 'TM_CAPPED' and posted_in_all.amount >= position.ceiling_tc, false
        )
),

placed as (
    select
        month_of_line.contract_line_id,
        month_of_line.service_month,
        month_of_line.currency_code,
        month_of_line.amount,
        month_of_line.is_posted,
        month_of_line.t9_at,
        run.as_of,
        line.original_value,
        coalesce(line.billing_method, 'NONE') as billing_method,
        coalesce(line.legal_entity_id, concat('UNMAPPED:', month_of_line.contract_line_id))
            as legal_entity_id,
        coalesce(line.region_id, 'UNMAPPED:NONE') as region_id,
        coalesce(line.practice_id, 'UNMAPPED:NONE') as practice_id,
        coalesce(line.customer_id, concat('UNMAPPED:', month_of_line.contract_line_id)) as customer_id,
        {{ entity_date('month_of_line.t9_at') }} as t9_on,
        {{ month_end('month_of_line.service_month') }} as ended_on
    from month_of_line
    cross join run
    left join line on month_of_line.contract_line_id = line.contract_line_id
    left join zones on line.legal_entity_id = zones.legal_entity_id
    -- an entry that no posting time is told of was posted nobody knows when
    where not month_of_line.is_posted or month_of_line.t9_at is not null
),

begun as (
    select
        *,
        -- revenue that is posted within its month did not wait
        case when t9_on < ended_on then t9_on else ended_on end as started_on
    from placed
)

select
    begun.contract_line_id,
    begun.service_month,
    {{ as_text('begun.legal_entity_id') }} as legal_entity_id,
    {{ as_text('begun.region_id') }} as region_id,
    {{ as_text('begun.practice_id') }} as practice_id,
    {{ as_text('begun.customer_id') }} as customer_id,
    {{ as_text('begun.billing_method') }} as billing_method,
    {{ as_text(deal_size_band('begun.original_value', 'conversion.rate_rc')) }} as size_band,
    begun.currency_code,
    cast(begun.amount as decimal(28, 4)) as amount_tc,
    {{ ledger_at_rate('begun.amount', 'conversion.rate_rc') }} as amount_rc,
    begun.started_on,
    begun.t9_at,
    begun.t9_on,
    -- by the fifth working day after the month
    due.calendar_date as posting_due_on,
    cast(day_9.working_day_number - day_started.working_day_number as integer) as lag_t6_t9,
    cast(day_as_of.working_day_number - day_started.working_day_number as integer) as age_since_ended
from begun
{{ lifecycle_day('day_started', 'begun.legal_entity_id', 'begun.started_on') }}
{{ lifecycle_day('day_9', 'begun.legal_entity_id', 'begun.t9_on') }}
{{ lifecycle_day('day_as_of', 'begun.legal_entity_id', 'begun.as_of') }}
{{ lifecycle_day('day_ended', 'begun.legal_entity_id', 'begun.ended_on') }}
{{ lifecycle_due('due', 'begun.legal_entity_id', 'day_ended.working_day_number + 5') }}
left join conversion on begun.currency_code = conversion.from_currency
