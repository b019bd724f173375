-- Backlog of each line from month to month: opening, what moved it, closing. Movements carry the sign with
-- which they move the balance. Closing is the metric's own, computed apart from the movements; what they
-- leave unexplained is 0.
with as_of_date as {{ roll_forward_dates() }},

conversion as {{ roll_forward_rates() }},

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
        sum(backlog_day.opening_balance) as opening_balance,
        sum(backlog_day.booked) as booked,
        sum(backlog_day.amended) as amended,
        sum(-backlog_day.recognised) as recognised,
        sum(backlog_day.cancelled) as cancelled,
        sum(backlog_day.completed_under_run) as completed_under_run,
        sum(backlog_day.beyond_value) as beyond_value,
        sum(backlog_day.closure_timing) as closure_timing,
        {{ known_sum('backlog_day.opening_balance_rc') }} as opening_balance_rc,
        {{ known_sum('backlog_day.booked_rc') }} as booked_rc,
        {{ known_sum('backlog_day.amended_rc') }} as amended_rc,
        {{ known_sum('-backlog_day.recognised_rc') }} as recognised_rc,
        {{ known_sum('backlog_day.cancelled_rc') }} as cancelled_rc,
        {{ known_sum('backlog_day.completed_under_run_rc') }} as completed_under_run_rc,
        {{ known_sum('backlog_day.beyond_value_rc') }} as beyond_value_rc,
        {{ known_sum('backlog_day.closure_timing_rc') }} as closure_timing_rc
    from {{ ref('ledger__backlog_day') }} as backlog_day
    inner join as_of_date
        on backlog_day.business_date >= as_of_date.first_day and backlog_day.business_date <= as_of_date.as_of
    group by
        as_of_date.as_of, backlog_day.legal_entity_id, backlog_day.region_id, backlog_day.practice_id,
        backlog_day.customer_id, backlog_day.project_id, backlog_day.contract_line_id,
        backlog_day.currency_code
),

{{ roll_forward(
    'total_backlog',
    [
        'opening_balance', 'booked', 'amended', 'recognised', 'cancelled', 'completed_under_run',
        'beyond_value', 'closure_timing',
    ],
) }}
