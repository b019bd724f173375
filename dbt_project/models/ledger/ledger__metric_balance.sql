-- Balances at every date a run answers for, at the grain at which they are converted: backlog and work in
-- progress per line, project and currency; receivables per document and payment; what is earned and not
-- billed, or billed and not earned, per contract line. Converted at the rate of the date itself, but for what
-- was billed ahead in another currency, which keeps the rates it was billed at.
with as_of_date as (
    select as_of from {{ ref('ledger__as_of_date') }}
),

conversion as (
    select
        from_currency,
        functional_currency,
        rate_date,
        rate_fc,
        rate_rc,
        rate_cc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as conversion_version
),

backlog as (
    {%- for metric_id, amount in [
        ('total_backlog', 'amount_tc'),
        ('scheduled_backlog', 'scheduled_tc'),
        ('soft_backlog', 'soft_scheduled_tc'),
        ('unscheduled_backlog', 'unscheduled_tc'),
        ('funded_backlog', 'funded_tc'),
        ('stalled_backlog', 'stalled_tc'),
        ('unbilled_backlog', 'unbilled_tc'),
    ] %}
        select
            '{{ metric_id }}' as metric_id,
            as_of,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            project_id,
            contract_line_id,
            contract_line_id as record_id,
            currency_code,
            functional_currency,
            {{ amount }} as amount_tc
        from {{ ref('ledger__backlog_position') }}
        where {{ amount }} <> 0 or {{ amount }} is null
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

wip as (
    select
        'wip_operational' as metric_id,
        as_of_date.as_of,
        wip_position.legal_entity_id,
        wip_position.region_id,
        wip_position.practice_id,
        wip_position.customer_id,
        wip_position.project_id,
        wip_position.contract_line_id,
        wip_position.project_id as record_id,
        wip_position.currency_code,
        wip_position.functional_currency,
        sum(wip_position.amount_tc) as amount_tc
    from {{ ref('ledger__wip_position') }} as wip_position
    inner join as_of_date
        on
            wip_position.position_from <= as_of_date.as_of
            and (wip_position.position_to is null or wip_position.position_to > as_of_date.as_of)
    where wip_position.amount_tc <> 0
    group by
        as_of_date.as_of, wip_position.legal_entity_id, wip_position.region_id, wip_position.practice_id,
        wip_position.customer_id, wip_position.project_id, wip_position.contract_line_id,
        wip_position.currency_code, wip_position.functional_currency
    having sum(wip_position.amount_tc) <> 0
),

position as (
    select
        as_of,
        invoice_id,
        is_credit,
        days_past_due,
        legal_entity_id,
        customer_id,
        currency_code,
        functional_currency,
        amount_tc
    from {{ ref('ledger__receivable_position') }}
),

-- each document converts on its own
receivable as (
    {%- for metric_id, amount, condition in [
        ('ar_gross', 'amount_tc', none),
        (
            'ar_overdue',
            'case when days_past_due is not null then amount_tc end',
            'not is_credit and (days_past_due is null or days_past_due > 0)',
        ),
    ] %}
        select
            '{{ metric_id }}' as metric_id,
            as_of,
            legal_entity_id,
            'NONE' as region_id,
            'NONE' as practice_id,
            customer_id,
            'NONE' as project_id,
            'NONE' as contract_line_id,
            invoice_id as record_id,
            currency_code,
            functional_currency,
            {{ amount }} as amount_tc
        from position
        {%- if condition %}
            where {{ condition }}
        {%- endif %}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

received as (
    select
        customer_payment_id,
        payment_date as business_date,
        legal_entity_id,
        customer_id,
        currency_code,
        functional_currency,
        amount_tc
    from {{ ledger_as_known(ref('ledger__receipt_value')) }} as receipt_value
    where is_received and payment_date <= {{ run_as_of() }}
),

-- what was applied leaves the payment, under whatever document it went to
applied as (
    select
        received.customer_payment_id,
        greatest(cash_value.applied_date, received.business_date) as business_date,
        received.legal_entity_id,
        received.customer_id,
        received.currency_code,
        received.functional_currency,
        cash_value.amount_tc
    from {{ ledger_as_known(ref('ledger__cash_value')) }} as cash_value
    inner join received on cash_value.customer_payment_id = received.customer_payment_id
    where cash_value.movement_type = 'collected' and cash_value.applied_date <= {{ run_as_of() }}
),

-- each payment converts on its own
unapplied as (
    select
        'unapplied_cash' as metric_id,
        as_of_date.as_of,
        moved.legal_entity_id,
        'NONE' as region_id,
        'NONE' as practice_id,
        moved.customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        moved.customer_payment_id as record_id,
        moved.currency_code,
        moved.functional_currency,
        sum(moved.amount_tc) as amount_tc
    from (
        select * from received
        union all
        select * from applied
    ) as moved
    inner join as_of_date on moved.business_date <= as_of_date.as_of
    group by
        as_of_date.as_of, moved.legal_entity_id, moved.customer_id, moved.customer_payment_id,
        moved.currency_code, moved.functional_currency
    having sum(moved.amount_tc) <> 0
),

contract_position as (
    {%- for metric_id, amount in [
        ('unbilled_receivable', 'unbilled_receivable_tc'),
        ('contract_asset', 'contract_asset_tc'),
        ('contract_liability', 'contract_liability_tc'),
        ('net_contract_position', 'position_tc'),
    ] %}
        select
            '{{ metric_id }}' as metric_id,
            as_of,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            project_id,
            contract_line_id,
            record_id,
            currency_code,
            functional_currency,
            {{ amount }} as amount_tc,
            -- the whole of the position, on its side, or a part of a position that is an asset
            case {{ amount }} when position_tc then 1 when -position_tc then -1 end as side,
            position_fc,
            position_rc,
            position_cc
        from {{ ref('ledger__contract_position') }}
        where {{ amount }} <> 0
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

pipeline as (
    {%- for metric_id, amount, condition in [
        ('open_pipeline', 'amount_tc', 'true'),
        ('qualified_pipeline', 'amount_tc', 'not is_stale'),
        ('weighted_pipeline', 'weighted_tc', 'not is_stale'),
        ('pipeline_this_quarter', 'amount_tc', 'is_this_quarter'),
    ] %}
        select
            '{{ metric_id }}' as metric_id,
            as_of,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            'NONE' as project_id,
            'NONE' as contract_line_id,
            opportunity_id as record_id,
            currency_code,
            functional_currency,
            {{ amount }} as amount_tc
        from {{ ref('ledger__pipeline_position') }}
        where {{ condition }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- of the run's own day: nobody knows any more what an earlier day expected
to_come as (
    {%- for metric_id, condition in [
        ('revenue_to_come', 'month_start < ' ~ add_months_start(year_start(run_as_of()), 12)),
        (
            'backlog_next_12m',
            "basis <> 'PIPELINE' and month_start < "
            ~ add_months_start(date_add_days(run_as_of(), 1), 12),
        ),
    ] %}
        select
            '{{ metric_id }}' as metric_id,
            {{ run_as_of() }} as as_of,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            project_id,
            contract_line_id,
            record_id,
            currency_code,
            functional_currency,
            {{ known_sum('amount_tc') }} as amount_tc,
            {{ known_sum('amount_fc') }} as amount_fc,
            {{ known_sum('amount_rc') }} as amount_rc,
            {{ known_sum('amount_cc') }} as amount_cc
        from {{ ref('ledger__revenue_to_come') }}
        where {{ condition }}
        group by
            legal_entity_id, region_id, practice_id, customer_id, project_id, contract_line_id, record_id,
            currency_code, functional_currency
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- of what nobody can date, nobody knows whether it comes within the year
obligation as (
    {%- for metric_id, condition, known in [
        ('remaining_performance_obligation', 'true', 'true'),
        ('rpo_next_12m', "time_band in ('1-12', 'UNKNOWN')", "time_band <> 'UNKNOWN'"),
    ] %}
        select
            '{{ metric_id }}' as metric_id,
            {{ run_as_of() }} as as_of,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            project_id,
            contract_line_id,
            contract_line_id as record_id,
            currency_code,
            functional_currency,
            {{ known_sum('case when ' ~ known ~ ' then amount_tc end') }} as amount_tc,
            {{ known_sum('case when ' ~ known ~ ' then amount_fc end') }} as amount_fc,
            {{ known_sum('case when ' ~ known ~ ' then amount_rc end') }} as amount_rc,
            {{ known_sum('case when ' ~ known ~ ' then amount_cc end') }} as amount_cc
        from {{ ref('ledger__performance_obligation') }}
        where treatment = 'DISCLOSED' and {{ condition }}
        group by
            legal_entity_id, region_id, practice_id, customer_id, project_id, contract_line_id, currency_code,
            functional_currency
        {{ 'union all' if not loop.last }}
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
        functional_currency,
        amount_tc
    from backlog
    union all
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
        functional_currency,
        amount_tc
    from wip
    union all
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
        functional_currency,
        amount_tc
    from receivable
    union all
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
        functional_currency,
        amount_tc
    from unapplied
    union all
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
        functional_currency,
        amount_tc
    from pipeline
),

converted as (
    select
        balance.metric_id,
        balance.as_of,
        balance.legal_entity_id,
        balance.region_id,
        balance.practice_id,
        balance.customer_id,
        balance.project_id,
        balance.contract_line_id,
        balance.record_id,
        balance.currency_code,
        balance.functional_currency,
        balance.amount_tc,
        {{ ledger_at_rate('balance.amount_tc', 'conversion.rate_fc') }} as amount_fc,
        {{ ledger_at_rate('balance.amount_tc', 'conversion.rate_rc') }} as amount_rc,
        {{ ledger_at_rate('balance.amount_tc', 'conversion.rate_cc') }} as amount_cc
    from balance
    left join conversion
        on
            balance.currency_code = conversion.from_currency
            and balance.functional_currency = conversion.functional_currency
            and balance.as_of = conversion.rate_date
    union all
    select
        contract_position.metric_id,
        contract_position.as_of,
        contract_position.legal_entity_id,
        contract_position.region_id,
        contract_position.practice_id,
        contract_position.customer_id,
        contract_position.project_id,
        contract_position.contract_line_id,
        contract_position.record_id,
        contract_position.currency_code,
        contract_position.functional_currency,
        contract_position.amount_tc,
        case
            when contract_position.side is null
                then {{ ledger_at_rate('contract_position.amount_tc', 'conversion.rate_fc') }}
            else contract_position.side * contract_position.position_fc
        end as amount_fc,
        case
            when contract_position.side is null
                then {{ ledger_at_rate('contract_position.amount_tc', 'conversion.rate_rc') }}
            else contract_position.side * contract_position.position_rc
        end as amount_rc,
        case
            when contract_position.side is null
                then {{ ledger_at_rate('contract_position.amount_tc', 'conversion.rate_cc') }}
            else contract_position.side * contract_position.position_cc
        end as amount_cc
    from contract_position
    left join conversion
        on
            contract_position.currency_code = conversion.from_currency
            and contract_position.functional_currency = conversion.functional_currency
            and contract_position.as_of = conversion.rate_date
    union all
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
        functional_currency,
        amount_tc,
        amount_fc,
        amount_rc,
        amount_cc
    from to_come
    union all
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
        functional_currency,
        amount_tc,
        amount_fc,
        amount_rc,
        amount_cc
    from obligation
)

select
    {{ as_text('metric_id') }} as metric_id,
    as_of,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    contract_line_id,
    record_id,
    currency_code,
    functional_currency,
    {{ as_money('amount_tc') }} as amount_tc,
    cast(amount_fc as decimal(19, 4)) as amount_fc,
    cast(amount_rc as decimal(19, 4)) as amount_rc,
    cast(amount_cc as decimal(19, 4)) as amount_cc
from converted
