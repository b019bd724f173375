-- Which exception explains which: customer not validated -> event dead-lettered -> no contract, no project
-- -> work nobody can bill; and time whose event never arrived -> its items missing from billing. A chain's
-- root is its first member. A cause in its grace explains only what is itself in its grace.
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

items as (
    select
        item.item_key,
        'project_week:' || item.project_id || '|' || {{ as_text(week_start('item.item_date')) }}
            as week_object
    from {{ ref('control__item') }} as item
    where item.source_type = 'TIME'
),

-- rank 1: the customer, by the deals that wait for it; rank 2: the event that did not arrive; rank 3: the
-- missing contract of the deal
list_causes as (
    select
        'deal:' || deals.opportunity_id as object_key,
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
        findings.risk_object as object_key,
        findings.exception_id,
        findings.outcome,
        2 as cause_rank
    from findings
    where findings.control_id = 'INT-001'
    union all
    select
        'item:' || items.item_key as object_key,
        findings.exception_id,
        findings.outcome,
        2 as cause_rank
    from findings
    inner join items
        on findings.risk_object = items.week_object
    where findings.control_id = 'INT-001'
    union all
    select
        'deal:' || findings.grain_key as object_key,
        findings.exception_id,
        findings.outcome,
        3 as cause_rank
    from findings
    where findings.control_id = 'CRM-ERP-001'
),

list_effects as (
    select
        findings.exception_id,
        findings.outcome,
        findings.risk_object as object_key,
        case findings.control_id
            when 'INT-001' then 2
            when 'CRM-ERP-001' then 3
            else 4
        end as effect_rank
    from findings
    where
        (
            findings.control_id in ('INT-001', 'CRM-ERP-001', 'CRM-PSA-001', 'ERP-PSA-001')
            and findings.risk_object like 'deal:%'
        )
        or (
            findings.control_id = 'PSA-ERP-001'
            and findings.risk_object like 'item:%'
        )
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
            list_effects.object_key = list_causes.object_key
            and list_effects.effect_rank > list_causes.cause_rank
    where list_causes.outcome = 'EXCEPTION' or list_causes.outcome = list_effects.outcome
)

select
    rank_causes.exception_id,
    rank_causes.root_exception_id
from rank_causes
where rank_causes.first_cause = 1
