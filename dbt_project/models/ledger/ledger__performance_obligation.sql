-- The backlog of the run's day as remaining performance obligations: of every line what is disclosed and what
-- is left out, and why, by the month in which it is expected to be revenue. The parts of a line add up to its
-- backlog in every currency: running totals are converted, and each part is the difference of two.
with backlog as (
    select
        contract_line_id,
        contract_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        billing_method,
        currency_code,
        functional_currency,
        amount_tc
    from {{ ref('ledger__backlog_position') }}
    where as_of = {{ run_as_of() }} and amount_tc <> 0
),

to_come as (
    select
        contract_line_id,
        month_start,
        {{ known_sum('amount_tc') }} as amount_tc
    from {{ ref('ledger__revenue_to_come') }}
    where basis <> 'PIPELINE'
    group by contract_line_id, month_start
),

contract_line as (
    select
        contract_line_id,
        contract_id,
        effective_from,
        effective_to,
        noncancellable_to,
        -- a contract that can be called off is one until then; least() passes over a null
        least(effective_to, noncancellable_to) as bound_to
    from {{ as_known(ref('canonical__contract_line')) }} as known
    where billing_method is null or billing_method <> 'EXPENSE'
),

election as (
    select
        coalesce({{ run_parameter('rpo_excludes_right_to_invoice') }}, 'true') <> 'false'
            as is_right_to_invoice_left_out,
        coalesce({{ run_parameter('rpo_excludes_one_year_or_less') }}, 'false') = 'true' as is_short_left_out
),

conversion as (
    select
        from_currency,
        functional_currency,
        rate_fc,
        rate_rc,
        rate_cc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
    where rate_date = {{ run_as_of() }}
),

-- of all its lines; unknown where one of them does not say
measure_term as (
    select
        contract_id,
        case when count(*) = count(effective_from) then min(effective_from) end as term_from,
        case when count(*) = count(bound_to) then max(bound_to) end as term_to
    from contract_line
    group by contract_id
),

ask_timing as (
    select
        contract_line_id,
        count(*) = count(amount_tc) as is_timed
    from to_come
    group by contract_line_id
),

judge_line as (
    select
        backlog.*,
        contract_line.effective_to,
        contract_line.noncancellable_to,
        measure_term.term_from,
        measure_term.term_to,
        coalesce(ask_timing.is_timed, false) as is_timed,
        coalesce(
            contract_line.noncancellable_to < contract_line.effective_to
            or (contract_line.noncancellable_to is not null and contract_line.effective_to is null),
            false
        ) as is_cancellable,
        coalesce(backlog.billing_method = 'TM', false) as is_right_to_invoice,
        coalesce(
            measure_term.term_to < {{ date_add_days(
                add_months_start('measure_term.term_from', 12),
                days_between(month_start('measure_term.term_from'), 'measure_term.term_from')
            ) }},
            false
        ) as is_one_year_or_less
    from backlog
    left join contract_line on backlog.contract_line_id = contract_line.contract_line_id
    left join measure_term on backlog.contract_id = measure_term.contract_id
    left join ask_timing on backlog.contract_line_id = ask_timing.contract_line_id
),

dated as (
    select
        to_come.contract_line_id,
        to_come.month_start,
        to_come.amount_tc,
        judge_line.is_cancellable,
        judge_line.noncancellable_to,
        greatest(to_come.month_start, {{ date_add_days(run_as_of(), 1) }}) as first_day,
        least({{ month_end('to_come.month_start') }}, judge_line.effective_to) as last_day
    from to_come
    inner join judge_line on to_come.contract_line_id = judge_line.contract_line_id
    where judge_line.is_timed
),

-- up to the last day on which the customer is bound, a month by its days; what has no month binds nobody
bind as (
    select
        contract_line_id,
        month_start,
        amount_tc,
        case
            when not is_cancellable then amount_tc
            when month_start is null or noncancellable_to < first_day then 0
            when noncancellable_to >= last_day then amount_tc
            else
                {{ mul_div(
                    'amount_tc',
                    '(' ~ days_between('first_day', 'noncancellable_to') ~ ' + 1)',
                    '(' ~ days_between('first_day', 'last_day') ~ ' + 1)',
                ) }}
        end as binding_tc
    from dated
),

