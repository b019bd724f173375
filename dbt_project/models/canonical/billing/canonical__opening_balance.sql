with

mapped as (
    {{ port_rows('opening_balance') }}
),

versioned as (
    {{ versions('mapped', 'opening_balance_id') }}
)

select
    opening_balance_id,
    {{ hash_key('opening_balance_id') }} as opening_balance_key,
    kind,
    balance_date,
    legal_entity_id,
    contract_line_id,
    customer_id,
    invoice_id,
    due_date,
    amount,
    amount_functional,
    currency_code,
    hours,
    {{ envelope() }}
from versioned
