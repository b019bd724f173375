with

mapped as (
    {{ port_rows('customer') }}
),

versioned as (
    {{ versions('mapped', 'customer_id') }}
)

select
    customer_id,
    {{ hash_key('customer_id') }} as customer_key,
    name,
    normalised_name,
    tax_id,
    account_number,
    industry,
    billing_country_code,
    currency_code,
    is_active,
    customer_type,
    erp_customer_id,
    crm_account_id,
    status,
    tax_profile,
    credit_status,
    is_bill_to_complete,
    {{ envelope() }}
from versioned
