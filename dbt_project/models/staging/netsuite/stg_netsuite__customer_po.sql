with

landed as (
    {{ landed_rows('netsuite', 'customer_po') }}
)

select
    nullif(id, '') as id,
    nullif(name, '') as name,
    nullif(custrecord_tl_po_customer, '') as custrecord_tl_po_customer,
    {{ as_money('custrecord_tl_po_amount') }} as custrecord_tl_po_amount,
    nullif(custrecord_tl_po_currency, '') as custrecord_tl_po_currency,
    cast(custrecord_tl_po_valid_to as date) as custrecord_tl_po_valid_to,
    {{ landed() }}
from landed
