-- The wrong number this would let through: a stage that says more (or less) is waiting, in cases or in money,
-- than the rows that open behind it.
-- Not asserted: cases that are done.
with said as (
    select
        stage,
        open_count,
        open_amount_rc
    from {{ ref('handoff_stage') }}
    where grain = 'FIRM'
),

listed as (
    select
        stage,
        count(*) as open_count,
        coalesce(sum(amount_rc), 0) as open_amount_rc
    from {{ ref('handoff_waiting') }}
    group by stage
)

select
    coalesce(said.stage, listed.stage) as stage,
    said.open_count as said_count,
    listed.open_count as listed_count,
    said.open_amount_rc as said_amount,
    listed.open_amount_rc as listed_amount
from said
full outer join listed
    on said.stage = listed.stage
where
    coalesce(said.open_count, 0) <> coalesce(listed.open_count, 0)
    or coalesce(said.open_amount_rc, 0) <> coalesce(listed.open_amount_rc, 0)
