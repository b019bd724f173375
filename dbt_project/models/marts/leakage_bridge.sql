-- From what a month's work for clients is worth at list rates to the cash it brought, line by line, as far as
-- the run's own day knows: work billed by the hour, by project and role.
select
    month_start,
    worth_on,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    contract_line_id,
    role,
    is_contractor,
    currency_code,
    hours,
    list_rate,
    {%- for view in ['tc', 'rc'] %}
        list_{{ view }},
        discount_{{ view }},
        contract_{{ view }},
        {%- for line, _ in leakage_lines()[1:] if line != 'open' %}
            {{ line }}_{{ view }},
        {%- endfor %}
        billed_{{ view }},
        open_{{ view }},
        cash_{{ view }},
    {%- endfor %}
    leakage_rc
from {{ ref('ledger__work_month') }}
where is_by_hour
