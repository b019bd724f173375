with

accounts as (
    select * from {{ ref('stg_salesforce__account') }}
)

select
    {{ own_key('salesforce', 'accounts.id', 'accounts.tl_instance') }} as customer_id,
    accounts.name,
    {{ normalised_name('accounts.name') }} as normalised_name,
    accounts.tax_id__c as tax_id,
    accounts.account_number,
    accounts.industry,
    accounts.billing_country_code,
    accounts.currency_iso_code as currency_code,
    accounts.master_record_id is null as is_active,
    coalesce({{ coded('types') }}, 'client') as customer_type,
    {{ foreign_key('netsuite', 'accounts.erp_customer_id__c') }} as erp_customer_id,
    {{ null_text() }} as crm_account_id,
    {{ null_text() }} as status,
    {{ null_text() }} as tax_profile,
    {{ null_text() }} as credit_status,
    false as is_bill_to_complete,
    'salesforce' as source_system,
    {{ landed('accounts') }}
from accounts
{{ code_join('types', 'customer_type', 'salesforce', 'accounts.type') }}
