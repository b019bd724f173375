-- A table, so that an account's lines are looked at once per build and not once per model that asks.
{{ config(materialized='table') }}

with

transactions as (
    select * from {{ ref('stg_netsuite__transaction') }}
    where type in ('CustInvc', 'CustCred')
),

lines as (
    select * from {{ ref('stg_netsuite__transactionline') }}
    where not mainline and not taxline
),

documents as (
    select
        id,
        type,
        tl_instance,
        row_number() over (
            partition by tl_instance, type
            order by {{ load_order('tl_load_id') }}, tl_known_at, id
        ) as place
    from transactions
),

-- The oldest speak for the account: what later loads bring cannot turn the answer round.
first_documents as (
    select distinct
        id,
        type,
        tl_instance
    from documents
    where place <= 1000
),

-- Where money goes one way and a quantity the other (a discount), the money decides how much that counts.
printed_lines as (
    select
        first_documents.tl_instance,
        first_documents.type,
        lines.foreignamount,
        case when lines.quantity < 0 then -1 when lines.quantity > 0 then 1 else 0 end
        * abs(lines.foreignamount) as weighed_quantity
    from first_documents
    inner join lines
        on first_documents.id = lines.transaction and first_documents.tl_instance = lines.tl_instance
),

totals as (
    select
        tl_instance,
        type,
        sum(foreignamount) as amount,
        sum(weighed_quantity) as quantity
    from printed_lines
    group by tl_instance, type
),

directions as (
    select
        totals.*,
        case when totals.type = 'CustCred' then -1 else 1 end as direction
    from totals
)

-- No invoice and no credit note is negative as a whole, so the sum over their lines has the sign with which
-- the account prints them. Here is what to multiply with to have sales positive and credits negative: -1 in
-- an account that prints sales as the ledger does. Where nothing tells, the ledger's way is taken.
select
    tl_instance,
    type,
    case
        when amount < 0 then -direction
        when amount > 0 then direction
        else -1
    end as amount_sign,
    case
        when quantity < 0 then -direction
        when quantity > 0 then direction
        else -1
    end as quantity_sign
from directions
