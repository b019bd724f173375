{#-
    What an estimate at completion makes of revenue to date: used where the estimate of a date stands and where one
    estimate takes the place of another.
-#}

{#- Of a fixed fee by progress: what is done of what there is to do of the price, never more than all of it. -#}
{% macro revenue_by_progress(price, excluded, done, to_do) -%}
    case
        when {{ done }} = 0 then {{ excluded }}
        when {{ to_do }} > 0 and {{ done }} >= {{ to_do }} then {{ price }}
        when {{ to_do }} > 0
            then {{ mul_div('(' ~ price ~ ' - ' ~ excluded ~ ')', done, to_do) }} + {{ excluded }}
    end
{%- endmacro %}

{#- Of work under a cap: its own value, or the cap in proportion to hours where all the work will be worth more. -#}
{% macro revenue_under_cap(value, ceiling, eac_value, hours, eac_hours) -%}
    case
        when {{ ceiling }} is not null and {{ eac_value }} > {{ ceiling }}
            then case
                when {{ hours }} >= {{ eac_hours }} then {{ ceiling }}
                else {{ mul_div(ceiling, hours, eac_hours) }}
            end
        when {{ value }} > {{ ceiling }} then {{ ceiling }}
        else {{ value }}
    end
{%- endmacro %}

{#- How revenue of a line is reckoned: by its billing method, a fixed fee by progress by what measures progress. -#}
{% macro reckoned_by(billing_method, revenue_method) -%}
    case
        when {{ billing_method }} <> 'FIXED_POC' then {{ billing_method }}
        when upper({{ revenue_method }}) like '%HOUR%' then 'POC_HOURS'
        else 'POC_COST'
    end
{%- endmacro %}
