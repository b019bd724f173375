-- The exchange rates that amounts are converted with, one row per rate type and pair: flows on their own
-- day and balances on each date they are shown for, into the entity's and the reporting currency; the
-- constant-currency twin needs the rate of one day. A rate is missing where an amount found none and there
-- is none: the last one stands for a week, and a day within it needs no rate of its own.
with

run as {{ control_run_row() }},

-- what was carried over is converted on its day as well
flow_types as (
    select distinct rules.movement_type
    from {{ ledger_metric_rules() }}
    {%- for movement_type in ['revenue', 'billing', 'cost', 'receivable'] %}
        union all
        select 'opening_{{ movement_type }}' as movement_type
    {%- endfor %}
),

months as (
    select
        movement_month.currency_code,
        movement_month.functional_currency,
        movement_month.amount_rc,
        movement_month.unconverted_rc
    from {{ ref('ledger__movement_month') }} as movement_month
    inner join flow_types
        on movement_month.movement_type = flow_types.movement_type
    where movement_month.rows_standing <> 0
),

-- what the ERP posted in its own currency needs no rate into it, and an amount nobody knows needs none at all
flows as (
    select
        movement.movement_id as record_key,
        movement.business_date as needed_on,
        movement.legal_entity_id,
        movement.currency_code,
        movement.functional_currency,
        movement.amount_tc,
        movement.amount_fc,
        movement.amount_rc,
        movement.amount_cc
    from {{ ref('ledger__movement_as_known') }} as movement
    cross join run
    inner join flow_types
        on movement.movement_type = flow_types.movement_type
    where
        movement.business_date <= run.as_of
        and movement.amount_tc is not null
        and (movement.amount_fc is null or movement.amount_rc is null or movement.amount_cc is null)
),

balances as (
    select
        concat_ws(
            '|',
            balance.metric_id,
            balance.record_id,
            balance.legal_entity_id,
            balance.region_id,
            balance.practice_id,
            balance.customer_id,
            balance.project_id,
            balance.contract_line_id,
            balance.currency_code
        ) as record_key,
        balance.as_of as needed_on,
        balance.legal_entity_id,
        balance.currency_code,
        balance.functional_currency,
        balance.amount_tc,
        balance.amount_fc,
        balance.amount_rc,
        balance.amount_cc
    from {{ ref('ledger__metric_balance') }} as balance
    where
        -- parts of receivables and of backlog are the same amounts again; what is earned and not billed is
        -- made of revenue and documents, which have counted as flows; deals that are open
        -- and what is to come are nobody's money yet
        balance.metric_id not in (
            'ar_overdue', 'scheduled_backlog', 'soft_backlog', 'unscheduled_backlog', 'unbilled_receivable',
            'contract_asset', 'contract_liability', 'net_contract_position', 'open_pipeline',
            'qualified_pipeline', 'weighted_pipeline', 'pipeline_this_quarter', 'revenue_to_come',
            'backlog_next_12m', 'remaining_performance_obligation', 'rpo_next_12m'
        )
        and (balance.amount_fc is null or balance.amount_rc is null or balance.amount_cc is null)
),

rates as (
    select
        rate_day.from_currency,
        rate_day.to_currency,
        rate_day.rate_date
    from {{ ref('master__exchange_rate_day') }} as rate_day
),

unite_unconverted as (
    select flows.*
    from flows
    union all
    select balances.*
    from balances
),

list_needs as (
    select
        unconverted.record_key,
        unconverted.needed_on,
        unconverted.legal_entity_id,
        unconverted.currency_code as from_currency,
        unconverted.functional_currency as to_currency,
        unconverted.amount_tc
    from unite_unconverted as unconverted
    -- of an amount whose entity nobody knows the functional currency is unknown, not its rate
    where unconverted.amount_fc is null and unconverted.functional_currency <> 'NONE'
    union all
    select
        unconverted.record_key,
        unconverted.needed_on,
        unconverted.legal_entity_id,
        unconverted.currency_code as from_currency,
        run.reporting_currency as to_currency,
        unconverted.amount_tc
    from unite_unconverted as unconverted
    cross join run
    where unconverted.amount_rc is null
    union all
    select
        unconverted.record_key,
        {{ ledger_constant_currency_date() }} as needed_on,
        unconverted.legal_entity_id,
        unconverted.currency_code as from_currency,
        run.reporting_currency as to_currency,
        unconverted.amount_tc
    from unite_unconverted as unconverted
    cross join run
    where unconverted.amount_cc is null
),

-- one amount however many days of its pair are missing: a balance counts with its largest
measure_records as (
    select
        list_needs.record_key,
        list_needs.from_currency,
        list_needs.to_currency,
        min(list_needs.needed_on) as first_on,
        max(list_needs.needed_on) as last_on,
        min(case when list_needs.legal_entity_id not like 'UNMAPPED:%' then list_needs.legal_entity_id end)
            as legal_entity_id,
        max(abs(list_needs.amount_tc)) as amount_tc
    from list_needs
    left join rates
        on
            list_needs.from_currency = rates.from_currency
            and list_needs.to_currency = rates.to_currency
            and list_needs.needed_on = rates.rate_date
    where
        rates.rate_date is null
        and list_needs.from_currency <> list_needs.to_currency
    group by list_needs.record_key, list_needs.from_currency, list_needs.to_currency
),

sum_missing as (
    select
        measure_records.from_currency,
        measure_records.to_currency,
        min(measure_records.first_on) as first_on,
        max(measure_records.last_on) as last_on,
        min(measure_records.legal_entity_id) as legal_entity_id,
        count(*) as row_count,
        sum(measure_records.amount_tc) as amount_tc
    from measure_records
    group by measure_records.from_currency, measure_records.to_currency
),

list_used as (
    select
        months.currency_code as from_currency,
        months.functional_currency as to_currency,
        months.amount_rc,
        months.unconverted_rc
    from months
    where months.functional_currency <> 'NONE'
    union all
    select
        months.currency_code as from_currency,
        run.reporting_currency as to_currency,
        months.amount_rc,
        months.unconverted_rc
    from months
    cross join run
),

sum_used as (
    select
        list_used.from_currency,
        list_used.to_currency,
        case when max(abs(list_used.unconverted_rc)) = 0 then sum(abs(list_used.amount_rc)) end
            as population_rc
    from list_used
    where list_used.from_currency <> list_used.to_currency
    group by list_used.from_currency, list_used.to_currency
)

select
    'SPOT' as rate_type,
    {{ as_text('coalesce(sum_used.from_currency, sum_missing.from_currency)') }} as from_currency,
    {{ as_text('coalesce(sum_used.to_currency, sum_missing.to_currency)') }} as to_currency,
    sum_missing.from_currency is not null as is_missing,
    {{ as_text('sum_missing.legal_entity_id') }} as legal_entity_id,
    sum_missing.first_on,
    sum_missing.last_on,
    cast(coalesce(sum_missing.row_count, 0) as bigint) as row_count,
    {{ as_money('sum_missing.amount_tc') }} as amount_tc,
    {{ as_money('sum_used.population_rc') }} as population_rc
from sum_used
full outer join sum_missing
    on
        sum_used.from_currency = sum_missing.from_currency
        and sum_used.to_currency = sum_missing.to_currency
