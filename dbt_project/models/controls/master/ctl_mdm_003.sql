-- A code that mapped to nothing on the day of the fact, a key whose record is not there, or an exchange
-- rate that amounts needed and that does not exist. One grain per dataset, column and value (of a rate:
-- its type and pair); the rows that found nothing give its money, each converted and rounded by itself.
-- What lacks the rate into the reporting currency is worth nobody knows what in it, never 1. A row that
-- belongs to no known legal entity has its grace Monday to Friday.
{%- set checks = [
    ('project.service_line_code', 'project_rows', 'service_line_code', 'service_line_codes', none),
    ('project.customer_id', 'project_rows', 'account_id', 'customer_keys', none),
    ('project.contract_line_id', 'project_rows', 'contract_line_id', 'contract_line_keys', none),
    ('project.billing_method', 'project_rows', 'billing_method_raw', none, 'billing_method'),
    ('time_entry.project_id', 'time_rows', 'project_id', 'project_keys', none),
    ('time_entry.resource_id', 'time_rows', 'resource_id', 'resource_keys', none),
    ('invoice.customer_id', 'invoice_rows', 'customer_id', 'customer_keys', none),
    ('invoice_line.contract_line_id', 'invoice_line_rows', 'contract_line_id', 'contract_line_keys', none),
    ('contract.customer_id', 'contract_rows', 'customer_id', 'customer_keys', none),
    ('contract.opportunity_id', 'contract_rows', 'opportunity_id', none, 'own_opportunity'),
    ('opportunity.customer_id', 'opportunity_rows', 'customer_id', 'customer_keys', none),
    ('opportunity.billing_method', 'opportunity_rows', 'billing_method_raw', none, 'billing_method'),
    ('opportunity.legal_entity_code', 'opportunity_rows', 'legal_entity_code', none, 'legal_entity_id'),
    ('opportunity.currency_code', 'opportunity_rows', 'currency_code', 'currency_codes', none),
    ('project.legal_entity_code', 'project_rows', 'legal_entity_code', none, 'legal_entity_id'),
    ('project.currency_code', 'project_rows', 'currency_code', 'currency_codes', none),
    ('contract.currency_code', 'contract_rows', 'currency_code', 'currency_codes', none),
    ('expense_line.project_id', 'expense_rows', 'project_id', 'project_keys', none),
    ('expense_line.resource_id', 'expense_rows', 'resource_id', 'resource_keys', none),
    ('milestone.project_id', 'milestone_rows', 'project_id', 'project_keys', none),
    ('contract_amendment.contract_line_id', 'amendment_rows', 'contract_line_id', 'contract_line_keys', none),
    ('billing_item.contract_line_id', 'billing_item_rows', 'contract_line_id', 'contract_line_keys', none),
    ('resource.legal_entity_code', 'resource_rows', 'legal_entity_code', none, 'legal_entity_id'),
    ('work_calendar.legal_entity_id', 'resource_rows', 'legal_entity_id', 'calendar_keys', none),
    ('revenue_entry.contract_line_id', 'revenue_rows', 'contract_line_id', 'contract_line_keys', none),
] %}
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('MDM-003') }},

calendar as {{ import_calendar() }},

rates as {{ reporting_rates() }},

rate_needs as (
    select
        rate_need.rate_type,
        rate_need.from_currency,
        rate_need.to_currency,
        rate_need.is_missing,
        rate_need.legal_entity_id,
        rate_need.first_on,
        rate_need.last_on,
        rate_need.row_count,
        rate_need.amount_tc,
        rate_need.population_rc
    from {{ ref('control__rate_need') }} as rate_need
),

customer_xref as {{ known_xref('customer') }},

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

expense_lines as (
    select known.*
    from {{ as_known(ref('canonical__expense_line')) }} as known
    where known.status in ('submitted', 'approved')
),

milestones as (
    select known.*
    from {{ as_known(ref('canonical__milestone')) }} as known
),

amendments as (
    select known.*
    from {{ as_known(ref('canonical__contract_amendment')) }} as known
    where known.status = 'SIGNED'
),

billing_items as (
    select known.*
    from {{ as_known(ref('canonical__billing_item')) }} as known
),

revenue_entries as (
    select known.*
    from {{ as_known(ref('canonical__revenue_entry')) }} as known
    where known.posted_at is not null
),

