-- One row per project as known, without templates, with the dimension its rows carry: the contract line's
-- where it is linked to one that exists, else its own.
with

run as {{ control_run_row() }},

projects as (
    select known.*
    from {{ as_known(ref('canonical__project')) }} as known
    where not known.is_template
),

contract_lines as (
    select line.*
    from {{ ref('control__contract_line') }} as line
),

customer_xref as {{ known_xref('customer') }},

zones as {{ import_zones() }}

select
    projects.project_id,
    projects.name as project_name,
    projects.opportunity_id,
    projects.customer_id as account_id,
    projects.contract_line_id,
    projects.expense_line_id,
    projects.status,
    projects.is_billable,
    projects.billing_method,
    projects.billing_method_raw,
    projects.service_line_code,
    projects.currency_code,
    projects.cap_amount,
    {{ entity_date('projects.created_at') }} as created_on,
    contract_lines.contract_line_id as found_line_id,
    contract_lines.contract_id,
    contract_lines.contract_number,
    contract_lines.contract_status,
    contract_lines.contract_created_on,
    contract_lines.billing_method as line_billing_method,
    contract_lines.currency_code as line_currency_code,
    contract_lines.amended_ceiling,
    contract_lines.last_amended_on,
    contract_lines.share_total,
    contract_lines.share_count,
    expense_lines.contract_line_id as found_expense_line_id,
    expense_lines.billing_method as expense_billing_method,
    coalesce(contract_lines.legal_entity_id, projects.legal_entity_id) as legal_entity_id,
    coalesce(
        contract_lines.customer_id,
        customer_xref.right_key,
        'UNMAPPED:' || projects.customer_id,
        'NONE'
    ) as customer_id
from projects
cross join run
left join zones
    on projects.legal_entity_id = zones.legal_entity_id
left join contract_lines
    on projects.contract_line_id = contract_lines.contract_line_id
left join contract_lines as expense_lines
    on projects.expense_line_id = expense_lines.contract_line_id
left join customer_xref
    on projects.customer_id = customer_xref.left_key
