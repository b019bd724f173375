with

lines as (
    select * from {{ ref('stg_salesforce__opportunity_line_item') }}
)

select
    {{ own_key('salesforce', 'id') }} as opportunity_line_id,
    {{ own_key('salesforce', 'opportunity_id') }} as opportunity_id,
    product_code,
    quantity,
    {{ as_rate('unit_price') }} as unit_price,
    total_price as total_amount,
    currency_iso_code as currency_code,
    'salesforce' as source_system,
    {{ landed() }}
from lines
