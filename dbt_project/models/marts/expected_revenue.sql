-- What revenue of every line should have come to by its method, at every date a run answers for, beside what
-- was posted: a test of what is posted, no revenue ledger of its own. To date in the contract's currency, and
-- what of it falls into the date's month in every currency, at the rates of the date.
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
        {{ reckoned_by('billing_method', 'revenue_method') }} as method,
        standing,
        effective_from,
        effective_to,
        currency_code,
        functional_currency,
        transaction_price_tc as price,
        ceiling_tc as ceiling,
        eac_cost_tc as eac_cost,
        eac_hours,
        eac_updated_on,
        cost_to_date_tc as cost,
        excluded_cost_tc as excluded,
        hours_to_date as hours,
        is_estimate_passed,
        lag(transaction_price_tc) over (partition by contract_line_id order by as_of) as price_before,
        lag(eac_cost_tc) over (partition by contract_line_id order by as_of) as eac_cost_before,
        lag(eac_hours) over (partition by contract_line_id order by as_of) as eac_hours_before
    from {{ ref('ledger__estimate_position') }}
),

amendment as (
    select
        contract_amendment_id,
        contract_line_id,
        effective_on,
        signed_on,
        effective_to_before,
        treatment,
        delta_value
    from {{ as_known(ref('canonical__contract_amendment')) }} as known
    where status = 'SIGNED'
),

conversion as (
    select
        from_currency,
        functional_currency,
        rate_date,
        rate_fc,
        rate_rc,
        rate_cc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
),

first_month as (
    select min(month_start) as first_month from {{ ref('ledger__as_of_date') }}
),

line_day as (
    select
        contract_line_id,
        business_date,
        value_tc,
        posted_tc,
        carried_over_tc,
        approved_hours
    from {{ ref('ledger__line_day') }}
),

earned_by_date as (
    select
        position.as_of,
        position.contract_line_id,
        {{ known_sum('line_day.value_tc') }} as amount,
        {{ known_sum('line_day.posted_tc') }} as posted,
        {{ known_sum('line_day.carried_over_tc') }} as carried_over,
        {{ known_sum('line_day.approved_hours') }} as hours
    from position
    inner join line_day
        on
            position.contract_line_id = line_day.contract_line_id
            and position.as_of >= line_day.business_date
    group by position.as_of, position.contract_line_id
),

-- changes that the dates of retainers know of; a cumulative one holds as if it had been agreed at the start
retainer_change as (
    select
        position.as_of,
        position.contract_line_id,
        amendment.contract_amendment_id,
        amendment.effective_on,
        amendment.effective_to_before,
        coalesce(amendment.delta_value, 0) as amount,
        coalesce(amendment.treatment, 'PROSPECTIVE') = 'CUMULATIVE' as is_cumulative,
        position.as_of >= amendment.effective_on and position.as_of >= amendment.signed_on as is_in_effect,
        position.effective_from
    from position
    inner join amendment on position.contract_line_id = amendment.contract_line_id
    where position.method = 'RETAINER'
),

-- until a change that moves the end of the term takes effect, the term ends where it ended before
retainer_end as (
    select
        as_of,
        contract_line_id,
        sum(case when is_in_effect then amount else 0 end) as changed_by,
        min_by(
            case when not is_in_effect then effective_to_before end,
            case when not is_in_effect and effective_to_before is not null then effective_on end
        ) as ends_on
    from retainer_change
    group by as_of, contract_line_id
),

retainer as (
    select
        position.as_of,
        position.contract_line_id,
        position.effective_from,
        coalesce(retainer_end.ends_on, position.effective_to) as ends_on,
        position.price - coalesce(retainer_end.changed_by, 0) as base_price
    from position
    left join retainer_end
        on
            position.as_of = retainer_end.as_of
            and position.contract_line_id = retainer_end.contract_line_id
    where position.method = 'RETAINER'
),

-- what is spread, from which day
retainer_part as (
    select
        as_of,
        contract_line_id,
        'BASE' as part,
        effective_from as starts_on,
        base_price as amount
    from retainer
    union all
    select
        as_of,
        contract_line_id,
        contract_amendment_id as part,
        case when is_cumulative then effective_from else greatest(effective_on, effective_from) end
            as starts_on,
        amount
    from retainer_change
    where is_in_effect
),