part as (
    select
        contract_line_id,
        month_start,
        false as is_called_off,
        binding_tc as amount_tc
    from bind
    where binding_tc <> 0
    union all
    select
        contract_line_id,
        month_start,
        true as is_called_off,
        amount_tc - binding_tc as amount_tc
    from bind
    where amount_tc <> binding_tc
    union all
    -- nobody knows when: then it is known only whether all of it binds
    select
        contract_line_id,
        {{ null_date() }} as month_start,
        false as is_called_off,
        case when not is_cancellable then amount_tc end as amount_tc
    from judge_line
    where not is_timed
),

reach as (
    select
        part.contract_line_id,
        part.month_start,
        part.is_called_off,
        part.amount_tc,
        sum(part.amount_tc) over (
            partition by part.contract_line_id
            order by coalesce(part.month_start, cast('9999-12-31' as date)), part.is_called_off
            rows between unbounded preceding and current row
        ) as reached_tc
    from part
),

place as (
    select
        reach.contract_line_id,
        reach.month_start,
        reach.is_called_off,
        reach.amount_tc,
        judge_line.contract_id,
        judge_line.legal_entity_id,
        judge_line.region_id,
        judge_line.practice_id,
        judge_line.customer_id,
        judge_line.project_id,
        judge_line.billing_method,
        judge_line.currency_code,
        judge_line.functional_currency,
        judge_line.term_from,
        judge_line.term_to,
        judge_line.noncancellable_to,
        judge_line.is_timed,
        judge_line.is_cancellable,
        judge_line.is_right_to_invoice,
        judge_line.is_one_year_or_less,
        {{ ledger_at_rate('reach.reached_tc', 'conversion.rate_fc') }} as reached_fc,
        {{ ledger_at_rate('reach.reached_tc', 'conversion.rate_rc') }} as reached_rc,
        {{ ledger_at_rate('reach.reached_tc', 'conversion.rate_cc') }} as reached_cc
    from reach
    inner join judge_line on reach.contract_line_id = judge_line.contract_line_id
    left join conversion
        on
            judge_line.currency_code = conversion.from_currency
            and judge_line.functional_currency = conversion.functional_currency
),

part_converted as (
    select
        place.*,
        place.reached_fc - coalesce(lag(place.reached_fc) over in_order, 0) as amount_fc,
        place.reached_rc - coalesce(lag(place.reached_rc) over in_order, 0) as amount_rc,
        place.reached_cc - coalesce(lag(place.reached_cc) over in_order, 0) as amount_cc
    from place
    window in_order as (
        partition by place.contract_line_id
        order by coalesce(place.month_start, cast('9999-12-31' as date)), place.is_called_off
    )
)

select
    part_converted.contract_line_id,
    part_converted.month_start,
    {{ as_text("case
        when part_converted.is_called_off then 'CANCELLABLE'
        when part_converted.is_right_to_invoice and election.is_right_to_invoice_left_out
            then 'RIGHT_TO_INVOICE'
        when part_converted.is_one_year_or_less and election.is_short_left_out then 'ONE_YEAR_OR_LESS'
        else 'DISCLOSED'
    end") }} as treatment,
    {{ as_text("case
        when not part_converted.is_timed then 'UNKNOWN'
        when part_converted.month_start is null then 'NO_DATE'
        when part_converted.month_start < " ~ add_months_start(date_add_days(run_as_of(), 1), 12)
            ~ " then '1-12'
        when part_converted.month_start < " ~ add_months_start(date_add_days(run_as_of(), 1), 24)
            ~ " then '13-24'
        when part_converted.month_start < " ~ add_months_start(date_add_days(run_as_of(), 1), 36)
            ~ " then '25-36'
        else '>36'
    end") }} as time_band,
    part_converted.contract_id,
    part_converted.legal_entity_id,
    part_converted.region_id,
    part_converted.practice_id,
    part_converted.customer_id,
    part_converted.project_id,
    part_converted.billing_method,
    part_converted.term_from,
    part_converted.term_to,
    part_converted.noncancellable_to,
    part_converted.is_cancellable,
    part_converted.is_right_to_invoice,
    part_converted.is_one_year_or_less,
    part_converted.currency_code,
    part_converted.functional_currency,
    cast(part_converted.amount_tc as decimal(28, 4)) as amount_tc,
    cast(part_converted.amount_fc as decimal(19, 4)) as amount_fc,
    cast(part_converted.amount_rc as decimal(19, 4)) as amount_rc,
    cast(part_converted.amount_cc as decimal(19, 4)) as amount_cc
from part_converted
cross join election
