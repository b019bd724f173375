-- A contract is active and nobody has signed for it. The grace ends at once when somebody works on it, bills
-- it or recognises revenue; from then on all of it is at risk that was earned or is still to come.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('DOC-ERP-001') }},

calendar as {{ import_calendar() }},

contracts as (
    select progress.*
    from {{ ref('control__contract_progress') }} as progress
    where progress.status = 'ACTIVE'
),

documents as (
    select document.*
    from {{ ref('control__document') }} as document
    where
        document.contract_id is not null
        and document.document_type in ('SOW', 'ORDER_FORM', 'PO')
),

find_base as (
    select
        documents.contract_id,
        min(documents.contract_document_id) as contract_document_id
    from documents
    where documents.is_base
    group by documents.contract_id
),

rank_documents as (
    select
        documents.*,
        row_number() over (
            partition by documents.contract_id
            order by documents.updated_at desc, documents.contract_document_id asc
        ) as newest_rank
    from documents
),

judge_contracts as (
    select
        contracts.*,
        find_base.contract_document_id is not null as has_base,
        rank_documents.contract_document_id as latest_document_id,
        rank_documents.status as latest_document_status,
        rank_documents.sent_at,
        coalesce(
            contracts.first_approved_on, contracts.first_billed_on, contracts.first_earned_on
        ) is not null as is_started
    from contracts
    left join find_base
        on contracts.contract_id = find_base.contract_id
    left join rank_documents
        on
            contracts.contract_id = rank_documents.contract_id
            and rank_documents.newest_rank = 1
),

evaluated as (
    select
        judge_contracts.contract_id as grain_key,
        judge_contracts.legal_entity_id,
        judge_contracts.customer_id,
        judge_contracts.contract_id,
        {{ null_text() }} as contract_line_id,
        {{ null_text() }} as project_id,
        {{ null_text() }} as period,
        judge_contracts.currency_code,
        {{ null_money() }} as value_a,
        judge_contracts.amended_value as value_b,
        not judge_contracts.has_base as is_broken,
        least(
            due.calendar_date,
            judge_contracts.first_approved_on,
            judge_contracts.first_billed_on,
            judge_contracts.first_earned_on
        ) as becomes_exception_on,
        judge_contracts.revenue_to_date <> 0 as is_earned,
        case
            when judge_contracts.is_started
                then {{ as_money(
                    'judge_contracts.revenue_to_date'
                    ~ ' + greatest(0, judge_contracts.amended_value - judge_contracts.revenue_to_date)'
                ) }}
            else judge_contracts.amended_value
        end as amount_tc,
        judge_contracts.amended_value as population_tc,
        'contract:' || judge_contracts.contract_id as risk_object,
        'MISSING_IN_A' as break_type,
        {{ evidence([
            ('what', sentence([
                "'Contract '", 'judge_contracts.contract_number', "' is active, and no signed document stands for it'",
            ])),
            ('business_date', 'judge_contracts.effective_from'),
            ('document_no', 'judge_contracts.contract_number'),
            ('system_a', "'Documents'"),
            ('system_b', "'ERP'"),
            ('latest_document_id', 'judge_contracts.latest_document_id'),
            ('latest_doc_status', 'judge_contracts.latest_document_status'),
            ('sent_on', 'cast(judge_contracts.sent_at as date)'),
            ('first_approved_on', 'judge_contracts.first_approved_on'),
            ('first_billed_on', 'judge_contracts.first_billed_on'),
            ('net_billed', 'judge_contracts.net_billed'),
            ('rev_to_date', 'judge_contracts.revenue_to_date'),
        ]) }} as evidence
    from judge_contracts
    cross join parameter
    {{ join_working_day(
        'due', 'judge_contracts.legal_entity_id', 'judge_contracts.effective_from', 'parameter.grace + 1'
    ) }}
),

{{ control_result('DOC-ERP-001', floor_met='evaluated.is_earned') }}
