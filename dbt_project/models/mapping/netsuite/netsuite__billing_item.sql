with

items as (
    select * from {{ ref('stg_netsuite__billing_item') }}
)

-- Retainer periods are the ERP's own; everything else was done in the PSA, whose record the source names.
select
    {{ own_key('netsuite', 'id') }} as billing_item_id,
    custrecord_tl_bi_source_type as source_type,
    case
        when custrecord_tl_bi_source_type = 'RETAINER'
            then {{ own_key('netsuite', 'custrecord_tl_bi_source_id') }}
        else {{ foreign_key('certinia', 'custrecord_tl_bi_source_id') }}
    end as source_key,
    {{ own_key('netsuite', 'custrecord_tl_bi_line') }} as contract_line_id,
    custrecord_tl_bi_work_date as work_date,
    custrecord_tl_bi_quantity as quantity,
    {{ as_rate('custrecord_tl_bi_unit_price') }} as unit_price,
    custrecord_tl_bi_amount as amount,
    custrecord_tl_bi_currency as currency_code,
    custrecord_tl_bi_billable as is_billable,
    custrecord_tl_bi_eligible_at as eligible_at,
    custrecord_tl_bi_hold_reason as hold_reason,
    custrecord_tl_bi_status as status,
    coalesce(tl_source_created_at, custrecord_tl_bi_eligible_at) as created_at,
    'netsuite' as source_system,
    {{ landed() }}
from items
