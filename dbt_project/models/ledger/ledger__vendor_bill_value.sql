-- What subcontractors billed, one row per version of a bill line and stretch of knowledge about its bill and
-- project.
with bill_line as (
    {{ ledger_fact_versions(
        ref('canonical__vendor_bill_line'),
        'vendor_bill_line_id',
        [
            'vendor_bill_id', 'project_id', 'resource_id', 'quantity', 'net_amount', 'currency_code',
            'period_from',
            'period_to',
        ],
    ) }}
),

bill as (
    {{ ledger_dimension_versions(
        ref('canonical__vendor_bill'), 'vendor_bill_id', ['bill_number', 'bill_date', 'currency_code']
    ) }}
),

project as (
    select
        project_id,
        is_client,
        contract_line_id,
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
        resource_id,
        known_from,
        known_to
    from {{ ref('ledger__resource_version') }}
),

conversion as {{ import_conversion() }},

placed as (
    select
        bill_line.vendor_bill_line_id,
        bill_line.vendor_bill_id,
        bill.bill_number,
        bill.bill_date,
        bill_line.period_from,
        bill_line.period_to,
        bill_line.quantity,
        bill_line.net_amount,
        coalesce(bill_line.currency_code, bill.currency_code) as currency_code,
        bill_line.source_system,
        bill_line.source_instance,
        bill_line.source_record_id,
        bill_line.load_id,
        bill_line.version_number,
        bill_line.resource_id as source_resource_id,
        coalesce(bill.is_known, false) and bill.bill_date is not null as is_cost,
        coalesce(project.is_client, false) as is_client,
        coalesce(worker.resource_id, concat('UNMAPPED:', coalesce(bill_line.resource_id, 'NONE')))
            as resource_id,
        coalesce(project.legal_entity_id, concat('UNMAPPED:', coalesce(bill_line.project_id, 'NONE')))
            as legal_entity_id,
        coalesce(project.region_id, 'UNMAPPED:NONE') as region_id,
        coalesce(project.practice_id, 'UNMAPPED:NONE') as practice_id,
        coalesce(project.customer_id, concat('UNMAPPED:', coalesce(bill_line.project_id, 'NONE')))
            as customer_id,
        coalesce(bill_line.project_id, 'NONE') as project_id,
        coalesce(project.contract_line_id, 'NONE') as contract_line_id,
        coalesce(project.functional_currency, 'NONE') as functional_currency,
        {{ ledger_interval(['bill_line', 'bill', 'project', 'worker'], published=false) }}
    from bill_line
    left join bill
        on bill_line.vendor_bill_id = bill.vendor_bill_id and {{ ledger_meets('bill', ['bill_line']) }}
    left join project
        on bill_line.project_id = project.project_id and {{ ledger_meets('project', ['bill_line', 'bill']) }}
    left join worker
        on
            bill_line.resource_id = worker.source_resource_id
            and {{ ledger_meets('worker', ['bill_line', 'bill', 'project']) }}
)

select
    placed.vendor_bill_line_id,
    placed.vendor_bill_id,
    placed.bill_number,
    placed.bill_date,
    placed.period_from,
    placed.period_to,
    placed.is_cost,
    placed.is_client,
    {{ ledger_dimension_columns('placed') }},
    placed.source_resource_id,
    {{ as_text('placed.resource_id') }} as resource_id,
    placed.quantity,
    placed.currency_code,
    placed.net_amount as amount_tc,
    {{ ledger_at_rate('placed.net_amount', 'conversion.rate_fc') }} as amount_fc,
    {{ ledger_at_rate('placed.net_amount', 'conversion.rate_rc') }} as amount_rc,
    {{ ledger_at_rate('placed.net_amount', 'conversion.rate_cc') }} as amount_cc,
    placed.source_system,
    placed.source_instance,
    placed.source_record_id,
    placed.load_id,
    placed.version_number,
    {{ ledger_published('placed', 'conversion') }}
from placed
{{ ledger_join_conversion('placed', 'currency_code', 'bill_date') }}
