{# What all controls share: the list of them, their parameters, working-day arithmetic, and the one shape of
   their result. A control itself says only which grains it looks at and when one of them is broken. #}

{# The controls that are built, in the catalogue's order. #}
{% macro built_controls() -%}
    {{ return([
        'INT-003',
        'INT-001',
        'MDM-001',
        'MDM-002',
        'MDM-003',
        'CRM-PSA-001',
        'CRM-ERP-001',
        'CRM-ERP-003',
        'CRM-ERP-004',
        'DOC-ERP-001',
        'DOC-ERP-002',
        'DOC-ERP-003',
        'ERP-PSA-001',
        'ERP-PSA-002',
        'PSA-ERP-001',
        'PSA-ERP-002',
        'BIL-001',
        'BIL-003',
        'BIL-010',
    ]) }}
{%- endmacro %}

{# The model that holds a control's result. #}
{% macro control_model(control_id) -%}
    {{ return('ctl_' ~ (control_id | lower | replace('-', '_'))) }}
{%- endmacro %}

{# The run's one row: as_of, known_at, reporting_currency. #}
{% macro control_run_row() -%}
    (
        select
            run_context.as_of,
            run_context.known_at,
            run_context.reporting_currency
        from {{ source('inputs', 'run_context') }} as run_context
    )
{%- endmacro %}

{# The parameters of one control in force on the run's as_of: one row. #}
{% macro control_parameter(control_id) -%}
    (
        select
            parameter.grace,
            parameter.abs_tol,
            parameter.rel_tol,
            parameter.hard_cap,
            parameter.floor,
            parameter.risk_type,
            parameter.sla
        from {{ ref('control_parameter') }} as parameter
        cross join run
        where
            parameter.control_id = '{{ control_id }}'
            and parameter.effective_from <= run.as_of
            and (parameter.effective_to is null or parameter.effective_to > run.as_of)
    )
{%- endmacro %}

{# Further numbers of a control (or of all: 'ALL') in force on the run's as_of, one column each: one row.
   A setting that is missing is null, and what rests on it is not evaluable. #}
{% macro control_settings(names, control_id='ALL') -%}
    (
        select
            {% for name in names -%}
                max(case when setting.name = '{{ name }}' then setting.value end) as {{ name }},
            {% endfor -%}
            count(*) as settings_found
        from {{ ref('control_setting') }} as setting
        cross join run
        where
            setting.control_id = '{{ control_id }}'
            and setting.effective_from <= run.as_of
            and (setting.effective_to is null or setting.effective_to > run.as_of)
    )
{%- endmacro %}

{# The crosswalk of one entity type as known at the run's known_at: left_key, right_key. #}
{% macro known_xref(entity_type) -%}
    (
        select
            xref.left_key,
            min(xref.right_key) as right_key
        from {{ ref('master__entity_xref') }} as xref
        cross join run
        where
            xref.entity_type = '{{ entity_type }}'
            and xref.known_from <= run.known_at
            and (xref.known_to is null or xref.known_to > run.known_at)
        group by xref.left_key
    )
{%- endmacro %}

{# Joins that give bd_add(day, days) as <alias>.calendar_date: the working day `days` strictly after `day` on
   the entity's calendar. Needs a CTE `calendar` of master__calendar_day. #}
{% macro join_working_day(alias, entity, day, days) -%}
    left join calendar as {{ alias }}_from
        on
            {{ entity }} = {{ alias }}_from.legal_entity_id
            and {{ day }} = {{ alias }}_from.calendar_date
    left join calendar as {{ alias }}
        on
            {{ entity }} = {{ alias }}.legal_entity_id
            and {{ alias }}_from.working_day_number + {{ days }} = {{ alias }}.working_day_number
            and {{ alias }}.is_working_day
{%- endmacro %}

{% macro import_calendar() -%}
    (
        select
            calendar_day.legal_entity_id,
            calendar_day.calendar_date,
            calendar_day.is_working_day,
            calendar_day.working_day_number
        from {{ ref('master__calendar_day') }} as calendar_day
    )
{%- endmacro %}

{# The zone in which each legal entity's day ends: legal_entity_id, time_zone. #}
{% macro import_zones() -%}
    (
        select
            entity_zone.legal_entity_id,
            entity_zone.time_zone
        from {{ ref('master__entity_zone') }} as entity_zone
    )
{%- endmacro %}

{# The date of an instant in the zone of an entity, by a joined row of `import_zones`; without one, in UTC. #}
{% macro entity_date(instant, zones='zones') -%}
    {{ local_date(instant, "coalesce(" ~ zones ~ ".time_zone, 'UTC')") }}
{%- endmacro %}

{# Rates into the reporting currency on the run's as_of: from_currency, rate. No row where none is known. #}
{% macro reporting_rates() -%}
    (
        select
            rate_day.from_currency,
            rate_day.rate
        from {{ ref('master__exchange_rate_day') }} as rate_day
        inner join run
            on
                rate_day.rate_date = run.as_of
                and rate_day.to_currency = run.reporting_currency
    )
{%- endmacro %}

{# Money rounded half up to four decimals. #}
{% macro money(expression) -%}
    cast(round({{ expression }}, 4) as decimal(19, 4))
{%- endmacro %}

{# The first 16 hex digits of the SHA-256 of a text; the whole digest with `digits=64`. #}
{% macro sha256_hex(expression, digits=64) -%}
    {{ return(adapter.dispatch('sha256_hex', 'throughline')(expression, digits)) }}
{%- endmacro %}
{% macro default__sha256_hex(expression, digits) -%}
    substr(sha256({{ expression }}), 1, {{ digits }})
{%- endmacro %}
{% macro spark__sha256_hex(expression, digits) -%}
    substr(sha2({{ expression }}, 256), 1, {{ digits }})
{%- endmacro %}

{# Identity of an exception: it never depends on amount, run, order of rows or load. #}
{% macro exception_key(control_id, grain_key) -%}
    {{ control_id }} || '-' || {{ sha256_hex(control_id ~ " || '|' || " ~ grain_key, 16) }}
{%- endmacro %}

{# What is told of a grain beside its key, its entity and its money, in the contract's order. #}
{% macro grain_columns() -%}
    {{ return([
        'customer_id', 'contract_id', 'contract_line_id', 'project_id', 'period', 'value_a', 'value_b',
        'currency_code', 'difference', 'outcome', 'severity', 'amount_at_risk', 'amount_at_risk_tc',
        'becomes_exception_on', 'risk_type', 'risk_object', 'break_type', 'evidence',
    ]) }}
{%- endmacro %}

{# Turns a CTE of evaluated grains into the shape every control has. The CTE must hold: grain_key,
   legal_entity_id, customer_id, contract_id, contract_line_id, project_id, period, currency_code, value_a,
   value_b, is_broken, becomes_exception_on, amount_tc, population_tc, risk_object, break_type, evidence.
   It needs the CTEs `run` and `parameter` before it. Options, each an SQL expression over `evaluated`:
   amount_rc     the amount at risk where the control converts row by row (else amount_tc at as_of's rate)
   population_rc likewise for the amount looked at
   is_evaluable  false where an input is missing, so that nothing can be said
   stays_pending true where the grain cannot become an exception by time alone
   floor_met     whether the parameter's floor applies; floor: another floor than the parameter's
   raise_by      levels by which the severity is raised; risk_type: another risk type than the parameter's
   What has been an exception for more than twice the time to mend it is one level graver than it would be.

   `every_grain` is what the control says of each grain. A row is kept of what did not pass; passes, which are nearly
   all of a large firm, are counted here, with their amounts and the ten to be shown, in one pass over the grains. #}
{% macro control_result(
    control_id,
    amount_rc=none,
    population_rc=none,
    is_evaluable='true',
    stays_pending='false',
    floor_met='true',
    floor='parameter.floor',
    raise_by='0',
    risk_type='parameter.risk_type'
) -%}
severity_level as {{ control_settings(['severity_s1', 'severity_s2', 'severity_s3']) }},

reporting_rate as {{ reporting_rates() }},

priced as (
    select
        evaluated.*,
        {{ is_evaluable }} as is_evaluable,
        {{ stays_pending }} as stays_pending,
        -- of a pass nothing is at risk
        case
            when coalesce(evaluated.is_broken, true) or not {{ is_evaluable }}
                then {{ amount_rc or ledger_at_rate('evaluated.amount_tc', 'reporting_rate.rate') }}
        end as amount_rc_priced,
        {{ population_rc or ledger_at_rate('evaluated.population_tc', 'reporting_rate.rate') }} as population_rc_priced,
        case
            when {{ floor_met }} then coalesce(cast(substr({{ floor }}, 2, 1) as integer), 4)
            else 4
        end as floor_rank,
        {{ raise_by }} as raise_by,
        {{ risk_type }} as risk_type_priced
    from evaluated
    cross join run
    cross join parameter
    left join reporting_rate
        on evaluated.currency_code = reporting_rate.from_currency
),

judged as (
    select
        priced.*,
        case
            when not priced.is_evaluable then 'NOT_EVALUABLE'
            when not priced.is_broken then 'PASS'
            when priced.stays_pending then 'PENDING'
            when priced.becomes_exception_on is null then 'NOT_EVALUABLE'
            when priced.becomes_exception_on > run.as_of then 'PENDING'
            else 'EXCEPTION'
        end as outcome,
        greatest(
            1,
            least(
                priced.floor_rank,
                -- an amount nobody can convert is never taken for a small one
                case
                    when priced.amount_rc_priced is null then 2
                    when priced.amount_rc_priced >= severity_level.severity_s1 then 1
                    when priced.amount_rc_priced >= severity_level.severity_s2 then 2
                    when priced.amount_rc_priced >= severity_level.severity_s3 then 3
                    else 4
                end
            ) - priced.raise_by
        ) as severity_rank
    from priced
    cross join run
    cross join severity_level
),

count_age as (
    select
        judged.*,
        -- working days since it became one; without an entity, Monday to Friday
        case
            when judged.outcome = 'EXCEPTION' then coalesce(
                age_to.working_day_number - age_from.working_day_number,
                {{ weekdays_through('run.as_of') }} - {{ weekdays_through('judged.becomes_exception_on') }}
            )
        end as working_days_open,
        2 * cast(split_part(parameter.sla, '/', cast(judged.severity_rank as integer)) as integer)
            as working_days_allowed
    from judged
    cross join run
    cross join parameter
    left join {{ ref('master__calendar_day') }} as age_from
        on
            judged.legal_entity_id = age_from.legal_entity_id
            and case when judged.outcome = 'EXCEPTION' then judged.becomes_exception_on end
            = age_from.calendar_date
    left join {{ ref('master__calendar_day') }} as age_to
        on
            age_from.legal_entity_id = age_to.legal_entity_id
            and run.as_of = age_to.calendar_date
),

every_grain as (
    select
        '{{ control_id }}' as control_id,
        judged.grain_key,
        judged.legal_entity_id,
        judged.customer_id,
        judged.contract_id,
        judged.contract_line_id,
        judged.project_id,
        judged.period,
        cast(judged.value_a as decimal(28, 8)) as value_a,
        cast(judged.value_b as decimal(28, 8)) as value_b,
        judged.currency_code,
        cast(judged.value_b - judged.value_a as decimal(28, 8)) as difference,
        judged.outcome,
        case
            when judged.outcome <> 'PASS'
                then 'S' || cast(
                    case
                        when
                            judged.outcome = 'EXCEPTION'
                            and judged.working_days_open > judged.working_days_allowed
                            then greatest(1, judged.severity_rank - 1)
                        else judged.severity_rank
                    end as {{ type_text() }}
                )
        end as severity,
        case
            when judged.outcome = 'PASS' then cast(0 as decimal(19, 4))
            else cast(judged.amount_rc_priced as decimal(19, 4))
        end as amount_at_risk,
        case
            when judged.outcome = 'PASS' then cast(0 as decimal(19, 4))
            else cast(judged.amount_tc as decimal(19, 4))
        end as amount_at_risk_tc,
        case when judged.outcome <> 'PASS' then cast(judged.becomes_exception_on as date) end
            as becomes_exception_on,
        judged.risk_type_priced as risk_type,
        judged.risk_object,
        case when judged.outcome <> 'PASS' then judged.break_type end as break_type,
        judged.evidence,
        cast(judged.population_rc_priced as decimal(19, 4)) as population_amount
    from count_age as judged
),

-- one row per grain that did not pass, and one per legal entity for all that did; `drawn`: those to be shown
kept as (
    select
        every_grain.control_id,
        case when every_grain.outcome <> 'PASS' then every_grain.grain_key end as grain_key,
        every_grain.legal_entity_id,
        every_grain.outcome,
        {% for column in grain_columns() if column != 'outcome' -%}
        max(case when every_grain.outcome <> 'PASS' then every_grain.{{ column }} end) as {{ column }},
        {% endfor -%}
        {{ known_sum('every_grain.population_amount') }} as population_amount,
        {{ first_by(
            "case when every_grain.outcome = 'PASS' then every_grain.grain_key end",
            "case when every_grain.outcome = 'PASS' then " ~ pass_lot('every_grain.grain_key') ~ ' end',
            10
        ) }} as drawn,
        count(*) as grain_count
    from every_grain
    cross join run
    group by
        every_grain.control_id,
        case when every_grain.outcome <> 'PASS' then every_grain.grain_key end,
        every_grain.legal_entity_id,
        every_grain.outcome
),

drawn_passes as (
    select
        kept.control_id,
        kept.legal_entity_id,
        {{ each_of('kept.drawn') }} as grain_key
    from kept
    where kept.outcome = 'PASS'
)

select
    kept.control_id,
    coalesce(kept.grain_key, 'PASS|' || coalesce(kept.legal_entity_id, 'NONE')) as grain_key,
    kept.legal_entity_id,
    {% for column in grain_columns() -%}
    kept.{{ column }},
    {% endfor -%}
    cast(kept.population_amount as decimal(28, 4)) as population_amount,
    cast(kept.grain_count as bigint) as grain_count
from kept
union all
select
    drawn_passes.control_id,
    drawn_passes.grain_key,
    drawn_passes.legal_entity_id,
    {% for column in grain_columns() -%}
    {{ "'PASS'" if column == 'outcome' else 'null' }} as {{ column }},
    {% endfor -%}
    null as population_amount,
    cast(0 as bigint) as grain_count
from drawn_passes
{%- endmacro %}

{# The order in which passes are drawn to be shown: out of as_of and the grain alone, so that anybody can draw them
   again. Needs `run`. #}
{% macro pass_lot(grain_key) -%}
    {{ sha256_hex(as_text('run.as_of') ~ " || '|' || " ~ grain_key) }}
{%- endmacro %}

{# Whether a child deal is sold under its parent's contract; what changes a contract goes by its amendment. #}
{% macro rides_on_parent(deal) -%}
    (
        {{ deal }}.parent_opportunity_id is not null
        and coalesce({{ deal }}.opportunity_type, 'new') not in ('renewal', 'change')
    )
{%- endmacro %}

{# The part of an item's amount whose quantity is not billed yet: all of it, a share, or nothing. #}
{% macro unbilled_share(amount, quantity, billed_quantity) -%}
    cast(
        case
            when coalesce({{ billed_quantity }}, 0) <= 0 then {{ amount }}
            when {{ billed_quantity }} < {{ quantity }}
                then {{ mul_div(amount, '(' ~ quantity ~ ' - ' ~ billed_quantity ~ ')', quantity) }}
            else 0
        end as {{ type_money() }}
    )
{%- endmacro %}

{# One plain sentence out of parts: quoted parts are words, the others expressions ('unknown' when null). #}
{% macro sentence(parts) -%}
    {%- for part in parts -%}
        {{- part if part.startswith("'") else 'coalesce(' ~ as_text(part) ~ ", 'unknown')" -}}
        {{- ' || ' if not loop.last -}}
    {%- endfor -%}
{%- endmacro %}

{# A posted customer document: neither a draft nor void, dated on or before the run's as_of. Needs `run`. #}
{% macro is_posted(invoice) -%}
    {{ invoice }}.posted_at is not null
    and {{ invoice }}.status not in ('draft', 'void')
    and {{ invoice }}.invoice_date <= run.as_of
{%- endmacro %}

{# Every dataset the connectors land, as (source, resource, control amount's column or none, whether the books
   or the clock of the firm hang on it). A test keeps it equal to the connectors' manifests. #}
{% macro landed_datasets() -%}
    {%- set datasets = [
        ('salesforce', 'account', none, false),
        ('salesforce', 'opportunity', 'services_amount__c', false),
        ('salesforce', 'opportunity_history', none, false),
        ('salesforce', 'opportunity_line_item', 'total_price', false),
        ('salesforce', 'user', none, false),
        ('certinia', 'contact', none, false),
        ('certinia', 'region', none, false),
        ('certinia', 'practice', none, false),
        ('certinia', 'grp', none, false),
        ('certinia', 'work_calendar', none, false),
        ('certinia', 'holiday', none, false),
        ('certinia', 'proj', 'budget_revenue__c', false),
        ('certinia', 'milestone', 'pse__milestone_amount__c', false),
        ('certinia', 'schedule', none, false),
        ('certinia', 'assignment', none, false),
        ('certinia', 'resource_request', none, false),
        ('certinia', 'timecard_header', none, true),
        ('certinia', 'timecard_split', 'pse__total_billable_amount__c', true),
        ('certinia', 'expense_report', none, false),
        ('certinia', 'expense', 'pse__amount__c', false),
        ('certinia', 'billing_event', none, false),
        ('certinia', 'billing_event_item', 'pse__amount__c', false),
        ('certinia', 'rate_card', none, false),
        ('certinia', 'budget', 'pse__amount__c', false),
        ('bamboohr', 'employee', none, false),
        ('bamboohr', 'employment_status', none, false),
        ('bamboohr', 'job_info', none, false),
        ('bamboohr', 'cost_rate', none, false),
        ('bamboohr', 'time_off', none, false),
        ('netsuite', 'subsidiary', none, false),
        ('netsuite', 'currency', none, false),
        ('netsuite', 'currencyrate', none, false),
        ('netsuite', 'accountingperiod', none, false),
        ('netsuite', 'account', none, true),
        ('netsuite', 'customer', none, false),
        ('netsuite', 'customer_subsidiary', none, false),
        ('netsuite', 'vendor', none, false),
        ('netsuite', 'transaction', 'foreigntotal', true),
        ('netsuite', 'transactionline', 'foreignamount', true),
        ('netsuite', 'transactionaccountingline', 'amount', true),
        ('netsuite', 'transactionlink', 'foreignamount', true),
        ('netsuite', 'revenueelement', none, false),
        ('netsuite', 'revenueplan', none, false),
        ('netsuite', 'revenueplanplannedrevenue', 'amount', false),
        ('netsuite', 'amendment', 'custrecord_tl_amd_delta_value', false),
        ('netsuite', 'customer_po', none, false),
        ('netsuite', 'customer_share', none, false),
        ('netsuite', 'billing_item', 'custrecord_tl_bi_amount', false),
        ('docusign', 'envelope', none, false),
    ] -%}
    {%- set read = [] -%}
    {%- for dataset in datasets if in_use(dataset[0]) -%}{%- do read.append(dataset) -%}{%- endfor -%}
    {%- for dataset in var('datasets', []) -%}{%- do read.append(dataset) -%}{%- endfor -%}
    {{ return(read) }}
{%- endmacro %}

{# Where a dataset's records stand one to one in the canonical tables (a time card's split as the sum of its
   days), which ledger feeder takes them on, and for which domain's record alone: what `conservation` follows them
   through. Datasets that
   several tables share (documents and their lines) are followed as far as staging, files as far as the ports they are. #}
{% macro conserved_datasets() -%}
    {%- set datasets = {
        'salesforce.account': {'table': 'customer'},
        'salesforce.opportunity': {
            'table': 'opportunity', 'amount': 'services_amount', 'currency': 'currency_code',
            'landed_currency': 'currency_iso_code',
        },
        'salesforce.opportunity_history': {'table': 'opportunity_stage_event'},
        'salesforce.opportunity_line_item': {
            'table': 'opportunity_line', 'amount': 'total_amount', 'currency': 'currency_code',
            'landed_currency': 'currency_iso_code',
        },
        'certinia.proj': {
            'table': 'project', 'amount': 'budget_revenue', 'currency': 'currency_code',
            'landed_currency': 'currency_iso_code',
        },
        'certinia.milestone': {
            'table': 'milestone', 'amount': 'amount', 'currency': 'currency_code',
            'landed_currency': 'currency_iso_code',
        },
        'certinia.assignment': {'table': 'assignment'},
        'certinia.timecard_split': {
            'table': 'time_entry', 'amount': 'billable_amount', 'currency': 'currency_code',
            'landed_currency': 'currency_iso_code',
            'fact': 'ledger__time_value', 'fact_key': 'time_entry_id', 'fact_amount': 'value_tc', 'fact_currency': 'currency_code',
            'record': 'time_entry',
        },
        'certinia.expense': {
            'table': 'expense_line', 'amount': 'incurred_amount', 'currency': 'incurred_currency_code',
            'landed_currency': 'currency_iso_code',
        },
        'certinia.budget': {
            'table': 'project_budget', 'amount': 'amount', 'currency': 'currency_code',
            'landed_currency': 'currency_iso_code',
        },
        'bamboohr.cost_rate': {'table': 'cost_rate'},
        'bamboohr.time_off': {'table': 'time_off'},
        'docusign.envelope': {'table': 'contract_document'},
        'netsuite.customer': {'table': 'customer'},
        'netsuite.customer_subsidiary': {'table': 'customer_entity'},
        'netsuite.vendor': {'table': 'vendor'},
        'netsuite.transactionlink': {'table': 'payment_application', 'amount': 'applied_amount'},
        'netsuite.revenueelement': {'table': 'revenue_element'},
        'netsuite.revenueplanplannedrevenue': {
            'table': 'revenue_entry', 'amount': 'amount',
            'fact': 'ledger__revenue_value', 'fact_key': 'revenue_entry_id', 'fact_amount': 'amount_tc',
        },
        'netsuite.amendment': {'table': 'contract_amendment', 'amount': 'delta_value'},
        'netsuite.customer_po': {'table': 'customer_po'},
        'netsuite.customer_share': {'table': 'contract_line_share'},
        'netsuite.billing_item': {
            'table': 'billing_item', 'amount': 'amount', 'currency': 'currency_code',
            'landed_currency': 'custrecord_tl_bi_currency',
        },
    } -%}
    {%- set read = {} -%}
    {%- for name, through in datasets.items() if in_use(name.split('.')[0]) -%}
        {%- do read.update({name: through}) -%}
    {%- endfor -%}
    {%- for source_name, resource, amount, vital in var('datasets', []) if source_name == 'files' -%}
        {%- do read.update({'files.' ~ resource: {'table': resource, 'amount': amount}}) -%}
    {%- endfor -%}
    {{ return(read) }}
{%- endmacro %}

{# A feeder's rows as the run's known_at knew them; it has no deleted rows and an open end is null. #}
{% macro feeder_as_known(relation) -%}
    (
        select fed.*
        from {{ relation }} as fed
        cross join run
        where
            fed.known_from <= run.known_at
            and (fed.known_to is null or fed.known_to > run.known_at)
    )
{%- endmacro %}

{# A row's currency, ALL where it has none. #}
{% macro currency_or_all(alias, column) -%}
    {{- "coalesce(" ~ alias ~ "." ~ column ~ ", 'ALL')" if column else "'ALL'" -}}
{%- endmacro %}

{# The view in which a dataset is staged: a file is a port already and has a mapping view alone. #}
{% macro staged_dataset(source_name, resource) -%}
    {{ return(ref('files__' ~ resource) if source_name == 'files' else ref('stg_' ~ source_name ~ '__' ~ resource)) }}
{%- endmacro %}

{# Whose rows of a canonical table a dataset brought; rows out of files bear the system they speak for. #}
{% macro is_of_dataset(alias, source_name) -%}
    {%- if source_name == 'files' -%}
    {{ alias }}.source_instance in (
        select used.source_instance from {{ source('inputs', 'source_instance') }} as used
        where used.source_system = 'files'
    )
    {%- else -%}
    {{ alias }}.source_system = '{{ source_name }}'
    {%- endif -%}
{%- endmacro %}
