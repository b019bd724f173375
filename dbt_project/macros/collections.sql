{#- Receivables and what becomes of them: the parts that ledger__collection_measure repeats. -#}

{#- A row's member at the grain: its own id there, ALL elsewhere. Needs the CTE `grain`. -#}
{% macro collection_member(alias, column, grain) -%}
    case when grain.grain = '{{ grain }}' then {{ alias }}.{{ column }} else 'ALL' end
{%- endmacro %}

{% macro collection_same_member(left, right) -%}
    {%- for column in ['grain', 'legal_entity_id', 'customer_id'] %}
            {{ left }}.{{ column }} = {{ right }}.{{ column }}{{ ' and' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#-
    Days counted back: the days after the covering month, and the share of its days that its documents need to cover
    what the later ones left open. `last_day` is the last day of that month that is over.
-#}
{% macro collection_countback(left_open, billed, last_day, first_day, as_of) -%}
    cast({{ days_between(last_day, as_of) }} as decimal(18, 10))
    + cast({{ safe_divide(
        '(' ~ left_open ~ ') * (' ~ days_between(first_day, last_day) ~ ' + 1)', billed
    ) }} as decimal(18, 10))
{%- endmacro %}

{#- What was billed in an average month of the period; 0 where there was nothing. -#}
{% macro collection_month(months, billed_period) -%}
    case
        when {{ billed_period }}.as_of is null then 0
        else {{ safe_divide(billed_period ~ '.billed', months) }}
    end
{%- endmacro %}

{#- Where an open document stands in the ageing; what falls due to nobody, or nobody knows when, stands apart. -#}
{% macro collection_bucket(is_credit, days_past_due) -%}
    case
        when {{ is_credit }} then 'CREDIT'
        when {{ days_past_due }} is null then 'NO_DUE_DATE'
        when {{ days_past_due }} = 0 then 'NOT_DUE'
        when {{ days_past_due }} <= 30 then '1-30'
        when {{ days_past_due }} <= 60 then '31-60'
        when {{ days_past_due }} <= 90 then '61-90'
        when {{ days_past_due }} <= 120 then '91-120'
        else '>120'
    end
{%- endmacro %}

{#- A quarter, half and three quarters of payments came no later than these whole days after their due day. -#}
{% macro lateness(days) -%}
    count(*) as later,
        cast(ceil(percentile_cont(0.25) within group (order by {{ days }})) as integer) as early,
        cast(ceil(percentile_cont(0.5) within group (order by {{ days }})) as integer) as middle,
        cast(ceil(percentile_cont(0.75) within group (order by {{ days }})) as integer) as slow
{%- endmacro %}

{#- Which of the thirteen weeks after `as_of` a day is in, each of seven days; null after them. -#}
{% macro week_ahead(as_of, day) -%}
    cast(case
        when {{ days_between(as_of, day) }} <= 91 then floor(({{ days_between(as_of, day) }} + 6) / 7)
    end as integer)
{%- endmacro %}
