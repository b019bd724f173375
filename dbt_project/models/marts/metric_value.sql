-- Every metric at every date, grain and currency view that the registry lists. Sums are sums of the journal,
-- ratios are sums over sums, and a sum with an unknown part is unknown.
with registry as (
    select
        metric_id,
        kind,
        grains,
        currency_views,
        period_types
    from {{ ref('metric_registry') }}
),

as_of_date as (
    select
        as_of,
        month_start,
        is_run_as_of
    from {{ ref('ledger__as_of_date') }}
),

expected as (
    select
        as_of,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        functional_currency,
        expected_in_month_tc,
        expected_in_month_fc,
        expected_in_month_rc,
        expected_in_month_cc,
        loss_provision_tc,
        loss_provision_fc,
        loss_provision_rc,
        loss_provision_cc
    from {{ ref('expected_revenue') }}
),

-- revenue counts once more, to have what was expected of it taken away
flow as (
    {%- for named, condition in [
        ('metric_id', 'true'),
        ("'revenue_posted_less_expected'", "metric_id = 'recognised_revenue'"),
    ] %}
        select
            {{ named }} as metric_id,
            month_start,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            project_id,
            contract_line_id,
            'NONE' as resource_id,
            currency_code,
            functional_currency,
            amount_tc,
            amount_fc,
            amount_rc,
            amount_cc,
            base_fc,
            base_rc,
            base_cc,
            unknown_hours,
            0 as unconverted_tc,
            unconverted_fc,
            unconverted_rc,
            unconverted_cc
        from {{ ref('ledger__metric_flow') }}
        where {{ condition }}
        union all
    {%- endfor %}
    {%- for metric_id, sign in [('expected_revenue', ''), ('revenue_posted_less_expected', '-')] %}
        select
            '{{ metric_id }}' as metric_id,
            {{ month_start('as_of') }} as month_start,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            project_id,
            contract_line_id,
            'NONE' as resource_id,
            currency_code,
            functional_currency,
            {{ sign }}coalesce(expected_in_month_tc, 0) as amount_tc,
            {{ sign }}coalesce(expected_in_month_fc, 0) as amount_fc,
            {{ sign }}coalesce(expected_in_month_rc, 0) as amount_rc,
            {{ sign }}coalesce(expected_in_month_cc, 0) as amount_cc,
            0 as base_fc,
            0 as base_rc,
            0 as base_cc,
            0 as unknown_hours,
            case when expected_in_month_tc is null then 1 else 0 end as unconverted_tc,
            case when expected_in_month_fc is null then 1 else 0 end as unconverted_fc,
            case when expected_in_month_rc is null then 1 else 0 end as unconverted_rc,
            case when expected_in_month_cc is null then 1 else 0 end as unconverted_cc
        from expected
        where expected_in_month_tc <> 0 or expected_in_month_tc is null
        union all
    {%- endfor %}
    select
        metric_id,
        {{ month_start('business_date') }} as month_start,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        'NONE' as resource_id,
        currency_code,
        functional_currency,
        coalesce(amount_tc, 0) as amount_tc,
        coalesce(amount_fc, 0) as amount_fc,
        coalesce(amount_rc, 0) as amount_rc,
        coalesce(amount_cc, 0) as amount_cc,
        0 as base_fc,
        0 as base_rc,
        0 as base_cc,
        0 as unknown_hours,
        0 as unconverted_tc,
        case when amount_fc is null then 1 else 0 end as unconverted_fc,
        case when amount_rc is null then 1 else 0 end as unconverted_rc,
        case when amount_cc is null then 1 else 0 end as unconverted_cc
    from {{ ref('ledger__sales_flow') }}
),

balance as (
    select
        metric_id,
        as_of,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        functional_currency,
        amount_tc,
        amount_fc,
        amount_rc,
        amount_cc
    from {{ ref('ledger__metric_balance') }}
    union all
    select
        'loss_provision' as metric_id,
        as_of,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        functional_currency,
        loss_provision_tc as amount_tc,
        loss_provision_fc as amount_fc,
        loss_provision_rc as amount_rc,
        loss_provision_cc as amount_cc
    from expected
    where loss_provision_tc <> 0 or loss_provision_tc is null
),

