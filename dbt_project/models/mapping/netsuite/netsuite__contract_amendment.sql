with

amendments as (
    select * from {{ ref('stg_netsuite__amendment') }}
)

select
    {{ own_key('netsuite', 'id') }} as contract_amendment_id,
    {{ own_key('netsuite', 'custrecord_tl_amd_contract') }} as contract_id,
    {{ own_key('netsuite', 'custrecord_tl_amd_line') }} as contract_line_id,
    {{ foreign_key('salesforce', 'custrecord_tl_amd_opportunity') }} as opportunity_id,
    custrecord_tl_amd_delta_value as delta_value,
    coalesce(custrecord_tl_amd_delta_ceiling, {{ as_money('0') }}) as delta_ceiling,
    coalesce(custrecord_tl_amd_delta_hours, {{ as_hours('0') }}) as delta_hours,
    custrecord_tl_amd_signed_on as signed_on,
    custrecord_tl_amd_effective_on as effective_on,
    cast(null as date) as effective_to_before,
    custrecord_tl_amd_status as status,
    custrecord_tl_amd_treatment as treatment,
    'netsuite' as source_system,
    {{ landed() }}
from amendments
