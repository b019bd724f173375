-- Opening and movements make the closing, line by line, date by date, in the line's own currency and in the
-- reporting currency. The closing is measured apart from the movements, so a movement that is missing or
-- counted twice shows here as the line's amount. A line whose currency has no rate has no reporting amounts
-- and is not judged there.
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
