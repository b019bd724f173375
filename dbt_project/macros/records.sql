{#
    Systems of record. Where several systems hold one thing, ledger and metrics read the record's rows and controls
    read all; inputs.system_of_record says, per domain, legal entity and dates, whose rows those are.
#}

{# By which of its own columns a row of `domain` is judged: its legal entity and its business day, if it has them. #}
{% macro record_columns(domain) -%}
    {{ return({
        'contract': ('legal_entity_id', 'signed_on'),
        'contract_document': (none, 'signed_on'),
        'customer': (none, none),
        'exchange_rate': (none, none),
        'invoice': ('legal_entity_id', 'invoice_date'),
        'legal_entity': (none, none),
        'opportunity': ('legal_entity_id', none),
        'project': ('legal_entity_id', 'start_date'),
        'resource': (none, none),
        'time_entry': (none, 'work_date'),
    }[domain]) }}
{%- endmacro %}

{#
    The rows of `relation` with `is_of_record`. A row without a day is judged by the run's as-of date. A domain
    nobody is named for has no record to prefer: every row is one.
#}
{% macro of_record(domain, relation) -%}
    {%- set entity, day = record_columns(domain) -%}
    {%- set judged_on = ('coalesce(told.' ~ day ~ ', named.as_of)') if day else 'named.as_of' -%}
    (
        select
            told.*,
            record.source_system is not null or named.line_count = 0 as is_of_record
        from {{ relation }} as told
        cross join (
            select
                {{ run_settings_day() }} as as_of,
                count(*) as line_count
            from {{ source('inputs', 'system_of_record') }}
            where domain = '{{ domain }}'
        ) as named
        left join {{ source('inputs', 'system_of_record') }} as record
            on
                record.domain = '{{ domain }}'
                and told.source_system = record.source_system
                and told.source_instance = record.source_instance
                {%- if entity %}
                and (
                    told.{{ entity }} = record.legal_entity_id
                    or (
                        record.legal_entity_id = 'ALL'
                        and instr(
                            record.excluded_entities, '|' || coalesce(told.{{ entity }}, 'UNMAPPED:NONE') || '|'
                        ) = 0
                    )
                )
                {%- endif %}
                and {{ judged_on }} >= record.valid_from
                and {{ judged_on }} <= coalesce(record.valid_to, cast('9999-12-31' as date))
    )
{%- endmacro %}

{# The rows of record of `relation` that the run knows. #}
{% macro known_record(domain, relation) -%}
    (
        select *
        from {{ of_record(domain, as_known(relation)) }} as judged
        where judged.is_of_record
    )
{%- endmacro %}
