-- What every contract line earned and was billed from one date a run answers for to the next, under its
-- contract, beside what it had earned and was billed of when its history begins. What stands under no line is
-- one of its own per entity and customer: it is billed for nothing that anybody sold.
with as_of_date as (
    select
        as_of,
        month_start,
        lag(month_start) over (order by as_of) as month_before
    from {{ ref('ledger__as_of_date') }}
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
        project_id,
        functional_currency
    from {{ ledger_as_known(ref('ledger__contract_line_version')) }} as line_version
    where is_known
),

movement_month as (
    select
        movement_type,
        month_start,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        functional_currency,
        amount_tc,
        amount_rc,
        unconverted_rc
    from {{ ref('ledger__movement_month') }}
    where
        movement_type in ('recognised', 'billed', 'credited', 'opening_revenue', 'opening_billing')
        and rows_standing <> 0
),

-- a line shared by several customers is one contract's: it stands under that contract's customer
placed as (
    select
        movement_month.movement_type,
        movement_month.month_start,
        movement_month.contract_line_id,
        case
            when movement_month.contract_line_id <> 'NONE' then movement_month.contract_line_id
            else concat_ws('|', 'NONE', movement_month.legal_entity_id, movement_month.customer_id)
        end as record_id,
        line.contract_id,
        line.billing_method,
        coalesce(line.legal_entity_id, movement_month.legal_entity_id) as legal_entity_id,
        coalesce(line.region_id, movement_month.region_id) as region_id,
        coalesce(line.practice_id, movement_month.practice_id) as practice_id,
        coalesce(line.customer_id, movement_month.customer_id) as customer_id,
        coalesce(line.project_id, movement_month.project_id) as project_id,
        coalesce(line.functional_currency, movement_month.functional_currency) as functional_currency,
        movement_month.currency_code,
        movement_month.amount_tc,
        case when movement_month.unconverted_rc = 0 then movement_month.amount_rc end as known_rc
    from movement_month
    left join line on movement_month.contract_line_id = line.contract_line_id
),

-- of a line nobody knows, documents may name several customers: it has one place all the same
place as (
    select
        record_id,
        min(contract_line_id) as contract_line_id,
        coalesce(min(contract_id), record_id) as contract_id,
        min(billing_method) as billing_method,
        min(legal_entity_id) as legal_entity_id,
        min(region_id) as region_id,
        min(practice_id) as practice_id,
        min(customer_id) as customer_id,
        min(project_id) as project_id,
        min(functional_currency) as functional_currency
    from placed
    group by record_id
),

flow as (
    select
        as_of_date.as_of,
        placed.record_id,
        placed.currency_code,
        sum(case when placed.movement_type = 'recognised' then placed.amount_tc else 0 end) as recognised_tc,
        sum(case when placed.movement_type = 'billed' then placed.amount_tc else 0 end) as billed_tc,
        sum(case when placed.movement_type = 'credited' then placed.amount_tc else 0 end) as credited_tc,
        sum(case when placed.movement_type = 'opening_revenue' then placed.amount_tc else 0 end)
            as opening_recognised_tc,
        sum(case when placed.movement_type = 'opening_billing' then placed.amount_tc else 0 end)
            as opening_billed_tc,
        {{ known_sum("case when placed.movement_type = 'recognised' then placed.known_rc else 0 end") }}
            as recognised_rc,
        {{ known_sum("case when placed.movement_type = 'billed' then placed.known_rc else 0 end") }}
            as billed_rc,
        {{ known_sum("case when placed.movement_type = 'credited' then placed.known_rc else 0 end") }}
            as credited_rc,
        {{ known_sum("case placed.movement_type
            when 'opening_billing' then placed.known_rc
            when 'opening_revenue' then -placed.known_rc
            else 0
        end") }} as opening_balance_rc
    from placed
    inner join as_of_date
        on
            placed.month_start <= as_of_date.month_start
            and (as_of_date.month_before is null or placed.month_start > as_of_date.month_before)
    group by as_of_date.as_of, placed.record_id, placed.currency_code
)

select
    flow.as_of,
    {{ as_text('flow.record_id') }} as record_id,
    {{ as_text('place.contract_line_id') }} as contract_line_id,
    {{ as_text('place.contract_id') }} as contract_id,
    place.billing_method,
    {{ as_text('place.legal_entity_id') }} as legal_entity_id,
    {{ as_text('place.region_id') }} as region_id,
    {{ as_text('place.practice_id') }} as practice_id,
    {{ as_text('place.customer_id') }} as customer_id,
    {{ as_text('place.project_id') }} as project_id,
    flow.currency_code,
    {{ as_text('place.functional_currency') }} as functional_currency,
    cast(flow.recognised_tc as decimal(28, 4)) as recognised_tc,
    cast(flow.billed_tc as decimal(28, 4)) as billed_tc,
    cast(flow.credited_tc as decimal(28, 4)) as credited_tc,
    cast(flow.opening_recognised_tc as decimal(28, 4)) as opening_recognised_tc,
    cast(flow.opening_billed_tc as decimal(28, 4)) as opening_billed_tc,
    cast(flow.recognised_rc as decimal(28, 4)) as recognised_rc,
    cast(flow.billed_rc as decimal(28, 4)) as billed_rc,
    cast(flow.credited_rc as decimal(28, 4)) as credited_rc,
    cast(flow.opening_balance_rc as decimal(28, 4)) as opening_balance_rc
from flow
inner join place on flow.record_id = place.record_id
