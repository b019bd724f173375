with

bills as (
    select * from {{ ref('stg_netsuite__transaction') }}
    where type = 'VendBill'
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

select
    {{ own_key('netsuite', 'bills.id', 'bills.tl_instance') }} as vendor_bill_id,
    bills.tranid as bill_number,
    {{ own_key('netsuite', 'bills.entity', 'bills.tl_instance') }} as vendor_id,
    {{ own_key('netsuite', 'bills.subsidiary', 'bills.tl_instance') }} as legal_entity_id,
    bills.trandate as bill_date,
    currencies.symbol as currency_code,
    bills.exchangerate as exchange_rate,
    {{ as_money('abs(bills.foreigntotal)') }} as total_amount,
    'netsuite' as source_system,
    {{ landed('bills') }}
from bills
left join currencies on bills.currency = currencies.id and bills.tl_instance = currencies.tl_instance
