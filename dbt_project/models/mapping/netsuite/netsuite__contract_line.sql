with

orders as (
    select * from {{ ref('stg_netsuite__transaction') }}
    where type = 'SalesOrd'
),

order_lines as (
    select lines.* from {{ ref('stg_netsuite__transactionline') }} as lines
    where
        not lines.mainline
        and not lines.taxline
        and exists (
            select 1
            from orders
            where orders.tl_instance = lines.tl_instance and orders.id = lines.transaction
        )
),

lines_of_orders as (
    {{ known_together(
        child='order_lines', parent='orders',
        child_key='uniquekey', foreign_key='transaction', parent_key='id',
        columns=[
            'uniquekey', 'transaction', 'linesequencenumber', 'custcol_tl_billing_method',
            'custcol_tl_revenue_method', 'custcol_tl_original_value', 'custcol_tl_ceiling',
            'custcol_tl_transaction_price', 'custcol_tl_effective_from', 'custcol_tl_effective_to',
            'custcol_tl_practice', 'custcol_tl_region', 'custcol_tl_group',
        ],
        carried=['currency']
    ) }}
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

select
    {{ own_key('netsuite', 'lines.uniquekey', 'lines.tl_instance') }} as contract_line_id,
    {{ own_key('netsuite', 'lines.transaction', 'lines.tl_instance') }} as contract_id,
    cast(lines.linesequencenumber as integer) as line_number,
    {{ coded('methods') }} as billing_method,
    lines.custcol_tl_original_value as original_value,
    lines.custcol_tl_ceiling as ceiling,
    lines.custcol_tl_transaction_price as transaction_price,
    lines.custcol_tl_effective_from as effective_from,
    lines.custcol_tl_effective_to as effective_to,
    cast(null as date) as noncancellable_to,
    {{ coded_key('practices', 'lines.custcol_tl_practice') }} as practice_code,
    {{ coded_key('regions', 'lines.custcol_tl_region') }} as region_code,
    {{ coded_key('groups', 'lines.custcol_tl_group') }} as group_code,
    currencies.symbol as currency_code,
    lines.custcol_tl_revenue_method as revenue_method,
    'netsuite' as source_system,
    {{ landed('lines') }}
from lines_of_orders as lines
left join currencies on lines.currency = currencies.id and lines.tl_instance = currencies.tl_instance
{{ code_join('methods', 'billing_method', 'netsuite', 'lines.custcol_tl_billing_method') }}
{{ code_join('practices', 'practice', 'netsuite', 'lines.custcol_tl_practice') }}
{{ code_join('regions', 'region', 'netsuite', 'lines.custcol_tl_region') }}
{{ code_join('groups', 'group', 'netsuite', 'lines.custcol_tl_group') }}
