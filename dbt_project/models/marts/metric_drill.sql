-- The rows behind the numbers. For a flow, the rows of a month add up to the month's number (and of several
-- months to the longer period's); for a balance, the rows of a date to the date's. `base` is the
-- denominator's part.
with as_of_date as (
    select
        as_of,
        month_start
    from {{ ref('ledger__as_of_date') }}
),

movement as (
    select
        movement_id,
        movement_type,
        business_date,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        currency_code,
        amount_tc,
        amount_rc,
        amount_cc,
        hours,
        source_system,
        source_instance,
        source_record_id,
        load_id
    from {{ ref('ledger__movement_as_known') }}
    where business_date <= {{ run_as_of() }}
),

expected as (
    select
        as_of,
        contract_line_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        currency_code,
        expected_in_month_tc,
        expected_in_month_rc,
        expected_in_month_cc,
        loss_provision_tc,
        loss_provision_rc,
        loss_provision_cc
    from {{ ref('expected_revenue') }}
),

rule as (
    select
        metric_id,
        movement_type,
        sign,
        base_sign,
        side,
        client_only
    from {{ ledger_metric_rules() }}
    union all
    -- what is expected of it is taken away below
    select
        'revenue_posted_less_expected' as metric_id,
        movement_type,
        sign,
        base_sign,
        side,
        client_only
    from {{ ledger_metric_rules() }}
    where metric_id = 'recognised_revenue'
),

client_project as (
    select project_id
    from {{ ledger_as_known(ref('ledger__project_version')) }} as project_version
    where is_client
),

-- a margin's labour is shown by person and month: the hours themselves stand under labour_cost
margin_labour as (
    select
        movement_type,
        max(business_date) as business_date,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        currency_code,
        sum(amount_tc) as amount_tc,
        sum(amount_rc) as amount_rc,
        sum(amount_cc) as amount_cc,
        sum(hours) as hours,
        source_system,
        source_instance,
        {{ null_text() }} as source_record_id,
        {{ null_text() }} as load_id
    from movement
    where movement_type = 'labour_cost'
    group by
        movement_type, {{ month_start('business_date') }}, legal_entity_id, region_id, practice_id,
        customer_id,
        project_id, contract_line_id, resource_id, currency_code, source_system, source_instance
),

told as (
    select
        rule.metric_id,
        movement.movement_id as row_id,
        movement.movement_type,
        movement.business_date,
        movement.legal_entity_id,
        movement.region_id,
        movement.practice_id,
        movement.customer_id,
        movement.project_id,
        movement.contract_line_id,
        movement.resource_id,
        movement.currency_code,
        rule.sign * movement.amount_tc as amount_tc,
        rule.sign * movement.amount_rc as amount_rc,
        rule.sign * movement.amount_cc as amount_cc,
        rule.base_sign * movement.amount_rc as base,
        movement.hours,
        movement.source_system,
        movement.source_instance,
        movement.source_record_id,
        movement.load_id
    from movement
    inner join rule on movement.movement_type = rule.movement_type
    left join client_project on movement.project_id = client_project.project_id
    where
        (rule.side = 'ANY' or (rule.side = 'INCREASE') = coalesce(movement.amount_tc >= 0, true))
        and (
            not rule.client_only
            or movement.contract_line_id <> 'NONE'
            or client_project.project_id is not null
        )
        and not (rule.metric_id = 'project_gross_margin' and movement.movement_type = 'labour_cost')
    union all
    select
        'project_gross_margin' as metric_id,
        concat_ws(
            '|',
            margin_labour.resource_id,
            margin_labour.legal_entity_id,
            margin_labour.region_id,
            margin_labour.practice_id,
            margin_labour.customer_id,
            margin_labour.project_id,
            margin_labour.contract_line_id,
            margin_labour.currency_code,
            margin_labour.source_system,
            margin_labour.source_instance,
            {{ month_text('margin_labour.business_date') }}
        ) as row_id,
        margin_labour.movement_type,
        margin_labour.business_date,
        margin_labour.legal_entity_id,
        margin_labour.region_id,
        margin_labour.practice_id,
        margin_labour.customer_id,
        margin_labour.project_id,
        margin_labour.contract_line_id,
        margin_labour.resource_id,
        margin_labour.currency_code,
        -margin_labour.amount_tc as amount_tc,
        -margin_labour.amount_rc as amount_rc,
        -margin_labour.amount_cc as amount_cc,
        0 as base,
        margin_labour.hours,
        margin_labour.source_system,
        margin_labour.source_instance,
        margin_labour.source_record_id,
        margin_labour.load_id
    from margin_labour
    left join client_project on margin_labour.project_id = client_project.project_id
    where margin_labour.contract_line_id <> 'NONE' or client_project.project_id is not null
    union all
    select
        metric_id,
        record_id as row_id,
        movement_type,
        business_date,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        'NONE' as resource_id,
        currency_code,
        amount_tc,
        amount_rc,
        amount_cc,
        0 as base,
        null as hours,
        split_part(record_id, ':', 1) as source_system,
        split_part(record_id, ':', 2) as source_instance,
        split_part(record_id, ':', 3) as source_record_id,
        null as load_id
    from {{ ref('ledger__sales_flow') }}
    -- what is planned for the rest of the quarter is part of the coverage's denominator
    where business_date < {{ add_months_start(quarter_start(run_as_of()), 3) }}
    {%- for metric_id, sign in [('expected_revenue', ''), ('revenue_posted_less_expected', '-')] %}
        union all
        select
            '{{ metric_id }}' as metric_id,
            contract_line_id as row_id,
            'expected' as movement_type,
            as_of as business_date,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            project_id,
            contract_line_id,
            'NONE' as resource_id,
            currency_code,
            {{ sign }}expected_in_month_tc as amount_tc,
            {{ sign }}expected_in_month_rc as amount_rc,
            {{ sign }}expected_in_month_cc as amount_cc,
            0 as base,
            null as hours,
            split_part(contract_line_id, ':', 1) as source_system,
            split_part(contract_line_id, ':', 2) as source_instance,
            split_part(contract_line_id, ':', 3) as source_record_id,
            null as load_id
        from expected
        where expected_in_month_tc <> 0 or expected_in_month_tc is null
    {%- endfor %}
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
        record_id,
        currency_code,
        amount_tc,
        amount_rc,
        amount_cc
    from {{ ref('ledger__metric_balance') }}
    where metric_id <> 'wip_operational'
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
        contract_line_id as record_id,
        currency_code,
        loss_provision_tc as amount_tc,
        loss_provision_rc as amount_rc,
        loss_provision_cc as amount_cc
    from expected
    where loss_provision_tc <> 0 or loss_provision_tc is null
),

