{#
    What the roll-forwards of balances share: from flows per date and place to opening + movements = closing, in
    the line's own currency and in the reporting currency. A roll-forward itself says only what flows.
#}

{#
    An amount at a rate; nothing is nothing whether or not anybody knows the rate. The amount is narrowed before, so
    that the product has no more than 38 digits: Spark would round it to six decimals first, and then to four.
#}
{% macro roll_forward_at_rate(amount, rate) -%}
    case when {{ amount }} = 0 then 0 else round({{ as_money(amount) }} * {{ as_fx(rate) }}, 4) end
{%- endmacro %}

{# The dates a roll-forward closes on: as_of, the date before (opened_on) and the first day that flows into it. #}
{% macro roll_forward_dates() -%}
    (
        select
            as_of,
            lag(as_of) over (order by as_of) as opened_on,
            -- what came before the firm's first month flows into it
            case
                when row_number() over (order by as_of) = 1 then cast('1900-01-01' as date)
                else month_start
            end as first_day
        from {{ ref('ledger__as_of_date') }}
    )
{%- endmacro %}

{# Rates into the reporting currency as known to the run: from_currency, rate_date, rate_rc. #}
{% macro roll_forward_rates() -%}
    (
        select
            from_currency,
            rate_date,
            rate_rc
        from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
        where functional_currency = 'NONE'
    )
{%- endmacro %}

{#
    Lays the flows between opening and closing balance and selects the roll-forward. Needs the CTEs `as_of_date`
    (roll_forward_dates), `conversion` (roll_forward_rates) and `flow`: as_of, the columns of ledger_same_place and,
    per movement, its amount with the sign with which it moves the balance, as {movement} and {movement}_rc (null
    where it has no rate). What rests on an unknown amount in the reporting currency is null, never 0.

    metric_id   the metric whose balance opens and closes; it is computed apart from the movements
    movements   the movements in the order in which they are shown
    record      name of one more column, for a balance whose records convert each on its own: their sum at the
                rate of the date is then not what they add up to
    historic    whether the balance keeps the rates it came in at: what the rates of the dates do to it is then
                told by the balance alone
#}
{% macro roll_forward(metric_id, movements, record=none, historic=false) -%}
{%- set columns = [
    'legal_entity_id', 'region_id', 'practice_id', 'customer_id', 'project_id', 'contract_line_id',
] -%}
{%- set own = [record] if record else [] -%}
{%- set place = columns + own -%}
balance as (
    select
        as_of,
        {{ (columns + (['record_id as ' ~ record] if record else [])) | join(',\n        ') }},
        currency_code,
        sum(amount_tc) as amount_tc,
        {{ known_sum('amount_rc') }} as amount_rc
    from {{ ref('ledger__metric_balance') }}
    where metric_id = '{{ metric_id }}'
    group by as_of, {{ (columns + (['record_id'] if record else [])) | join(', ') }}, currency_code
),

member as (
    select distinct
        {{ place | join(',\n        ') }},
        currency_code
    from flow
),

period as (
    select
        as_of_date.as_of,
        {% for column in place -%}
        member.{{ column }},
        {% endfor -%}
        member.currency_code,
        coalesce(opening.amount_tc, 0) as opening,
        coalesce(closing.amount_tc, 0) as closing,
        case when opening.as_of is null then 0 else opening.amount_rc end as opening_rc,
        case when closing.as_of is null then 0 else closing.amount_rc end as closing_rc,
        conversion.rate_rc,
        {% for movement in movements -%}
        coalesce(flow.{{ movement }}, 0) as {{ movement }},
        case when flow.as_of is null then 0 else flow.{{ movement }}_rc end as {{ movement }}_rc,
        {% endfor -%}
        opening.amount_tc is not null or closing.amount_tc is not null or flow.as_of is not null as is_shown
    from member
    cross join as_of_date
    left join flow
        on
            as_of_date.as_of = flow.as_of
            and {{ ledger_same_place('member', 'flow', own) }}
    left join balance as opening
        on
            as_of_date.opened_on = opening.as_of
            and {{ ledger_same_place('member', 'opening', own) }}
    left join balance as closing
        on
            as_of_date.as_of = closing.as_of
            and {{ ledger_same_place('member', 'closing', own) }}
    left join conversion
        on member.currency_code = conversion.from_currency and as_of_date.as_of = conversion.rate_date
),

viewed as (
    select
        as_of,
        {{ place | join(',\n        ') }},
        'TC' as currency_view,
        currency_code,
        currency_code as line_currency_code,
        opening,
        {% for movement in movements -%}
        {{ movement }},
        {% endfor -%}
        cast(0 as decimal(28, 4)) as fx_translation,
        closing
    from period
    where is_shown
    union all
    select
        as_of,
        {{ place | join(',\n        ') }},
        'RC' as currency_view,
        {{ run_reporting_currency() }} as currency_code,
        currency_code as line_currency_code,
        opening_rc as opening,
        {% for movement in movements -%}
        {{ movement }}_rc as {{ movement }},
        {% endfor -%}
        {% if historic -%}
        -- what the rates did: what its own worth leaves of the movements, which foot in the line's currency
        cast(closing_rc - (opening_rc + {{ movements | join('_rc + ') }}_rc) as decimal(28, 4))
            as fx_translation,
        {% else -%}
        -- what the rates did: the period's balance at its closing rate, less what came in at other rates
        cast(
            {{ roll_forward_at_rate('(opening + ' ~ movements | join(' + ') ~ ')', 'rate_rc') }}
            - (opening_rc + {{ movements | join('_rc + ') }}_rc)
            as decimal(28, 4)
        ) as fx_translation,
        {% endif -%}
        closing_rc as closing
    from period
    where is_shown
)

select
    as_of,
    {{ month_start('as_of') }} as month_start,
    {{ place | join(',\n    ') }},
    {{ as_text('line_currency_code') }} as line_currency_code,
    {{ as_text('currency_view') }} as currency_view,
    {{ as_text('currency_code') }} as currency_code,
    cast(opening as decimal(28, 4)) as opening,
    {% for movement in movements -%}
    cast({{ movement }} as decimal(28, 4)) as {{ movement }},
    {% endfor -%}
    fx_translation,
    cast(closing as decimal(28, 4)) as closing,
    cast(
        closing - (opening + {{ movements | join(' + ') }} + fx_translation) as decimal(28, 4)
    ) as unexplained
from viewed
{%- endmacro %}
