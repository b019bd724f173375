-- Instalments of fixed fees, one row per version and stretch of knowledge about the project. An accepted one
-- is work in progress until it is billed.
with milestone as (
    {{ ledger_fact_versions(
        ref('canonical__milestone'),
        'milestone_id',
        ['project_id', 'name', 'amount', 'currency_code', 'status', 'accepted_on', 'is_cancelled'],
    ) }}
),

project as (
    select
        project_id,
        is_linked,
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

conversion as {{ import_conversion() }},

placed as (
    select
        milestone.milestone_id,
        milestone.name,
        milestone.amount,
        milestone.currency_code,
        milestone.status,
        milestone.accepted_on,
        milestone.source_system,
        milestone.source_instance,
        milestone.source_record_id,
        milestone.load_id,
        milestone.version_number,
        project.billing_method,
        coalesce(
            milestone.accepted_on is not null
            and not coalesce(milestone.is_cancelled, false)
            and project.is_linked
            and project.billing_method in ('FIXED_MILESTONE', 'FIXED_POC'),
            false
        ) as is_wip,
        coalesce(project.legal_entity_id, concat('UNMAPPED:', milestone.project_id)) as legal_entity_id,
        coalesce(project.region_id, 'UNMAPPED:NONE') as region_id,
        coalesce(project.practice_id, 'UNMAPPED:NONE') as practice_id,
        coalesce(project.customer_id, concat('UNMAPPED:', milestone.project_id)) as customer_id,
        milestone.project_id,
        coalesce(project.contract_line_id, 'NONE') as contract_line_id,
        coalesce(project.functional_currency, 'NONE') as functional_currency,
        {{ ledger_interval(['milestone', 'project'], published=false) }}
    from milestone
    left join project
        on milestone.project_id = project.project_id and {{ ledger_meets('project', ['milestone']) }}
)

select
    placed.milestone_id,
    placed.name,
    placed.status,
    placed.accepted_on,
    placed.billing_method,
    {{ ledger_dimension_columns('placed') }},
    placed.is_wip,
    placed.accepted_on as wip_on,
    placed.currency_code,
    placed.amount as value_tc,
    {{ ledger_at_rate('placed.amount', 'conversion.rate_fc') }} as value_fc,
    {{ ledger_at_rate('placed.amount', 'conversion.rate_rc') }} as value_rc,
    {{ ledger_at_rate('placed.amount', 'conversion.rate_cc') }} as value_cc,
    placed.source_system,
    placed.source_instance,
    placed.source_record_id,
    placed.load_id,
    placed.version_number,
    {{ ledger_published('placed', 'conversion') }}
from placed
{{ ledger_join_conversion('placed', 'currency_code', 'accepted_on') }}
