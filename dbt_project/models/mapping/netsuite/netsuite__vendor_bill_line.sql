with

documents as (
    select * from {{ ref('netsuite__document') }}
    where document_type = 'VendBill'
),

bill_lines as (
    select
        lines.*,
        {{ own_key('netsuite', 'lines.transaction', 'lines.tl_instance') }} as vendor_bill_id
    from {{ ref('stg_netsuite__transactionline') }} as lines
    where
        not lines.mainline
        and not lines.taxline
        and {{ own_key('netsuite', 'lines.transaction', 'lines.tl_instance') }} in (
            select documents.document_id from documents
        )
),

lines_of_bills as (
    {{ known_together(
        child='bill_lines', parent='documents',
        child_key='uniquekey', foreign_key='vendor_bill_id', parent_key='document_id',
        columns=[
            'uniquekey', 'vendor_bill_id', 'custcol_tl_po_line', 'custcol_tl_project',
            'custcol_tl_resource', 'quantity', 'rate', 'foreignamount', 'custcol_tl_period_from',
            'custcol_tl_period_to',
        ],
        carried=['currency_code']
    ) }}
)

-- On a purchase document a positive amount is cost.
select
    {{ own_key('netsuite', 'uniquekey') }} as vendor_bill_line_id,
    vendor_bill_id,
    {{ own_key('netsuite', 'custcol_tl_po_line') }} as purchase_order_line_id,
    {{ foreign_key('certinia', 'custcol_tl_project') }} as project_id,
    {{ foreign_key('certinia', 'custcol_tl_resource') }} as resource_id,
    quantity,
    rate as unit_price,
    foreignamount as net_amount,
    currency_code,
    custcol_tl_period_from as period_from,
    custcol_tl_period_to as period_to,
    'netsuite' as source_system,
    {{ landed() }}
from lines_of_bills
