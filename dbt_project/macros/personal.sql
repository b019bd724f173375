{#
    The personal fields of a source's people as columns, one row per person: those that the newest version in
    `told` (a staging view with `id` and tl_personal_hash) names. A person whose fields were erased has no row.
#}
{% macro personal_fields(source_system, resource, told, fields) -%}
    select
        {{ own_key(source_system, 'told.id', 'told.tl_instance') }} as personal_key,
        {% for field in fields -%}
        max(case when held.field = '{{ field }}' then nullif(held.value, '') end) as {{ field }}{{ ',' if not loop.last }}
        {% endfor -%}
    from {{ newest(told, 'id') }} as told
    inner join {{ source('landing', 'personal') }} as held
        on
            held.source_system = '{{ source_system }}'
            and held.resource = '{{ resource }}'
            and told.tl_instance = held.source_instance
            and told.tl_record_id = held.record_id
            and told.tl_personal_hash = held.personal_hash
    group by told.id, told.tl_instance
{%- endmacro %}
