-- The wrong number this would let through: two months whose roll-forwards each foot and do not meet,
-- because a line's place moved between two dates or a movement fell between the months.
-- Not asserted: the first opening, which has nothing before it.
with step as (
    select
        contract_line_id,
        currency_view,
        as_of,
        opening,
        lag(closing) over (
            partition by contract_line_id, customer_id, line_currency_code, currency_view order by as_of
        ) as closed
    from {{ ref('backlog_rollforward') }}
    union all
    select
        invoice_id as contract_line_id,
        currency_view,
        as_of,
        opening,
        lag(closing) over (
            partition by invoice_id, customer_id, line_currency_code, currency_view order by as_of
        ) as closed
    from {{ ref('ar_rollforward') }}
    union all
    select
        contract_line_id,
        currency_view,
        as_of,
        opening,
        lag(closing) over (
            partition by contract_line_id, customer_id, legal_entity_id, line_currency_code, currency_view
            order by as_of
        ) as closed
    from {{ ref('contract_liability_rollforward') }}
)

select
    contract_line_id,
    currency_view,
    as_of,
    opening,
    closed
from step
where closed is not null and opening is distinct from closed
