with

landed as (
    {{ landed_rows('netsuite', 'amendment') }}
)

select
    nullif(id, '') as id,
    nullif(name, '') as name,
    nullif(custrecord_tl_amd_contract, '') as custrecord_tl_amd_contract,
    nullif(custrecord_tl_amd_line, '') as custrecord_tl_amd_line,
    nullif(custrecord_tl_amd_opportunity, '') as custrecord_tl_amd_opportunity,
    {{ as_money('custrecord_tl_amd_delta_value') }} as custrecord_tl_amd_delta_value,
    {{ as_money('custrecord_tl_amd_delta_ceiling') }} as custrecord_tl_amd_delta_ceiling,
    {{ as_hours('custrecord_tl_amd_delta_hours') }} as custrecord_tl_amd_delta_hours,
    cast(custrecord_tl_amd_signed_on as date) as custrecord_tl_amd_signed_on,
    cast(custrecord_tl_amd_effective_on as date) as custrecord_tl_amd_effective_on,
    nullif(custrecord_tl_amd_status, '') as custrecord_tl_amd_status,
    nullif(custrecord_tl_amd_treatment, '') as custrecord_tl_amd_treatment,
    {{ landed() }}
from landed
