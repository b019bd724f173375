with

mapped as (
    {{ port_rows('revenue_element') }}
),

versioned as (
    {{ versions('mapped', 'revenue_element_id') }}
)

select
    revenue_element_id,
    {{ hash_key('revenue_element_id') }} as revenue_element_key,
    contract_id,
    contract_line_id,
    allocated_amount,
    currency_code,
    start_date,
    end_date,
    {{ envelope() }}
from versioned
