-- Which exception explains which: customer not validated -> no contract, no project -> work nobody can bill.
-- A chain's root is its first member. A cause in its grace explains only what is itself in its grace.
with

findings as (
    select
        finding.exception_id,
        finding.control_id,
        finding.grain_key,
        finding.outcome,
        finding.risk_object,
        finding.evidence
    from {{ ref('control__finding') }} as finding
    where finding.outcome in ('EXCEPTION', 'PENDING', 'WAIVED')
),

deals as (
    select
        deal.opportunity_id,
        deal.account_id || '|' || coalesce(deal.legal_entity_code, 'NONE') as customer_pair
    from {{ ref('control__deal') }} as deal
    where
        deal.is_won
        and deal.is_contract_required
        and deal.services_amount > 0
        and not (deal.has_contract and deal.has_project)
),

-- rank 1: the customer, by the deals that wait for it; rank 2: the missing contract of the deal
list_causes as (
    select
        deals.opportunity_id,
        findings.exception_id,
        findings.outcome,
        1 as cause_rank
    from findings
    inner join deals
        on
            substr(findings.grain_key, 1, length(deals.customer_pair) + 1)
            = deals.customer_pair || '|'
    where findings.control_id = 'MDM-001'
    union all
    select
        findings.grain_key as opportunity_id,
        findings.exception_id,
        findings.outcome,
        2 as cause_rank
    from findings
    where findings.control_id = 'CRM-ERP-001'
),

list_effects as (
    select
        findings.exception_id,
        findings.outcome,
        substr(findings.risk_object, 6) as opportunity_id,
        case when findings.control_id = 'CRM-ERP-001' then 2 else 3 end as effect_rank
    from findings
    where
        findings.control_id in ('CRM-ERP-001', 'CRM-PSA-001', 'ERP-PSA-001')
        and findings.risk_object like 'deal:%'
),

rank_causes as (
    select
        list_effects.exception_id,
        list_causes.exception_id as root_exception_id,
        row_number() over (
            partition by list_effects.exception_id
            order by list_causes.cause_rank, list_causes.exception_id
        ) as first_cause
    from list_effects
    inner join list_causes
        on
            list_effects.opportunity_id = list_causes.opportunity_id
            and list_effects.effect_rank > list_causes.cause_rank
    where list_causes.outcome = 'EXCEPTION' or list_causes.outcome = list_effects.outcome
)

select
    rank_causes.exception_id,
    rank_causes.root_exception_id
from rank_causes
where rank_causes.first_cause = 1
