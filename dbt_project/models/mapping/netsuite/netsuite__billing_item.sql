with

items as (
    select * from {{ ref('stg_netsuite__billing_item') }}
),

renewed_splits as (
    {{ split_roots() }}
)

-- Retainer periods are the ERP's own; everything else was done in the PSA, whose record the source names.
select
    {{ own_key('netsuite', 'items.id', 'items.tl_instance') }} as billing_item_id,
    items.custrecord_tl_bi_source_type as source_type,
    case
        when items.custrecord_tl_bi_source_type = 'RETAINER'
            then {{ own_key('netsuite', 'items.custrecord_tl_bi_source_id', 'items.tl_instance') }}
        when items.custrecord_tl_bi_source_type = 'TIME'
            then {{ foreign_key(
                'certinia', split_day('items.custrecord_tl_bi_source_id', 'renewed'), 'items.tl_instance'
            ) }}
        else {{ foreign_key('certinia', 'items.custrecord_tl_bi_source_id') }}
    end as source_key,
    {{ own_key('netsuite', 'items.custrecord_tl_bi_line', 'items.tl_instance') }} as contract_line_id,
    items.custrecord_tl_bi_work_date as work_date,
    items.custrecord_tl_bi_quantity as quantity,
    {{ as_rate('items.custrecord_tl_bi_unit_price') }} as unit_price,
    items.custrecord_tl_bi_amount as amount,
    items.custrecord_tl_bi_currency as currency_code,
    items.custrecord_tl_bi_billable as is_billable,
    items.custrecord_tl_bi_eligible_at as eligible_at,
    items.custrecord_tl_bi_hold_reason as hold_reason,
    items.custrecord_tl_bi_status as status,
    coalesce(items.tl_source_created_at, items.custrecord_tl_bi_eligible_at) as created_at,
    'netsuite' as source_system,
    {{ landed('items') }}
from items
{{ split_join(
    'renewed_splits', 'renewed', 'items.custrecord_tl_bi_source_type', 'items.custrecord_tl_bi_source_id', 'items.tl_load_id'
) }}
