-- A month opens with what the month before closed with. A line whose place moved between two dates would show
-- here.
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
)

select
    contract_line_id,
    currency_view,
    as_of,
    opening,
    closed
from step
where closed is not null and opening <> closed
