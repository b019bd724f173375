with

salesforce_rows as (
    select * from {{ ref('salesforce__customer') }}
),

netsuite_rows as (
    select * from {{ ref('netsuite__customer') }}
),

mapped as (
    select
        customer_id,
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
        source_system,
        {{ landed() }}
    from salesforce_rows
    union all
    select
        customer_id,
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
        source_system,
        {{ landed() }}
    from netsuite_rows
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
