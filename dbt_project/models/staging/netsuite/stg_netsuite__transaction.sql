with

landed as (
    {{ landed_rows('netsuite', 'transaction') }}
)

select
    nullif(id, '') as id,
    nullif(type, '') as type,
    nullif(tranid, '') as tranid,
    cast(trandate as date) as trandate,
    cast(duedate as date) as duedate,
    cast(closedate as date) as closedate,
    {{ as_instant('createddate') }} as createddate,
    nullif(entity, '') as entity,
    nullif(currency, '') as currency,
    {{ as_fx('exchangerate') }} as exchangerate,
    {{ as_money('foreigntotal') }} as foreigntotal,
    {{ as_money('foreignamountunpaid') }} as foreignamountunpaid,
    nullif(status, '') as status,
    nullif(postingperiod, '') as postingperiod,
    coalesce(posting, false) as posting,
    coalesce(voided, false) as voided,
    nullif(externalid, '') as externalid,
    nullif(otherrefnum, '') as otherrefnum,
    nullif(subsidiary, '') as subsidiary,
    nullif(custbody_tl_opportunity, '') as custbody_tl_opportunity,
    nullif(custbody_tl_contract_type, '') as custbody_tl_contract_type,
    nullif(custbody_tl_status, '') as custbody_tl_status,
    cast(custbody_tl_signed_on as date) as custbody_tl_signed_on,
    cast(custbody_tl_effective_from as date) as custbody_tl_effective_from,
    cast(custbody_tl_effective_to as date) as custbody_tl_effective_to,
    nullif(custbody_tl_billing_method, '') as custbody_tl_billing_method,
    cast(custbody_tl_payment_terms as bigint) as custbody_tl_payment_terms,
    nullif(custbody_tl_billing_frequency, '') as custbody_tl_billing_frequency,
    cast(custbody_tl_hold_until as date) as custbody_tl_hold_until,
    nullif(custbody_tl_customer_po, '') as custbody_tl_customer_po,
    nullif(custbody_tl_doc_type, '') as custbody_tl_doc_type,
    nullif(custbody_tl_applies_to, '') as custbody_tl_applies_to,
    nullif(custbody_tl_reason_code, '') as custbody_tl_reason_code,
    nullif(custbody_tl_contract, '') as custbody_tl_contract,
    {{ as_instant('custbody_tl_posted_at') }} as custbody_tl_posted_at,
    cast(custbody_tl_period_from as date) as custbody_tl_period_from,
    cast(custbody_tl_period_to as date) as custbody_tl_period_to,
    {{ landed() }}
from landed
