with

elements as (
    select * from {{ ref('stg_netsuite__revenueelement') }}
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

select
    {{ own_key('netsuite', 'elements.id', 'elements.tl_instance') }} as revenue_element_id,
    {{ own_key('netsuite', 'elements.source', 'elements.tl_instance') }} as contract_id,
    {{ own_key('netsuite', 'elements.custrecord_tl_contract_line', 'elements.tl_instance') }}
        as contract_line_id,
    elements.allocationamount as allocated_amount,
    currencies.symbol as currency_code,
    elements.revrecstartdate as start_date,
    elements.revrecenddate as end_date,
    'netsuite' as source_system,
    {{ landed('elements') }}
from elements
left join currencies on elements.currency = currencies.id and elements.tl_instance = currencies.tl_instance
