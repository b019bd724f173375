-- A won deal with services has no project once the grace after winning it is over. A start far ahead may wait
-- until some working days before it.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('CRM-PSA-001') }},

setting as {{ control_settings(['far_start_days', 'far_start_lead', 'near_start_days'], 'CRM-PSA-001') }},

calendar as {{ import_calendar() }},

deals as (
    select deal.*
    from {{ ref('control__deal') }} as deal
    where
        deal.is_won
        and deal.services_amount > 0
),

date_deals as (
    select
        deals.*,
        due.calendar_date as due_after_win,
        -- counted from the day before the start, so that a start on a holiday has the same meaning
        case
            when deals.planned_start > {{ date_add_days('deals.won_on', 'setting.far_start_days') }}
                then far_start.calendar_date
        end as due_before_start,
        near_start.calendar_date as near_start_limit,
        case
            when deals.first_30_days_revenue < deals.services_amount then deals.first_30_days_revenue
            else deals.services_amount
        end as amount_waiting
    from deals
    cross join run
    cross join parameter
    cross join setting
    {{ join_working_day('due', 'deals.legal_entity_id', 'deals.won_on', 'parameter.grace + 1') }}
    {{ join_working_day(
        'far_start', 'deals.legal_entity_id', date_add_days('deals.planned_start', '-1'),
        '1 - cast(setting.far_start_lead as integer)'
    ) }}
    {{ join_working_day(
        'near_start', 'deals.legal_entity_id', 'run.as_of', 'cast(setting.near_start_days as integer)'
    ) }}
),

-- money times days, in the deal's currency: what waits from the day on which it should have been there
measure_delay as (
    select
        date_deals.*,
        greatest(
            0,
            {{ days_between(
                'greatest(date_deals.due_after_win, coalesce(date_deals.due_before_start,'
                ' date_deals.due_after_win))',
                'run.as_of'
            ) }}
        ) as days_late
    from date_deals
    cross join run
),

evaluated as (
    select
        date_deals.opportunity_id as grain_key,
        date_deals.legal_entity_id,
        date_deals.customer_id,
        date_deals.contract_id,
        {{ null_text() }} as contract_line_id,
        date_deals.project_id,
        {{ null_text() }} as period,
        date_deals.currency_code,
        date_deals.services_amount as value_a,
        case when date_deals.has_project then date_deals.services_amount end as value_b,
        not date_deals.has_project as is_broken,
        case
            when date_deals.due_before_start > date_deals.due_after_win then date_deals.due_before_start
            else date_deals.due_after_win
        end as becomes_exception_on,
        date_deals.amount_waiting as amount_tc,
        date_deals.services_amount as population_tc,
        coalesce(date_deals.planned_start <= date_deals.near_start_limit, false) as starts_soon,
        'deal:' || date_deals.opportunity_id as risk_object,
        'MISSING_IN_B' as break_type,
        {{ evidence([
            ('what', sentence([
                "'Deal '", 'date_deals.opportunity_name', "' was won on '", 'date_deals.won_on',
                "' and the PSA holds no project for it'",
            ])),
            ('business_date', 'date_deals.won_on'),
            ('document_no', 'date_deals.opportunity_id'),
            ('system_a', "'CRM'"),
            ('system_b', "'PSA'"),
            ('planned_start', 'date_deals.planned_start'),
            ('block_reason', 'date_deals.block_reason'),
            ('currency_days', as_money('date_deals.amount_waiting * date_deals.days_late')),
            ('first_30_days_revenue', 'date_deals.first_30_days_revenue'),
            ('contract_id', 'date_deals.contract_id'),
            ('project_id', 'date_deals.project_id'),
        ]) }} as evidence
    from measure_delay as date_deals
),

{{ control_result('CRM-PSA-001', floor_met='evaluated.starts_soon') }}
