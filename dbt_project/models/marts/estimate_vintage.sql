-- Every estimate at completion that is known of a client's project: when it was made and when it was
-- learned, what it said and what stood before it, and what it did to the revenue that is expected of the
-- project's line on the day it was made. Money in the contract's currency (the project's, where it has no
-- contract), costs at the rate of their day, both estimates at the rate of the day of the newer one.
with project_as_told as (
    select
        project_id,
        currency_code,
        eac_cost,
        eac_hours,
        eac_updated_on,
        -- an estimate without a day of its own is of the day it was told
        coalesce(eac_updated_on, {{ date_of('known_from') }}) as estimated_on,
        known_from,
        load_id
    from {{ of_record('project', ref('canonical__project')) }} as judged
    where
        is_of_record and not is_deleted and known_from <= {{ run_known_at() }}
        and not coalesce(is_template, false) and (eac_cost is not null or eac_hours is not null)
),

told_by_then as (
    select
        *,
        row_number() over told as told_number,
        lag(eac_cost) over told as cost_told_before,
        lag(eac_hours) over told as hours_told_before,
        lag(eac_updated_on) over told as day_told_before
    from project_as_told
    where estimated_on <= {{ run_as_of() }}
    window told as (partition by project_id order by known_from)
),

-- a version of the project that says nothing new of its estimate is no estimate
estimate as (
    select
        project_id,
        currency_code,
        eac_cost,
        eac_hours,
        estimated_on,
        known_from,
        load_id,
        row_number() over made as vintage_number,
        lag(eac_cost) over made as eac_cost_before,
        lag(eac_hours) over made as eac_hours_before,
        lead(estimated_on) over made as next_estimated_on
    from told_by_then
    where
        told_number = 1
        or eac_cost is distinct from cost_told_before
        or eac_hours is distinct from hours_told_before
        or eac_updated_on is distinct from day_told_before
    window made as (partition by project_id order by known_from)
),

project as (
    select
        project_id,
        is_client,
        contract_line_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id
    from {{ ledger_as_known(ref('ledger__project_version')) }} as project_version
    where is_known
),

line as (
    select
        position.contract_line_id,
        position.project_count,
        {{ reckoned_by('position.billing_method', 'position.revenue_method') }} as method,
        position.currency_code,
        position.transaction_price_tc,
        position.ceiling_tc,
        case when position.standing <> 'OPEN' then line_version.closed_on end as ended_on
    from {{ ref('ledger__estimate_position') }} as position
    left join {{ ledger_as_known(ref('ledger__contract_line_version')) }} as line_version
        on position.contract_line_id = line_version.contract_line_id
    where position.as_of = {{ run_as_of() }}
),

amendment as (
    select
        contract_line_id,
        greatest(signed_on, effective_on) as counts_from,
        delta_value,
        coalesce(delta_ceiling, 0) as delta_ceiling
    from {{ as_known(ref('canonical__contract_amendment')) }} as known
    where status = 'SIGNED' and signed_on <= {{ run_as_of() }} and effective_on <= {{ run_as_of() }}
),

exchange_rate as (
    select
        from_currency,
        to_currency,
        rate_date,
        rate
    from {{ ledger_as_known(ref('ledger__exchange_rate_version')) }} as known
),

line_day as (
    select
        contract_line_id,
        business_date,
        cost_tc,
        uninstalled_cost_tc,
        hours,
        value_tc,
        approved_hours
    from {{ ref('ledger__line_day') }}
),

stale_after as (
    select coalesce(cast({{ run_parameter('estimate_stale_after_days') }} as integer), 45) as days
),

