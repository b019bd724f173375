-- Posted revenue, one row per version of an entry and stretch of knowledge about its contract line.
with entry as (
    {{ ledger_fact_versions(
        ref('canonical__revenue_entry'),
        'revenue_entry_id',
        [
            'contract_line_id', 'amount', 'amount_functional', 'currency_code', 'accounting_date',
            'entry_type',
            'kind',
        ],
    ) }}
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
        billing_method,
        known_from,
        known_to
    from {{ ref('ledger__contract_line_version') }}
),

conversion as {{ import_conversion() }},

placed as (
    select
        entry.revenue_entry_id,
        entry.amount,
        entry.amount_functional,
        entry.currency_code,
        entry.accounting_date,
        entry.entry_type,
        entry.kind,
        entry.source_system,
        entry.source_instance,
        entry.source_record_id,
        entry.load_id,
        entry.version_number,
        line.billing_method,
        {{ ledger_line_dimensions('line', 'entry.contract_line_id') }},
        {{ ledger_common('entry', 'line') }}
    from entry
    left join line
        on entry.contract_line_id = line.contract_line_id and {{ ledger_overlap('entry', 'line') }}
)

select
    placed.revenue_entry_id,
    -- a planned entry is no revenue; a loss provision is cost of sales
    placed.kind = 'recognised' and placed.entry_type in ('NORMAL', 'CATCH_UP', 'REVERSAL') as is_recognised,
    placed.entry_type,
    placed.billing_method,
    placed.accounting_date,
    {{ ledger_dimension_columns('placed') }},
    placed.currency_code,
    placed.amount as amount_tc,
    -- as the ERP posted it; derived only where it gives none
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
{{ ledger_join_conversion('placed', 'currency_code', 'accounting_date') }}
