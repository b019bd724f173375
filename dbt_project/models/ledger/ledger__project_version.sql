-- What was known, at every instant, of a project: where its work and its expenses belong. A project linked to
-- a contract line takes the line's place; one without (internal, or not yet linked) its own.
with project as (
    {{ ledger_dimension_versions(
        ref('canonical__project'),
        'project_id',
        [
            'customer_id', 'opportunity_id', 'contract_line_id', 'expense_line_id', 'region_id',
            'practice_id',
            'service_line_code', 'is_billable', 'is_template', 'legal_entity_code', 'legal_entity_id',
        ],
        record='project',
    ) }}
),

line as (
    select
        contract_line_id,
        is_known,
        billing_method,
        functional_currency,
        legal_entity_id,
        customer_id,
        practice_id,
        region_id,
        known_from,
        known_to
    from {{ ref('ledger__contract_line_version') }}
),

org_unit as (
    {{ ledger_dimension_versions(ref('canonical__org_unit'), 'org_unit_id', ['code']) }}
),

legal_entity as (
    {{ ledger_dimension_versions(ref('canonical__legal_entity'), 'legal_entity_id',
        ['functional_currency']) }}
),

account as (
    {{ ledger_crosswalk('customer', ref('canonical__customer'), 'customer_id') }}
),

stretch as (
    {{ ledger_stretches('project', 'project_id', [
        ('line', 'contract_line_id', 'contract_line_id'),
        ('line', 'expense_line_id', 'contract_line_id'),
        ('org_unit', 'region_id', 'org_unit_id'),
        ('org_unit', 'practice_id', 'org_unit_id'),
        ('legal_entity', 'legal_entity_id', 'legal_entity_id'),
        ('account', 'customer_id', 'left_key'),
    ]) }}
),

placed as (
    select
        stretch.project_id,
        stretch.known_from,
        stretch.known_to,
        project.is_known and not project.is_template as is_known,
        project.opportunity_id,
        project.is_billable,
        -- a link to a line the ERP does not have is no link
        coalesce(line.is_known, false) as is_linked,
        coalesce(expense_line.is_known, false) as is_expense_linked,
        case when line.is_known then line.contract_line_id else 'NONE' end as contract_line_id,
        line.billing_method,
        case when line.is_known then line.legal_entity_id end as line_legal_entity_id,
        case when line.is_known then line.customer_id end as line_customer_id,
        case when line.is_known then line.practice_id end as line_practice_id,
        case when line.is_known then line.region_id end as line_region_id,
        case when line.is_known then line.functional_currency end as line_functional_currency,
        case when expense_line.is_known then expense_line.contract_line_id end as expense_line_id,
        expense_line.billing_method as expense_billing_method,
        case when expense_line.is_known then expense_line.legal_entity_id end as expense_legal_entity_id,
        case when expense_line.is_known then expense_line.customer_id end as expense_customer_id,
        case when expense_line.is_known then expense_line.practice_id end as expense_practice_id,
        case when expense_line.is_known then expense_line.region_id end as expense_region_id,
        case when expense_line.is_known then expense_line.functional_currency end
            as expense_functional_currency,
        -- one that is not known yet, or gone, is as one that was never told of
        case
            when not project.is_known then concat('UNMAPPED:', stretch.project_id)
            else coalesce(
                project.legal_entity_id, concat('UNMAPPED:', coalesce(project.legal_entity_code, 'NONE'))
            )
        end as own_legal_entity_id,
        coalesce(legal_entity.functional_currency, 'NONE') as own_functional_currency,
        case
            when not project.is_known then concat('UNMAPPED:', stretch.project_id)
            when project.customer_id is null then 'NONE'
            else coalesce(account.right_key, concat('UNMAPPED:', project.customer_id))
        end as own_customer_id,
        coalesce(
            practice.code,
            project.service_line_code,
            concat('UNMAPPED:', coalesce(project.practice_id, 'NONE'))
        ) as own_practice_id,
        coalesce(region.code, concat('UNMAPPED:', coalesce(project.region_id, 'NONE'))) as own_region_id
    from stretch
    inner join project on stretch.project_id = project.project_id and {{ ledger_when('project') }}
    left join line on project.contract_line_id = line.contract_line_id and {{ ledger_when('line') }}
    left join line as expense_line
        on project.expense_line_id = expense_line.contract_line_id and {{ ledger_when('expense_line') }}
    left join org_unit as region on project.region_id = region.org_unit_id and {{ ledger_when('region') }}
    left join org_unit as practice
        on project.practice_id = practice.org_unit_id and {{ ledger_when('practice') }}
    left join legal_entity
        on project.legal_entity_id = legal_entity.legal_entity_id and {{ ledger_when('legal_entity') }}
    left join account on project.customer_id = account.left_key and {{ ledger_when('account') }}
),

named as (
    select
        project_id,
        coalesce(is_known, false) as is_known,
        opportunity_id,
        is_linked,
        coalesce(is_known and (is_linked or is_billable), false) as is_client,
        contract_line_id,
        billing_method,
        coalesce(line_legal_entity_id, own_legal_entity_id) as legal_entity_id,
        coalesce(line_region_id, own_region_id) as region_id,
        coalesce(line_practice_id, own_practice_id) as practice_id,
        coalesce(line_customer_id, own_customer_id) as customer_id,
        coalesce(line_functional_currency, own_functional_currency) as functional_currency,
        -- expenses are billed on their own line where the contract has one
        coalesce(expense_line_id, contract_line_id) as expense_line_id,
        case when is_expense_linked then expense_billing_method else billing_method end
            as expense_billing_method,
        coalesce(expense_legal_entity_id, line_legal_entity_id, own_legal_entity_id)
            as expense_legal_entity_id,
        coalesce(expense_region_id, line_region_id, own_region_id) as expense_region_id,
        coalesce(expense_practice_id, line_practice_id, own_practice_id) as expense_practice_id,
        coalesce(expense_customer_id, line_customer_id, own_customer_id) as expense_customer_id,
        coalesce(expense_functional_currency, line_functional_currency, own_functional_currency)
            as expense_functional_currency,
        known_from,
        known_to
    from placed
),

merged as (
    {{ ledger_merge_versions(
        'named',
        ['project_id'],
        [
            'is_known', 'opportunity_id', 'is_linked', 'is_client', 'contract_line_id', 'billing_method',
            'legal_entity_id', 'region_id', 'practice_id', 'customer_id', 'functional_currency',
            'expense_line_id',
            'expense_billing_method', 'expense_legal_entity_id', 'expense_region_id', 'expense_practice_id',
            'expense_customer_id', 'expense_functional_currency',
        ],
    ) }}
)

select
    project_id,
    is_known,
    opportunity_id,
    is_linked,
    is_client,
    {{ as_text('contract_line_id') }} as contract_line_id,
    billing_method,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('region_id') }} as region_id,
    {{ as_text('practice_id') }} as practice_id,
    {{ as_text('customer_id') }} as customer_id,
    {{ as_text('functional_currency') }} as functional_currency,
    {{ as_text('expense_line_id') }} as expense_line_id,
    expense_billing_method,
    {{ as_text('expense_legal_entity_id') }} as expense_legal_entity_id,
    {{ as_text('expense_region_id') }} as expense_region_id,
    {{ as_text('expense_practice_id') }} as expense_practice_id,
    {{ as_text('expense_customer_id') }} as expense_customer_id,
    {{ as_text('expense_functional_currency') }} as expense_functional_currency,
    known_from,
    known_to
from merged
