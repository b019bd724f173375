{# Canonical keys: `{source_system}:{instance}:{native id}`, null when there is no native id. #}

{% macro own_key(source_system, native, instance='tl_instance') -%}
    '{{ source_system }}:' || {{ instance }} || ':' || {{ native }}
{%- endmacro %}

{#
    The variable `instances` (system -> list, in order) says which instances of a system are in use, where that is not
    one called main: the command line makes it.

    `{instance}:{native id}` of a record of another system that a row names. Where that system has several instances,
    a bare id is of the instance with the row's own name, else of main (or the first); an id that means another one
    is written with it ("main:1042"). `own` is the row's tl_instance, by default beside the id.
#}
{% macro instance_and_id(source_system, native, own=none) -%}
    {%- set held = var('instances', {}).get(source_system, ['main']) -%}
    {%- if held | length == 1 -%}
    '{{ held[0] }}:' || {{ native }}
    {%- else -%}
    {%- set beside = modules.re.match('([a-z_]+)[.]', native) -%}
    {%- set own = own or ((beside.group(1) ~ '.' if beside else '') ~ 'tl_instance') -%}
    case
        when instr({{ native }}, ':') > 0 then {{ native }}
        when {{ own }} in ('{{ held | join("', '") }}') then {{ own }} || ':' || {{ native }}
        else '{{ "main" if "main" in held else held[0] }}:' || {{ native }}
    end
    {%- endif -%}
{%- endmacro %}

{# A reference into another system's records, null when there is no native id. #}
{% macro foreign_key(source_system, native, own=none) -%}
    '{{ source_system }}:' || {{ throughline.instance_and_id(source_system, native, own) }}
{%- endmacro %}

{#
    What a source landed into `resource`, of all its instances: each has a dataset of its own, with the columns that
    its own records have.
#}
{% macro landed_rows(source_name, resource) -%}
    {%- set first = source(source_name, resource) -%}
    {%- set held = var('instances', {}).get(source_name) -%}
    {%- if not held -%}
    select * from {{ first }}
    {%- else -%}
    {%- set relations = [] -%}
    {%- for instance in held -%}
        {%- do relations.append(
            api.Relation.create(
                database=first.database, schema=source_name ~ '_' ~ instance, identifier=first.identifier
            )
        ) -%}
    {%- endfor -%}
    {{ throughline.union_by_name(relations) }}
    {%- endif -%}
{%- endmacro %}

{# All rows of the relations, column by column of the same name; null where one of them has no such column. #}
{% macro union_by_name(relations) %}{{ return(adapter.dispatch('union_by_name', 'throughline')(relations)) }}{% endmacro %}
{% macro default__union_by_name(relations) -%}
    {%- for relation in relations %}
    select * from {{ relation }}
    {{ 'union all by name' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}
{% macro spark__union_by_name(relations) -%}
    {%- set columns = {} -%}
    {%- set held = [] -%}
    {%- for relation in relations -%}
        {%- set names = [] -%}
        {%- if execute -%}
            {%- for column in adapter.get_columns_in_relation(relation) -%}
                {%- do names.append(column.name) -%}
                {%- do columns.update({column.name: column.dtype}) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- do held.append(names) -%}
    {%- endfor -%}
    {%- for relation in relations %}
    {%- set own = held[loop.index0] %}
    select
        {%- for name, kind in columns.items() %}
        {{ name if name in own else 'cast(null as ' ~ kind ~ ')' }} as {{ name }}{{ ',' if not loop.last }}
        {%- else %}
        *
        {%- endfor %}
    from {{ relation }}
    {{ 'union all' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#
    A company's name as it is compared: upper case, ampersand spelt out, punctuation to blanks, legal forms off
    the end ("Acme Holdings Co., Inc."), single blanks. Full stops and apostrophes join what they stand between.
    Null when nothing is left.
#}
{% macro normalised_name(name) -%}
    {%- set forms = 'INCORPORATED|INC|LLC|LLP|LTD|LIMITED|CORPORATION|CORP|COMPANY|CO|PLC|GMBH|AG|KG|BV|NV|SA|SAS|SARL|SPA|OY|AB|AS|PTY|PTE|ULC|LP|AND'
    -%}
    {%- set spelt = "replace(upper(" ~ name ~ "), '&', ' AND ')" -%}
    {%- set joined = "replace(replace(" ~ spelt ~ ", '.', ''), chr(39), '')" -%}
    {%- set plain = throughline.regexp_replace_all(joined, '[^0-9A-ZÀ-ÖØ-Þ]+', ' ') -%}
    {%- set once = throughline.regexp_replace_all('trim(' ~ plain ~ ')', '( (' ~ forms ~ '))+$', '') -%}
    nullif(trim({{ once }}), '')
{%- endmacro %}
