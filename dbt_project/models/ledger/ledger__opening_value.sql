-- What stood when a line's or a customer's history begins, one row per version of an opening balance and
-- stretch of knowledge about its contract line. Balances count it from its date on; it is no revenue,
-- document or cost of any month. A receivable under the key of a document that is there itself counts as
-- that document alone.
with told as (
    {{ ledger_fact_versions(
        ref('canonical__opening_balance'),
        'opening_balance_id',
        [
            'kind', 'balance_date', 'legal_entity_id', 'contract_line_id', 'customer_id', 'invoice_id',
            'due_date', 'amount', 'amount_functional', 'currency_code', 'hours',
        ],
    ) }}
),

balance as (
    select
        opening_balance_id,
        kind,
        balance_date,
        legal_entity_id,
        -- receivables are the customer's, whatever the work was
        case when kind <> 'RECEIVABLE' then contract_line_id end as contract_line_id,
        customer_id,
        case when kind = 'RECEIVABLE' then coalesce(invoice_id, opening_balance_id) end as document_id,
        due_date,
        amount,
        amount_functional,
        currency_code,
        hours,
        source_system,
        source_instance,
        source_record_id,
        load_id,
        version_number,
        known_from,
        known_to
    from told
),

line as (
    select
        contract_line_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        functional_currency,
        known_from,
        known_to
    from {{ ref('ledger__contract_line_version') }}
),

legal_entity as (
    {{ ledger_dimension_versions(ref('canonical__legal_entity'), 'legal_entity_id',
        ['functional_currency']) }}
),

invoice as (
    {{ ledger_dimension_versions(ref('canonical__invoice'), 'invoice_id', ['doc_type'], record='invoice') }}
),

conversion as {{ import_conversion() }},

placed as (
    select
        balance.opening_balance_id,
        balance.kind,
        balance.balance_date,
        balance.document_id,
        balance.due_date,
        balance.amount,
        balance.amount_functional,
        balance.currency_code,
        balance.hours,
        balance.source_system,
        balance.source_instance,
        balance.source_record_id,
        balance.load_id,
        balance.version_number,
        not coalesce(invoice.is_known, false) as is_counted,
        coalesce(
            line.legal_entity_id,
            balance.legal_entity_id,
            concat(
                'UNMAPPED:',
                coalesce(balance.contract_line_id, balance.document_id, balance.opening_balance_id)
            )
        ) as legal_entity_id,
        case
            when balance.kind = 'RECEIVABLE' then 'NONE'
            else coalesce(line.region_id, 'UNMAPPED:NONE')
        end as region_id,
        case
            when balance.kind = 'RECEIVABLE' then 'NONE'
            else coalesce(line.practice_id, 'UNMAPPED:NONE')
        end as practice_id,
        coalesce(
            line.customer_id,
            balance.customer_id,
            concat(
                'UNMAPPED:',
                coalesce(balance.contract_line_id, balance.document_id, balance.opening_balance_id)
            )
        ) as customer_id,
        coalesce(line.project_id, 'NONE') as project_id,
        coalesce(balance.contract_line_id, 'NONE') as contract_line_id,
        coalesce(line.functional_currency, legal_entity.functional_currency, 'NONE') as functional_currency,
        {{ ledger_interval(['balance', 'line', 'legal_entity', 'invoice'], published=false) }}
    from balance
    left join line
        on balance.contract_line_id = line.contract_line_id and {{ ledger_meets('line', ['balance']) }}
    left join legal_entity
        on
            balance.legal_entity_id = legal_entity.legal_entity_id
            and {{ ledger_meets('legal_entity', ['balance', 'line']) }}
    left join invoice
        on
            balance.document_id = invoice.invoice_id
            and {{ ledger_meets('invoice', ['balance', 'line', 'legal_entity']) }}
)

select
    placed.opening_balance_id,
    placed.kind,
    {{ as_text("case placed.kind
        when 'REVENUE_TO_DATE' then 'opening_revenue'
        when 'BILLED_TO_DATE' then 'opening_billing'
        when 'COST_TO_DATE' then 'opening_cost'
        when 'RECEIVABLE' then 'opening_receivable'
    end") }} as movement_type,
    placed.is_counted,
    placed.balance_date,
    placed.document_id,
    placed.due_date,
    {{ ledger_dimension_columns('placed') }},
    placed.currency_code,
    placed.hours,
    placed.amount as amount_tc,
    -- as the books carried it; derived only where nobody says
    coalesce(placed.amount_functional, {{ ledger_at_rate('placed.amount', 'conversion.rate_fc') }})
        as amount_fc,
    {{ ledger_at_rate('placed.amount', 'conversion.rate_rc') }} as amount_rc,
    {{ ledger_at_rate('placed.amount', 'conversion.rate_cc') }} as amount_cc,
    placed.source_system,
    placed.source_instance,
    placed.source_record_id,
    placed.load_id,
    placed.version_number,
    {{ ledger_published('placed', 'conversion') }}
from placed
{{ ledger_join_conversion('placed', 'currency_code', 'balance_date') }}
