with

mapped as (
    {{ port_rows('revenue_entry') }}
),

versioned as (
    {{ versions('mapped', 'revenue_entry_id') }}
)

select
    revenue_entry_id,
    {{ hash_key('revenue_entry_id') }} as revenue_entry_key,
    contract_line_id,
    amount,
    amount_functional,
    currency_code,
    accounting_date,
    period_id,
    posted_at,
    service_from,
    service_to,
    entry_type,
    kind,
    {{ envelope() }}
from versioned
