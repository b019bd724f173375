with

landed as (
    {{ landed_rows('netsuite', 'billing_item') }}
)

select
    nullif(id, '') as id,
    nullif(name, '') as name,
    nullif(custrecord_tl_bi_source_type, '') as custrecord_tl_bi_source_type,
    nullif(custrecord_tl_bi_source_id, '') as custrecord_tl_bi_source_id,
    nullif(custrecord_tl_bi_line, '') as custrecord_tl_bi_line,
    cast(custrecord_tl_bi_work_date as date) as custrecord_tl_bi_work_date,
    {{ as_rate('custrecord_tl_bi_quantity') }} as custrecord_tl_bi_quantity,
    {{ as_money('custrecord_tl_bi_unit_price') }} as custrecord_tl_bi_unit_price,
    {{ as_money('custrecord_tl_bi_amount') }} as custrecord_tl_bi_amount,
    nullif(custrecord_tl_bi_currency, '') as custrecord_tl_bi_currency,
    coalesce(custrecord_tl_bi_billable, false) as custrecord_tl_bi_billable,
    {{ as_instant('custrecord_tl_bi_eligible_at') }} as custrecord_tl_bi_eligible_at,
    nullif(custrecord_tl_bi_hold_reason, '') as custrecord_tl_bi_hold_reason,
    nullif(custrecord_tl_bi_status, '') as custrecord_tl_bi_status,
    {{ landed() }}
from landed
