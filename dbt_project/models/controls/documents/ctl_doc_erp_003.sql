-- Work, invoices or revenue of a contract line from before it was signed or took effect. A signed letter of
-- intent covers what comes after it on any line, day by day, up to its value; a document signed with effect
-- from the contract's own first day covers all of it. What has no signed document at all is DOC-ERP-001's
-- case. Advance invoices may come early.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('DOC-ERP-003') }},

rates as {{ reporting_rates() }},

contracts as (
    select progress.*
    from {{ ref('control__contract_progress') }} as progress
    where progress.status in ('ACTIVE', 'ON_HOLD', 'COMPLETED')
),

contract_lines as (
    select known.*
    from {{ as_known(ref('canonical__contract_line')) }} as known
),

documents as (
    select document.*
    from {{ ref('control__document') }} as document
    where document.contract_id is not null and document.is_signed
),

items as (
    select item.*
    from {{ ref('control__item') }} as item
    where
        item.source_type = 'TIME'
        and item.is_billable
        and item.status in ('submitted', 'approved')
),

invoices as (
    select known.*
    from {{ as_known(ref('canonical__invoice')) }} as known
    where known.doc_type = 'STANDARD'
),

invoice_lines as (
    select known.*
    from {{ as_known(ref('canonical__invoice_line')) }} as known
),

revenue_entries as (
    select known.*
    from {{ as_known(ref('canonical__revenue_entry')) }} as known
    cross join run
    where
        known.kind = 'recognised'
        and known.entry_type <> 'LOSS_PROVISION'
        and known.accounting_date <= run.as_of
),

-- of several signed papers the one that allows work first
date_lines as (
    select
        contract_lines.contract_line_id,
        contracts.contract_id,
        contracts.contract_number,
        contracts.legal_entity_id,
        contracts.customer_id,
        contracts.currency_code,
        min(
            case
                when documents.is_retroactive
                    then coalesce(contract_lines.effective_from, contracts.effective_from)
                else greatest(
                    documents.signed_on,
                    coalesce(contract_lines.effective_from, contracts.effective_from, documents.signed_on)
                )
            end
        ) as effective_on,
        min(documents.signed_on) as signed_on
    from contract_lines
    inner join contracts
        on contract_lines.contract_id = contracts.contract_id
    inner join documents
        on contracts.contract_id = documents.contract_id
    where documents.is_base
    group by
        contract_lines.contract_line_id,
        contracts.contract_id,
        contracts.contract_number,
        contracts.legal_entity_id,
        contracts.customer_id,
        contracts.currency_code
),

sum_letters as (
    select
        documents.contract_id,
        documents.currency_code,
        min(documents.signed_on) as signed_on,
        {{ as_money('sum(coalesce(documents.net_value, 0))') }} as letter_value,
        {{ list_agg_sorted('documents.contract_document_id') }} as letter_ids
    from documents
    where documents.document_type = 'LOI'
    group by documents.contract_id, documents.currency_code
),

gather_events as (
    select
        items.contract_line_id,
        'TIME' as kind,
        items.item_date as event_day,
        items.item_date as done_on,
        items.amount,
        items.currency_code
    from items
    union all
    select
        invoice_lines.contract_line_id,
        'INVOICE' as kind,
        invoice_lines.period_to as event_day,
        invoices.invoice_date as done_on,
        {{ as_money('invoice_lines.net_amount') }} as amount,
        invoices.currency_code
    from invoice_lines
    inner join invoices
        on invoice_lines.invoice_id = invoices.invoice_id
    cross join run
    where {{ is_posted('invoices') }}
    union all
    select
        revenue_entries.contract_line_id,
        'REVENUE' as kind,
        revenue_entries.service_to as event_day,
        revenue_entries.accounting_date as done_on,
        {{ as_money('revenue_entries.amount') }} as amount,
        coalesce(revenue_entries.currency_code, contract_lines.currency_code) as currency_code
    from revenue_entries
    left join contract_lines
        on revenue_entries.contract_line_id = contract_lines.contract_line_id
),

sum_days as (
    select
        date_lines.contract_id,
        gather_events.contract_line_id,
        gather_events.kind,
        gather_events.currency_code,
        gather_events.event_day,
        min(gather_events.done_on) as first_done_on,
        {{ as_money('sum(gather_events.amount)') }} as early_amount,
        coalesce(gather_events.event_day >= sum_letters.signed_on, false) as is_after_letter,
        {{ as_money(
            'case when gather_events.event_day >= sum_letters.signed_on then sum(gather_events.amount) else 0 end'
        ) }} as after_letter,
        sum_letters.letter_value,
        sum_letters.letter_ids
    from gather_events
    inner join date_lines
        on gather_events.contract_line_id = date_lines.contract_line_id
    left join sum_letters
        on
            date_lines.contract_id = sum_letters.contract_id
            and gather_events.currency_code = sum_letters.currency_code
    where gather_events.event_day < date_lines.effective_on
    group by
        date_lines.contract_id,
        gather_events.contract_line_id,
        gather_events.kind,
        gather_events.currency_code,
        gather_events.event_day,
        sum_letters.signed_on,
        sum_letters.letter_value,
        sum_letters.letter_ids
),

