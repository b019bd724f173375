with

mapped as (
    {{ port_rows('project', computed=['legal_entity_id']) }}
),

versioned as (
    {{ versions('mapped', 'project_id') }}
),

legal_entities as (
    select * from {{ newest('(' ~ port_rows('legal_entity') ~ ')', 'entity_code', everywhere=true) }}
)

select
    versioned.project_id,
    {{ hash_key('versioned.project_id') }} as project_key,
    versioned.project_number,
    versioned.name,
    versioned.customer_id,
    versioned.opportunity_id,
    versioned.contract_line_id,
    {{ hash_key('versioned.contract_line_id') }} as contract_line_key,
    versioned.expense_line_id,
    versioned.project_manager_id,
    versioned.region_id,
    versioned.practice_id,
    versioned.group_id,
    versioned.service_line_code,
    versioned.billing_method_raw,
    versioned.billing_method,
    versioned.is_billable,
    versioned.is_template,
    versioned.status_raw,
    versioned.status,
    versioned.start_date,
    versioned.end_date,
    versioned.planned_hours,
    versioned.currency_code,
    versioned.legal_entity_code,
    legal_entities.legal_entity_id,
    versioned.cap_amount,
    versioned.budget_revenue,
    versioned.budget_cost,
    versioned.eac_cost,
    versioned.eac_hours,
    versioned.eac_updated_on,
    versioned.source_billed,
    versioned.source_invoiced,
    versioned.source_revenue,
    versioned.created_at,
    versioned.activated_at,
    versioned.closed_at,
    {{ envelope('versioned') }}
from versioned
left join legal_entities on versioned.legal_entity_code = legal_entities.entity_code
