-- Backlog of each line at the end of every day on which something happened to it, as the run knew it, with
-- the two derived movements that the floor at zero and the end of a line call for.
with movement as (
    select
        movement_type,
        business_date,
        contract_line_id,
        amount_tc,
        amount_rc
    from {{ ref('fct_value_movement') }}
    where
        known_at <= {{ run_known_at() }}
        and business_date <= {{ run_as_of() }}
        and movement_type in (
            'booked', 'amended', 'recognised', 'cancelled', 'completed_under_run', 'opening_revenue'
        )
),

line as (
    select
        contract_line_id,
        billing_method,
        status,
        signed_on,
        closed_on,
        currency_code,
        functional_currency,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id
    from {{ ledger_as_known(ref('ledger__contract_line_version')) }} as line_version
    where is_known
),

-- only what was signed and is no pass-through has a backlog
sold as (
    select
        contract_line_id,
        signed_on,
        currency_code,
        functional_currency,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        case when status in ('COMPLETED', 'CANCELLED') then closed_on end as closed_on
    from line
    where
        status <> 'DRAFT'
        and signed_on is not null
        and coalesce(billing_method, 'NONE') <> 'EXPENSE'
),

-- what happened before the signature counts from the signature on
dated as (
    select
        sold.contract_line_id,
        greatest(movement.business_date, sold.signed_on) as business_date,
        sum(case when movement.movement_type = 'booked' then movement.amount_tc else 0 end) as booked,
        sum(case when movement.movement_type = 'amended' then movement.amount_tc else 0 end) as amended,
        sum(case when movement.movement_type = 'recognised' then movement.amount_tc else 0 end) as recognised,
        sum(case when movement.movement_type = 'opening_revenue' then -movement.amount_tc else 0 end)
            as opening_balance,
        sum(case when movement.movement_type = 'cancelled' then movement.amount_tc else 0 end) as cancelled,
        sum(case when movement.movement_type = 'completed_under_run' then movement.amount_tc else 0 end)
            as completed_under_run,
        {{ known_sum("case when movement.movement_type = 'booked' then movement.amount_rc else 0 end") }}
            as booked_rc,
        {{ known_sum("case when movement.movement_type = 'amended' then movement.amount_rc else 0 end") }}
            as amended_rc,
        {{ known_sum("case when movement.movement_type = 'recognised' then movement.amount_rc else 0 end") }}
            as recognised_rc,
        {{ known_sum(
            "case when movement.movement_type = 'opening_revenue' then -movement.amount_rc else 0 end"
        ) }} as opening_balance_rc,
        {{ known_sum("case when movement.movement_type = 'cancelled' then movement.amount_rc else 0 end") }}
            as cancelled_rc,
        {{ known_sum(
            "case when movement.movement_type = 'completed_under_run' then movement.amount_rc else 0 end"
        ) }} as completed_under_run_rc
    from sold
    inner join movement on sold.contract_line_id = movement.contract_line_id
    where greatest(movement.business_date, sold.signed_on) <= {{ run_as_of() }}
    group by sold.contract_line_id, greatest(movement.business_date, sold.signed_on)
),

-- a line ends on a day of its own, even when nothing else happened that day
with_ending as (
    select
        contract_line_id,
        business_date,
        booked,
        amended,
        recognised,
        opening_balance,
        cancelled,
        completed_under_run,
        booked_rc,
        amended_rc,
        recognised_rc,
        opening_balance_rc,
        cancelled_rc,
        completed_under_run_rc
    from dated
    union all
    select
        contract_line_id,
        closed_on as business_date,
        0 as booked,
        0 as amended,
        0 as recognised,
        0 as opening_balance,
        0 as cancelled,
        0 as completed_under_run,
        0 as booked_rc,
        0 as amended_rc,
        0 as recognised_rc,
        0 as opening_balance_rc,
        0 as cancelled_rc,
        0 as completed_under_run_rc
    from sold
    where closed_on >= signed_on and closed_on <= {{ run_as_of() }}
),

daily as (
    select
        with_ending.contract_line_id,
        with_ending.business_date,
        sum(with_ending.booked) as booked,
        sum(with_ending.amended) as amended,
        sum(with_ending.recognised) as recognised,
        sum(with_ending.opening_balance) as opening_balance,
        sum(with_ending.cancelled) as cancelled,
        sum(with_ending.completed_under_run) as completed_under_run,
        {{ known_sum('with_ending.booked_rc') }} as booked_rc,
        {{ known_sum('with_ending.amended_rc') }} as amended_rc,
        {{ known_sum('with_ending.recognised_rc') }} as recognised_rc,
        {{ known_sum('with_ending.opening_balance_rc') }} as opening_balance_rc,
        {{ known_sum('with_ending.cancelled_rc') }} as cancelled_rc,
        {{ known_sum('with_ending.completed_under_run_rc') }} as completed_under_run_rc
    from with_ending
    group by with_ending.contract_line_id, with_ending.business_date
),

