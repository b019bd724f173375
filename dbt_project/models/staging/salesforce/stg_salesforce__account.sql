with

landed as (
    {{ landed_rows('salesforce', 'account') }}
)

select
    nullif(id, '') as id,
    nullif(name, '') as name,
    nullif(parent_id, '') as parent_id,
    nullif(master_record_id, '') as master_record_id,
    nullif(account_number, '') as account_number,
    nullif(type, '') as type,
    nullif(industry, '') as industry,
    nullif(billing_country_code, '') as billing_country_code,
    nullif(currency_iso_code, '') as currency_iso_code,
    nullif(owner_id, '') as owner_id,
    nullif(tax_id__c, '') as tax_id__c,
    nullif(erp_customer_id__c, '') as erp_customer_id__c,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