-- where the end of the term was moved later on: what is not earned by then is spread anew
part_turn as (
    select
        retainer_part.as_of,
        retainer_part.contract_line_id,
        retainer_part.part,
        retainer_part.starts_on,
        retainer_part.amount,
        retainer_change.effective_on as turned_on,
        retainer_change.effective_to_before as ended_on,
        row_number() over (
            partition by retainer_part.as_of, retainer_part.contract_line_id, retainer_part.part
            order by retainer_change.effective_on, retainer_change.contract_amendment_id
        ) as turn
    from retainer_part
    left join retainer_change
        on
            retainer_part.as_of = retainer_change.as_of
            and retainer_part.contract_line_id = retainer_change.contract_line_id
            and retainer_part.starts_on < retainer_change.effective_on
            and retainer_change.is_in_effect
            and not retainer_change.is_cumulative
            and retainer_change.effective_to_before is not null
),

{% set most_turns = 3 -%}
part_turns as (
    select
        as_of,
        contract_line_id,
        part,
        starts_on as start_0,
        case when max(turn) <= {{ most_turns }} then amount end as to_come_0,
        {%- for turn in range(1, most_turns + 1) %}
            max(case when turn = {{ turn }} then turned_on end) as turned_on_{{ turn }},
            max(case when turn = {{ turn }} then ended_on end) as ended_on_{{ turn }},
        {%- endfor %}
        amount
    from part_turn
    group by as_of, contract_line_id, part, starts_on, amount
),

{% for turn in range(1, most_turns + 1) %}
    part_turned_{{ turn }} as (
        select
            *,
            coalesce(turned_on_{{ turn }}, start_{{ turn - 1 }}) as start_{{ turn }},
            case
                when turned_on_{{ turn }} is null then to_come_{{ turn - 1 }}
                when turned_on_{{ turn }} > ended_on_{{ turn }} then 0
                else {{ mul_div(
                    'to_come_' ~ (turn - 1),
                    '(' ~ days_between('turned_on_' ~ turn, 'ended_on_' ~ turn) ~ ' + 1)',
                    '(' ~ days_between('start_' ~ (turn - 1), 'ended_on_' ~ turn) ~ ' + 1)'
                ) }}
            end as to_come_{{ turn }}
        from {{ 'part_turns' if turn == 1 else 'part_turned_' ~ (turn - 1) }}
    ),

{% endfor %}
-- day by day: all of a part that is not to come any more, and of the rest the days that have gone by
part_earned as (
    select
        part.as_of,
        part.contract_line_id,
        part.amount - part.to_come_{{ most_turns }} + {{ mul_div(
            'part.to_come_' ~ most_turns,
            '(' ~ days_between(
                'part.start_' ~ most_turns, 'least(part.as_of, retainer.ends_on)'
            ) ~ ' + 1)',
            '(' ~ days_between('part.start_' ~ most_turns, 'retainer.ends_on') ~ ' + 1)',
            10
        ) }} as earned
    from part_turned_{{ most_turns }} as part
    inner join retainer
        on part.as_of = retainer.as_of and part.contract_line_id = retainer.contract_line_id
),

retained as (
    select
        as_of,
        contract_line_id,
        {{ known_sum('earned') }} as earned
    from part_earned
    group by as_of, contract_line_id
),

measured as (
    select
        position.*,
        case when earned_by_date.as_of is null then 0 else earned_by_date.amount end as value_to_date,
        case when earned_by_date.as_of is null then 0 else earned_by_date.hours end as approved_hours,
        case when earned_by_date.as_of is null then 0 else earned_by_date.posted end as posted,
        case when earned_by_date.as_of is null then 0 else earned_by_date.carried_over end as carried_over,
        retained.earned as retained
    from position
    left join earned_by_date
        on
            position.as_of = earned_by_date.as_of
            and position.contract_line_id = earned_by_date.contract_line_id
    left join retained
        on position.as_of = retained.as_of and position.contract_line_id = retained.contract_line_id
),

-- of fixed fees by progress: what is done of what there is to do, never more than all of it
progress as (
    select
        *,
        case method
            when 'POC_COST' then cost - excluded
            when 'POC_HOURS' then hours
        end as done,
        case method
            when 'POC_COST' then eac_cost - excluded
            when 'POC_HOURS' then eac_hours
        end as to_do,
        case method
            when 'POC_COST' then eac_cost_before - excluded
            when 'POC_HOURS' then eac_hours_before
        end as to_do_before,
        -- what work of a capped line comes to at the rate it went so far, if the estimate of hours holds
        case
            when method = 'TM_CAPPED' and standing = 'OPEN'
                then {{ mul_div('value_to_date', 'eac_hours', 'approved_hours') }}
        end as eac_value
    from measured
),

