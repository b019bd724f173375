with

mapped as (
    {{ port_rows('project_budget') }}
),

versioned as (
    {{ versions('mapped', 'project_budget_id') }}
)

select
    project_budget_id,
    {{ hash_key('project_budget_id') }} as project_budget_key,
    project_id,
    budget_type,
    amount,
    currency_code,
    status,
    effective_date,
    contract_amendment_id,
    {{ envelope() }}
from versioned