conversion as (
    select
        from_currency,
        rate_date,
        rate_rc,
        rate_cc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
    where functional_currency = 'NONE'
),

-- Work in progress converts per line, project and currency: each item takes what its amount adds to the
-- converted running total, so that the items add up to the balance to the last digit.
wip_item as (
    select
        as_of_date.as_of,
        wip_position.item_key,
        wip_position.aged_from,
        wip_position.source_type,
        wip_position.legal_entity_id,
        wip_position.region_id,
        wip_position.practice_id,
        wip_position.customer_id,
        wip_position.project_id,
        wip_position.contract_line_id,
        wip_position.resource_id,
        wip_position.currency_code,
        wip_position.amount_tc,
        wip_position.source_record_id,
        conversion.rate_rc,
        conversion.rate_cc,
        sum(wip_position.amount_tc) over (
            partition by
                as_of_date.as_of, wip_position.contract_line_id, wip_position.project_id,
                wip_position.legal_entity_id, wip_position.customer_id, wip_position.practice_id,
                wip_position.region_id, wip_position.currency_code
            order by wip_position.item_key
            rows between unbounded preceding and current row
        ) as running_tc
    from {{ ref('ledger__wip_position') }} as wip_position
    inner join as_of_date
        on
            wip_position.position_from <= as_of_date.as_of
            and (wip_position.position_to is null or wip_position.position_to > as_of_date.as_of)
    left join conversion
        on wip_position.currency_code = conversion.from_currency and as_of_date.as_of = conversion.rate_date
    where wip_position.amount_tc <> 0
),

late_value as (
    select
        object_type,
        object_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        waits_for,
        due_on,
        late_days,
        amount_rc,
        currency_days,
        carrying_cost
    from {{ ref('lifecycle__late_value') }}
),

-- items are too many to list one by one: their stages are read from the life cycle's own tables
handoff as (
    select
        stage,
        case_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        finished_on,
        lag,
        is_breached,
        amount_rc
    from {{ ref('lifecycle__handoff') }}
    where state = 'COMPLETED' and case_type in ('DEAL', 'MONTH', 'INVOICE')
),

