with

documents as (
    select * from {{ ref('stg_netsuite__transaction') }}
    where type in ('CustInvc', 'CustCred')
),

document_lines as (
    select * from {{ ref('stg_netsuite__transactionline') }}
    where not mainline and not taxline and transaction in (select documents.id from documents)
)

-- The vendor prints sales lines negative and credits positive; here it is the other way round.
select
    {{ own_key('netsuite', 'uniquekey') }} as invoice_line_id,
    {{ own_key('netsuite', 'transaction') }} as invoice_id,
    cast(linesequencenumber as integer) as line_number,
    coalesce(custcol_tl_source_type, 'MANUAL') as source_type,
    case
        when custcol_tl_source_type = 'RETAINER' then {{ own_key('netsuite', 'custcol_tl_source_id') }}
        when custcol_tl_source_type in ('TIME', 'EXPENSE', 'MILESTONE')
            then {{ foreign_key('certinia', 'custcol_tl_source_id') }}
    end as source_key,
    {{ own_key('netsuite', 'custcol_tl_contract_line') }} as contract_line_id,
    {{ as_rate('-1 * quantity') }} as quantity,
    rate as unit_price,
    {{ as_money('-1 * foreignamount') }} as net_amount,
    custcol_tl_period_from as period_from,
    custcol_tl_period_to as period_to,
    'netsuite' as source_system,
    {{ landed() }}
from document_lines
