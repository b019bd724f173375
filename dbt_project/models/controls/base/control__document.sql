-- One row per document as known, with the contract it belongs to, the day on which it was signed, and what
-- it is worth without the tax in it. The contract is the one it names by key, else that of its deal, else
-- the one that bears the number it was filed under or bore it before it was renumbered; of several, the
-- customer's own.
with

run as {{ control_run_row() }},

setting as {{ control_settings(['po_is_contract', 'readable_from'], 'DOC-ERP-001') }},

documents as (
    select known.*
    from {{ as_known(ref('canonical__contract_document')) }} as known
),

contracts as (
    select known.*
    from {{ as_known(ref('canonical__contract')) }} as known
),

amendments as (
    select known.*
    from {{ as_known(ref('canonical__contract_amendment')) }} as known
),

contract_lines as (
    select known.*
    from {{ as_known(ref('canonical__contract_line')) }} as known
),

customers as (
    select known.*
    from {{ as_known(ref('canonical__customer')) }} as known
),

customer_xref as {{ known_xref('customer') }},

zones as {{ import_zones() }},

-- every name under which a customer is known, in whichever system
list_names as (
    select distinct
        customers.normalised_name,
        coalesce(customer_xref.right_key, customers.customer_id) as customer_id
    from customers
    left join customer_xref
        on customers.customer_id = customer_xref.left_key
    where customers.normalised_name is not null
),

name_customers as (
    select
        documents.*,
        coalesce(customer_xref.right_key, documents.customer_id) as golden_customer_id,
        {{ normalised_name('documents.customer_name') }} as normalised_customer_name
    from documents
    left join customer_xref
        on documents.customer_id = customer_xref.left_key
),

list_candidates as (
    select
        name_customers.contract_document_id,
        contracts.contract_id,
        1 as link_rank
    from name_customers
    inner join contracts
        on name_customers.contract_id = contracts.contract_id
    union all
    select
        name_customers.contract_document_id,
        contracts.contract_id,
        case
            when name_customers.match_key in (contracts.contract_number, contracts.former_number) then 2
            else 3
        end as link_rank
    from name_customers
    inner join contracts
        on name_customers.opportunity_id = contracts.opportunity_id
    union all
    select
        name_customers.contract_document_id,
        contract_lines.contract_id,
        3 as link_rank
    from name_customers
    inner join amendments
        on name_customers.opportunity_id = amendments.opportunity_id
    inner join contract_lines
        on amendments.contract_line_id = contract_lines.contract_line_id
    union all
    select
        name_customers.contract_document_id,
        contracts.contract_id,
        4 as link_rank
    from name_customers
    inner join contracts
        on name_customers.match_key = contracts.contract_number
    union all
    select
        name_customers.contract_document_id,
        contracts.contract_id,
        5 as link_rank
    from name_customers
    inner join contracts
        on name_customers.match_key = contracts.former_number
),

rank_candidates as (
    select
        list_candidates.contract_document_id,
        list_candidates.contract_id,
        row_number() over (
            partition by list_candidates.contract_document_id
            order by
                list_candidates.link_rank,
                case when contracts.customer_id = name_customers.golden_customer_id then 0 else 1 end,
                list_candidates.contract_id
        ) as candidate_rank
    from list_candidates
    inner join name_customers
        on list_candidates.contract_document_id = name_customers.contract_document_id
    left join contracts
        on list_candidates.contract_id = contracts.contract_id
),

join_contracts as (
    select
        name_customers.*,
        contracts.contract_id as found_contract_id,
        contracts.customer_id as contract_customer_id,
        coalesce(
            name_customers.signed_on,
            {{ entity_date('name_customers.completed_at') }},
            {{ entity_date('name_customers.updated_at') }}
        ) as signature_day
    from name_customers
    left join rank_candidates
        on
            name_customers.contract_document_id = rank_candidates.contract_document_id
            and rank_candidates.candidate_rank = 1
    left join contracts
        on rank_candidates.contract_id = contracts.contract_id
    left join zones
        on contracts.legal_entity_id = zones.legal_entity_id
),

judge_signatures as (
    select
        join_contracts.*,
        coalesce(
            join_contracts.status = 'FULLY_SIGNED' and join_contracts.signature_day <= run.as_of, false
        ) as is_signed
    from join_contracts
    cross join run
),

list_frameworks as (
    select distinct judge_signatures.golden_customer_id as customer_id
    from judge_signatures
    where
        judge_signatures.document_type = 'MSA'
        and judge_signatures.is_signed
        and judge_signatures.golden_customer_id is not null
)

select
    judge_signatures.contract_document_id,
    judge_signatures.title,
    judge_signatures.document_type,
    judge_signatures.status,
    judge_signatures.match_key,
    judge_signatures.found_contract_id as contract_id,
    judge_signatures.golden_customer_id as customer_id,
    judge_signatures.customer_name,
    judge_signatures.is_signed,
    case when judge_signatures.is_signed then judge_signatures.signature_day end as signed_on,
    judge_signatures.is_retroactive,
    judge_signatures.sent_at,
    judge_signatures.updated_at,
    -- stands for the contract itself: an order form does under a signed master agreement, a customer's
    -- purchase order where the firm's policy says so
    judge_signatures.is_signed
    and (
        judge_signatures.document_type = 'SOW'
        or (judge_signatures.document_type = 'ORDER_FORM' and list_frameworks.customer_id is not null)
        or (judge_signatures.document_type = 'PO' and coalesce(setting.po_is_contract, 0) = 1)
    ) as is_base,
    judge_signatures.document_value is not null
    and judge_signatures.value_basis <> 'NONE' as has_value,
    judge_signatures.value_basis,
    judge_signatures.document_value,
    case
        when judge_signatures.value_basis = 'GROSS'
            then {{ as_money('judge_signatures.document_value - judge_signatures.tax_amount') }}
        when judge_signatures.value_basis in ('NET', 'INCL_EXPENSES') then judge_signatures.document_value
    end as net_value,
    judge_signatures.currency_code,
    judge_signatures.extraction_confidence,
    coalesce(judge_signatures.extraction_confidence >= setting.readable_from, true) as is_readable,
    judge_signatures.file_hash,
    judge_signatures.registered_hash,
    coalesce(judge_signatures.file_hash <> judge_signatures.registered_hash, false) as is_file_replaced,
    judge_signatures.normalised_customer_name is not null
    and list_names.customer_id is null as is_of_another_customer
from judge_signatures
cross join setting
left join list_frameworks
    on
        coalesce(judge_signatures.contract_customer_id, judge_signatures.golden_customer_id)
        = list_frameworks.customer_id
left join list_names
    on
        judge_signatures.normalised_customer_name = list_names.normalised_name
        and judge_signatures.contract_customer_id = list_names.customer_id
