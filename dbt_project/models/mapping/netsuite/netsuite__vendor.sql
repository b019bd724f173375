with

vendors as (
    select * from {{ ref('stg_netsuite__vendor') }}
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

select
    {{ own_key('netsuite', 'vendors.id', 'vendors.tl_instance') }} as vendor_id,
    vendors.companyname as name,
    vendors.entityid as vendor_number,
    case when lower(vendors.category) like '%subcontract%' then 'subcontractor' else 'supplier' end
        as vendor_type,
    currencies.symbol as currency_code,
    not vendors.isinactive as is_active,
    'netsuite' as source_system,
    {{ landed('vendors') }}
from vendors
left join currencies on vendors.currency = currencies.id and vendors.tl_instance = currencies.tl_instance
