with

landed as (
    {{ landed_rows('certinia', 'contact') }}
)

select
    nullif(id, '') as id,
    coalesce(pse__is_resource__c, false) as pse__is_resource__c,
    coalesce(pse__is_resource_active__c, false) as pse__is_resource_active__c,
    nullif(pse__resource_role__c, '') as pse__resource_role__c,
    coalesce(pse__external_resource__c, false) as pse__external_resource__c,
    nullif(pse__region__c, '') as pse__region__c,
    nullif(pse__practice__c, '') as pse__practice__c,
    nullif(pse__group__c, '') as pse__group__c,
    cast(pse__start_date__c as date) as pse__start_date__c,
    cast(pse__last_date__c as date) as pse__last_date__c,
    nullif(pse__erp_worker_correlation_id__c, '') as pse__erp_worker_correlation_id__c,
    nullif(currency_iso_code, '') as currency_iso_code,
    nullif(legal_entity__c, '') as legal_entity__c,
    {{ as_instant('created_date') }} as created_date,
    tl_personal_hash,
    {{ landed() }}
from landed
