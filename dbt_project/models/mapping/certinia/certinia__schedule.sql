with

schedules as (
    select * from {{ ref('stg_certinia__schedule') }}
)

select
    {{ own_key('certinia', 'id') }} as schedule_id,
    pse__start_date__c as first_day,
    pse__end_date__c as last_day,
    {%- for name in ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] %}
        coalesce(pse__{{ name }}_hours__c, {{ as_hours('0') }}) as hours_{{ loop.index }},
    {%- endfor %}
    'certinia' as source_system,
    {{ landed() }}
from schedules
