with

contacts as (
    select * from {{ ref('stg_certinia__contact') }}
    where pse__is_resource__c
),

regions as (
    select * from {{ newest(ref('stg_certinia__region'), 'id') }}
),

practices as (
    select * from {{ newest(ref('stg_certinia__practice'), 'id') }}
),

grps as (
    select * from {{ newest(ref('stg_certinia__grp'), 'id') }}
)

select
    {{ own_key('certinia', 'contacts.id', 'contacts.tl_instance') }} as resource_id,
    {{ own_key('certinia', 'contacts.id', 'contacts.tl_instance') }} as display_name_key,
    case when contacts.pse__external_resource__c then 'contractor' else 'employee' end as worker_type,
    contacts.pse__is_resource_active__c as is_active,
    contacts.pse__erp_worker_correlation_id__c as employee_number,
    contacts.pse__resource_role__c as role,
    {{ null_text() }} as grade,
    contacts.legal_entity__c as legal_entity_code,
    coalesce(practices.code__c, 'UNMAPPED:' || contacts.pse__practice__c) as practice_code,
    coalesce(regions.code__c, 'UNMAPPED:' || contacts.pse__region__c) as region_code,
    coalesce(grps.code__c, 'UNMAPPED:' || contacts.pse__group__c) as group_code,
    contacts.pse__start_date__c as hire_date,
    contacts.pse__last_date__c as termination_date,
    cast(null as {{ type_rate() }}) as fte,
    cast(null as {{ type_hours() }}) as weekly_hours,
    false as is_time_required,
    'certinia' as source_system,
    {{ landed('contacts') }}
from contacts
left join regions on contacts.pse__region__c = regions.id and contacts.tl_instance = regions.tl_instance
left join practices
    on contacts.pse__practice__c = practices.id and contacts.tl_instance = practices.tl_instance
left join grps on contacts.pse__group__c = grps.id and contacts.tl_instance = grps.tl_instance
