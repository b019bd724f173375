-- Backlog of each line from month to month: opening, what moved it, closing. Movements carry the sign with
-- which they move the balance. Closing is the metric's own, computed apart from the movements; what they
-- leave unexplained is 0.
with as_of_date as (
    select
        as_of,
        lag(as_of) over (order by as_of) as opened_on,
        -- what was signed before the firm's first month opens with it
        case
            when row_number() over (order by as_of) = 1 then cast('1900-01-01' as date)
            else month_start
        end as first_day
    from {{ ref('ledger__as_of_date') }}
),

conversion as (
    select
        from_currency,
        rate_date,
        rate_rc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
    where functional_currency = 'NONE'
),

balance as (
    select
        as_of,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        sum(amount_tc) as amount_tc,
        sum(amount_rc) as amount_rc
    from {{ ref('ledger__metric_balance') }}
    where metric_id = 'total_backlog'
    group by
        as_of, legal_entity_id, region_id, practice_id, customer_id, project_id, contract_line_id,
        currency_code
),

flow as (
    select
        as_of_date.as_of,
        backlog_day.legal_entity_id,
        backlog_day.region_id,
        backlog_day.practice_id,
        backlog_day.customer_id,
        backlog_day.project_id,
        backlog_day.contract_line_id,
        backlog_day.currency_code,
        sum(backlog_day.booked) as booked,
        sum(backlog_day.amended) as amended,
        sum(-backlog_day.recognised) as recognised,
        sum(backlog_day.cancelled) as cancelled,
        sum(backlog_day.completed_under_run) as completed_under_run,
        sum(backlog_day.beyond_value) as beyond_value,
        sum(backlog_day.closure_timing) as closure_timing,
        sum(backlog_day.booked_rc) as booked_rc,
        sum(backlog_day.amended_rc) as amended_rc,
        sum(-backlog_day.recognised_rc) as recognised_rc,
        sum(backlog_day.cancelled_rc) as cancelled_rc,
        sum(backlog_day.completed_under_run_rc) as completed_under_run_rc,
        sum(backlog_day.beyond_value_rc) as beyond_value_rc,
        sum(backlog_day.closure_timing_rc) as closure_timing_rc
    from {{ ref('ledger__backlog_day') }} as backlog_day
    inner join as_of_date
        on backlog_day.business_date >= as_of_date.first_day and backlog_day.business_date <= as_of_date.as_of
    group by
        as_of_date.as_of, backlog_day.legal_entity_id, backlog_day.region_id, backlog_day.practice_id,
        backlog_day.customer_id, backlog_day.project_id, backlog_day.contract_line_id,
        backlog_day.currency_code
),

member as (
    select distinct
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code
    from flow
),

period as (
    select
        as_of_date.as_of,
        member.legal_entity_id,
        member.region_id,
        member.practice_id,
        member.customer_id,
        member.project_id,
        member.contract_line_id,
        member.currency_code,
        coalesce(opening.amount_tc, 0) as opening,
        coalesce(closing.amount_tc, 0) as closing,
        coalesce(opening.amount_rc, 0) as opening_rc,
        coalesce(closing.amount_rc, 0) as closing_rc,
        conversion.rate_rc,
        coalesce(flow.booked, 0) as booked,
        coalesce(flow.amended, 0) as amended,
        coalesce(flow.recognised, 0) as recognised,
        coalesce(flow.cancelled, 0) as cancelled,
        coalesce(flow.completed_under_run, 0) as completed_under_run,
        coalesce(flow.beyond_value, 0) as beyond_value,
        coalesce(flow.closure_timing, 0) as closure_timing,
        coalesce(flow.booked_rc, 0) as booked_rc,
        coalesce(flow.amended_rc, 0) as amended_rc,
        coalesce(flow.recognised_rc, 0) as recognised_rc,
        coalesce(flow.cancelled_rc, 0) as cancelled_rc,
        coalesce(flow.completed_under_run_rc, 0) as completed_under_run_rc,
        coalesce(flow.beyond_value_rc, 0) as beyond_value_rc,
        coalesce(flow.closure_timing_rc, 0) as closure_timing_rc,
        opening.amount_tc is not null or closing.amount_tc is not null or flow.as_of is not null as is_shown
    from member
    cross join as_of_date
    left join flow
        on
            as_of_date.as_of = flow.as_of
            and {{ ledger_same_place('member', 'flow') }}
    left join balance as opening
        on
            as_of_date.opened_on = opening.as_of
            and {{ ledger_same_place('member', 'opening') }}
    left join balance as closing
        on
            as_of_date.as_of = closing.as_of
            and {{ ledger_same_place('member', 'closing') }}
    left join conversion
        on member.currency_code = conversion.from_currency and as_of_date.as_of = conversion.rate_date
),

viewed as (
    select
        as_of,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        'TC' as currency_view,
        currency_code,
        currency_code as line_currency_code,
        opening,
        booked,
        amended,
        recognised,
        cancelled,
        completed_under_run,
        beyond_value,
        closure_timing,
        cast(0 as decimal(28, 4)) as fx_translation,
        closing
    from period
    where is_shown
    union all
    select
        as_of,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        'RC' as currency_view,
        {{ run_reporting_currency() }} as currency_code,
        currency_code as line_currency_code,
        opening_rc as opening,
        booked_rc as booked,
        amended_rc as amended,
        recognised_rc as recognised,
        cancelled_rc as cancelled,
        completed_under_run_rc as completed_under_run,
        beyond_value_rc as beyond_value,
        closure_timing_rc as closure_timing,
        -- what the rates did: the period's balance at its closing rate, less what came in at other rates
        cast(
            round(
                (
                    opening
                    + booked
                    + amended
                    + recognised
                    + cancelled
                    + completed_under_run
                    + beyond_value
                    + closure_timing
                ) * rate_rc,
                4
            )
            - (
                opening_rc
                + booked_rc
                + amended_rc
                + recognised_rc
                + cancelled_rc
                + completed_under_run_rc
                + beyond_value_rc
                + closure_timing_rc
            )
            as decimal(28, 4)
        ) as fx_translation,
        closing_rc as closing
    from period
    where is_shown
)

select
    as_of,
    {{ month_start('as_of') }} as month_start,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    contract_line_id,
    {{ as_text('line_currency_code') }} as line_currency_code,
    {{ as_text('currency_view') }} as currency_view,
    {{ as_text('currency_code') }} as currency_code,
    cast(opening as decimal(28, 4)) as opening,
    cast(booked as decimal(28, 4)) as booked,
    cast(amended as decimal(28, 4)) as amended,
    cast(recognised as decimal(28, 4)) as recognised,
    cast(cancelled as decimal(28, 4)) as cancelled,
    cast(completed_under_run as decimal(28, 4)) as completed_under_run,
    cast(beyond_value as decimal(28, 4)) as beyond_value,
    cast(closure_timing as decimal(28, 4)) as closure_timing,
    fx_translation,
    cast(closing as decimal(28, 4)) as closing,
    cast(
        closing - (
            opening
            + booked
            + amended
            + recognised
            + cancelled
            + completed_under_run
            + beyond_value
            + closure_timing
            + fx_translation
        )
        as decimal(28, 4)
    ) as unexplained
from viewed
