with

subsidiaries as (
    select * from {{ ref('stg_netsuite__subsidiary') }}
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

select
    {{ own_key('netsuite', 'subsidiaries.id', 'subsidiaries.tl_instance') }} as legal_entity_id,
    subsidiaries.custrecord_tl_entity_code as entity_code,
    subsidiaries.name,
    subsidiaries.country as country_code,
    currencies.symbol as functional_currency,
    subsidiaries.iselimination as is_elimination,
    true as is_active,
    {{ null_text() }} as calendar_id,
    'netsuite' as source_system,
    {{ landed('subsidiaries') }}
from subsidiaries
left join currencies
    on subsidiaries.currency = currencies.id and subsidiaries.tl_instance = currencies.tl_instance
