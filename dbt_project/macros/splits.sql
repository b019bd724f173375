{#
    A timecard's splits may be deleted and made again when its card is approved again. The days of the new ones
    keep the keys of the first (certinia__split_root), and so must those that name a day by its split: here for
    the ERP, which names it `{split}-{weekday}`.
#}

{# Joins the renewal of the split that a record of the ERP names; only one that was known when the record came,
   so that a table advanced by load says what a rebuild says. #}
{% macro split_join(roots, alias, source_type, source_id, load_id) -%}
    left join {{ roots }} as {{ alias }}
        on
            {%- set split_id = 'substr(' ~ source_id ~ ', 1, length(' ~ source_id ~ ') - 2)' %}
            {%- if var('instances', {}).get('certinia', ['main']) | length == 1 %}
            case when {{ source_type }} = 'TIME' then {{ split_id }} end = {{ alias }}.split_id
            {%- else %}
            case
                when {{ source_type }} = 'TIME'
                    then {{ throughline.instance_and_id(
                        'certinia', split_id, source_id.split('.')[0] ~ '.tl_instance'
                    ) }}
            end
            = {{ alias }}.tl_instance || ':' || {{ alias }}.split_id
            {%- endif %}
            and {{ alias }}.born_in <= {{ load_order(load_id) }}
{%- endmacro %}

{# The day that the ERP names, under the split it was first told under. #}
{% macro split_day(source_id, alias) -%}
    {%- if var('instances', {}).get('certinia', ['main']) | length == 1 -%}
    coalesce({{ alias }}.root_split_id || substr({{ source_id }}, length({{ source_id }}) - 1), {{ source_id }})
    {%- else -%}
    coalesce(
        {{ alias }}.tl_instance || ':' || {{ alias }}.root_split_id
        || substr({{ source_id }}, length({{ source_id }}) - 1),
        {{ source_id }}
    )
    {%- endif -%}
{%- endmacro %}

{# The renewals there are; none where the PSA is another one. #}
{% macro split_roots() -%}
    {%- if in_use('certinia') -%}
    select
        split_id,
        root_split_id,
        tl_instance,
        born_in
    from {{ ref('certinia__split_root') }}
    {%- else -%}
    select
        {{ null_text() }} as split_id,
        {{ null_text() }} as root_split_id,
        {{ null_text() }} as tl_instance,
        {{ null_text() }} as born_in
    from (select 1 as nothing) as none_of_them
    where nothing = 0
    {%- endif -%}
{%- endmacro %}
