-- The wrong number this would let through: money that leaves the bridge and stands on none of its lines.
-- From list value to cash, and from contract value to what is lost: every line of every month's work, in both
-- currencies, to the last digit.
with line as (
    {%- for view in ['tc', 'rc'] %}
        select
            '{{ view }}' as currency_view,
            month_start,
            project_id,
            role,
            list_{{ view }} - discount_{{ view }} - contract_{{ view }} as at_list,
            contract_{{ view }}
            {%- for line, _ in leakage_lines()[1:] %}
                - {{ line }}_{{ view }}
            {%- endfor %}
            - cash_{{ view }} as left_over,
            {{ 'leakage_rc' if view == 'rc' else '0' }}
            {%- if view == 'rc' %}
                {%- for line, is_lost in leakage_lines() if is_lost %}
                    - {{ line }}_rc
                {%- endfor %}
            {%- endif %} as not_told
        from {{ ref('leakage_bridge') }}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    currency_view,
    month_start,
    project_id,
    role,
    at_list,
    left_over,
    not_told
from line
where at_list <> 0 or left_over <> 0 or not_told <> 0
