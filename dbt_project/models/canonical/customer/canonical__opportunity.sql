with

mapped as (
    {{ port_rows('opportunity', computed=['legal_entity_id']) }}
),

versioned as (
    {{ versions('mapped', 'opportunity_id') }}
),

legal_entities as (
    select * from {{ newest('(' ~ port_rows('legal_entity') ~ ')', 'entity_code', everywhere=true) }}
)

select
    versioned.opportunity_id,
    {{ hash_key('versioned.opportunity_id') }} as opportunity_key,
    versioned.name,
    versioned.customer_id,
    versioned.stage_raw,
    versioned.stage,
    versioned.amount,
    versioned.services_amount,
    versioned.expense_amount,
    versioned.first_30_days_revenue,
    versioned.currency_code,
    versioned.close_date,
    versioned.probability,
    versioned.is_closed,
    versioned.is_won,
    versioned.owner_id,
    versioned.created_at,
    versioned.opportunity_type,
    versioned.legal_entity_code,
    legal_entities.legal_entity_id,
    versioned.billing_method_raw,
    versioned.billing_method,
    versioned.payment_terms_days,
    versioned.term_start,
    versioned.term_end,
    versioned.planned_start,
    versioned.quote_date,
    versioned.is_contract_required,
    versioned.parent_opportunity_id,
    versioned.practice_code,
    versioned.region_code,
    {{ envelope('versioned') }}
from versioned
left join legal_entities on versioned.legal_entity_code = legal_entities.entity_code
