-- A code that maps to nothing, or a key whose record is not there. One grain per dataset, column and value;
-- the rows behind a value give its money, each converted and rounded by itself.
{%- set checks = [
    ('project.service_line_code', 'project_rows', 'service_line_code', 'service_line_codes', none),
    ('project.customer_id', 'project_rows', 'account_id', 'account_keys', none),
    ('project.contract_line_id', 'project_rows', 'contract_line_id', 'contract_line_keys', none),
    ('project.billing_method', 'project_rows', 'billing_method_raw', none, 'billing_method'),
    ('time_entry.project_id', 'time_rows', 'project_id', 'project_keys', none),
    ('time_entry.resource_id', 'time_rows', 'resource_id', 'resource_keys', none),
    ('invoice.customer_id', 'invoice_rows', 'customer_id', 'customer_keys', none),
    ('invoice_line.contract_line_id', 'invoice_line_rows', 'contract_line_id', 'contract_line_keys', none),
    ('contract.customer_id', 'contract_rows', 'customer_id', 'customer_keys', none),
    ('opportunity.customer_id', 'opportunity_rows', 'customer_id', 'account_keys', none),
    ('opportunity.billing_method', 'opportunity_rows', 'billing_method_raw', none, 'billing_method'),
] %}
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('MDM-003') }},

calendar as {{ import_calendar() }},

rates as {{ reporting_rates() }},

customers as (
    select known.*
    from {{ as_known(ref('canonical__customer')) }} as known
),

projects as (
    select known.*
    from {{ as_known(ref('canonical__project')) }} as known
),

time_entries as (
    select known.*
    from {{ as_known(ref('canonical__time_entry')) }} as known
    where known.status in ('submitted', 'approved')
),

invoices as (
    select known.*
    from {{ as_known(ref('canonical__invoice')) }} as known
    where
        known.posted_at is not null
        and known.status not in ('draft', 'void')
),

invoice_lines as (
    select known.*
    from {{ as_known(ref('canonical__invoice_line')) }} as known
),

contracts as (
    select known.*
    from {{ as_known(ref('canonical__contract')) }} as known
),

contract_lines as (
    select known.*
    from {{ as_known(ref('canonical__contract_line')) }} as known
),

opportunities as (
    select known.*
    from {{ as_known(ref('canonical__opportunity')) }} as known
),

service_line_codes as (
    select distinct upper(trim(code.source_value)) as found_key
    from {{ ref('master__code') }} as code
    cross join run
    where
        code.code_type = 'service_line'
        and code.valid_from <= run.as_of
        and (code.valid_to is null or code.valid_to >= run.as_of)
),

account_keys as (
    select customers.customer_id as found_key
    from customers
    where customers.source_system = 'salesforce'
),

customer_keys as (
    select customers.customer_id as found_key
    from customers
    where customers.source_system = 'netsuite'
),

project_keys as (
    select projects.project_id as found_key
    from projects
),

resource_keys as (
    select known.resource_id as found_key
    from {{ as_known(ref('canonical__resource')) }} as known
    where known.source_system = 'certinia'
),

contract_line_keys as (
    select contract_lines.contract_line_id as found_key
    from contract_lines
),

convert_time as (
    select
        time_entries.project_id,
        time_entries.resource_id,
        coalesce(cast(time_entries.submitted_at as date), time_entries.work_date) as known_on,
        {{ money('abs(coalesce(time_entries.billable_amount, 0)) * rates.rate') }} as amount_rc
    from time_entries
    left join rates
        on time_entries.currency_code = rates.from_currency
),

time_rows as (
    select
        convert_time.project_id,
        convert_time.resource_id,
        convert_time.known_on,
        projects.legal_entity_id,
        convert_time.amount_rc
    from convert_time
    left join projects
        on convert_time.project_id = projects.project_id
),

sum_project_time as (
    select
        convert_time.project_id,
        sum(convert_time.amount_rc) as amount_rc
    from convert_time
    group by convert_time.project_id
),

project_rows as (
    select
        upper(trim(projects.service_line_code)) as service_line_code,
        projects.customer_id as account_id,
        projects.contract_line_id,
        projects.billing_method_raw,
        projects.billing_method,
        cast(projects.created_at as date) as known_on,
        projects.legal_entity_id,
        case when sum_project_time.project_id is null then 0 else sum_project_time.amount_rc end as amount_rc
    from projects
    left join sum_project_time
        on projects.project_id = sum_project_time.project_id
    where not projects.is_template
),

