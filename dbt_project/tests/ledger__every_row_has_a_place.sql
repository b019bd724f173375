-- The wrong number this would let through: a practice, customer or project short by the rows whose place
-- nobody knows. A dimension is a key, UNMAPPED or NONE; a null drops the row from every page that groups
-- by it.
-- Not asserted: that the place is the right one.
select
    movement_id,
    movement_type,
    source_record_id
from {{ ref('fct_value_movement') }}
where
    legal_entity_id is null
    or region_id is null
    or practice_id is null
    or customer_id is null
    or project_id is null
    or contract_line_id is null
    or resource_id is null
    or functional_currency is null
    or business_date is null
    or currency_code is null
