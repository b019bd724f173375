{%- set columns = [
    'id', 'type', 'tranid', 'trandate', 'duedate', 'entity', 'currency', 'exchangerate', 'foreigntotal',
    'foreignamountunpaid', 'status', 'postingperiod', 'subsidiary', 'custbody_tl_doc_type',
    'custbody_tl_applies_to', 'custbody_tl_reason_code', 'custbody_tl_contract', 'custbody_tl_posted_at',
    'custbody_tl_period_from', 'custbody_tl_period_to',
] -%}
with

told as (
    select * from {{ ref('stg_netsuite__transaction') }}
),

-- An entry that voids another document is worth nothing itself, whatever type it has.
transactions as (
    select
        told.*,
        told.voided or coalesce(told.custbody_tl_reason_code = 'VOID', false) as is_void
    from told
),

-- One entry per document: a document that was voided twice is void while either entry stands, which the last
-- one to be told says.
reversals as (
    select
        told.custbody_tl_applies_to as document,
        not told.tl_is_deleted and not told.voided as is_reversed,
        {{ landed('told') }}
    from told
    where told.custbody_tl_reason_code = 'VOID' and told.custbody_tl_applies_to is not null
),

reversed_transactions as (
    select transactions.* from transactions
    where
        exists (
            select 1
            from reversals
            where reversals.tl_instance = transactions.tl_instance and reversals.document = transactions.id
        )
),

-- The entry says so when it comes; the document itself may never be touched.
known_reversed as (
    {{ known_together(
        child='reversed_transactions', parent='reversals',
        child_key='id', foreign_key='id', parent_key='document',
        columns=columns + ['is_void'], carried=['is_reversed'], cascade=false
    ) }}
)

-- Documents as the commercial side sees them: void by the vendor's flag or by a reversing entry, whichever
-- the account uses. The ledger keeps both postings of the latter, each in its period, and reads the staging.
select
    told.id,
    told.type,
    told.tranid,
    told.trandate,
    told.duedate,
    told.entity,
    told.currency,
    told.exchangerate,
    told.foreigntotal,
    told.foreignamountunpaid,
    told.status,
    told.postingperiod,
    told.subsidiary,
    told.custbody_tl_doc_type,
    told.custbody_tl_applies_to,
    told.custbody_tl_reason_code,
    told.custbody_tl_contract,
    told.custbody_tl_posted_at,
    told.custbody_tl_period_from,
    told.custbody_tl_period_to,
    told.is_void as voided,
    {{ landed('told') }}
from transactions as told
where
    not exists (
        select 1
        from reversals
        where reversals.tl_instance = told.tl_instance and reversals.document = told.id
    )
union all
select
    told.id,
    told.type,
    told.tranid,
    told.trandate,
    told.duedate,
    told.entity,
    told.currency,
    told.exchangerate,
    told.foreigntotal,
    told.foreignamountunpaid,
    told.status,
    told.postingperiod,
    told.subsidiary,
    told.custbody_tl_doc_type,
    told.custbody_tl_applies_to,
    told.custbody_tl_reason_code,
    told.custbody_tl_contract,
    told.custbody_tl_posted_at,
    told.custbody_tl_period_from,
    told.custbody_tl_period_to,
    told.is_void or coalesce(told.is_reversed, false) as voided,
    {{ landed('told') }}
from known_reversed as told
