{{ config(
    materialized='incremental',
    incremental_strategy=advancing_strategy(),
    unique_key='billing_item_id',
    on_schema_change='fail',
    post_hook='{{ note_advanced() }}'
) }}

with

mapped as {{ where_it_is_read() }} (
    {{ port_rows('billing_item', where=brought_keys('billing_item', 'billing_item_id')) }}
),

versioned as (
    {{ versions('mapped', 'billing_item_id', mostly_once=true) }}
)

select
    billing_item_id,
    {{ hash_key('billing_item_id') }} as billing_item_key,
    source_type,
    source_key,
    contract_line_id,
    {{ hash_key('contract_line_id') }} as contract_line_key,
    work_date,
    quantity,
    unit_price,
    amount,
    currency_code,
    is_billable,
    eligible_at,
    hold_reason,
    status,
    created_at,
    {{ envelope() }}
from versioned
