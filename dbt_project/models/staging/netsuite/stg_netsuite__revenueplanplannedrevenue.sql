with

landed as (
    {{ landed_rows('netsuite', 'revenueplanplannedrevenue') }}
)

select
    nullif(id, '') as id,
    nullif(revenueplan, '') as revenueplan,
    nullif(plannedperiod, '') as plannedperiod,
    nullif(postingperiod, '') as postingperiod,
    {{ as_money('amount') }} as amount,
    {{ as_money('custrecord_tl_amount_base') }} as custrecord_tl_amount_base,
    {{ as_instant('dateexecuted') }} as dateexecuted,
    cast(custrecord_tl_accounting_date as date) as custrecord_tl_accounting_date,
    cast(custrecord_tl_service_from as date) as custrecord_tl_service_from,
    cast(custrecord_tl_service_to as date) as custrecord_tl_service_to,
    nullif(custrecord_tl_entry_type, '') as custrecord_tl_entry_type,
    nullif(custrecord_tl_journal, '') as custrecord_tl_journal,
    {{ landed() }}
from landed
