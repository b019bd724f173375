with

customers as (
    select * from {{ ref('stg_netsuite__customer') }}
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

select
    {{ own_key('netsuite', 'customers.id', 'customers.tl_instance') }} as customer_id,
    customers.companyname as name,
    {{ normalised_name('customers.companyname') }} as normalised_name,
    customers.custentity_tl_tax_id as tax_id,
    customers.entityid as account_number,
    {{ null_text() }} as industry,
    {{ null_text() }} as billing_country_code,
    currencies.symbol as currency_code,
    not customers.isinactive as is_active,
    'client' as customer_type,
    {{ null_text() }} as erp_customer_id,
    {{ foreign_key('salesforce', 'customers.custentity_tl_crm_account') }} as crm_account_id,
    {{ coded('statuses') }} as status,
    customers.custentity_tl_tax_profile as tax_profile,
    customers.custentity_tl_credit_status as credit_status,
    customers.custentity_tl_billto_complete as is_bill_to_complete,
    'netsuite' as source_system,
    {{ landed('customers') }}
from customers
left join currencies on customers.currency = currencies.id and customers.tl_instance = currencies.tl_instance
{{ code_join('statuses', 'customer_status', 'netsuite', 'customers.custentity_tl_status') }}