currency_codes as (
    select known.currency_code as found_key
    from {{ as_known(ref('canonical__currency')) }} as known
),

-- each value and day on which the code table had a meaning for it
service_line_codes as (
    select distinct
        upper(trim(projects.service_line_code)) as found_key,
        cast(projects.created_at as date) as known_on
    from projects
    inner join {{ ref('master__code') }} as code
        on
            code.code_type = 'service_line'
            and upper(trim(projects.service_line_code)) = upper(trim(code.source_value))
            and cast(projects.created_at as date) >= code.valid_from
            and cast(projects.created_at as date) <= coalesce(code.valid_to, cast('9999-12-31' as date))
),

-- a key names its system, so that one list serves the references to accounts and to billed customers
customer_keys as (
    select customers.customer_id as found_key
    from customers
),

project_keys as (
    select projects.project_id as found_key
    from projects
),

resource_keys as (
    select known.resource_id as found_key
    from {{ as_known(ref('canonical__resource')) }} as known
),

-- an entity without a calendar of its own is taken to work Monday to Friday, under a calendar that says so
calendar_keys as (
    select distinct calendar_day.legal_entity_id as found_key
    from {{ ref('master__calendar_day') }} as calendar_day
    where calendar_day.calendar_id not like 'UNMAPPED:%'
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
        projects.legal_entity_code,
        projects.currency_code,
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
        contracts.opportunity_id,
        -- a key that two systems give to two deals finds one, and may be another customer's
        case
            when
                coalesce(deal_customers.right_key, contract_customers.right_key, contracts.customer_id)
                = coalesce(contract_customers.right_key, contracts.customer_id)
                then opportunities.opportunity_id
        end as own_opportunity,
        contracts.currency_code,
        cast(contracts.created_at as date) as known_on,
        contracts.legal_entity_id,
        {{ money('coalesce(sum_contracts.original_value, 0) * rates.rate') }} as amount_rc
    from contracts
    left join sum_contracts
        on contracts.contract_id = sum_contracts.contract_id
    left join rates
        on contracts.currency_code = rates.from_currency
    left join opportunities
        on contracts.opportunity_id = opportunities.opportunity_id
    left join customer_xref as deal_customers
        on opportunities.customer_id = deal_customers.left_key
    left join customer_xref as contract_customers
        on contracts.customer_id = contract_customers.left_key
),

opportunity_rows as (
    select
        opportunities.customer_id,
        opportunities.billing_method_raw,
        opportunities.billing_method,
        opportunities.legal_entity_code,
        opportunities.currency_code,
        cast(opportunities.created_at as date) as known_on,
        opportunities.legal_entity_id,
        {{ money('coalesce(opportunities.services_amount, 0) * rates.rate') }} as amount_rc
    from opportunities
    left join rates
        on opportunities.currency_code = rates.from_currency
),

expense_rows as (
    select
        expense_lines.project_id,
        expense_lines.resource_id,
        coalesce(cast(expense_lines.submitted_at as date), expense_lines.expense_date) as known_on,
        projects.legal_entity_id,
        case
            when coalesce(expense_lines.billing_amount, 0) = 0 then 0
            else {{ money('abs(expense_lines.billing_amount) * rates.rate') }}
        end as amount_rc
    from expense_lines
    left join projects
        on expense_lines.project_id = projects.project_id
    left join rates
        on expense_lines.billing_currency_code = rates.from_currency
),

milestone_rows as (
    select
        milestones.project_id,
        cast(coalesce(milestones.source_created_at, milestones.known_from) as date) as known_on,
        projects.legal_entity_id,
        {{ money('abs(coalesce(milestones.amount, 0)) * rates.rate') }} as amount_rc
    from milestones
    left join projects
        on milestones.project_id = projects.project_id
    left join rates
        on milestones.currency_code = rates.from_currency
),

amendment_rows as (
    select
        amendments.contract_line_id,
        amendments.signed_on as known_on,
        contracts.legal_entity_id,
        {{ money('abs(coalesce(amendments.delta_value, 0)) * rates.rate') }} as amount_rc
    from amendments
    left join contracts
        on amendments.contract_id = contracts.contract_id
    left join rates
        on contracts.currency_code = rates.from_currency
),

