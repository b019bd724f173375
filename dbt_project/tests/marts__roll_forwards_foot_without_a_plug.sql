-- The wrong number this would let through: a backlog or WIP that changed and nothing says why. Opening and
-- movements make the closing, line by line, date by date, in the line's own currency and in the reporting
-- currency; the closing is measured apart from the movements, so a movement that is missing or counted twice
-- shows here as the line's amount.
-- Not asserted: reporting amounts of a line whose currency has no rate; it has none.
select
    'backlog' as balance,
    as_of,
    contract_line_id,
    currency_view,
    opening,
    closing,
    unexplained
from {{ ref('backlog_rollforward') }}
where unexplained <> 0
union all
select
    'wip' as balance,
    as_of,
    contract_line_id,
    currency_view,
    opening,
    closing,
    unexplained
from {{ ref('wip_rollforward') }}
where unexplained <> 0
