{{ config(
    materialized='incremental',
    incremental_strategy=advancing_strategy(),
    unique_key='gl_journal_line_id',
    on_schema_change='fail',
    post_hook='{{ note_advanced() }}'
) }}

with

{% if in_use('netsuite') %}
    documents as (
        select * from {{ ref('netsuite__document') }}
    ),

    postings as (
        select * from {{ ref('netsuite__gl_journal_line') }}
        {% if is_advancing() %}
            where
                gl_journal_line_id in ({{ brought_since(
                    ref('netsuite__gl_journal_line'), 'gl_journal_line_id', 'gl_journal_line_id'
                ) }})
                or document_id in ({{ brought_since(ref('netsuite__document'), 'document_id', 'journal_id') }})
        {% endif %}
    ),

    postings_of_documents as (
        {{ known_together(
            child='postings', parent='documents',
            child_key='gl_journal_line_id', foreign_key='document_id', parent_key='document_id',
            columns=[
                'gl_journal_line_id', 'document_id', 'gl_account_id', 'debit_amount', 'credit_amount',
                'accounting_book', 'is_line_posting', 'source_system',
            ],
            carried=['document_type', 'legal_entity_id', 'posting_period_id', 'document_date', 'is_posting']
        ) }}
    ),

    -- What is not posted, or posted no more, is not in the ledger.
    posted as (
        select
            gl_journal_line_id,
            document_id as journal_id,
            document_type as source_document_type,
            document_id as source_document_id,
            legal_entity_id,
            gl_account_id,
            posting_period_id as period_id,
            document_date as posting_date,
            debit_amount,
            credit_amount,
            {{ null_text() }} as currency_code,
            accounting_book,
            source_system,
            tl_instance,
            tl_record_id,
            tl_source_created_at,
            tl_source_updated_at,
            tl_is_deleted or not is_line_posting or not coalesce(is_posting, true) as tl_is_deleted,
            case when tl_is_deleted then tl_deletion_basis else 'status' end as tl_deletion_basis,
            tl_load_id,
            tl_payload_hash,
            tl_is_backfill,
            tl_known_at
        from postings_of_documents
    ),
{% endif %}

mapped as (
    {{ port_rows(
        'gl_journal_line', without=['netsuite'],
        where=brought_keys('gl_journal_line', 'gl_journal_line_id', ['netsuite']),
        also=['posted'] if in_use('netsuite') else []
    ) }}
),

versioned as (
    {{ versions('mapped', 'gl_journal_line_id') }}
),

legal_entities as (
    select * from {{ newest('(' ~ port_rows('legal_entity') ~ ')', 'legal_entity_id', everywhere=true) }}
)

select
    versioned.gl_journal_line_id,
    {{ hash_key('versioned.gl_journal_line_id') }} as gl_journal_line_key,
    versioned.journal_id,
    versioned.source_document_type,
    versioned.source_document_id,
    versioned.legal_entity_id,
    versioned.gl_account_id,
    versioned.period_id,
    versioned.posting_date,
    versioned.debit_amount,
    versioned.credit_amount,
    coalesce(versioned.currency_code, legal_entities.functional_currency) as currency_code,
    versioned.accounting_book,
    {{ envelope('versioned') }}
from versioned
left join legal_entities on versioned.legal_entity_id = legal_entities.legal_entity_id
