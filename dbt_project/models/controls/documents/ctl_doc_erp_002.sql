-- What the customer signed differs from the contract: in value, in currency, in whose name it is, or in
-- the file that is kept. Values are compared without tax; expenses count on both sides when a signed paper
-- says they are in its value. A framework without a value leaves the value alone. A value that was read
-- off a scan with too little confidence, or whose tax nobody states, is no finding: nobody can tell.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('DOC-ERP-002') }},

calendar as {{ import_calendar() }},

rates as {{ reporting_rates() }},

contracts as (
    select progress.*
    from {{ ref('control__contract_progress') }} as progress
    where progress.status in ('ACTIVE', 'ON_HOLD', 'COMPLETED')
),

documents as (
    select document.*
    from {{ ref('control__document') }} as document
    where
        document.contract_id is not null
        and (document.is_base or (document.is_signed and document.document_type = 'CO'))
),

sum_documents as (
    select
        documents.contract_id,
        max(case when documents.is_base then 1 else 0 end) as base_count,
        max(case when documents.is_base and not documents.has_value then 1 else 0 end) as is_framework,
        max(case when documents.is_base and documents.value_basis = 'INCL_EXPENSES' then 1 else 0 end)
            as has_expenses,
        max(case when documents.has_value and not documents.is_readable then 1 else 0 end) as is_unreadable,
        max(case when documents.has_value and documents.net_value is null then 1 else 0 end) as is_unclear,
        max(case when documents.is_of_another_customer then 1 else 0 end) as is_of_another_customer,
        max(case when documents.is_file_replaced then 1 else 0 end) as is_file_replaced,
        min(case when documents.has_value then documents.currency_code end) as currency_code,
        count(distinct case when documents.has_value then documents.currency_code end) as currency_count,
        max(case when documents.has_value and documents.currency_code is null then 1 else 0 end)
            as has_no_currency,
        {{ as_money('sum(case when documents.has_value then documents.net_value else 0 end)') }} as net_value,
        min(documents.extraction_confidence) as extraction_confidence,
        max(documents.signed_on) as last_signed_on,
        {{ list_agg_sorted('documents.contract_document_id') }} as document_ids,
        {{ list_agg_sorted(
            "documents.document_type || ' ' || coalesce(" ~ as_text('documents.document_value') ~ ", 'no value')"
        ) }} as document_values,
        {{ list_agg_sorted('documents.customer_name') }} as customer_names,
        {{ list_agg_sorted('documents.file_hash') }} as file_hashes
    from documents
    group by documents.contract_id
),

compare_values as (
    select
        contracts.*,
        sum_documents.net_value,
        sum_documents.currency_code as document_currency,
        sum_documents.is_framework = 1 as is_framework,
        sum_documents.is_of_another_customer = 1 as is_of_another_customer,
        sum_documents.is_file_replaced = 1 as is_file_replaced,
        sum_documents.is_unreadable = 0
        and sum_documents.is_unclear = 0
        and sum_documents.has_no_currency = 0 as is_readable,
        sum_documents.currency_count = 0
        or (
            sum_documents.currency_count = 1
            and coalesce(sum_documents.currency_code = contracts.currency_code, false)
        ) as is_same_currency,
        {{ as_money(
            'contracts.committed_value'
            ~ ' + case when sum_documents.has_expenses = 1 then contracts.committed_expenses else 0 end'
        ) }} as contract_value,
        sum_documents.extraction_confidence,
        sum_documents.document_ids,
        sum_documents.document_values,
        sum_documents.customer_names,
        sum_documents.file_hashes,
        greatest(
            contracts.created_on,
            sum_documents.last_signed_on,
            coalesce(contracts.last_signed_on, contracts.created_on)
        ) as start_on
    from contracts
    inner join sum_documents
        on contracts.contract_id = sum_documents.contract_id
    where sum_documents.base_count = 1
),

measure_gaps as (
    select
        compare_values.*,
        case
            when compare_values.is_framework then cast(0 as decimal(19, 4))
            else {{ as_money('abs(compare_values.contract_value - coalesce(compare_values.net_value, 0))') }}
        end as gap
    from compare_values
),

judge_values as (
    select
        measure_gaps.*,
        measure_gaps.is_same_currency
        and (
            measure_gaps.gap
            > greatest(parameter.abs_tol, parameter.rel_tol * abs(measure_gaps.contract_value))
            or coalesce({{ money('measure_gaps.gap * rates.rate') }} >= parameter.hard_cap, false)
        ) as is_value_different
    from measure_gaps
    cross join parameter
    left join rates
        on measure_gaps.currency_code = rates.from_currency
),

evaluated as (
    select
        judge_values.contract_id as grain_key,
        judge_values.legal_entity_id,
        judge_values.customer_id,
        judge_values.contract_id,
        {{ null_text() }} as contract_line_id,
        {{ null_text() }} as project_id,
        {{ null_text() }} as period,
        judge_values.currency_code,
        case when not judge_values.is_framework then judge_values.net_value end as value_a,
        judge_values.contract_value as value_b,
        judge_values.is_value_different
        or not judge_values.is_same_currency
        or judge_values.is_of_another_customer
        or judge_values.is_file_replaced as is_broken,
        judge_values.is_readable,
        due.calendar_date as becomes_exception_on,
        -- in another currency nothing can be set against anything: all of it is open
        case when judge_values.is_same_currency then judge_values.gap else judge_values.contract_value end
            as amount_tc,
        judge_values.contract_value as population_tc,
        'contract:' || judge_values.contract_id as risk_object,
        case
            when judge_values.is_same_currency and judge_values.is_value_different then 'AMOUNT_DIFFERS'
            else 'ATTRIBUTE_DIFFERS'
        end as break_type,
        {{ evidence([
            ('what', sentence([
                "'Contract '", 'judge_values.contract_number', "' is entered for '", 'judge_values.contract_value',
                "' '", 'judge_values.currency_code', "'; signed are '", 'judge_values.net_value', "' '",
                'judge_values.document_currency',
                "case when judge_values.is_of_another_customer then ', in the name of ' || judge_values.customer_names else '' end",
                "case when judge_values.is_file_replaced then ', and a stored file is not the one that was signed' else '' end",
            ])),
            ('business_date', 'judge_values.start_on'),
            ('document_no', 'judge_values.contract_number'),
            ('system_a', "'Documents'"),
            ('system_b', "'ERP'"),
            ('doc_ids', 'judge_values.document_ids'),
            ('doc_values', 'judge_values.document_values'),
            ('customer_names', 'judge_values.customer_names'),
            ('extraction_confidence', 'judge_values.extraction_confidence'),
            ('sha256', 'judge_values.file_hashes'),
        ]) }} as evidence
    from judge_values
    cross join parameter
    {{ join_working_day(
        'due', 'judge_values.legal_entity_id', 'judge_values.start_on', 'parameter.grace + 1'
    ) }}
),

{{ control_result('DOC-ERP-002', is_evaluable='evaluated.is_readable') }}
