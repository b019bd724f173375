-- Facts keep their place even when nobody knows it: a dimension is a key, UNMAPPED or NONE, never empty. A
-- null would drop the row from every page that groups by the dimension.
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
