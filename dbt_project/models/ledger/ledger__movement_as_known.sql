{{ config(materialized=var('views_as', 'view')) }}

-- What stands of the journal at the run's known_at: one row per source row and kind of movement.
with movement as (
    {{ ledger_movements(known=true) }}
)

select
    movement_id,
    movement_type,
    business_date,
    known_at,
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
