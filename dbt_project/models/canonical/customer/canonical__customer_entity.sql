with

mapped as (
    {{ port_rows('customer_entity') }}
),

versioned as (
    {{ versions('mapped', 'customer_entity_id') }}
)

select
    customer_entity_id,
    {{ hash_key('customer_entity_id') }} as customer_entity_key,
    customer_id,
    legal_entity_id,
    status,
    {{ envelope() }}
from versioned
