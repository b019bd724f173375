{{ config(
    materialized='incremental',
    incremental_strategy=advancing_strategy(),
    unique_key='invoice_line_id',
    on_schema_change='fail',
    post_hook='{{ note_advanced() }}'
) }}

with

{% if in_use('netsuite') %}
    documents as (
        select * from {{ ref('netsuite__document') }}
        where document_type in ('CustInvc', 'CustCred')
    ),

    document_lines as (
        select * from {{ ref('netsuite__invoice_line') }}
        {% if is_advancing() %}
            where
                invoice_line_id in ({{ brought_since(
                    ref('netsuite__invoice_line'), 'invoice_line_id', 'invoice_line_id'
                ) }})
                or invoice_id in ({{ brought_since(ref('netsuite__document'), 'document_id', 'invoice_id') }})
        {% endif %}
    ),

    lines_of_documents as (
        {{ known_together(
            child='document_lines', parent='documents',
            child_key='invoice_line_id', foreign_key='invoice_id', parent_key='document_id',
            columns=[
                'invoice_line_id', 'invoice_id', 'line_number', 'source_type', 'source_key',
                'contract_line_id', 'quantity', 'unit_price', 'net_amount', 'period_from', 'period_to',
                'source_system',
            ],
            carried=['currency_code']
        ) }}
    ),
{% endif %}

-- what NetSuite says is joined first: once
mapped as {{ where_it_is_read() if not in_use('netsuite') }} (
    {{ port_rows(
        'invoice_line', without=['netsuite'], where=brought_keys('invoice_line', 'invoice_line_id', ['netsuite']),
        also=['lines_of_documents'] if in_use('netsuite') else []
    ) }}
),

versioned as (
    {{ versions('mapped', 'invoice_line_id', mostly_once=true) }}
)

select
    invoice_line_id,
    {{ hash_key('invoice_line_id') }} as invoice_line_key,
    invoice_id,
    {{ hash_key('invoice_id') }} as invoice_key,
    line_number,
    source_type,
    source_key,
    contract_line_id,
    {{ hash_key('contract_line_id') }} as contract_line_key,
    quantity,
    unit_price,
    net_amount,
    currency_code,
    period_from,
    period_to,
    {{ envelope() }}
from versioned
