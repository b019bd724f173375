-- What each item still held as work in progress, from each day on which that changed until the next, as the
-- run knew it: its value less the share that was billed.
with item as (
    select
        item_key,
        source_type,
        wip_on,
        aged_from,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        currency_code,
        functional_currency,
        value_tc,
        quantity,
        source_record_id
    from {{ ref('ledger__wip_item') }}
),

billed_day as (
    select
        item_key,
        business_date,
        billed_to_date
    from {{ ref('ledger__wip_billed_day') }}
),

state as (
    select
        item.item_key,
        item.wip_on as position_from,
        cast(0 as decimal(18, 8)) as billed_to_date
    from item
    left join billed_day on item.item_key = billed_day.item_key and item.wip_on = billed_day.business_date
    where billed_day.item_key is null
    union all
    select
        item_key,
        business_date as position_from,
        billed_to_date
    from billed_day
),

dated as (
    select
        item_key,
        position_from,
        billed_to_date,
        lead(position_from) over (partition by item_key order by position_from) as position_to
    from state
)

select
    dated.item_key,
    dated.position_from,
    dated.position_to,
    item.source_type,
    item.aged_from,
    item.legal_entity_id,
    item.region_id,
    item.practice_id,
    item.customer_id,
    item.project_id,
    item.contract_line_id,
    item.resource_id,
    item.currency_code,
    item.functional_currency,
    item.value_tc,
    {{ as_money(
        'case when dated.billed_to_date >= item.quantity then 0 else '
        ~ mul_div('item.value_tc', '(item.quantity - dated.billed_to_date)', 'item.quantity') ~ ' end'
    ) }} as amount_tc,
    item.source_record_id
from dated
inner join item on dated.item_key = item.item_key
