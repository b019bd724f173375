{{ config(materialized=var('views_as', 'view')) }}

-- The journal. A feeder's row enters when it becomes known and is taken back when something else is known in
-- its place: nothing is ever changed, and the sum of what was known by an instant is the firm as it stood
-- then.
with movement as (
    {{ ledger_movements() }}
)

select
    movement_id,
    movement_type,
    business_date,
    known_at,
    direction,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    contract_line_id,
    resource_id,
    currency_code,
    amount_tc,
    functional_currency,
    amount_fc,
    amount_rc,
    amount_cc,
    hours,
    quantity,
    source_system,
    source_instance,
    source_record_id,
    load_id,
    source_version
from movement
