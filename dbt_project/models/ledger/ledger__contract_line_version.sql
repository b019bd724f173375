-- What was known, at every instant, of a contract line: its contract, customer, entity, terms and project.
with line as (
    {{ ledger_dimension_versions(
        ref('canonical__contract_line'),
        'contract_line_id',
        ['contract_id', 'billing_method', 'original_value', 'practice_code', 'region_code', 'currency_code'],
    ) }}
),

contract as (
    {{ ledger_dimension_versions(
        ref('canonical__contract'),
        'contract_id',
        ['opportunity_id', 'customer_id', 'legal_entity_id', 'currency_code', 'status', 'signed_on',
        'closed_on'],
        record='contract',
    ) }}
),

legal_entity as (
    {{ ledger_dimension_versions(ref('canonical__legal_entity'), 'legal_entity_id',
        ['functional_currency']) }}
),

project as (
    {{ ledger_dimension_versions(
        ref('canonical__project'),
        'project_id',
        ['contract_line_id', 'expense_line_id', 'is_template'],
        record='project',
    ) }}
),

link as (
    select
        contract_line_id,
        project_id,
        known_from,
        known_to
    from project
    where is_known and not is_template and contract_line_id is not null
    union all
    select
        expense_line_id as contract_line_id,
        project_id,
        known_from,
        known_to
    from project
    where is_known and not is_template and expense_line_id is not null
),

link_boundary as (
    select
        contract_line_id,
        known_from as cut_at
    from link
    union
    select
        contract_line_id,
        known_to as cut_at
    from link
    where known_to < {{ ledger_forever() }}
    union
    select
        contract_line_id,
        {{ ledger_beginning() }} as cut_at
    from link
),

link_stretch as (
    select
        contract_line_id,
        cut_at as known_from,
        coalesce(lead(cut_at) over (partition by contract_line_id order by cut_at), {{ ledger_forever() }})
            as known_to
    from link_boundary
),

-- several projects on one line: its own movements stand under the smallest key
linked_project as (
    select
        link_stretch.contract_line_id,
        link_stretch.known_from,
        link_stretch.known_to,
        min(link.project_id) as project_id
    from link_stretch
    left join link
        on
            link_stretch.contract_line_id = link.contract_line_id
            and link_stretch.known_from >= link.known_from
            and link_stretch.known_from < link.known_to
    group by link_stretch.contract_line_id, link_stretch.known_from, link_stretch.known_to
),

with_contract as (
    select
        line.contract_line_id,
        line.is_known,
        coalesce(contract.is_known, false) as is_contract_known,
        line.contract_id,
        line.billing_method,
        line.original_value,
        line.practice_code,
        line.region_code,
        coalesce(line.currency_code, contract.currency_code) as currency_code,
        contract.opportunity_id,
        contract.customer_id,
        contract.legal_entity_id,
        contract.status,
        contract.signed_on,
        contract.closed_on,
        {{ ledger_common('line', 'contract') }}
    from line
    left join contract
        on line.contract_id = contract.contract_id and {{ ledger_overlap('line', 'contract') }}
),

with_entity as (
    select
        with_contract.contract_line_id,
        with_contract.is_known,
        with_contract.is_contract_known,
        with_contract.contract_id,
        with_contract.billing_method,
        with_contract.original_value,
        with_contract.practice_code,
        with_contract.region_code,
        with_contract.currency_code,
        with_contract.opportunity_id,
        with_contract.customer_id,
        with_contract.legal_entity_id,
        with_contract.status,
        with_contract.signed_on,
        with_contract.closed_on,
        legal_entity.functional_currency,
        {{ ledger_common('with_contract', 'legal_entity') }}
    from with_contract
    left join legal_entity
        on
            with_contract.legal_entity_id = legal_entity.legal_entity_id
            and {{ ledger_overlap('with_contract', 'legal_entity') }}
),

named as (
    select
        with_entity.contract_line_id,
        with_entity.is_known and with_entity.is_contract_known as is_known,
        with_entity.contract_id,
        with_entity.opportunity_id,
        with_entity.billing_method,
        with_entity.original_value,
        with_entity.currency_code,
        with_entity.status,
        with_entity.signed_on,
        with_entity.closed_on,
        coalesce(with_entity.functional_currency, 'NONE') as functional_currency,
        coalesce(with_entity.legal_entity_id, concat('UNMAPPED:', with_entity.contract_line_id))
            as legal_entity_id,
        coalesce(with_entity.customer_id, concat('UNMAPPED:', with_entity.contract_line_id)) as customer_id,
        coalesce(with_entity.practice_code, 'UNMAPPED:NONE') as practice_id,
        coalesce(with_entity.region_code, 'UNMAPPED:NONE') as region_id,
        coalesce(linked_project.project_id, 'NONE') as project_id,
        {{ ledger_common('with_entity', 'linked_project') }}
    from with_entity
    left join linked_project
        on
            with_entity.contract_line_id = linked_project.contract_line_id
            and {{ ledger_overlap('with_entity', 'linked_project') }}
),

merged as (
    {{ ledger_merge_versions(
        'named',
        ['contract_line_id'],
        [
            'is_known', 'contract_id', 'opportunity_id', 'billing_method', 'original_value', 'currency_code',
            'status', 'signed_on', 'closed_on', 'functional_currency', 'legal_entity_id', 'customer_id',
            'practice_id', 'region_id', 'project_id',
        ],
    ) }}
)

select
    contract_line_id,
    is_known,
    contract_id,
    opportunity_id,
    billing_method,
    original_value,
    currency_code,
    status,
    signed_on,
    closed_on,
    cast(functional_currency as {{ type_text() }}) as functional_currency,
    cast(legal_entity_id as {{ type_text() }}) as legal_entity_id,
    cast(customer_id as {{ type_text() }}) as customer_id,
    cast(practice_id as {{ type_text() }}) as practice_id,
    cast(region_id as {{ type_text() }}) as region_id,
    cast(project_id as {{ type_text() }}) as project_id,
    known_from,
    known_to
from merged