utilisation as (
    {%- for metric_id, counted, set_against in ledger_utilisation_metrics() %}
        select
            '{{ metric_id }}' as metric_id,
            month_start,
            legal_entity_id,
            region_id,
            practice_id,
            'NONE' as customer_id,
            'NONE' as project_id,
            'NONE' as contract_line_id,
            resource_id,
            {{ counted }} as counted,
            {{ set_against }} as set_against
        from {{ ref('ledger__utilisation_month') }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- what became of clients' work billed by the hour, by the month of the work
work as (
    {%- for metric_id, counted, set_against in ledger_work_metrics() %}
        select
            '{{ metric_id }}' as metric_id,
            month_start,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            project_id,
            contract_line_id,
            'NONE' as resource_id,
            cast({{ counted }} as decimal(28, 10)) as counted,
            cast({{ set_against }} as decimal(28, 10)) as set_against
        from {{ ref('ledger__work_month') }}
        where is_by_hour
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

share as (
    select * from utilisation
    union all
    select * from work
),

capacity as (
    {%- for metric_id, weeks in ledger_forward_metrics() %}
        select
            '{{ metric_id }}' as metric_id,
            as_of,
            legal_entity_id,
            region_id,
            practice_id,
            'NONE' as customer_id,
            'NONE' as project_id,
            'NONE' as contract_line_id,
            resource_id,
            firm_billable_hours,
            available_hours
        from {{ ref('ledger__capacity_week') }}
        where week_number <= {{ weeks }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

point as (
    select
        metric_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        'NONE' as resource_id,
        amount
    from {{ ref('ledger__metric_point') }}
),

stage_breach as (
    select
        concat('handoff_breach_', stage) as metric_id,
        grain,
        legal_entity_id,
        practice_id,
        breached,
        judged,
        breach_rate
    from {{ ref('handoff_stage') }}
    where judged > 0
),

recovered as (
    select
        count(*) as events,
        sum(hours) as hours,
        -- the mean of the middle two may need a digit more than either of them has
        median(cast(hours as decimal(28, 10))) as middle
    from {{ ref('event_recovery') }}
    where state = 'RECOVERED'
),

collection as (
    select
        metric_id,
        as_of,
        period_type,
        grain,
        legal_entity_id,
        customer_id,
        numerator,
        denominator,
        value
    from {{ ref('ledger__collection_measure') }}
),

grain as (
    {%- for grain in ledger_grains() %}
        select
            '{{ grain }}' as grain,
            {{ grain in ['FIRM', 'LEGAL_ENTITY', 'PRACTICE'] }} as has_long_periods
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

currency_view as (
    select 'TC' as currency_view
    union all
    select 'FC' as currency_view
    union all
    select 'RC' as currency_view
    union all
    select 'CC' as currency_view
    union all
    select 'NA' as currency_view
),

-- which grains and currency views a metric is shown at: amounts of several currencies never meet in one row
shown as (
    select
        registry.metric_id,
        grain.grain,
        grain.has_long_periods,
        currency_view.currency_view
    from registry
    inner join grain on concat(', ', registry.grains, ', ') like concat('%, ', grain.grain, ', %')
    inner join currency_view
        on concat(', ', registry.currency_views, ', ') like concat('%, ', currency_view.currency_view, ', %')
    where
        currency_view.currency_view in ('RC', 'CC', 'NA')
        or (
            currency_view.currency_view = 'TC'
            and grain.grain in ('FIRM', 'LEGAL_ENTITY', 'CUSTOMER', 'PROJECT', 'CONTRACT_LINE')
        )
        or (
            currency_view.currency_view = 'FC'
            and grain.grain in ('LEGAL_ENTITY', 'PROJECT', 'CONTRACT_LINE')
        )
),

-- the months that each date's periods are made of
period as (
    {%- for period_type in ['MONTH', 'QUARTER', 'YTD', 'T3M', 'T12M'] %}
        select
            as_of,
            '{{ period_type }}' as period_type,
            {{ ledger_period_start('month_start', period_type) }} as first_month,
            month_start as last_month
        from as_of_date
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

flow_month as (
    select
        flow.metric_id,
        flow.month_start,
        shown.grain,
        shown.has_long_periods,
        shown.currency_view,
        {{ ledger_grain_members('flow', 'shown.grain') }},
        {{ ledger_view_currency('flow', 'shown.currency_view') }} as currency_code,
        sum({{ ledger_view_amount('flow', 'amount', 'shown.currency_view') }}) as amount,
        sum(case shown.currency_view
            when 'FC' then flow.base_fc when 'RC' then flow.base_rc when 'CC' then flow.base_cc
        end) as base,
        sum(flow.unknown_hours) as unknown_hours,
        sum(case shown.currency_view
            when 'TC' then flow.unconverted_tc
            when 'FC' then flow.unconverted_fc
            when 'RC' then flow.unconverted_rc
            when 'CC' then flow.unconverted_cc
            else 0
        end) as unconverted
    from flow
    inner join shown on flow.metric_id = shown.metric_id
    group by
        flow.metric_id, flow.month_start, shown.grain, shown.has_long_periods, shown.currency_view,
        {{ ledger_grain_members('flow', 'shown.grain', aliased=false) }},
        {{ ledger_view_currency('flow', 'shown.currency_view') }}
),

flow_period as (
    select
        flow_month.metric_id,
        period.as_of,
        period.period_type,
        flow_month.grain,
        flow_month.legal_entity_id,
        flow_month.region_id,
        flow_month.practice_id,
        flow_month.customer_id,
        flow_month.project_id,
        flow_month.contract_line_id,
        flow_month.resource_id,
        flow_month.currency_view,
        flow_month.currency_code,
        sum(flow_month.amount) as amount,
        sum(flow_month.base) as base,
        sum(flow_month.unknown_hours) as unknown_hours,
        sum(flow_month.unconverted) as unconverted
    from flow_month
    inner join period
        on flow_month.month_start >= period.first_month and flow_month.month_start <= period.last_month
    where period.period_type = 'MONTH' or flow_month.has_long_periods
    group by
        flow_month.metric_id, period.as_of, period.period_type, flow_month.grain, flow_month.legal_entity_id,
        flow_month.region_id, flow_month.practice_id, flow_month.customer_id, flow_month.project_id,
        flow_month.contract_line_id, flow_month.resource_id, flow_month.currency_view,
        flow_month.currency_code
),

flow_value as (
    select
        flow_period.metric_id,
        flow_period.as_of,
        flow_period.period_type,
        flow_period.grain,
        flow_period.legal_entity_id,
        flow_period.region_id,
        flow_period.practice_id,
        flow_period.customer_id,
        flow_period.project_id,
        flow_period.contract_line_id,
        flow_period.resource_id,
        flow_period.currency_view,
        flow_period.currency_code,
        flow_period.amount as numerator,
        -- one type for both: hours have two decimals, and those were all that an amount beside them kept
        case
            when registry.kind = 'margin' then cast(flow_period.base as decimal(38, 10))
            when flow_period.unknown_hours > 0 then cast(flow_period.unknown_hours as decimal(38, 10))
        end as denominator,
        case
            when flow_period.unknown_hours = 0 and flow_period.unconverted = 0 then flow_period.amount
        end as value
    from flow_period
    inner join registry on flow_period.metric_id = registry.metric_id
),

{% set over_plan = ['MONTH', 'QUARTER', 'YTD', 'T12M'] -%}

-- one flow over another, where either is; what is unknown of one is unknown of both
flow_ratio as (
    {%- for metric_id, view, upper, lower, periods in [
        ('book_to_bill', 'RC', 'net_bookings', ['recognised_revenue'], ['T3M', 'T12M']),
        ('book_to_billings', 'RC', 'net_bookings', ['billed'], ['T3M', 'T12M']),
        ('win_rate', 'RC', 'deals_won', ['deals_won', 'deals_lost'], ['T3M', 'T12M']),
        ('revenue_to_plan', 'CC', 'recognised_revenue', ['planned_revenue'], over_plan),
        ('bookings_to_plan', 'CC', 'gross_bookings', ['planned_bookings'], over_plan),
    ] %}
        select
            '{{ metric_id }}' as metric_id,
            as_of,
            period_type,
            grain,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            project_id,
            contract_line_id,
            resource_id,
            sum(case when metric_id = '{{ upper }}' then numerator else 0 end) as numerator,
            sum(
                case
                    when
                        metric_id in (
                            '{{ lower | join("',
                            '") }}'
                        )
                        then numerator
                    else 0
                end
            ) as denominator,
            count(*) = count(value) as is_known
        from flow_value
        where
            currency_view = '{{ view }}'
            and grain in ('FIRM', 'LEGAL_ENTITY', 'PRACTICE')
            and metric_id in (
                '{{ ([upper] + lower) | unique | join("',
                '") }}'
            )
            and period_type in (
                '{{ periods | join("',
                '") }}'
            )
        group by
            as_of, period_type, grain, legal_entity_id, region_id, practice_id, customer_id, project_id,
            contract_line_id, resource_id
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

balance_value as (
    select
        balance.metric_id,
        balance.as_of,
        'POINT' as period_type,
        shown.grain,
        {{ ledger_grain_members('balance', 'shown.grain') }},
        shown.currency_view,
        {{ ledger_view_currency('balance', 'shown.currency_view') }} as currency_code,
        coalesce(sum({{ ledger_view_amount('balance', 'amount', 'shown.currency_view') }}), 0) as numerator,
        case
            when
                count(*) = count({{ ledger_view_amount('balance', 'amount', 'shown.currency_view') }})
                then sum({{ ledger_view_amount('balance', 'amount', 'shown.currency_view') }})
        end as value
    from balance
    inner join shown on balance.metric_id = shown.metric_id
    group by
        balance.metric_id, balance.as_of, shown.grain, shown.currency_view,
        {{ ledger_grain_members('balance', 'shown.grain', aliased=false) }},
        {{ ledger_view_currency('balance', 'shown.currency_view') }}
),

measured_from as (
    select min(month_start) as first_month from as_of_date
),

last_whole_month as (
    select
        as_of,
        case
            when as_of = {{ month_end('as_of') }} then month_start
            else {{ add_months_start('month_start', -1) }}
        end as last_month
    from as_of_date
),

-- the three and the twelve whole months up to a date, where the firm has been measured that long
whole_months as (
    {%- for months in [3, 12] %}
        select
            last_whole_month.as_of,
            {{ months }} as months,
            {{ add_months_start('last_whole_month.last_month', 1 - months) }} as first_month,
            last_whole_month.last_month
        from last_whole_month
        cross join measured_from
        where measured_from.first_month <= {{ add_months_start('last_whole_month.last_month', 1 - months) }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- which balance is set against which months of which flow, and what the one over the other is times
pace as (
    {%- for metric_id, balance_id, flow_id, months, factor in [
        ('backlog_cover', 'total_backlog', 'recognised_revenue', 3, 3),
        ('wip_days', 'wip_operational', 'recognised_revenue', 12, 365),
        ('wip_days_billings', 'wip_operational', 'billed', 12, 365),
    ] %}
        select
            '{{ metric_id }}' as metric_id,
            '{{ balance_id }}' as balance_id,
            '{{ flow_id }}' as flow_id,
            {{ months }} as months,
            {{ factor }} as factor
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- a balance over what flowed in the whole months before it
paced as (
    select
        pace.metric_id,
        pace.factor,
        held.as_of,
        held.grain,
        held.legal_entity_id,
        held.region_id,
        held.practice_id,
        held.customer_id,
        held.project_id,
        held.contract_line_id,
        held.resource_id,
        held.numerator,
        sum(flow_month.amount) as denominator,
        max(held.value) is not null and coalesce(sum(flow_month.unconverted), 0) = 0 as is_known
    from balance_value as held
    inner join pace on held.metric_id = pace.balance_id
    inner join shown on pace.metric_id = shown.metric_id and held.grain = shown.grain
    left join whole_months on held.as_of = whole_months.as_of and pace.months = whole_months.months
    left join flow_month
        on
            pace.flow_id = flow_month.metric_id
            and flow_month.currency_view = 'RC'
            and held.grain = flow_month.grain
            and held.legal_entity_id = flow_month.legal_entity_id
            and held.practice_id = flow_month.practice_id
            and whole_months.first_month <= flow_month.month_start
            and whole_months.last_month >= flow_month.month_start
    where held.currency_view = 'RC'
    group by
        pace.metric_id, pace.factor, held.as_of, held.grain, held.legal_entity_id, held.region_id,
        held.practice_id, held.customer_id, held.project_id, held.contract_line_id, held.resource_id,
        held.numerator
),

-- what flowed in a period over the backlog that stood on the day before it
burned as (
    select
        period.as_of,
        period.period_type,
        held.grain,
        held.legal_entity_id,
        held.region_id,
        held.practice_id,
        held.customer_id,
        held.project_id,
        held.contract_line_id,
        held.resource_id,
        coalesce(earned.numerator, 0) as numerator,
        held.numerator as denominator,
        held.value is not null and (earned.metric_id is null or earned.value is not null) as is_known
    from period
    inner join balance_value as held
        on
            held.metric_id = 'total_backlog'
            and held.currency_view = 'RC'
            and held.as_of = {{ date_add_days('period.first_month', -1) }}
    inner join shown on shown.metric_id = 'backlog_burn' and held.grain = shown.grain
    left join flow_value as earned
        on
            earned.metric_id = 'recognised_revenue'
            and earned.currency_view = 'RC'
            and period.as_of = earned.as_of
            and period.period_type = earned.period_type
            and held.grain = earned.grain
            and held.legal_entity_id = earned.legal_entity_id
            and held.practice_id = earned.practice_id
),

planned_booking as (
    select
        business_date,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        'NONE' as resource_id,
        amount_cc
    from {{ ref('ledger__sales_flow') }}
    where metric_id = 'planned_bookings'
),

-- what is to be booked in the quarter of a date, months to come included
bookings_target as (
    select
        as_of_date.as_of,
        shown.grain,
        {{ ledger_grain_members('planned_booking', 'shown.grain') }},
        coalesce(sum(planned_booking.amount_cc), 0) as target,
        count(*) = count(planned_booking.amount_cc) as is_known
    from as_of_date
    inner join planned_booking
        on
            planned_booking.business_date >= {{ quarter_start('as_of_date.as_of') }}
            and planned_booking.business_date < {{ add_months_start(quarter_start('as_of_date.as_of'), 3) }}
    inner join shown on shown.metric_id = 'pipeline_coverage'
    group by
        as_of_date.as_of, shown.grain,
        {{ ledger_grain_members('planned_booking', 'shown.grain', aliased=false) }}
),

-- what may still be won this quarter over what is still to be booked in it, all of it at budget rates
coverage as (
    select
        bookings_target.as_of,
        bookings_target.grain,
        bookings_target.legal_entity_id,
        bookings_target.region_id,
        bookings_target.practice_id,
        bookings_target.customer_id,
        bookings_target.project_id,
        bookings_target.contract_line_id,
        bookings_target.resource_id,
        coalesce(may_be_won.numerator, 0) as numerator,
        bookings_target.target - coalesce(booked.numerator, 0) as denominator,
        bookings_target.is_known
        and (may_be_won.metric_id is null or may_be_won.value is not null)
        and (booked.metric_id is null or booked.value is not null) as is_known
    from bookings_target
    left join balance_value as may_be_won
        on
            may_be_won.metric_id = 'pipeline_this_quarter'
            and may_be_won.currency_view = 'CC'
            and bookings_target.as_of = may_be_won.as_of
            and bookings_target.grain = may_be_won.grain
            and bookings_target.legal_entity_id = may_be_won.legal_entity_id
            and bookings_target.practice_id = may_be_won.practice_id
    left join flow_value as booked
        on
            booked.metric_id = 'net_bookings'
            and booked.currency_view = 'CC'
            and booked.period_type = 'QUARTER'
            and bookings_target.as_of = booked.as_of
            and bookings_target.grain = booked.grain
            and bookings_target.legal_entity_id = booked.legal_entity_id
            and bookings_target.practice_id = booked.practice_id
),

share_value as (
    select
        share.metric_id,
        period.as_of,
        period.period_type,
        shown.grain,
        {{ ledger_grain_members('share', 'shown.grain') }},
        shown.currency_view,
        'NA' as currency_code,
        -- what nobody knows of one worker or one month's work leaves the whole unknown
        {{ known_sum('share.counted') }} as numerator,
        {{ known_sum('share.set_against') }} as denominator
    from share
    inner join shown on share.metric_id = shown.metric_id
    inner join period
        on share.month_start >= period.first_month and share.month_start <= period.last_month
    where period.period_type = 'MONTH' or shown.has_long_periods
    group by
        share.metric_id, period.as_of, period.period_type, shown.grain, shown.currency_view,
        {{ ledger_grain_members('share', 'shown.grain', aliased=false) }}
),

capacity_value as (
    select
        capacity.metric_id,
        capacity.as_of,
        'POINT' as period_type,
        shown.grain,
        {{ ledger_grain_members('capacity', 'shown.grain') }},
        shown.currency_view,
        'NA' as currency_code,
        sum(capacity.firm_billable_hours) as numerator,
        {{ known_sum('capacity.available_hours') }} as denominator
    from capacity
    inner join shown on capacity.metric_id = shown.metric_id
    group by
        capacity.metric_id, capacity.as_of, shown.grain, shown.currency_view,
        {{ ledger_grain_members('capacity', 'shown.grain', aliased=false) }}
),

point_value as (
    select
        point.metric_id,
        registry.kind,
        shown.grain,
        {{ ledger_grain_members('point', 'shown.grain') }},
        shown.currency_view,
        case when shown.currency_view = 'NA' then 'NA' else {{ run_reporting_currency() }} end
            as currency_code,
        coalesce(sum(point.amount), 0) as total,
        count(*) as cases,
        count(point.amount) as known_cases,
        -- the middle one, or the mean of the middle two
        cast(median(point.amount) as decimal(28, 10)) as middle
    from point
    inner join registry on point.metric_id = registry.metric_id
    inner join shown on point.metric_id = shown.metric_id
    group by
        point.metric_id, registry.kind, shown.grain, shown.currency_view,
        {{ ledger_grain_members('point', 'shown.grain', aliased=false) }}
),

measured as (
    select
        metric_id,
        as_of,
        period_type,
        grain,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        currency_view,
        currency_code,
        cast(numerator as decimal(38, 10)) as numerator,
        cast(denominator as decimal(38, 10)) as denominator,
        cast(value as decimal(38, 10)) as value
    from flow_value
    union all
    select
        metric_id,
        as_of,
        period_type,
        grain,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        currency_view,
        currency_code,
        cast(numerator as decimal(38, 10)) as numerator,
        cast(null as decimal(38, 10)) as denominator,
        cast(value as decimal(38, 10)) as value
    from balance_value
    union all
    select
        metric_id,
        as_of,
        period_type,
        grain,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        currency_view,
        currency_code,
        cast(numerator as decimal(38, 10)) as numerator,
        cast(denominator as decimal(38, 10)) as denominator,
        {{ safe_divide('cast(numerator as decimal(28, 10))', 'cast(denominator as decimal(28, 10))') }}
            as value
    from (
        select * from share_value
        union all
        select * from capacity_value
    ) as hours_value
    union all
    select
        metric_id,
        as_of,
        period_type,
        grain,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        'NA' as currency_view,
        'NA' as currency_code,
        cast(numerator as decimal(38, 10)) as numerator,
        cast(denominator as decimal(38, 10)) as denominator,
        case
            when is_known and denominator > 0
                then {{ safe_divide('numerator', 'denominator') }}
        end as value
    from flow_ratio
    union all
    select
        metric_id,
        as_of,
        'POINT' as period_type,
        grain,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        'NA' as currency_view,
        'NA' as currency_code,
        cast(numerator as decimal(38, 10)) as numerator,
        cast(denominator as decimal(38, 10)) as denominator,
        case
            when is_known and denominator > 0
                then {{ safe_divide('factor * numerator', 'denominator') }}
        end as value
    from paced
    union all
    select
        'backlog_burn' as metric_id,
        as_of,
        period_type,
        grain,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        'NA' as currency_view,
        'NA' as currency_code,
        cast(numerator as decimal(38, 10)) as numerator,
        cast(denominator as decimal(38, 10)) as denominator,
        case
            when is_known and denominator > 0
                then {{ safe_divide('numerator', 'denominator') }}
        end as value
    from burned
    union all
    select
        'pipeline_coverage' as metric_id,
        as_of,
        'POINT' as period_type,
        grain,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        'NA' as currency_view,
        'NA' as currency_code,
        cast(numerator as decimal(38, 10)) as numerator,
        cast(denominator as decimal(38, 10)) as denominator,
        case
            when is_known and denominator > 0
                then {{ safe_divide('numerator', 'denominator') }}
        end as value
    from coverage
    union all
    select
        metric_id,
        as_of,
        period_type,
        grain,
        legal_entity_id,
        'ALL' as region_id,
        'ALL' as practice_id,
        customer_id,
        'ALL' as project_id,
        'ALL' as contract_line_id,
        'ALL' as resource_id,
        'NA' as currency_view,
        'NA' as currency_code,
        cast(numerator as decimal(38, 10)) as numerator,
        cast(denominator as decimal(38, 10)) as denominator,
        value
    from collection
    union all
    select
        metric_id,
        {{ run_as_of() }} as as_of,
        'POINT' as period_type,
        grain,
        legal_entity_id,
        'ALL' as region_id,
        practice_id,
        'ALL' as customer_id,
        'ALL' as project_id,
        'ALL' as contract_line_id,
        'ALL' as resource_id,
        'NA' as currency_view,
        'NA' as currency_code,
        cast(breached as decimal(38, 10)) as numerator,
        cast(judged as decimal(38, 10)) as denominator,
        cast(breach_rate as decimal(38, 10)) as value
    from stage_breach
    union all
    select
        'failed_transaction_recovery_hours' as metric_id,
        {{ run_as_of() }} as as_of,
        'POINT' as period_type,
        'FIRM' as grain,
        'ALL' as legal_entity_id,
        'ALL' as region_id,
        'ALL' as practice_id,
        'ALL' as customer_id,
        'ALL' as project_id,
        'ALL' as contract_line_id,
        'ALL' as resource_id,
        'NA' as currency_view,
        'NA' as currency_code,
        cast(hours as decimal(38, 10)) as numerator,
        cast(events as decimal(38, 10)) as denominator,
        cast(middle as decimal(38, 10)) as value
    from recovered
    where events > 0
    union all
    select
        metric_id,
        {{ run_as_of() }} as as_of,
        'POINT' as period_type,
        grain,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        currency_view,
        currency_code,
        cast(total as decimal(38, 10)) as numerator,
        case when kind = 'median' then cast(cases as decimal(38, 10)) end as denominator,
        cast(case
            when kind = 'median' then middle
            when known_cases = cases then total
        end as decimal(38, 10)) as value
    from point_value
)

select
    {{ as_text('metric_id') }} as metric_id,
    as_of,
    {{ run_known_at() }} as known_at,
    {{ as_text('period_type') }} as period_type,
    {{ as_text('grain') }} as grain,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('region_id') }} as region_id,
    {{ as_text('practice_id') }} as practice_id,
    {{ as_text('customer_id') }} as customer_id,
    {{ as_text('project_id') }} as project_id,
    {{ as_text('contract_line_id') }} as contract_line_id,
    {{ as_text('resource_id') }} as resource_id,
    {{ as_text('currency_view') }} as currency_view,
    {{ as_text('currency_code') }} as currency_code,
    numerator,
    denominator,
    value
from measured
