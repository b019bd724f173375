-- How long each deal stood in each stage, as the run knows it, by the dates of the selling entity. Deals
-- without services are no pipeline of ours.
with opportunity as (
    select
        opportunity_id,
        customer_id,
        services_amount,
        currency_code,
        legal_entity_id,
        legal_entity_code,
        practice_code,
        region_code,
        term_start,
        term_end
    from {{ known_record('opportunity', ref('canonical__opportunity')) }} as known
    where services_amount > 0
),

stage_event as (
    select
        event_id,
        opportunity_id,
        stage,
        probability,
        close_date,
        changed_at
    from {{ as_known(ref('canonical__opportunity_stage_event')) }} as known
),

legal_entity as (
    select
        legal_entity_id,
        functional_currency
    from {{ known_record('legal_entity', ref('canonical__legal_entity')) }} as known
),

account as (
    select
        left_key,
        right_key
    from ({{ ledger_crosswalk('customer', ref('canonical__customer'), 'customer_id') }}) as crosswalk
    where known_from <= {{ run_known_at() }} and known_to > {{ run_known_at() }}
),

zones as {{ import_zones() }},

placed as (
    select
        opportunity.opportunity_id,
        coalesce(
            opportunity.legal_entity_id,
            concat('UNMAPPED:', coalesce(opportunity.legal_entity_code, 'NONE'))
        ) as legal_entity_id,
        coalesce(opportunity.region_code, 'UNMAPPED:NONE') as region_id,
        coalesce(opportunity.practice_code, 'UNMAPPED:NONE') as practice_id,
        coalesce(account.right_key, concat('UNMAPPED:', coalesce(opportunity.customer_id, 'NONE')))
            as customer_id,
        opportunity.currency_code,
        coalesce(legal_entity.functional_currency, 'NONE') as functional_currency,
        opportunity.services_amount,
        opportunity.term_start,
        opportunity.term_end,
        stage_event.event_id,
        stage_event.stage,
        stage_event.probability,
        stage_event.close_date,
        stage_event.changed_at,
        {{ entity_date('stage_event.changed_at') }} as changed_on
    from opportunity
    inner join stage_event on opportunity.opportunity_id = stage_event.opportunity_id
    left join legal_entity on opportunity.legal_entity_id = legal_entity.legal_entity_id
    left join account on opportunity.customer_id = account.left_key
    left join zones on opportunity.legal_entity_id = zones.legal_entity_id
),

-- what is dated after the run's day has not happened yet
happened as (
    select *
    from placed
    where changed_on <= {{ run_as_of() }}
)

select
    {{ as_text('opportunity_id') }} as opportunity_id,
    {{ as_text('event_id') }} as event_id,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('region_id') }} as region_id,
    {{ as_text('practice_id') }} as practice_id,
    {{ as_text('customer_id') }} as customer_id,
    {{ as_text('currency_code') }} as currency_code,
    {{ as_text('functional_currency') }} as functional_currency,
    {{ as_text('stage') }} as stage,
    stage in ('CLOSED_WON', 'CLOSED_LOST') as is_closed,
    probability,
    close_date,
    term_start,
    term_end,
    {{ as_money('services_amount') }} as amount_tc,
    changed_on as spell_from,
    lead(changed_on) over (partition by opportunity_id order by changed_at, event_id) as spell_to
from happened
