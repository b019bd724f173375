{{ config(database='serving') }}

with

people as (
    {%- for system in port_systems('person') %}
        select
            personal_key,
            name,
            email
        from {{ ref(system ~ '__person') }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
    {%- if not port_systems('person') %}
        select
            {{ null_text() }} as personal_key,
            {{ null_text() }} as name,
            {{ null_text() }} as email
        from (select 1 as nothing) as nobody
        where nothing = 0
    {%- endif %}
)

select
    personal_key as key,
    name,
    email
from people
