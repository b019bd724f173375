with

landed as (
    {{ landed_rows('netsuite', 'customer') }}
)

select
    nullif(id, '') as id,
    nullif(entityid, '') as entityid,
    nullif(companyname, '') as companyname,
    nullif(parent, '') as parent,
    nullif(currency, '') as currency,
    nullif(externalid, '') as externalid,
    coalesce(isinactive, false) as isinactive,
    {{ as_instant('datecreated') }} as datecreated,
    nullif(custentity_tl_crm_account, '') as custentity_tl_crm_account,
    nullif(custentity_tl_tax_id, '') as custentity_tl_tax_id,
    nullif(custentity_tl_tax_profile, '') as custentity_tl_tax_profile,
    nullif(custentity_tl_status, '') as custentity_tl_status,
    nullif(custentity_tl_credit_status, '') as custentity_tl_credit_status,
    coalesce(custentity_tl_billto_complete, false) as custentity_tl_billto_complete,
    {{ landed() }}
from landed
