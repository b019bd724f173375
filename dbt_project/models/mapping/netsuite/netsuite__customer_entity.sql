with

relations as (
    select * from {{ ref('stg_netsuite__customer_subsidiary') }}
)

select
    {{ own_key('netsuite', 'relations.id', 'relations.tl_instance') }} as customer_entity_id,
    {{ own_key('netsuite', 'relations.entity', 'relations.tl_instance') }} as customer_id,
    {{ own_key('netsuite', 'relations.subsidiary', 'relations.tl_instance') }} as legal_entity_id,
    {{ coded('statuses') }} as status,
    'netsuite' as source_system,
    {{ landed('relations') }}
from relations
{{ code_join('statuses', 'customer_status', 'netsuite', 'relations.custrecord_tl_status') }}