placed as (
    select
        estimate.project_id,
        estimate.vintage_number,
        coalesce(project.contract_line_id, 'NONE') as contract_line_id,
        coalesce(project.legal_entity_id, concat('UNMAPPED:', estimate.project_id)) as legal_entity_id,
        coalesce(project.region_id, 'UNMAPPED:NONE') as region_id,
        coalesce(project.practice_id, 'UNMAPPED:NONE') as practice_id,
        coalesce(project.customer_id, 'NONE') as customer_id,
        line.method,
        line.project_count,
        coalesce(line.currency_code, estimate.currency_code) as currency_code,
        estimate.estimated_on,
        estimate.known_from,
        estimate.load_id,
        estimate.next_estimated_on,
        estimate.eac_hours,
        estimate.eac_hours_before,
        line.ended_on,
        line.transaction_price_tc,
        {%- for name in ['eac_cost', 'eac_cost_before'] %}
            case
                when coalesce(line.currency_code, estimate.currency_code) = estimate.currency_code
                    then estimate.{{ name }}
                else {{ ledger_at_rate('estimate.' ~ name, 'exchange_rate.rate') }}
            end as {{ name }},
        {%- endfor %}
        line.ceiling_tc
    from estimate
    left join project on estimate.project_id = project.project_id
    left join line on project.contract_line_id = line.contract_line_id
    left join exchange_rate
        on
            estimate.currency_code = exchange_rate.from_currency
            and line.currency_code = exchange_rate.to_currency
            and estimate.estimated_on = exchange_rate.rate_date
    where coalesce(project.is_client, true)
),

-- what was agreed only after the estimate was made is not in the price of its day
changed_later as (
    select
        placed.project_id,
        placed.vintage_number,
        sum(amendment.delta_value) as delta_value,
        sum(amendment.delta_ceiling) as delta_ceiling
    from placed
    inner join amendment
        on
            placed.contract_line_id = amendment.contract_line_id
            and placed.estimated_on < amendment.counts_from
    group by placed.project_id, placed.vintage_number
),

spent_by_then as (
    select
        placed.project_id,
        placed.vintage_number,
        {{ known_sum('line_day.cost_tc') }} as counted,
        {{ known_sum('line_day.uninstalled_cost_tc') }} as excluded,
        {{ known_sum('line_day.hours') }} as hours,
        {{ known_sum('line_day.value_tc') }} as value_to_date,
        {{ known_sum('line_day.approved_hours') }} as approved_hours
    from placed
    inner join line_day
        on
            placed.contract_line_id = line_day.contract_line_id
            and placed.estimated_on >= line_day.business_date
    group by placed.project_id, placed.vintage_number
),

on_its_day as (
    select
        placed.*,
        placed.transaction_price_tc - coalesce(changed_later.delta_value, 0) as price,
        placed.ceiling_tc - coalesce(changed_later.delta_ceiling, 0) as ceiling,
        -- what a project costs that delivers no line is not followed here
        case
            when spent_by_then.project_id is not null then spent_by_then.counted
            when placed.contract_line_id <> 'NONE' then 0
        end as counted,
        case
            when spent_by_then.project_id is not null then spent_by_then.excluded
            when placed.contract_line_id <> 'NONE' then 0
        end as excluded,
        case
            when spent_by_then.project_id is not null then spent_by_then.hours
            when placed.contract_line_id <> 'NONE' then 0
        end as hours,
        case when spent_by_then.project_id is null then 0 else spent_by_then.value_to_date end
            as value_to_date,
        case when spent_by_then.project_id is null then 0 else spent_by_then.approved_hours end
            as approved_hours,
        case
            when placed.ended_on <= placed.estimated_on then 0
            else {{ days_between(
                'placed.estimated_on',
                'least('
                ~ 'coalesce(placed.next_estimated_on, ' ~ run_as_of() ~ '), '
                ~ 'coalesce(placed.ended_on, ' ~ run_as_of() ~ '))'
            ) }}
        end as days_stood
    from placed
    left join changed_later
        on
            placed.project_id = changed_later.project_id
            and placed.vintage_number = changed_later.vintage_number
    left join spent_by_then
        on
            placed.project_id = spent_by_then.project_id
            and placed.vintage_number = spent_by_then.vintage_number
),