utilisation as (
    {%- for metric_id, counted, set_against in ledger_utilisation_metrics() %}
        select
            '{{ metric_id }}' as metric_id,
            resource_id,
            legal_entity_id,
            region_id,
            practice_id,
            month_start,
            {{ counted }} as counted_hours,
            {{ set_against }} as set_against_hours
        from {{ ref('ledger__utilisation_month') }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

capacity as (
    {%- for metric_id, weeks in ledger_forward_metrics() %}
        select
            '{{ metric_id }}' as metric_id,
            as_of,
            resource_id,
            legal_entity_id,
            region_id,
            practice_id,
            sum(firm_billable_hours) as counted_hours,
            {{ known_sum('available_hours') }} as set_against_hours
        from {{ ref('ledger__capacity_week') }}
        where week_number <= {{ weeks }}
        group by as_of, resource_id, legal_entity_id, region_id, practice_id
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

work as (
    {%- for metric_id, counted, set_against in ledger_work_metrics() %}
        select
            '{{ metric_id }}' as metric_id,
            month_start,
            worth_on,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            project_id,
            contract_line_id,
            role,
            is_contractor,
            currency_code,
            {{ counted }} as counted,
            {{ set_against }} as set_against,
            hours
        from {{ ref('ledger__work_month') }}
        where is_by_hour
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

drill as (
    select
        told.metric_id,
        coalesce(as_of_date.as_of, {{ month_end('told.business_date') }}) as as_of,
        told.row_id,
        {{ month_start('told.business_date') }} as period_month,
        told.movement_type,
        told.legal_entity_id,
        told.region_id,
        told.practice_id,
        told.customer_id,
        told.project_id,
        told.contract_line_id,
        told.resource_id,
        told.business_date,
        told.source_record_id as record_id,
        told.currency_code,
        told.amount_tc,
        told.amount_rc,
        told.amount_cc,
        told.base,
        told.hours,
        told.source_system,
        told.source_instance,
        told.source_record_id,
        told.load_id
    from told
    -- what lies before the firm's first month counts in longer periods only
    left join as_of_date on {{ month_start('told.business_date') }} = as_of_date.month_start
    union all
    select
        metric_id,
        as_of,
        concat_ws(
            '|',
            record_id,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            project_id,
            contract_line_id,
            currency_code
        ) as row_id,
        cast(null as date) as period_month,
        'balance' as movement_type,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        'NONE' as resource_id,
        as_of as business_date,
        record_id,
        currency_code,
        amount_tc,
        amount_rc,
        amount_cc,
        null as base,
        null as hours,
        split_part(record_id, ':', 1) as source_system,
        split_part(record_id, ':', 2) as source_instance,
        split_part(record_id, ':', 3) as source_record_id,
        null as load_id
    from balance
    union all
    select
        'wip_operational' as metric_id,
        as_of,
        item_key as row_id,
        cast(null as date) as period_month,
        lower(source_type) as movement_type,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        aged_from as business_date,
        item_key as record_id,
        currency_code,
        amount_tc,
        {{ ledger_at_rate('running_tc', 'rate_rc') }}
        - {{ ledger_at_rate('running_tc - amount_tc', 'rate_rc') }} as amount_rc,
        {{ ledger_at_rate('running_tc', 'rate_cc') }}
        - {{ ledger_at_rate('running_tc - amount_tc', 'rate_cc') }} as amount_cc,
        null as base,
        null as hours,
        split_part(item_key, ':', 1) as source_system,
        split_part(item_key, ':', 2) as source_instance,
        source_record_id,
        null as load_id
    from wip_item
    union all
    {%- for metric_id, kind, measure in [
        ('delayed_revenue_currency_days', 'lower(object_type)', 'currency_days'),
        ('carrying_cost_of_delay', "lower(concat('waits_', waits_for))", 'carrying_cost'),
    ] %}
        select
            '{{ metric_id }}' as metric_id,
            {{ run_as_of() }} as as_of,
            concat(object_type, '|', object_id) as row_id,
            cast(null as date) as period_month,
            {{ kind }} as movement_type,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            project_id,
            contract_line_id,
            'NONE' as resource_id,
            due_on as business_date,
            object_id as record_id,
            {{ run_reporting_currency() }} as currency_code,
            null as amount_tc,
            {{ measure }} as amount_rc,
            null as amount_cc,
            amount_rc as base,
            null as hours,
            split_part(object_id, ':', 1) as source_system,
            split_part(object_id, ':', 2) as source_instance,
            split_part(object_id, ':', 3) as source_record_id,
            null as load_id
        from late_value
        union all
    {%- endfor %}
    select
        concat('handoff_lag_', stage) as metric_id,
        {{ run_as_of() }} as as_of,
        case_id as row_id,
        cast(null as date) as period_month,
        case when is_breached then 'too_late' else 'lag' end as movement_type,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        'NONE' as resource_id,
        finished_on as business_date,
        case_id as record_id,
        'NA' as currency_code,
        lag as amount_tc,
        null as amount_rc,
        null as amount_cc,
        amount_rc as base,
        null as hours,
        split_part(case_id, ':', 1) as source_system,
        split_part(case_id, ':', 2) as source_instance,
        split_part(case_id, ':', 3) as source_record_id,
        null as load_id
    from handoff
    union all
    select
        utilisation.metric_id,
        as_of_date.as_of,
        concat_ws(
            '|',
            utilisation.resource_id,
            utilisation.legal_entity_id,
            utilisation.region_id,
            utilisation.practice_id
        ) as row_id,
        as_of_date.month_start as period_month,
        'hours' as movement_type,
        utilisation.legal_entity_id,
        utilisation.region_id,
        utilisation.practice_id,
        'NONE' as customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        utilisation.resource_id,
        as_of_date.as_of as business_date,
        utilisation.resource_id as record_id,
        'NA' as currency_code,
        utilisation.counted_hours as amount_tc,
        null as amount_rc,
        null as amount_cc,
        utilisation.set_against_hours as base,
        utilisation.counted_hours as hours,
        split_part(utilisation.resource_id, ':', 1) as source_system,
        split_part(utilisation.resource_id, ':', 2) as source_instance,
        split_part(utilisation.resource_id, ':', 3) as source_record_id,
        null as load_id
    from utilisation
    inner join as_of_date on utilisation.month_start = as_of_date.month_start
    union all
    select
        work.metric_id,
        coalesce(as_of_date.as_of, {{ month_end('work.month_start') }}) as as_of,
        concat_ws(
            '|',
            {{ month_text('work.month_start') }},
            work.legal_entity_id,
            work.region_id,
            work.practice_id,
            work.customer_id,
            work.project_id,
            work.contract_line_id,
            work.role,
            cast(work.is_contractor as {{ type_text() }}),
            work.currency_code
        ) as row_id,
        work.month_start as period_month,
        'work' as movement_type,
        work.legal_entity_id,
        work.region_id,
        work.practice_id,
        work.customer_id,
        work.project_id,
        work.contract_line_id,
        'NONE' as resource_id,
        work.worth_on as business_date,
        work.role as record_id,
        work.currency_code,
        null as amount_tc,
        work.counted as amount_rc,
        null as amount_cc,
        work.set_against as base,
        work.hours,
        split_part(work.project_id, ':', 1) as source_system,
        split_part(work.project_id, ':', 2) as source_instance,
        split_part(work.project_id, ':', 3) as source_record_id,
        null as load_id
    from work
    left join as_of_date on work.month_start = as_of_date.month_start
    union all
    select
        metric_id,
        as_of,
        resource_id as row_id,
        cast(null as date) as period_month,
        'hours' as movement_type,
        legal_entity_id,
        region_id,
        practice_id,
        'NONE' as customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        resource_id,
        as_of as business_date,
        resource_id as record_id,
        'NA' as currency_code,
        counted_hours as amount_tc,
        null as amount_rc,
        null as amount_cc,
        set_against_hours as base,
        counted_hours as hours,
        split_part(resource_id, ':', 1) as source_system,
        split_part(resource_id, ':', 2) as source_instance,
        split_part(resource_id, ':', 3) as source_record_id,
        null as load_id
    from capacity
)

select
    {{ as_text('metric_id') }} as metric_id,
    as_of,
    {{ hash_key('row_id') }} as row_key,
    period_month,
    {{ as_text('movement_type') }} as movement_type,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('region_id') }} as region_id,
    {{ as_text('practice_id') }} as practice_id,
    {{ as_text('customer_id') }} as customer_id,
    {{ as_text('project_id') }} as project_id,
    {{ as_text('contract_line_id') }} as contract_line_id,
    {{ as_text('resource_id') }} as resource_id,
    business_date,
    {{ as_text('record_id') }} as record_id,
    {{ as_text('currency_code') }} as currency_code,
    cast(amount_tc as decimal(28, 4)) as amount_tc,
    cast(amount_rc as decimal(28, 4)) as amount_rc,
    cast(amount_cc as decimal(28, 4)) as amount_cc,
    cast(base as decimal(28, 4)) as base,
    {{ as_hours('hours') }} as hours,
    {{ as_text('source_system') }} as source_system,
    {{ as_text('source_instance') }} as source_instance,
    {{ as_text('source_record_id') }} as source_record_id,
    {{ as_text('load_id') }} as load_id
from drill
