with

mapped as (
    {{ port_rows('contract_line') }}
),

versioned as (
    {{ versions('mapped', 'contract_line_id') }}
)

select
    contract_line_id,
    {{ hash_key('contract_line_id') }} as contract_line_key,
    contract_id,
    {{ hash_key('contract_id') }} as contract_key,
    line_number,
    billing_method,
    original_value,
    ceiling,
    transaction_price,
    effective_from,
    effective_to,
    noncancellable_to,
    practice_code,
    region_code,
    group_code,
    currency_code,
    revenue_method,
    {{ envelope() }}
from versioned
