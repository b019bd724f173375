with

landed as (
    {{ landed_rows('salesforce', 'opportunity_line_item') }}
)

select
    nullif(id, '') as id,
    nullif(opportunity_id, '') as opportunity_id,
    nullif(product_code, '') as product_code,
    {{ as_rate('quantity') }} as quantity,
    {{ as_money('unit_price') }} as unit_price,
    {{ as_money('total_price') }} as total_price,
    cast(service_date as date) as service_date,
    nullif(currency_iso_code, '') as currency_iso_code,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