billing_item_rows as (
    select
        billing_items.contract_line_id,
        cast(coalesce(billing_items.created_at, billing_items.eligible_at) as date) as known_on,
        contracts.legal_entity_id,
        {{ money('abs(coalesce(billing_items.amount, 0)) * rates.rate') }} as amount_rc
    from billing_items
    left join contract_lines
        on billing_items.contract_line_id = contract_lines.contract_line_id
    left join contracts
        on contract_lines.contract_id = contracts.contract_id
    left join rates
        on billing_items.currency_code = rates.from_currency
),

revenue_rows as (
    select
        revenue_entries.contract_line_id,
        cast(revenue_entries.posted_at as date) as known_on,
        contracts.legal_entity_id,
        {{ money('abs(coalesce(revenue_entries.amount, 0)) * rates.rate') }} as amount_rc
    from revenue_entries
    left join contract_lines
        on revenue_entries.contract_line_id = contract_lines.contract_line_id
    left join contracts
        on contract_lines.contract_id = contracts.contract_id
    left join rates
        on revenue_entries.currency_code = rates.from_currency
),

-- whose hours are counted: without an entity and its calendar nobody knows how many there are
resource_rows as (
    select
        coalesce(nullif(trim(known.legal_entity_code), ''), 'NONE') as legal_entity_code,
        known.legal_entity_id,
        coalesce(known.hire_date, cast(known.known_from as date)) as known_on,
        {{ as_money('0') }} as amount_rc
    from {{ known_record('resource', ref('canonical__resource')) }} as known
    where
        known.worker_type = 'employee'
        and known.is_time_required
),

