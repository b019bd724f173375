-- The wrong number this would let through: backlog, WIP, deferred revenue or receivables that changed and
-- nothing says why.
-- Opening and movements make the closing, line by line (document by document), date by date, in its own
-- currency and in the reporting currency; the closing is measured apart from the movements, so a movement
-- that is missing or counted twice shows here as the line's amount.
-- Not asserted: reporting amounts of a line whose currency has no rate; it has none. Deferred revenue keeps
-- the rates it came in at, so that only its own currency can tell.
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
union all
select
    'receivables' as balance,
    as_of,
    invoice_id as contract_line_id,
    currency_view,
    opening,
    closing,
    unexplained
from {{ ref('ar_rollforward') }}
where unexplained <> 0
union all
select
    'deferred revenue' as balance,
    as_of,
    contract_line_id,
    currency_view,
    opening,
    closing,
    unexplained
from {{ ref('contract_liability_rollforward') }}
where unexplained <> 0