-- one letter for all lines of the contract: whose day comes first uses it first
use_letters as (
    select
        sum_days.*,
        {{ as_money(
            'sum(sum_days.after_letter) over ('
            ~ 'partition by sum_days.contract_id, sum_days.kind, sum_days.currency_code'
            ~ ' order by sum_days.event_day, sum_days.contract_line_id'
            ~ ' rows between unbounded preceding and current row)'
        ) }} as used_amount
    from sum_days
),

find_uncovered as (
    select
        use_letters.contract_line_id,
        use_letters.kind,
        use_letters.currency_code,
        min(use_letters.event_day) as first_early_on,
        min(use_letters.first_done_on) as first_done_on,
        {{ as_money('sum(use_letters.early_amount)') }} as early_amount,
        {{ as_money(
            'sum(case when use_letters.is_after_letter'
            ~ ' then greatest(0, use_letters.used_amount - use_letters.letter_value)'
            ~ ' - greatest(0, use_letters.used_amount - use_letters.after_letter - use_letters.letter_value)'
            ~ ' else use_letters.early_amount end)'
        ) }} as open_amount,
        max(use_letters.letter_ids) as letter_ids
    from use_letters
    group by use_letters.contract_line_id, use_letters.kind, use_letters.currency_code
),

sum_kinds as (
    select
        find_uncovered.contract_line_id,
        find_uncovered.kind,
        min(find_uncovered.first_early_on) as first_early_on,
        min(find_uncovered.first_done_on) as first_done_on,
        count(*) as currency_count,
        min(find_uncovered.currency_code) as currency_code,
        max(find_uncovered.open_amount) as largest_open,
        {{ as_money('sum(find_uncovered.open_amount)') }} as open_amount,
        {{ as_money('sum(find_uncovered.early_amount)') }} as early_amount,
        max(case when rates.rate is null then 1 else 0 end) as lacks_rate,
        sum({{ money('find_uncovered.open_amount * rates.rate') }}) as open_amount_rc,
        max(find_uncovered.letter_ids) as letter_ids
    from find_uncovered
    left join rates
        on find_uncovered.currency_code = rates.from_currency
    group by find_uncovered.contract_line_id, find_uncovered.kind
),

kinds as (
    select 'TIME' as kind
    union all
    select 'INVOICE' as kind
    union all
    select 'REVENUE' as kind
),

list_grains as (
    select
        date_lines.*,
        kinds.kind,
        sum_kinds.first_early_on,
        sum_kinds.first_done_on,
        sum_kinds.currency_count,
        sum_kinds.currency_code as early_currency,
        coalesce(sum_kinds.largest_open, 0) > 0 as is_early,
        sum_kinds.open_amount,
        sum_kinds.early_amount,
        sum_kinds.letter_ids,
        case when sum_kinds.lacks_rate = 0 then sum_kinds.open_amount_rc end as open_amount_rc
    from date_lines
    cross join kinds
    left join sum_kinds
        on
            date_lines.contract_line_id = sum_kinds.contract_line_id
            and kinds.kind = sum_kinds.kind
),

evaluated as (
    select
        list_grains.contract_line_id || '|' || list_grains.kind as grain_key,
        list_grains.legal_entity_id,
        list_grains.customer_id,
        list_grains.contract_id,
        list_grains.contract_line_id,
        {{ null_text() }} as project_id,
        {{ null_text() }} as period,
        coalesce(
            case when list_grains.currency_count = 1 then list_grains.early_currency end,
            list_grains.currency_code
        ) as currency_code,
        {{ null_money() }} as value_a,
        list_grains.early_amount as value_b,
        list_grains.is_early as is_broken,
        list_grains.effective_on is not null as is_dated,
        list_grains.first_done_on as becomes_exception_on,
        case when list_grains.currency_count = 1 then list_grains.open_amount end as amount_tc,
        list_grains.open_amount_rc,
        {{ null_money() }} as population_tc,
        list_grains.kind,
        'line:' || list_grains.contract_line_id as risk_object,
        'DATE_DIFFERS' as break_type,
        {{ evidence([
            ('what', sentence([
                "case list_grains.kind when 'TIME' then 'Billable time' when 'INVOICE' then 'An invoice' else 'Revenue' end",
                "' of contract '", 'list_grains.contract_number', "' lies before '", 'list_grains.effective_on',
                "', the day from which it is signed and in force'",
            ])),
            ('business_date', 'list_grains.first_early_on'),
            ('document_no', 'list_grains.contract_number'),
            ('system_a', "'Documents'"),
            ('system_b', "case when list_grains.kind = 'TIME' then 'PSA' else 'ERP' end"),
            ('kind', 'list_grains.kind'),
            ('signed_on', 'list_grains.signed_on'),
            ('first_early_date', 'list_grains.first_early_on'),
            ('early_amount', 'list_grains.early_amount'),
            ('loa_document', 'list_grains.letter_ids'),
        ]) }} as evidence
    from list_grains
),

{{ control_result(
    'DOC-ERP-003',
    amount_rc='evaluated.open_amount_rc',
    is_evaluable='evaluated.is_dated',
    floor_met="evaluated.kind = 'REVENUE'"
) }}
