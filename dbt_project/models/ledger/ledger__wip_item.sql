-- What can be work in progress, as the run knew it: approved billable time and expenses of lines billed by
-- what is done, and accepted instalments; the quantity that billing is measured against.
with time_value as (
    select
        time_entry_id,
        wip_on,
        work_date,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        currency_code,
        functional_currency,
        value_tc,
        hours,
        source_record_id
    from {{ ledger_as_known(ref('ledger__time_value')) }} as known
    where is_wip
),

expense_value as (
    select
        expense_line_id,
        wip_on,
        expense_date,
        billed_legal_entity_id,
        billed_region_id,
        billed_practice_id,
        billed_customer_id,
        project_id,
        billed_line_id,
        resource_id,
        currency_code,
        billed_functional_currency,
        value_tc,
        source_record_id
    from {{ ledger_as_known(ref('ledger__expense_value')) }} as known
    where is_wip
),

milestone_value as (
    select
        milestone_id,
        wip_on,
        accepted_on,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        functional_currency,
        value_tc,
        source_record_id
    from {{ ledger_as_known(ref('ledger__milestone_value')) }} as known
    where is_wip
),

item as (
    select
        time_entry_id as item_key,
        'TIME' as source_type,
        wip_on,
        work_date as aged_from,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        resource_id,
        currency_code,
        functional_currency,
        value_tc,
        cast(hours as decimal(18, 8)) as quantity,
        source_record_id
    from time_value
    union all
    select
        expense_line_id as item_key,
        'EXPENSE' as source_type,
        wip_on,
        expense_date as aged_from,
        billed_legal_entity_id as legal_entity_id,
        billed_region_id as region_id,
        billed_practice_id as practice_id,
        billed_customer_id as customer_id,
        project_id,
        billed_line_id as contract_line_id,
        resource_id,
        currency_code,
        billed_functional_currency as functional_currency,
        value_tc,
        cast(1 as decimal(18, 8)) as quantity,
        source_record_id
    from expense_value
    union all
    select
        milestone_id as item_key,
        'MILESTONE' as source_type,
        wip_on,
        accepted_on as aged_from,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        'NONE' as resource_id,
        currency_code,
        functional_currency,
        value_tc,
        cast(1 as decimal(18, 8)) as quantity,
        source_record_id
    from milestone_value
)

select
    item_key,
    {{ as_text('source_type') }} as source_type,
    wip_on,
    aged_from,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    contract_line_id,
    {{ as_text('resource_id') }} as resource_id,
    currency_code,
    functional_currency,
    value_tc,
    quantity,
    source_record_id
from item
-- without a quantity there is nothing to bill by, and without a value nothing to wait for
where wip_on <= {{ run_as_of() }} and quantity <> 0 and value_tc <> 0
