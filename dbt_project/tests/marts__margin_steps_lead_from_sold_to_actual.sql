-- The wrong number this would let through: margin that a step loses or counts twice, or a project's margin
-- that is not the metric's. Per project the steps lead from what was sold to what is, to the last digit; a
-- project of which something is unknown has none; and what is stands in the rows behind the margin metric and
-- in what was carried over from before the project's history.
with margin as (
    select
        project_id,
        contract_line_id,
        gap,
        sold_margin_cc,
        actual_revenue_rc,
        actual_margin_rc
    from {{ ref('project_margin') }}
),

stepped as (
    select
        project_id,
        sum(amount_rc) as amount_rc,
        sum(case when step = 'as_sold' then amount_rc else 0 end) as sold_rc
    from {{ ref('margin_bridge') }}
    group by project_id
),

behind as (
    select
        project_id,
        contract_line_id,
        base,
        amount_rc
    from {{ ref('metric_drill') }}
    where metric_id = 'project_gross_margin'
    union all
    select
        project_id,
        contract_line_id,
        case when movement_type = 'opening_revenue' then amount_rc else 0 end as base,
        case when movement_type = 'opening_revenue' then amount_rc else -amount_rc end as amount_rc
    from {{ ref('ledger__movement_as_known') }}
    where movement_type in ('opening_revenue', 'opening_cost') and business_date <= {{ run_as_of() }}
),

told as (
    select
        project_id,
        case when project_id = 'NONE' then contract_line_id else 'NONE' end as line_alone,
        sum(base) as revenue_rc,
        sum(amount_rc) as margin_rc
    from behind
    group by project_id, case when project_id = 'NONE' then contract_line_id else 'NONE' end
),

compared as (
    select
        coalesce(margin.project_id, told.project_id) as project_id,
        margin.gap,
        margin.project_id is null as is_missing,
        stepped.amount_rc - margin.actual_margin_rc as left_over,
        stepped.sold_rc - margin.sold_margin_cc as beside_what_was_sold,
        stepped.project_id is not null as is_stepped,
        margin.actual_margin_rc - coalesce(told.margin_rc, 0) as beside_the_metric,
        margin.actual_revenue_rc - coalesce(told.revenue_rc, 0) as revenue_beside
    from margin
    full outer join told
        on
            margin.project_id = told.project_id
            and case when margin.project_id = 'NONE' then margin.contract_line_id else 'NONE' end
            = told.line_alone
    left join stepped on margin.project_id = stepped.project_id
)

select
    project_id,
    gap,
    left_over,
    beside_what_was_sold,
    beside_the_metric,
    revenue_beside
from compared
where
    is_missing
    or (gap is null and (coalesce(left_over, 1) <> 0 or coalesce(beside_what_was_sold, 1) <> 0))
    or (gap is not null and is_stepped)
    or beside_the_metric <> 0
    or revenue_beside <> 0