look_up as (
    {% for dataset_column, rows, value, keys, mapped in checks -%}
        select
            '{{ dataset_column }}' as dataset_column,
            {{ rows }}.{{ value }} as found_value,
            {% if keys -%}
                {{ keys }}.found_key is null as is_lost,
            {% else -%}
                coalesce({{ rows }}.{{ mapped }}, 'UNMAPPED:') like 'UNMAPPED:%' as is_lost,
            {% endif -%}
            {{ rows }}.known_on,
            {{ rows }}.legal_entity_id,
            {{ rows }}.amount_rc
        from {{ rows }}
        {% if keys -%}
            left join {{ keys }}
                on
                    {{ rows }}.{{ value }} = {{ keys }}.found_key
                    {{ 'and ' ~ rows ~ '.known_on = ' ~ keys ~ '.known_on' if keys == 'service_line_codes' }}
        {% endif -%}
        where coalesce({{ rows }}.{{ value }}, '') <> ''
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- only the rows that found nothing are late and hold money at risk
check_values as (
    select
        look_up.dataset_column,
        look_up.found_value,
        max(case when look_up.is_lost then 1 else 0 end) = 1 as is_broken,
        min(case when look_up.is_lost then look_up.known_on end) as start_on,
        coalesce(
            min(case when look_up.is_lost then look_up.legal_entity_id end), min(look_up.legal_entity_id)
        ) as legal_entity_id,
        count(case when look_up.is_lost then 1 end) as row_count,
        case
            when count(case when look_up.is_lost and look_up.amount_rc is null then 1 end) = 0
                then coalesce(sum(case when look_up.is_lost then look_up.amount_rc end), 0)
        end as amount_rc,
        case when count(look_up.amount_rc) = count(*) then sum(look_up.amount_rc) end as population_rc
    from look_up
    group by look_up.dataset_column, look_up.found_value
),

check_rates as (
    select
        'exchange_rate' as dataset_column,
        rate_needs.rate_type || '|' || rate_needs.from_currency || '|' || rate_needs.to_currency
            as found_value,
        rate_needs.rate_type,
        rate_needs.from_currency,
        rate_needs.to_currency,
        rate_needs.is_missing,
        rate_needs.legal_entity_id,
        rate_needs.first_on,
        rate_needs.last_on,
        rate_needs.row_count,
        rate_needs.amount_tc,
        case
            when not rate_needs.is_missing then 0
            when rate_needs.to_currency <> run.reporting_currency
                then {{ money('rate_needs.amount_tc * rates.rate') }}
        end as amount_rc,
        rate_needs.population_rc
    from rate_needs
    cross join run
    left join rates
        on rate_needs.from_currency = rates.from_currency
),

list_checked as (
    select
        check_values.dataset_column,
        check_values.found_value,
        check_values.legal_entity_id,
        {{ null_text() }} as currency_code,
        check_values.is_broken,
        check_values.start_on,
        -- a value's rows are of any currency: their money is told in the reporting currency only
        {{ null_money() }} as amount_tc,
        check_values.amount_rc,
        check_values.population_rc,
        'code:' || check_values.dataset_column || '|' || check_values.found_value as risk_object,
        {{ evidence([
            ('what', sentence([
                "'Value '", 'check_values.found_value', "' of '", 'check_values.dataset_column',
                "case when check_values.dataset_column = 'contract.opportunity_id'"
                " then ' is no deal of the contract''s customer; ' else ' leads nowhere; ' end", 'check_values.row_count', "' rows carry it'",
            ])),
            ('business_date', 'check_values.start_on'),
            ('document_no', 'check_values.found_value'),
            ('system_a', "'warehouse'"),
            ('dataset_column', 'check_values.dataset_column'),
            ('value_a', 'check_values.found_value'),
            ('row_count', 'check_values.row_count'),
        ]) }} as evidence
    from check_values
    union all
    select
        check_rates.dataset_column,
        check_rates.found_value,
        check_rates.legal_entity_id,
        check_rates.from_currency as currency_code,
        check_rates.is_missing as is_broken,
        check_rates.first_on as start_on,
        check_rates.amount_tc,
        check_rates.amount_rc,
        check_rates.population_rc,
        'rate:' || check_rates.found_value as risk_object,
        {{ evidence([
            ('what', sentence([
                "'No '", 'lower(check_rates.rate_type)', "' rate from '", 'check_rates.from_currency', "' to '",
                'check_rates.to_currency', "' between '", 'check_rates.first_on', "' and '",
                'check_rates.last_on', "'; '", 'check_rates.row_count', "' amounts need it'",
            ])),
            ('business_date', 'check_rates.first_on'),
            ('document_no', 'check_rates.found_value'),
            ('system_a', "'ERP'"),
            ('dataset_column', 'check_rates.dataset_column'),
            ('value_a', 'check_rates.found_value'),
            ('row_count', 'check_rates.row_count'),
            ('rate_type', 'check_rates.rate_type'),
            ('from_currency', 'check_rates.from_currency'),
            ('to_currency', 'check_rates.to_currency'),
            ('first_date', 'check_rates.first_on'),
            ('last_date', 'check_rates.last_on'),
            ('amount_tc', 'check_rates.amount_tc'),
            ('fix', sentence([
                "'Enter the '", 'lower(check_rates.rate_type)', "' rate '", 'check_rates.from_currency', "'/'",
                'check_rates.to_currency', "' in the ERP for these days, then load it again'",
            ])),
        ]) }} as evidence
    from check_rates
),

evaluated as (
    select
        list_checked.dataset_column || '|' || list_checked.found_value as grain_key,
        list_checked.legal_entity_id,
        {{ null_text() }} as customer_id,
        {{ null_text() }} as contract_id,
        {{ null_text() }} as contract_line_id,
        {{ null_text() }} as project_id,
        {{ null_text() }} as period,
        list_checked.currency_code,
        cast(null as decimal(19, 4)) as value_a,
        cast(null as decimal(19, 4)) as value_b,
        list_checked.is_broken,
        coalesce(
            due.calendar_date, {{ weekday_after('list_checked.start_on', '(parameter.grace + 1)') }}
        ) as becomes_exception_on,
        list_checked.amount_tc,
        cast(null as decimal(19, 4)) as population_tc,
        {{ as_money('list_checked.amount_rc') }} as amount_rc,
        {{ as_money('list_checked.population_rc') }} as population_rc,
        list_checked.risk_object,
        'UNMAPPED_REFERENCE' as break_type,
        list_checked.evidence
    from list_checked
    cross join parameter
    {{ join_working_day(
        'due', 'list_checked.legal_entity_id', 'list_checked.start_on', 'parameter.grace + 1'
    ) }}
),

{{ control_result('MDM-003', amount_rc='evaluated.amount_rc', population_rc='evaluated.population_rc') }}
