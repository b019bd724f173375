-- Time, one row per version of a day's entry and stretch of knowledge about its project, worker and rates:
-- what it is worth to the customer, and what it costs.
with entry as (
    {{ ledger_fact_versions(
        ref('canonical__time_entry'),
        'time_entry_id',
        [
            'project_id', 'resource_id', 'assignment_id', 'work_date', 'hours', 'is_billable', 'status',
            'billable_amount', 'bill_rate', 'currency_code', 'submitted_at', 'approved_at',
        ],
        record='time_entry',
    ) }}
),

project as (
    select
        project_id,
        is_known,
        is_linked,
        is_client,
        contract_line_id,
        billing_method,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        functional_currency,
        known_from,
        known_to
    from {{ ref('ledger__project_version') }}
),

worker as (
    select
        source_resource_id,
        resource_kind,
        resource_id,
        legal_entity_id,
        region_id,
        practice_id,
        known_from,
        known_to
    from {{ ref('ledger__resource_version') }}
),

cost_rate as (
    select
        resource_id,
        valid_from,
        valid_to,
        rate,
        currency_code,
        known_from,
        known_to
    from {{ ref('ledger__cost_rate_version') }}
),

conversion as {{ import_conversion() }},

placed as (
    select
        entry.time_entry_id,
        entry.resource_id as source_resource_id,
        entry.assignment_id,
        entry.work_date,
        entry.hours,
        entry.is_billable,
        entry.status,
        entry.billable_amount,
        entry.bill_rate,
        entry.currency_code,
        entry.submitted_at,
        entry.approved_at,
        entry.source_system,
        entry.source_instance,
        entry.source_record_id,
        entry.load_id,
        entry.version_number,
        coalesce(project.is_client, false) as is_client,
        project.billing_method,
        -- work in progress: approved, billable, and billed by the hour
        coalesce(
            entry.status = 'approved'
            and entry.is_billable
            and entry.approved_at is not null
            and project.is_linked
            and project.billing_method in ('TM', 'TM_CAPPED', 'EXPENSE'),
            false
        ) as is_wip,
        coalesce(worker.resource_kind, 'unknown') as resource_kind,
        coalesce(worker.resource_id, concat('UNMAPPED:', entry.resource_id)) as resource_id,
        coalesce(worker.legal_entity_id, 'UNMAPPED:NONE') as resource_legal_entity_id,
        coalesce(worker.region_id, 'UNMAPPED:NONE') as resource_region_id,
        coalesce(worker.practice_id, 'UNMAPPED:NONE') as resource_practice_id,
        entry.status in ('approved', 'submitted')
        and coalesce(worker.resource_kind, 'unknown') <> 'contractor' as is_labour,
        cost_rate.rate as cost_rate,
        coalesce(cost_rate.currency_code, project.functional_currency, 'NONE') as cost_currency_code,
        coalesce(project.legal_entity_id, concat('UNMAPPED:', coalesce(entry.project_id, 'NONE')))
            as legal_entity_id,
        coalesce(project.region_id, 'UNMAPPED:NONE') as region_id,
        coalesce(project.practice_id, 'UNMAPPED:NONE') as practice_id,
        coalesce(project.customer_id, concat('UNMAPPED:', coalesce(entry.project_id, 'NONE')))
            as customer_id,
        entry.project_id,
        coalesce(project.contract_line_id, 'NONE') as contract_line_id,
        coalesce(project.functional_currency, 'NONE') as functional_currency,
        {{ ledger_interval(['entry', 'project', 'worker', 'cost_rate'], published=false) }}
    from entry
    left join project
        on entry.project_id = project.project_id and {{ ledger_meets('project', ['entry']) }}
    left join worker
        on
            entry.resource_id = worker.source_resource_id
            and {{ ledger_meets('worker', ['entry', 'project']) }}
    left join cost_rate
        on
            worker.resource_id = cost_rate.resource_id
            and entry.work_date >= cost_rate.valid_from
            and entry.work_date <= cost_rate.valid_to
            and {{ ledger_meets('cost_rate', ['entry', 'project', 'worker']) }}
),

dated as (
    select
        placed.*,
        -- an entry counts as work in progress from the day on which it was both done and approved
        case when placed.is_wip then greatest(placed.work_date, {{ date_of('placed.approved_at') }}) end
            as wip_on,
        case when placed.is_labour then placed.work_date end as cost_on,
        {{ ledger_at_rate('placed.hours', 'placed.cost_rate') }} as cost_tc
    from placed
)

select
    dated.time_entry_id,
    dated.work_date,
    dated.status,
    dated.is_billable,
    dated.hours,
    dated.submitted_at,
    dated.approved_at,
    dated.is_client,
    dated.billing_method,
    {{ ledger_dimension_columns('dated') }},
    dated.source_resource_id,
    dated.assignment_id,
    {{ as_text('dated.resource_kind') }} as resource_kind,
    {{ as_text('dated.resource_id') }} as resource_id,
    {{ as_text('dated.resource_legal_entity_id') }} as resource_legal_entity_id,
    {{ as_text('dated.resource_region_id') }} as resource_region_id,
    {{ as_text('dated.resource_practice_id') }} as resource_practice_id,
    dated.is_wip,
    dated.wip_on,
    dated.currency_code,
    {{ as_rate('dated.bill_rate') }} as bill_rate,
    dated.billable_amount as value_tc,
    {{ ledger_at_rate('dated.billable_amount', 'value_rate.rate_fc') }} as value_fc,
    {{ ledger_at_rate('dated.billable_amount', 'value_rate.rate_rc') }} as value_rc,
    {{ ledger_at_rate('dated.billable_amount', 'value_rate.rate_cc') }} as value_cc,
    dated.is_labour,
    dated.cost_rate,
    {{ as_text('dated.cost_currency_code') }} as cost_currency_code,
    dated.cost_tc,
    {{ ledger_at_rate('dated.cost_tc', 'cost_worth.rate_fc') }} as cost_fc,
    {{ ledger_at_rate('dated.cost_tc', 'cost_worth.rate_rc') }} as cost_rc,
    {{ ledger_at_rate('dated.cost_tc', 'cost_worth.rate_cc') }} as cost_cc,
    dated.source_system,
    dated.source_instance,
    dated.source_record_id,
    dated.load_id,
    dated.version_number,
    {{ ledger_interval(['dated', 'cost_worth', 'value_rate']) }}
from dated
left join conversion as cost_worth
    on
        dated.cost_currency_code = cost_worth.from_currency
        and dated.functional_currency = cost_worth.functional_currency
        and dated.cost_on = cost_worth.rate_date
        and {{ ledger_meets('cost_worth', ['dated']) }}
left join conversion as value_rate
    on
        dated.currency_code = value_rate.from_currency
        and dated.functional_currency = value_rate.functional_currency
        and dated.wip_on = value_rate.rate_date
        and {{ ledger_meets('value_rate', ['dated', 'cost_worth']) }}
