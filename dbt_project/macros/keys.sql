{# Canonical keys: `{source_system}:{instance}:{native id}`, null when there is no native id. #}

{% macro own_key(source_system, native, instance='tl_instance') -%}
    '{{ source_system }}:' || {{ instance }} || ':' || {{ native }}
{%- endmacro %}

{# A reference into another system's records: that system's instance is configuration, not the record's. #}
{% macro foreign_key(source_system, native) -%}
    '{{ source_system }}:{{ var("instances", {}).get(source_system, "main") }}:' || {{ native }}
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
