with

documents as (
    select * from {{ ref('stg_netsuite__transaction') }}
    where type in ('CustInvc', 'CustCred')
),

kinds as (
    select distinct
        id,
        type,
        tl_instance
    from documents
),

net_lines as (
    select * from {{ ref('stg_netsuite__transactionline') }}
    where not mainline and not taxline
),

document_lines as (
    select
        lines.*,
        kinds.type as document_type
    from net_lines as lines
    inner join kinds on lines.transaction = kinds.id and lines.tl_instance = kinds.tl_instance
),

signs as (
    select * from {{ ref('netsuite__sales_sign') }}
),

renewed_splits as (
    {{ split_roots() }}
)

-- Sales positive, credits negative, whichever sign the account prints them with.
select
    {{ own_key('netsuite', 'lines.uniquekey', 'lines.tl_instance') }} as invoice_line_id,
    {{ own_key('netsuite', 'lines.transaction', 'lines.tl_instance') }} as invoice_id,
    cast(lines.linesequencenumber as integer) as line_number,
    coalesce(lines.custcol_tl_source_type, 'MANUAL') as source_type,
    case
        when lines.custcol_tl_source_type = 'RETAINER'
            then {{ own_key('netsuite', 'lines.custcol_tl_source_id', 'lines.tl_instance') }}
        when lines.custcol_tl_source_type = 'TIME'
            then {{ foreign_key(
                'certinia', split_day('lines.custcol_tl_source_id', 'renewed'), 'lines.tl_instance'
            ) }}
        when lines.custcol_tl_source_type in ('EXPENSE', 'MILESTONE')
            then {{ foreign_key('certinia', 'lines.custcol_tl_source_id') }}
    end as source_key,
    {{ own_key('netsuite', 'lines.custcol_tl_contract_line', 'lines.tl_instance') }} as contract_line_id,
    {{ as_rate('coalesce(signs.quantity_sign, -1) * lines.quantity') }} as quantity,
    lines.rate as unit_price,
    {{ as_money('coalesce(signs.amount_sign, -1) * lines.foreignamount') }} as net_amount,
    lines.custcol_tl_period_from as period_from,
    lines.custcol_tl_period_to as period_to,
    'netsuite' as source_system,
    {{ landed('lines') }}
from document_lines as lines
left join signs on lines.document_type = signs.type and lines.tl_instance = signs.tl_instance
{{ split_join(
    'renewed_splits', 'renewed', 'lines.custcol_tl_source_type', 'lines.custcol_tl_source_id', 'lines.tl_load_id'
) }}
