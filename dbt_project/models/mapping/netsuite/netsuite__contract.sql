with

orders as (
    select * from {{ ref('stg_netsuite__transaction') }}
    where type = 'SalesOrd'
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

select
    {{ own_key('netsuite', 'orders.id', 'orders.tl_instance') }} as contract_id,
    orders.tranid as contract_number,
    orders.externalid as former_number,
    {{ foreign_key('salesforce', 'orders.custbody_tl_opportunity') }} as opportunity_id,
    {{ own_key('netsuite', 'orders.entity', 'orders.tl_instance') }} as customer_id,
    {{ own_key('netsuite', 'orders.subsidiary', 'orders.tl_instance') }} as legal_entity_id,
    currencies.symbol as currency_code,
    {{ coded('methods') }} as billing_method,
    cast(orders.custbody_tl_payment_terms as integer) as payment_terms_days,
    orders.custbody_tl_signed_on as signed_on,
    orders.custbody_tl_effective_from as effective_from,
    orders.custbody_tl_effective_to as effective_to,
    orders.closedate as closed_on,
    orders.custbody_tl_status as status_raw,
    {{ coded('statuses') }} as status,
    orders.custbody_tl_hold_until as hold_until,
    orders.custbody_tl_billing_frequency as billing_frequency,
    orders.exchangerate as exchange_rate,
    orders.otherrefnum as customer_po_number,
    orders.createddate as created_at,
    'netsuite' as source_system,
    {{ landed('orders') }}
from orders
left join currencies on orders.currency = currencies.id and orders.tl_instance = currencies.tl_instance
{{ code_join('methods', 'billing_method', 'netsuite', 'orders.custbody_tl_billing_method') }}
{{ code_join('statuses', 'contract_status', 'netsuite', 'orders.custbody_tl_status') }}
