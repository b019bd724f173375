-- Expenses, one row per version and stretch of knowledge about the project: what they cost on the day they
-- were incurred, and what of them may be billed. Cost belongs to the project, the billable part to its
-- expense line.
with expense as (
    {{ ledger_fact_versions(
        ref('canonical__expense_line'),
        'expense_line_id',
        [
            'project_id', 'resource_id', 'expense_date', 'category', 'incurred_amount',
            'incurred_currency_code',
            'billing_amount', 'billing_currency_code', 'is_billable', 'status', 'submitted_at', 'approved_at',
        ],
    ) }}
),

project as (
    select
        project_id,
        is_client,
        is_linked,
        contract_line_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        functional_currency,
        expense_line_id,
        expense_billing_method,
        expense_legal_entity_id,
        expense_region_id,
        expense_practice_id,
        expense_customer_id,
        expense_functional_currency,
        known_from,
        known_to
    from {{ ref('ledger__project_version') }}
),

worker as (
    select
        source_resource_id,
        resource_id,
        known_from,
        known_to
    from {{ ref('ledger__resource_version') }}
),

conversion as {{ import_conversion() }},

placed as (
    select
        expense.expense_line_id,
        expense.expense_date,
        expense.category,
        expense.status,
        expense.is_billable,
        expense.submitted_at,
        expense.approved_at,
        expense.incurred_amount,
        expense.incurred_currency_code,
        expense.billing_amount,
        expense.billing_currency_code,
        expense.source_system,
        expense.source_instance,
        expense.source_record_id,
        expense.load_id,
        expense.version_number,
        coalesce(project.is_client, false) as is_client,
        expense.status = 'approved' as is_cost,
        coalesce(
            expense.status = 'approved'
            and expense.is_billable
            and expense.approved_at is not null
            and project.expense_line_id <> 'NONE'
            and project.expense_billing_method in ('TM', 'TM_CAPPED', 'EXPENSE'),
            false
        ) as is_wip,
        coalesce(worker.resource_id, concat('UNMAPPED:', expense.resource_id)) as resource_id,
        coalesce(project.legal_entity_id, concat('UNMAPPED:', expense.project_id)) as legal_entity_id,
        coalesce(project.region_id, 'UNMAPPED:NONE') as region_id,
        coalesce(project.practice_id, 'UNMAPPED:NONE') as practice_id,
        coalesce(project.customer_id, concat('UNMAPPED:', expense.project_id)) as customer_id,
        expense.project_id,
        coalesce(project.contract_line_id, 'NONE') as contract_line_id,
        coalesce(project.functional_currency, 'NONE') as functional_currency,
        coalesce(project.expense_line_id, 'NONE') as billed_line_id,
        project.expense_billing_method as billing_method,
        coalesce(project.expense_legal_entity_id, concat('UNMAPPED:', expense.project_id))
            as billed_legal_entity_id,
        coalesce(project.expense_region_id, 'UNMAPPED:NONE') as billed_region_id,
        coalesce(project.expense_practice_id, 'UNMAPPED:NONE') as billed_practice_id,
        coalesce(project.expense_customer_id, concat('UNMAPPED:', expense.project_id)) as billed_customer_id,
        coalesce(project.expense_functional_currency, 'NONE') as billed_functional_currency,
        {{ ledger_interval(['expense', 'project', 'worker'], published=false) }}
    from expense
    left join project
        on expense.project_id = project.project_id and {{ ledger_meets('project', ['expense']) }}
    left join worker
        on
            expense.resource_id = worker.source_resource_id
            and {{ ledger_meets('worker', ['expense', 'project']) }}
),

dated as (
    select
        placed.*,
        case when placed.is_wip then greatest(placed.expense_date, {{ date_of('placed.approved_at') }}) end
            as wip_on,
        case when placed.is_cost then placed.expense_date end as cost_on
    from placed
)

select
    dated.expense_line_id,
    dated.expense_date,
    dated.category,
    dated.status,
    dated.is_billable,
    dated.submitted_at,
    dated.approved_at,
    dated.is_client,
    {{ ledger_dimension_columns('dated') }},
    {{ as_text('dated.resource_id') }} as resource_id,
    dated.is_cost,
    dated.incurred_currency_code as cost_currency_code,
    dated.incurred_amount as cost_tc,
    {{ ledger_at_rate('dated.incurred_amount', 'cost_worth.rate_fc') }} as cost_fc,
    {{ ledger_at_rate('dated.incurred_amount', 'cost_worth.rate_rc') }} as cost_rc,
    {{ ledger_at_rate('dated.incurred_amount', 'cost_worth.rate_cc') }} as cost_cc,
    dated.is_wip,
    dated.wip_on,
    dated.billing_method,
    {{ as_text('dated.billed_line_id') }} as billed_line_id,
    {{ as_text('dated.billed_legal_entity_id') }} as billed_legal_entity_id,
    {{ as_text('dated.billed_region_id') }} as billed_region_id,
    {{ as_text('dated.billed_practice_id') }} as billed_practice_id,
    {{ as_text('dated.billed_customer_id') }} as billed_customer_id,
    {{ as_text('dated.billed_functional_currency') }} as billed_functional_currency,
    dated.billing_currency_code as currency_code,
    dated.billing_amount as value_tc,
    {{ ledger_at_rate('dated.billing_amount', 'value_rate.rate_fc') }} as value_fc,
    {{ ledger_at_rate('dated.billing_amount', 'value_rate.rate_rc') }} as value_rc,
    {{ ledger_at_rate('dated.billing_amount', 'value_rate.rate_cc') }} as value_cc,
    dated.source_system,
    dated.source_instance,
    dated.source_record_id,
    dated.load_id,
    dated.version_number,
    {{ ledger_interval(['dated', 'cost_worth', 'value_rate']) }}
from dated
left join conversion as cost_worth
    on
        dated.incurred_currency_code = cost_worth.from_currency
        and dated.functional_currency = cost_worth.functional_currency
        and dated.cost_on = cost_worth.rate_date
        and {{ ledger_meets('cost_worth', ['dated']) }}
left join conversion as value_rate
    on
        dated.billing_currency_code = value_rate.from_currency
        and dated.billed_functional_currency = value_rate.functional_currency
        and dated.wip_on = value_rate.rate_date
        and {{ ledger_meets('value_rate', ['dated', 'cost_worth']) }}
