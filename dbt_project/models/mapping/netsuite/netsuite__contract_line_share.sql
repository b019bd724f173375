with

shares as (
    select * from {{ ref('stg_netsuite__customer_share') }}
)

select
    {{ own_key('netsuite', 'id') }} as contract_line_share_id,
    {{ own_key('netsuite', 'custrecord_tl_cs_line') }} as contract_line_id,
    {{ own_key('netsuite', 'custrecord_tl_cs_customer') }} as customer_id,
    custrecord_tl_cs_share as share,
    'netsuite' as source_system,
    {{ landed() }}
from shares
