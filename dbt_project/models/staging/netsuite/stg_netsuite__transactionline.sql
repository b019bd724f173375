with

landed as (
    {{ landed_rows('netsuite', 'transactionline') }}
)

select
    nullif(uniquekey, '') as uniquekey,
    nullif(transaction, '') as transaction,
    nullif(id, '') as id,
    cast(linesequencenumber as bigint) as linesequencenumber,
    coalesce(mainline, false) as mainline,
    coalesce(taxline, false) as taxline,
    nullif(item, '') as item,
    nullif(entity, '') as entity,
    nullif(subsidiary, '') as subsidiary,
    nullif(department, '') as department,
    nullif(class, '') as class,
    {{ as_rate('quantity') }} as quantity,
    {{ as_rate('rate') }} as rate,
    {{ as_money('foreignamount') }} as foreignamount,
    {{ as_money('netamount') }} as netamount,
    coalesce(isclosed, false) as isclosed,
    nullif(custcol_tl_billing_method, '') as custcol_tl_billing_method,
    nullif(custcol_tl_revenue_method, '') as custcol_tl_revenue_method,
    {{ as_money('custcol_tl_original_value') }} as custcol_tl_original_value,
    {{ as_money('custcol_tl_ceiling') }} as custcol_tl_ceiling,
    {{ as_money('custcol_tl_transaction_price') }} as custcol_tl_transaction_price,
    cast(custcol_tl_effective_from as date) as custcol_tl_effective_from,
    cast(custcol_tl_effective_to as date) as custcol_tl_effective_to,
    nullif(custcol_tl_practice, '') as custcol_tl_practice,
    nullif(custcol_tl_region, '') as custcol_tl_region,
    nullif(custcol_tl_group, '') as custcol_tl_group,
    nullif(custcol_tl_source_type, '') as custcol_tl_source_type,
    nullif(custcol_tl_source_id, '') as custcol_tl_source_id,
    nullif(custcol_tl_contract_line, '') as custcol_tl_contract_line,
    cast(custcol_tl_period_from as date) as custcol_tl_period_from,
    cast(custcol_tl_period_to as date) as custcol_tl_period_to,
    nullif(custcol_tl_project, '') as custcol_tl_project,
    nullif(custcol_tl_resource, '') as custcol_tl_resource,
    nullif(custcol_tl_po_line, '') as custcol_tl_po_line,
    {{ landed() }}
from landed
