-- The wrong number this would let through: a difference of 5,000 whose list explains 3,000, so that somebody
-- clears the list and the books still do not tie.
with item as (
    select
        statement_id,
        as_of,
        legal_entity_id,
        currency_code,
        case when statement_id = 'TRIAL_BALANCE' then member_id else 'ALL' end as gl_account_id,
        sum(difference) as difference,
        count(*) as items
    from {{ ref('tie_out_item') }}
    group by
        statement_id, as_of, legal_entity_id, currency_code,
        case when statement_id = 'TRIAL_BALANCE' then member_id else 'ALL' end
),

tie_out as (
    select
        statement_id,
        as_of,
        legal_entity_id,
        currency_code,
        gl_account_id,
        difference,
        items
    from {{ ref('tie_out') }}
    where difference is not null
)

select
    tie_out.statement_id,
    tie_out.as_of,
    tie_out.legal_entity_id,
    tie_out.currency_code,
    tie_out.gl_account_id,
    tie_out.difference,
    item.difference as item_difference
from tie_out
left join item
    on
        tie_out.statement_id = item.statement_id
        and tie_out.as_of = item.as_of
        and tie_out.legal_entity_id = item.legal_entity_id
        and tie_out.currency_code = item.currency_code
        and tie_out.gl_account_id = item.gl_account_id
where tie_out.difference <> coalesce(item.difference, 0) or tie_out.items <> coalesce(item.items, 0)
