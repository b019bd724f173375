{#- What every table of the handoff counts of its cases, by the state they are in. -#}
{% macro handoff_counts() -%}
    count(case when handoff.state = 'COMPLETED' then 1 end) as completed,
        count(case when handoff.state = 'OPEN' then 1 end) as open_count,
        count(case when handoff.state = 'NEGATIVE' then 1 end) as negative,
        median(case when handoff.state = 'COMPLETED' then cast(handoff.lag as decimal(18, 4)) end)
            as median_lag,
        percentile_cont(0.9) within group (order by case
            when handoff.state = 'COMPLETED' then handoff.lag
            when handoff.state = 'OPEN' then handoff.open_age
        end) as p90_lag,
        count(case when handoff.state = 'COMPLETED' and handoff.is_breached then 1 end) as breached_completed,
        count(case when handoff.state = 'OPEN' and handoff.is_breached then 1 end) as breached_open,
        sum(case when handoff.state = 'OPEN' then handoff.amount_rc end) as open_amount_rc,
        count(case when handoff.is_breached and handoff.amount_rc is null then 1 end) as unpriced
{%- endmacro %}
