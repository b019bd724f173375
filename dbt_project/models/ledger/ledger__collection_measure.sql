-- How fast receivables turn into cash, in days and as a share, for the firm, its legal entities and customers
-- at every date a run answers for. Everything here is gross of tax and in the reporting currency: receivables
-- at the rate of the date, documents at the rate of their own day.
with as_of_date as (
    select
        as_of,
        month_start
    from {{ ref('ledger__as_of_date') }}
),

balance as (
    select
        metric_id,
        as_of,
        legal_entity_id,
        customer_id,
        amount_rc
    from {{ ref('ledger__metric_balance') }}
    where metric_id in ('ar_gross', 'ar_overdue')
),

document as (
    select
        invoice_date,
        legal_entity_id,
        customer_id,
        amount_rc
    from {{ ledger_as_known(ref('ledger__receivable_value')) }} as receivable_value
    where is_posted and invoice_date <= {{ run_as_of() }}
),

grain as (
    {%- for grain in ['FIRM', 'LEGAL_ENTITY', 'CUSTOMER'] %}
        select '{{ grain }}' as grain
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

held as (
    select
        grain.grain,
        {{ collection_member('balance', 'legal_entity_id', 'LEGAL_ENTITY') }} as legal_entity_id,
        {{ collection_member('balance', 'customer_id', 'CUSTOMER') }} as customer_id,
        balance.as_of,
        {{ known_sum("case when balance.metric_id = 'ar_gross' then balance.amount_rc else 0 end") }}
            as receivable,
        {{ known_sum("case when balance.metric_id = 'ar_overdue' then balance.amount_rc else 0 end") }}
            as overdue
    from balance
    cross join grain
    group by
        grain.grain, {{ collection_member('balance', 'legal_entity_id', 'LEGAL_ENTITY') }},
        {{ collection_member('balance', 'customer_id', 'CUSTOMER') }}, balance.as_of
),

billed_day as (
    select
        grain.grain,
        {{ collection_member('document', 'legal_entity_id', 'LEGAL_ENTITY') }} as legal_entity_id,
        {{ collection_member('document', 'customer_id', 'CUSTOMER') }} as customer_id,
        document.invoice_date,
        coalesce(sum(document.amount_rc), 0) as amount,
        count(*) - count(document.amount_rc) as unconverted
    from document
    cross join grain
    group by
        grain.grain, {{ collection_member('document', 'legal_entity_id', 'LEGAL_ENTITY') }},
        {{ collection_member('document', 'customer_id', 'CUSTOMER') }}, document.invoice_date
),

-- up to each date, so that of its own month only the days that are over count
billed_month as (
    select
        billed_day.grain,
        billed_day.legal_entity_id,
        billed_day.customer_id,
        as_of_date.as_of,
        {{ month_start('billed_day.invoice_date') }} as month_start,
        sum(billed_day.amount) as amount,
        sum(billed_day.unconverted) as unconverted
    from billed_day
    inner join as_of_date on billed_day.invoice_date <= as_of_date.as_of
    group by
        billed_day.grain, billed_day.legal_entity_id, billed_day.customer_id, as_of_date.as_of,
        {{ month_start('billed_day.invoice_date') }}
),

billed_90 as (
    select
        billed_day.grain,
        billed_day.legal_entity_id,
        billed_day.customer_id,
        as_of_date.as_of,
        case when sum(billed_day.unconverted) = 0 then sum(billed_day.amount) end as billed
    from billed_day
    inner join as_of_date
        on
            billed_day.invoice_date <= as_of_date.as_of
            and {{ days_between('billed_day.invoice_date', 'as_of_date.as_of') }} < 90
    group by billed_day.grain, billed_day.legal_entity_id, billed_day.customer_id, as_of_date.as_of
),

-- whoever owes something, or was billed within the 90 days
member as (
    select
        grain,
        legal_entity_id,
        customer_id,
        as_of
    from held
    union
    select
        grain,
        legal_entity_id,
        customer_id,
        as_of
    from billed_90
),

stood as (
    select
        member.grain,
        member.legal_entity_id,
        member.customer_id,
        member.as_of,
        -- nothing open is a balance of 0; an amount without a rate is none
        case when held.as_of is null then 0 else held.receivable end as receivable,
        case when held.as_of is null then 0 else held.overdue end as overdue,
        case when billed_90.as_of is null then 0 else billed_90.billed end as billed
    from member
    left join held on member.as_of = held.as_of and {{ collection_same_member('member', 'held') }}
    left join billed_90
        on member.as_of = billed_90.as_of and {{ collection_same_member('member', 'billed_90') }}
),

ninety as (
    {%- for metric_id, upper in [
        ('dso_balance', 'receivable'),
        ('dso_best_possible', 'receivable - overdue'),
        ('average_days_delinquent', 'overdue'),
    ] %}
        select
            '{{ metric_id }}' as metric_id,
            as_of,
            'POINT' as period_type,
            grain,
            legal_entity_id,
            customer_id,
            cast({{ upper }} as decimal(28, 4)) as numerator,
            cast(billed as decimal(28, 4)) as denominator,
            cast(
                case when billed > 0 then {{ safe_divide('90 * (' ~ upper ~ ')', 'billed') }} end
                as decimal(28, 10)
            ) as value
        from stood
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- from the newest month back: what was billed since the beginning of each month
walked as (
    select
        grain,
        legal_entity_id,
        customer_id,
        as_of,
        month_start,
        amount,
        sum(amount) over (
            partition by grain, legal_entity_id, customer_id, as_of
            order by month_start desc
            rows between unbounded preceding and current row
        ) as billed_through,
        sum(unconverted) over (
            partition by grain, legal_entity_id, customer_id, as_of
            order by month_start desc
            rows between unbounded preceding and current row
        ) as unconverted
    from billed_month
),

-- the first month on the way back whose documents cover what stands open
covering as (
    select
        stood.grain,
        stood.legal_entity_id,
        stood.customer_id,
        stood.as_of,
        max(walked.month_start) as month_start
    from stood
    inner join walked
        on
            stood.as_of = walked.as_of
            and {{ collection_same_member('stood', 'walked') }}
            and stood.receivable <= walked.billed_through
    group by stood.grain, stood.legal_entity_id, stood.customer_id, stood.as_of
),

counted_back as (
    select
        'dso_countback' as metric_id,
        stood.as_of,
        'POINT' as period_type,
        stood.grain,
        stood.legal_entity_id,
        stood.customer_id,
        cast(stood.receivable as decimal(28, 4)) as numerator,
        cast(walked.amount as decimal(28, 4)) as denominator,
        cast(case
            when stood.receivable = 0 then 0
            when stood.receivable > 0 and walked.unconverted = 0
                then {{ collection_countback(
                    'stood.receivable - (walked.billed_through - walked.amount)',
                    'walked.amount',
                    'least(' ~ month_end('walked.month_start') ~ ', stood.as_of)',
                    'walked.month_start',
                    'stood.as_of',
                ) }}
        end as decimal(28, 10)) as value
    from stood
    left join covering on stood.as_of = covering.as_of and {{ collection_same_member('stood', 'covering') }}
    left join walked
        on
            stood.as_of = walked.as_of
            and covering.month_start = walked.month_start
            and {{ collection_same_member('stood', 'walked') }}
),

period as (
    {%- for period_type, months in [('MONTH', 1), ('T3M', 3)] %}
        select
            as_of,
            '{{ period_type }}' as period_type,
            {{ months }} as months,
            {{ ledger_period_start('month_start', period_type) }} as first_month,
            month_start as last_month
        from as_of_date
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

billed_period as (
    select
        billed_month.grain,
        billed_month.legal_entity_id,
        billed_month.customer_id,
        period.as_of,
        period.period_type,
        case when sum(billed_month.unconverted) = 0 then sum(billed_month.amount) end as billed
    from period
    inner join billed_month
        on
            period.as_of = billed_month.as_of
            and period.first_month <= billed_month.month_start
            and period.last_month >= billed_month.month_start
    group by
        billed_month.grain, billed_month.legal_entity_id, billed_month.customer_id, period.as_of,
        period.period_type
),

-- a period that began before the first date the run answers for has no opening balance
opened_period as (
    select
        period.as_of,
        period.period_type,
        period.months,
        before.as_of as opened_on
    from period
    inner join as_of_date as before on {{ date_add_days('period.first_month', -1) }} = before.as_of
),

collectable as (
    select
        opened_period.as_of,
        opened_period.period_type,
        opened_period.months,
        opened_period.opened_on,
        held.grain,
        held.legal_entity_id,
        held.customer_id
    from opened_period
    inner join held on opened_period.opened_on = held.as_of
    union
    select
        opened_period.as_of,
        opened_period.period_type,
        opened_period.months,
        opened_period.opened_on,
        billed_period.grain,
        billed_period.legal_entity_id,
        billed_period.customer_id
    from opened_period
    inner join billed_period
        on
            opened_period.as_of = billed_period.as_of
            and opened_period.period_type = billed_period.period_type
),

collected as (
    select
        collectable.as_of,
        collectable.period_type,
        collectable.grain,
        collectable.legal_entity_id,
        collectable.customer_id,
        -- narrow enough that sums of them keep their decimals on every engine
        cast({{ collection_month('collectable.months', 'billed_period') }} as decimal(24, 10)) as billed,
        cast(case when opening.as_of is null then 0 else opening.receivable end as decimal(24, 4)) as opening,
        cast(case when closing.as_of is null then 0 else closing.receivable end as decimal(24, 4)) as closing,
        cast(
            case when closing.as_of is null then 0 else closing.receivable - closing.overdue end
            as decimal(24, 4)
        ) as closing_current
    from collectable
    left join billed_period
        on
            collectable.as_of = billed_period.as_of
            and collectable.period_type = billed_period.period_type
            and {{ collection_same_member('collectable', 'billed_period') }}
    left join held as opening
        on collectable.opened_on = opening.as_of and {{ collection_same_member('collectable', 'opening') }}
    left join held as closing
        on collectable.as_of = closing.as_of and {{ collection_same_member('collectable', 'closing') }}
),

effectiveness as (
    select
        'collection_effectiveness' as metric_id,
        as_of,
        period_type,
        grain,
        legal_entity_id,
        customer_id,
        cast(opening + billed - closing as decimal(28, 4)) as numerator,
        cast(opening + billed - closing_current as decimal(28, 4)) as denominator,
        cast(case
            when opening + billed - closing_current > 0
                then {{ safe_divide('opening + billed - closing', 'opening + billed - closing_current') }}
        end as decimal(28, 10)) as value
    from collected
),

measure as (
    select * from ninety
    union all
    select * from counted_back
    union all
    select * from effectiveness
)

select
    {{ as_text('metric_id') }} as metric_id,
    as_of,
    {{ as_text('period_type') }} as period_type,
    {{ as_text('grain') }} as grain,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('customer_id') }} as customer_id,
    cast(numerator as decimal(28, 4)) as numerator,
    cast(denominator as decimal(28, 4)) as denominator,
    cast(value as decimal(38, 10)) as value
from measure
