{#
    Files in the ports' own columns. What a column is stands in the port's contract: its type, and in its `meta`
    what it references, what holds for a row that does not say, and what is not read from files
    (scripts/build_ports.py says what may stand there).

    The ids of a file are bare. An own id gets the row's system and instance; a reference that is written in full
    (two colons) is kept, a bare one names a record of the system that keeps the port referenced.
#}

{# What the contract of `port` says of a column beyond its type. #}
{% macro files_meta(column) -%}
    {{ return(column.config.meta if column.config and column.config.meta else column.meta) }}
{%- endmacro %}

{# The system whose records of `port` a bare id names, unless a column says otherwise. #}
{% macro files_system(port) -%}
    {%- set meta = graph.nodes['model.throughline.canonical__' ~ port].config.meta -%}
    {{ return(meta.get('systems', [meta.system_of_record.split(' ')[0] | lower])[0]) }}
{%- endmacro %}

{# A key of a record of the row's own system and instance. #}
{% macro files_own_key(id) -%}
    landed.source_system || ':' || landed.tl_instance || ':' || {{ id }}
{%- endmacro %}

{# A reference to a record of `system`. #}
{% macro files_reference(id, system) -%}
    case
        when {{ id }} like '%:%:%' then {{ id }}
        else '{{ system }}:' || landed.tl_instance || ':' || {{ id }}
    end
{%- endmacro %}

{# A reference to what a column's `meta` names: a port, `own`, or a port by the value of another column. #}
{% macro files_referenced(id, references, system) -%}
    {%- if references is mapping -%}
        case landed.{{ references.by }}
            {%- for value, port in references.items() if value != 'by' %}
            when '{{ value }}' then {{ throughline.files_referenced(id, port, none) }}
            {%- endfor %}
        end
    {%- elif references == 'own' -%}
        case when {{ id }} like '%:%:%' then {{ id }} else {{ throughline.files_own_key(id) }} end
    {%- else -%}
        {{ throughline.files_reference(id, system or throughline.files_system(references)) }}
    {%- endif -%}
{%- endmacro %}

{# What a row of `port` says in `column`. #}
{% macro files_value(port, key, column) -%}
    {%- set meta = throughline.files_meta(column) -%}
    {%- set name = column.name -%}
    {%- set value = 'landed.' ~ name -%}
    {%- if 'default' in meta -%}
        {%- set value = 'coalesce(' ~ value ~ ', cast(' ~ meta.default ~ ' as ' ~ column.data_type ~ '))' -%}
    {%- endif -%}
    {%- set named = name[:-3] if name.endswith('_id') else '' -%}
    {%- set is_port = ('model.throughline.canonical__' ~ named) in graph.nodes -%}
    {%- if name == 'normalised_name' -%}
        {{ normalised_name('landed.name') }}
    {%- elif name == 'display_name_key' -%}
        {{ throughline.files_own_key('landed.' ~ key[0]) }}
    {%- elif 'computed' in meta -%}
        cast(null as {{ column.data_type }})
    {%- elif name in key and name == port ~ '_id' -%}
        {{ throughline.files_own_key(value) }}
    {%- elif 'references' in meta -%}
        {{ throughline.files_referenced(value, meta.references, meta.get('system')) }}
    {%- elif is_port -%}
        {{ throughline.files_referenced(value, named, meta.get('system')) }}
    {%- elif name in key and name.endswith('_id') -%}
        {{ throughline.files_own_key(value) }}
    {%- else -%}
        cast({{ value }} as {{ column.data_type }})
    {%- endif -%}
{%- endmacro %}

{# The knowledge rows of `port` as files tell them. #}
{% macro files_rows(port) -%}
    {%- set columns = throughline.port_columns(port) -%}
    with

    landed as (
        {{ landed_rows('files', port) }}
    )

    select
        {%- if columns %}
        {%- set model = graph.nodes['model.throughline.canonical__' ~ port] %}
        {%- set key = model.config.meta.get('key', [port ~ '_id']) %}
        {%- for name in columns %}
        {{ throughline.files_value(port, key, model.columns[name]) }} as {{ name }},
        {%- endfor %}
        landed.source_system,
        {{ landed('landed') }}
        {%- else %}
        *
        {%- endif %}
    from landed
{%- endmacro %}

{# The people that files tell of: names and e-mail, as landing.personal still holds them. #}
{% macro files_people() -%}
    select
        told.source_system || ':' || told.tl_instance || ':' || told.resource_id as personal_key,
        max(case when held.field = 'display_name' then nullif(held.value, '') end) as name,
        max(case when held.field = 'email' then nullif(held.value, '') end) as email
    from {{ newest('(' ~ landed_rows('files', 'resource') ~ ')', 'tl_record_id') }} as told
    inner join {{ source('landing', 'personal') }} as held
        on
            held.source_system = 'files'
            and held.resource = 'resource'
            and told.tl_instance = held.source_instance
            and told.tl_record_id = held.record_id
            and told.tl_personal_hash = held.personal_hash
    group by told.source_system, told.tl_instance, told.resource_id
{%- endmacro %}