running as (
    select
        daily.contract_line_id,
        daily.business_date,
        daily.booked,
        daily.amended,
        daily.recognised,
        daily.opening_balance,
        daily.cancelled,
        daily.completed_under_run,
        daily.booked_rc,
        daily.amended_rc,
        daily.recognised_rc,
        daily.opening_balance_rc,
        daily.cancelled_rc,
        daily.completed_under_run_rc,
        daily.booked + daily.amended - daily.recognised + daily.opening_balance as committed_change,
        sum(daily.booked + daily.amended - daily.recognised + daily.opening_balance) over (
            partition by daily.contract_line_id order by daily.business_date
            rows between unbounded preceding and current row
        ) as uncapped
    from daily
),

judged as (
    select
        running.*,
        sold.closed_on,
        coalesce(
            lag(running.uncapped) over (
                partition by running.contract_line_id order by running.business_date
            ),
            0
        ) as uncapped_before
    from running
    inner join sold on running.contract_line_id = sold.contract_line_id
),

derived as (
    select
        judged.contract_line_id,
        judged.business_date,
        judged.booked,
        judged.amended,
        judged.recognised,
        judged.opening_balance,
        judged.cancelled,
        judged.completed_under_run,
        judged.booked_rc,
        judged.amended_rc,
        judged.recognised_rc,
        judged.opening_balance_rc,
        judged.cancelled_rc,
        judged.completed_under_run_rc,
        -- revenue above the line's value takes nothing out of a backlog that is already used up
        case
            when judged.closed_on is null or judged.business_date <= judged.closed_on
                then greatest(0, -judged.uncapped) - greatest(0, -judged.uncapped_before)
            else 0
        end as beyond_value,
        -- what is posted after a line ended left its backlog on the day it ended
        case
            when judged.business_date = judged.closed_on
                then -(greatest(0, judged.uncapped) + judged.cancelled + judged.completed_under_run)
            when judged.business_date > judged.closed_on then -judged.committed_change
            else 0
        end as closure_timing,
        case
            when judged.business_date >= judged.closed_on then 0
            else greatest(0, judged.uncapped)
        end as closing
    from judged
),

conversion as (
    select
        from_currency,
        rate_date,
        rate_rc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
    where functional_currency = 'NONE'
)

select
    derived.contract_line_id,
    derived.business_date,
    sold.legal_entity_id,
    sold.region_id,
    sold.practice_id,
    sold.customer_id,
    sold.project_id,
    sold.currency_code,
    sold.functional_currency,
    cast(derived.booked as decimal(28, 4)) as booked,
    cast(derived.amended as decimal(28, 4)) as amended,
    cast(derived.recognised as decimal(28, 4)) as recognised,
    cast(derived.opening_balance as decimal(28, 4)) as opening_balance,
    cast(derived.cancelled as decimal(28, 4)) as cancelled,
    cast(derived.completed_under_run as decimal(28, 4)) as completed_under_run,
    cast(derived.beyond_value as decimal(28, 4)) as beyond_value,
    cast(derived.closure_timing as decimal(28, 4)) as closure_timing,
    cast(derived.closing as decimal(28, 4)) as closing,
    -- what the journal moved, at its own rates; the derived movements at the day's
    cast(derived.booked_rc as decimal(28, 4)) as booked_rc,
    cast(derived.amended_rc as decimal(28, 4)) as amended_rc,
    cast(derived.recognised_rc as decimal(28, 4)) as recognised_rc,
    cast(derived.opening_balance_rc as decimal(28, 4)) as opening_balance_rc,
    cast(derived.cancelled_rc as decimal(28, 4)) as cancelled_rc,
    cast(derived.completed_under_run_rc as decimal(28, 4)) as completed_under_run_rc,
    cast({{ roll_forward_at_rate('derived.beyond_value', 'conversion.rate_rc') }} as decimal(28, 4))
        as beyond_value_rc,
    cast({{ roll_forward_at_rate('derived.closure_timing', 'conversion.rate_rc') }} as decimal(28, 4))
        as closure_timing_rc
from derived
inner join sold on derived.contract_line_id = sold.contract_line_id
left join conversion
    on sold.currency_code = conversion.from_currency and derived.business_date = conversion.rate_date
