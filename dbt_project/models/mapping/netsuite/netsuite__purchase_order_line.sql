with

documents as (
    select * from {{ ref('netsuite__document') }}
    where document_type = 'PurchOrd'
),

order_lines as (
    select
        lines.*,
        {{ own_key('netsuite', 'lines.transaction', 'lines.tl_instance') }} as purchase_order_id
    from {{ ref('stg_netsuite__transactionline') }} as lines
    where
        not lines.mainline
        and not lines.taxline
        and {{ own_key('netsuite', 'lines.transaction', 'lines.tl_instance') }} in (
            select documents.document_id from documents
        )
),

lines_of_orders as (
    {{ known_together(
        child='order_lines', parent='documents',
        child_key='uniquekey', foreign_key='purchase_order_id', parent_key='document_id',
        columns=[
            'uniquekey', 'purchase_order_id', 'custcol_tl_project', 'custcol_tl_resource', 'quantity',
            'rate', 'foreignamount',
        ],
        carried=['currency_code']
    ) }}
)

select
    {{ own_key('netsuite', 'uniquekey') }} as purchase_order_line_id,
    purchase_order_id,
    {{ foreign_key('certinia', 'custcol_tl_project') }} as project_id,
    {{ foreign_key('certinia', 'custcol_tl_resource') }} as resource_id,
    {{ as_rate('abs(quantity)') }} as quantity,
    rate as unit_price,
    {{ as_money('abs(foreignamount)') }} as net_amount,
    currency_code,
    'netsuite' as source_system,
    {{ landed() }}
from lines_of_orders