measured as (
    select
        *,
        -- the line's revenue hangs on this estimate alone
        project_count = 1 and (ended_on is null or ended_on > estimated_on) as is_alone,
        counted + excluded as cost,
        case when method = 'POC_HOURS' then hours else counted end as done,
        case when method = 'POC_HOURS' then eac_hours else eac_cost - excluded end as to_do,
        case when method = 'POC_HOURS' then eac_hours_before else eac_cost_before - excluded end
            as to_do_before,
        {{ mul_div('value_to_date', 'eac_hours', 'approved_hours') }} as eac_value,
        {{ mul_div('value_to_date', 'eac_hours_before', 'approved_hours') }} as eac_value_before,
        case
            when method in ('TM', 'EXPENSE') then null
            when method = 'TM_CAPPED' then coalesce(ceiling, price)
            else price
        end as most
    from on_its_day
),

judged as (
    select
        *,
        {{ safe_divide('done', 'to_do') }} as percent_complete,
        {{ safe_divide('done', 'to_do_before') }} as percent_complete_before,
        {%- for suffix in ['', '_before'] %}
            case
                when not is_alone{{ ' or vintage_number = 1' if suffix }} then null
                when method in ('POC_COST', 'POC_HOURS')
                    then {{ revenue_by_progress('price', 'excluded', 'done', 'to_do' ~ suffix) }}
                when method = 'TM_CAPPED' and eac_hours{{ suffix }} is not null
                    then {{ revenue_under_cap(
                        'value_to_date', 'ceiling', 'eac_value' ~ suffix, 'approved_hours',
                        'eac_hours' ~ suffix
                    ) }}
            end as expected{{ suffix }},
        {%- endfor %}
        most - eac_cost as margin,
        most - eac_cost_before as margin_before
    from measured
)

select
    judged.project_id,
    cast(judged.vintage_number as integer) as vintage_number,
    {{ as_text('judged.contract_line_id') }} as contract_line_id,
    {{ as_text('judged.legal_entity_id') }} as legal_entity_id,
    {{ as_text('judged.region_id') }} as region_id,
    {{ as_text('judged.practice_id') }} as practice_id,
    {{ as_text('judged.customer_id') }} as customer_id,
    {{ as_text('judged.method') }} as method,
    judged.currency_code,
    judged.estimated_on,
    judged.known_from as learned_at,
    cast({{ days_between('judged.estimated_on', date_of('judged.known_from')) }} as bigint)
        as learned_after_days,
    judged.load_id,
    judged.next_estimated_on is null as is_current,
    {{ as_money('judged.eac_cost') }} as eac_cost_tc,
    {{ as_money('judged.eac_cost_before') }} as eac_cost_before_tc,
    {{ as_money('judged.eac_cost - judged.eac_cost_before') }} as eac_cost_change_tc,
    {{ as_hours('judged.eac_hours') }} as eac_hours,
    {{ as_hours('judged.eac_hours_before') }} as eac_hours_before,
    {{ as_hours('judged.eac_hours - judged.eac_hours_before') }} as eac_hours_change,
    {{ as_money('judged.price') }} as transaction_price_tc,
    {{ as_money('judged.cost') }} as cost_to_date_tc,
    {{ as_money('judged.hours') }} as hours_to_date,
    judged.percent_complete,
    judged.percent_complete_before,
    {{ as_money('judged.expected') }} as expected_revenue_tc,
    {{ as_money('judged.expected_before') }} as expected_revenue_before_tc,
    {{ as_money('judged.expected - judged.expected_before') }} as revenue_effect_tc,
    {{ as_money('judged.margin') }} as margin_at_completion_tc,
    {{ as_money('judged.margin_before') }} as margin_at_completion_before_tc,
    {{ as_money('judged.margin - judged.margin_before') }} as margin_effect_tc,
    coalesce(judged.eac_cost < judged.cost, false) or coalesce(judged.eac_hours < judged.hours, false)
        as is_passed,
    cast(judged.days_stood as bigint) as days_stood,
    judged.days_stood > stale_after.days as is_stale
from judged
cross join stale_after