by_method as (
    select
        *,
        coalesce(eac_value > ceiling, false) as is_beyond_cap,
        case
            when method in ('TM', 'FIXED_MILESTONE', 'EXPENSE') then value_to_date
            when method = 'TM_CAPPED'
                then {{ revenue_under_cap(
                    'value_to_date', 'ceiling', 'eac_value', 'approved_hours', 'eac_hours'
                ) }}
            when method = 'RETAINER' and as_of < effective_from then 0
            when method = 'RETAINER' then retained
            when standing = 'COMPLETED' then price
            else {{ revenue_by_progress('price', 'excluded', 'done', 'to_do') }}
        end as expected,
        case
            when standing = 'OPEN'
                then {{ revenue_by_progress('price_before', 'excluded', 'done', 'to_do_before') }}
        end as expected_on_terms_before,
        -- it has cost what it has cost, whatever the estimate says
        case when eac_cost >= cost then eac_cost else cost end as cost_at_least,
        case when method = 'TM_CAPPED' then coalesce(ceiling, price) else price end as most
    from progress
),

-- all of a loss is recognised once it is foreseen: the margin so far is brought to that at completion
with_loss as (
    select
        *,
        case
            when standing <> 'OPEN' or billing_method in ('TM', 'EXPENSE') then 0
            when eac_cost is null or expected is null or cost is null then null
            when cost_at_least <= most then 0
            when cost_at_least - most + expected - cost < 0 then 0
            else cost_at_least - most + expected - cost
        end as loss_provision
    from by_method
),

rounded as (
    select
        *,
        {{ as_money('expected') }} as expected_tc,
        {{ as_money('loss_provision') }} as loss_provision_tc
    from with_loss
),

date_before as (
    select
        *,
        lag(standing) over by_date as standing_before,
        lag(expected_tc) over by_date as expected_before,
        carried_over - coalesce(lag(carried_over) over by_date, 0) as carried_over_in_month
    from rounded
    window by_date as (partition by contract_line_id order by as_of)
),

-- what is unknown of a line that had ended by the date before is nothing that moves any more, and what was
-- carried over was expected of no month that is told of
by_month as (
    select
        *,
        case
            when standing_before is null then expected_tc - carried_over_in_month
            when expected_tc is null and expected_before is null and standing_before <> 'OPEN' then 0
            else expected_tc - expected_before - carried_over_in_month
        end as expected_in_month
    from date_before
)

select
    line.as_of,
    line.contract_line_id,
    line.contract_id,
    line.legal_entity_id,
    line.region_id,
    line.practice_id,
    line.customer_id,
    line.project_id,
    line.billing_method,
    {{ as_text('line.method') }} as method,
    line.standing,
    line.currency_code,
    line.functional_currency,
    line.price as transaction_price_tc,
    line.ceiling as ceiling_tc,
    line.eac_cost as eac_cost_tc,
    line.eac_hours,
    line.eac_updated_on,
    line.cost as cost_to_date_tc,
    line.excluded as excluded_cost_tc,
    line.hours as hours_to_date,
    {{ as_money('line.value_to_date') }} as value_to_date_tc,
    {{ as_money('line.approved_hours') }} as approved_hours,
    {{ as_money('line.eac_value') }} as eac_value_tc,
    line.expected_tc as expected_revenue_tc,
    {{ as_money('line.posted') }} as posted_revenue_tc,
    {{ as_money('line.posted - line.expected') }} as revenue_difference_tc,
    {{ as_money('line.expected_in_month') }} as expected_in_month_tc,
    {{ ledger_at_rate('line.expected_in_month', 'conversion.rate_fc') }} as expected_in_month_fc,
    {{ ledger_at_rate('line.expected_in_month', 'conversion.rate_rc') }} as expected_in_month_rc,
    {{ ledger_at_rate('line.expected_in_month', 'conversion.rate_cc') }} as expected_in_month_cc,
    {{ as_money('line.expected - line.expected_on_terms_before') }} as catch_up_tc,
    line.loss_provision_tc,
    {{ ledger_at_rate('line.loss_provision_tc', 'conversion.rate_fc') }} as loss_provision_fc,
    {{ ledger_at_rate('line.loss_provision_tc', 'conversion.rate_rc') }} as loss_provision_rc,
    {{ ledger_at_rate('line.loss_provision_tc', 'conversion.rate_cc') }} as loss_provision_cc,
    {{ as_text("case
        when line.expected is null and line.cost is null then 'COST_UNKNOWN'
        when line.expected is null then 'NO_ESTIMATE'
        when line.standing <> 'OPEN' then 'ENDED'
        when line.is_estimate_passed then 'ESTIMATE_PASSED'
        when line.loss_provision > 0 then 'LOSS'
        when line.is_beyond_cap then 'BEYOND_CAP'
        else 'FINE'
    end") }} as finding
from by_month as line
cross join first_month
left join conversion
    on
        line.currency_code = conversion.from_currency
        and line.functional_currency = conversion.functional_currency
        and line.as_of = conversion.rate_date
where line.as_of >= first_month.first_month
