{#
    Codes: one seed says what each system's word means. A model joins it once per word through `code_join` and
    reads the meaning through `coded` (an attribute: null when the word is unknown) or `coded_key` (a member of a
    dimension: an unknown word stays visible as UNMAPPED).
#}

{% macro code_join(alias, code_type, source_system, value) -%}
    left join {{ ref('codes') }} as {{ alias }}
        on
            {{ alias }}.code_type = '{{ code_type }}'
            and {{ alias }}.source_system = '{{ source_system }}'
            and {{ alias }}.source_value = {{ value }}
            and {{ alias }}.valid_to is null
{%- endmacro %}

{% macro coded(alias) %}{{ alias }}.canonical_value{% endmacro %}

{% macro coded_key(alias, value) -%}
    coalesce({{ alias }}.canonical_value, 'UNMAPPED:' || {{ value }})
{%- endmacro %}
