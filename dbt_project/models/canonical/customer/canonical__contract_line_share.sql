with

mapped as (
    {{ port_rows('contract_line_share') }}
),

versioned as (
    {{ versions('mapped', 'contract_line_share_id') }}
)

select
    contract_line_share_id,
    {{ hash_key('contract_line_share_id') }} as contract_line_share_key,
    contract_line_id,
    customer_id,
    share,
    {{ envelope() }}
from versioned
