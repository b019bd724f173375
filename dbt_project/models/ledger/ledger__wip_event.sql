-- What made and took away work in progress, item by item, as the run knew it. An item comes in whole and
-- leaves by the share of its quantity that was billed; a credit of its quantity brings it back; what is
-- billed beyond the whole (the same work billed twice) relieves nothing, and is taken back here.
with item as (
    select
        item_key,
        source_type,
        wip_on,
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

running as (
    select
        item_key,
        business_date,
        billed_quantity,
        billed_to_date
    from {{ ref('ledger__wip_billed_day') }}
),

shared as (
    select
        running.item_key,
        running.business_date,
        running.billed_quantity,
        running.billed_to_date,
        item.value_tc,
        item.quantity,
        -- the value that the billed share stands for, however much was billed
        cast(
            item.value_tc
            - {{ mul_div('item.value_tc', '(item.quantity - running.billed_to_date)', 'item.quantity') }}
            as decimal(19, 4)
        ) as share_value
    from running
    inner join item on running.item_key = item.item_key
),

capped as (
    select
        shared.item_key,
        shared.business_date,
        shared.billed_quantity,
        shared.share_value,
        case
            when shared.billed_to_date > shared.quantity then shared.share_value - shared.value_tc
            else cast(0 as decimal(19, 4))
        end as excess
    from shared
),

change as (
    select
        capped.item_key,
        capped.business_date,
        capped.billed_quantity,
        capped.share_value - coalesce(
            lag(capped.share_value) over (partition by capped.item_key order by capped.business_date), 0
        ) as relief,
        capped.excess - coalesce(
            lag(capped.excess) over (partition by capped.item_key order by capped.business_date), 0
        ) as excess_change
    from capped
),

event as (
    select
        item_key,
        wip_on as business_date,
        'performed' as movement_type,
        value_tc as amount_tc
    from item
    union all
    select
        item_key,
        business_date,
        case when billed_quantity < 0 then 'reopened_by_credit_note' else 'wip_billed' end as movement_type,
        -relief as amount_tc
    from change
    union all
    select
        item_key,
        business_date,
        'multiple_billing' as movement_type,
        excess_change as amount_tc
    from change
    where excess_change <> 0
)

select
    event.item_key,
    {{ as_text('event.movement_type') }} as movement_type,
    event.business_date,
    item.source_type,
    item.legal_entity_id,
    item.region_id,
    item.practice_id,
    item.customer_id,
    item.project_id,
    item.contract_line_id,
    item.resource_id,
    item.currency_code,
    item.functional_currency,
    {{ as_money('event.amount_tc') }} as amount_tc,
    item.source_record_id
from event
inner join item on event.item_key = item.item_key
