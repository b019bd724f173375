{# What integration events need: the records they move, values out of their JSON, hours on the clock. #}

{# The kinds of record an event can move, and the port that holds each. #}
{% macro moving_records() -%}
    {{ return({
        'opportunity': 'opportunity',
        'contract': 'contract',
        'project': 'project',
        'project_week': 'project',
        'milestone': 'milestone',
        'expense': 'expense_line',
        'invoice': 'invoice',
        'payment': 'customer_payment',
        'customer': 'customer',
    }) }}
{%- endmacro %}

{# The key of a record of `port` that a sender names by its bare id: of the first system in use that fills it. #}
{% macro record_key(port, native) -%}
    {%- set systems = throughline.port_systems(port) | reject('equalto', 'files') | list -%}
    {%- if systems -%}
    {{ throughline.foreign_key(systems[0], native) }}
    {%- elif execute and throughline.port_systems(port) -%}
    '{{ throughline.files_system(port) }}:files:' || {{ native }}
    {%- else -%}
    {{ native }}
    {%- endif -%}
{%- endmacro %}

{# A member of a JSON object as text; null where there is none, or no JSON. #}
{% macro json_value(body, name) %}{{ return(adapter.dispatch('json_value', 'throughline')(body, name)) }}{% endmacro %}
{% macro default__json_value(body, name) -%}
    case when json_valid({{ body }}) then json_extract_string({{ body }}, '$.{{ name }}') end
{%- endmacro %}
{% macro spark__json_value(body, name) -%}
    get_json_object({{ body }}, '$.{{ name }}')
{%- endmacro %}

{# The Monday of a date's week. #}
{% macro week_start(day) -%}
    {{ throughline.date_add_days(day, '1 - ' ~ throughline.weekday_number(day)) }}
{%- endmacro %}

{# An instant `hours` (a number, may be an expression) after another. #}
{% macro add_hours(value, hours) %}{{ return(adapter.dispatch('add_hours', 'throughline')(value, hours)) }}{% endmacro %}
{% macro default__add_hours(value, hours) -%}
    ({{ value }} + to_microseconds(cast({{ hours }} * 3600000000 as bigint)))
{%- endmacro %}
{% macro spark__add_hours(value, hours) -%}
    timestamp_micros(unix_micros({{ value }}) + cast({{ hours }} * 3600000000 as bigint))
{%- endmacro %}
