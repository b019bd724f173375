with

payments as (
    select * from {{ ref('netsuite__transaction') }}
    where type = 'CustPymt'
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

select
    {{ own_key('netsuite', 'payments.id', 'payments.tl_instance') }} as customer_payment_id,
    {{ own_key('netsuite', 'payments.entity', 'payments.tl_instance') }} as customer_id,
    {{ own_key('netsuite', 'payments.subsidiary', 'payments.tl_instance') }} as legal_entity_id,
    payments.trandate as payment_date,
    {{ as_money('abs(payments.foreigntotal)') }} as amount,
    currencies.symbol as currency_code,
    payments.exchangerate as exchange_rate,
    case when payments.voided then 'void' else payments.status end as status,
    'netsuite' as source_system,
    {{ landed('payments') }}
from payments
left join currencies on payments.currency = currencies.id and payments.tl_instance = currencies.tl_instance