invoice_rows as (
    select
        invoices.customer_id,
        cast(invoices.posted_at as date) as known_on,
        invoices.legal_entity_id,
        {{ money('abs(coalesce(invoices.net_amount, 0)) * rates.rate') }} as amount_rc
    from invoices
    left join rates
        on invoices.currency_code = rates.from_currency
),

invoice_line_rows as (
    select
        invoice_lines.contract_line_id,
        cast(invoices.posted_at as date) as known_on,
        invoices.legal_entity_id,
        {{ money('abs(coalesce(invoice_lines.net_amount, 0)) * rates.rate') }} as amount_rc
    from invoice_lines
    inner join invoices
        on invoice_lines.invoice_id = invoices.invoice_id
    left join rates
        on invoice_lines.currency_code = rates.from_currency
),

sum_contracts as (
    select
        contract_lines.contract_id,
        {{ as_money('sum(coalesce(contract_lines.original_value, 0))') }} as original_value
    from contract_lines
    group by contract_lines.contract_id
),

contract_rows as (
    select
        contracts.customer_id,
        cast(contracts.created_at as date) as known_on,
        contracts.legal_entity_id,
        {{ money('coalesce(sum_contracts.original_value, 0) * rates.rate') }} as amount_rc
    from contracts
    left join sum_contracts
        on contracts.contract_id = sum_contracts.contract_id
    left join rates
        on contracts.currency_code = rates.from_currency
),

opportunity_rows as (
    select
        opportunities.customer_id,
        opportunities.billing_method_raw,
        opportunities.billing_method,
        cast(opportunities.created_at as date) as known_on,
        opportunities.legal_entity_id,
        {{ money('coalesce(opportunities.services_amount, 0) * rates.rate') }} as amount_rc
    from opportunities
    left join rates
        on opportunities.currency_code = rates.from_currency
),

check_values as (
    {% for dataset_column, rows, value, keys, mapped in checks -%}
        select
            '{{ dataset_column }}' as dataset_column,
            {{ rows }}.{{ value }} as found_value,
            {% if keys -%}
                max(case when {{ keys }}.found_key is null then 1 else 0 end) = 1 as is_broken,
            {% else -%}
                max(case
                    when coalesce({{ rows }}.{{ mapped }}, 'UNMAPPED:') like 'UNMAPPED:%' then 1
                    else 0
                end) = 1 as is_broken,
            {% endif -%}
            min({{ rows }}.known_on) as start_on,
            min({{ rows }}.legal_entity_id) as legal_entity_id,
            count(*) as row_count,
            case when count({{ rows }}.amount_rc) = count(*) then sum({{ rows }}.amount_rc) end as amount_rc
        from {{ rows }}
        {% if keys -%}
            left join {{ keys }}
                on {{ rows }}.{{ value }} = {{ keys }}.found_key
        {% endif -%}
        where coalesce({{ rows }}.{{ value }}, '') <> ''
        group by {{ rows }}.{{ value }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

evaluated as (
    select
        check_values.dataset_column || '|' || check_values.found_value as grain_key,
        check_values.legal_entity_id,
        {{ null_text() }} as customer_id,
        {{ null_text() }} as contract_id,
        {{ null_text() }} as contract_line_id,
        {{ null_text() }} as project_id,
        {{ null_text() }} as period,
        {{ null_text() }} as currency_code,
        cast(null as decimal(19, 4)) as value_a,
        cast(null as decimal(19, 4)) as value_b,
        check_values.is_broken,
        due.calendar_date as becomes_exception_on,
        -- a value's rows are of any currency: their money is told in the reporting currency only
        {{ null_money() }} as amount_tc,
        cast(null as decimal(19, 4)) as population_tc,
        {{ as_money('check_values.amount_rc') }} as amount_rc,
        'code:' || check_values.dataset_column || '|' || check_values.found_value as risk_object,
        'UNMAPPED_REFERENCE' as break_type,
        {{ evidence([
            ('what', sentence([
                "'Value '", 'check_values.found_value', "' of '", 'check_values.dataset_column',
                "' leads nowhere; '", 'check_values.row_count', "' rows carry it'",
            ])),
            ('business_date', 'check_values.start_on'),
            ('document_no', 'check_values.found_value'),
            ('system_a', "'warehouse'"),
            ('dataset_column', 'check_values.dataset_column'),
            ('value_a', 'check_values.found_value'),
            ('row_count', 'check_values.row_count'),
        ]) }} as evidence
    from check_values
    cross join parameter
    {{ join_working_day(
        'due', 'check_values.legal_entity_id', 'check_values.start_on', 'parameter.grace + 1'
    ) }}
),

{{ control_result('MDM-003', amount_rc='evaluated.amount_rc', population_rc='evaluated.amount_rc') }}
