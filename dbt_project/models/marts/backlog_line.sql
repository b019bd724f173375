-- Every contract line with backlog at a date a run answers for: what was signed, what was earned, what is
-- left of it, how much of that is scheduled and for how long nothing was earned. The lines of a date add up
-- to total_backlog, and their parts to the metrics of the same names.
with position as (
    select
        as_of,
        contract_line_id,
        contract_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        billing_method,
        signed_on,
        last_revenue_on,
        currency_code,
        committed_tc,
        recognised_tc,
        amount_tc,
        {{ days_between('coalesce(last_revenue_on, signed_on)', 'as_of') }} as days_idle
    from {{ ref('ledger__backlog_position') }}
    where amount_tc <> 0
),

-- a part that is nothing has no row; one that is unknown has a row without an amount
balance as (
    select
        as_of,
        contract_line_id,
        {{ known_sum("case when metric_id = 'total_backlog' then amount_rc else 0 end") }}
            as amount_rc,
        {{ known_sum("case when metric_id = 'scheduled_backlog' then amount_rc else 0 end") }}
            as scheduled_rc,
        {{ known_sum("case when metric_id = 'soft_backlog' then amount_rc else 0 end") }}
            as soft_scheduled_rc,
        {{ known_sum("case when metric_id = 'unscheduled_backlog' then amount_rc else 0 end") }}
            as unscheduled_rc
    from {{ ref('ledger__metric_balance') }}
    where metric_id in ('total_backlog', 'scheduled_backlog', 'soft_backlog', 'unscheduled_backlog')
    group by as_of, contract_line_id
)

select
    position.as_of,
    position.contract_line_id,
    position.contract_id,
    position.legal_entity_id,
    position.region_id,
    position.practice_id,
    position.customer_id,
    position.project_id,
    position.billing_method,
    position.signed_on,
    position.last_revenue_on,
    cast(position.days_idle as bigint) as days_idle,
    cast(
        case
            when position.days_idle <= 30 then '0-30'
            when position.days_idle <= 60 then '31-60'
            when position.days_idle <= 90 then '61-90'
            when position.days_idle <= 180 then '91-180'
            when position.days_idle > 180 then '>180'
            else 'UNKNOWN'
        end as {{ type_text() }}
    ) as idle_bucket,
    position.currency_code,
    position.committed_tc,
    position.recognised_tc,
    position.amount_tc,
    cast(balance.amount_rc as decimal(28, 4)) as amount_rc,
    cast(balance.scheduled_rc as decimal(28, 4)) as scheduled_rc,
    cast(balance.soft_scheduled_rc as decimal(28, 4)) as soft_scheduled_rc,
    cast(balance.unscheduled_rc as decimal(28, 4)) as unscheduled_rc
from position
left join balance
    on position.as_of = balance.as_of and position.contract_line_id = balance.contract_line_id
