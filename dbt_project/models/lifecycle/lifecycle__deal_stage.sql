-- Won deals that get a contract of their own, with the first time each step of their way was reached, as the
-- run knew it. Amendments and renewals delivered on another deal's contract have no way of their own.
with run as (
    select as_of from {{ source('inputs', 'run_context') }}
),

opportunity as (
    select
        opportunity_id,
        name,
        customer_id,
        services_amount,
        first_30_days_revenue,
        currency_code,
        billing_method,
        legal_entity_code,
        legal_entity_id,
        planned_start,
        practice_code,
        region_code,
        parent_opportunity_id
    from {{ known_record('opportunity', ref('canonical__opportunity')) }} as known
    where is_won and services_amount > 0
),

amendment as (
    -- one deal may change several lines
    select distinct opportunity_id
    from {{ as_known(ref('canonical__contract_amendment')) }} as known
    where opportunity_id is not null
),

won as (
    select
        opportunity_id,
        min(changed_at) as t1_at
    from {{ as_known(ref('canonical__opportunity_stage_event')) }} as known
    where stage = 'CLOSED_WON'
    group by opportunity_id
),

account as (
    select
        left_key,
        right_key
    from ({{ ledger_crosswalk('customer', ref('canonical__customer'), 'customer_id') }}) as crosswalk
    where known_from <= {{ run_known_at() }} and known_to > {{ run_known_at() }}
),

contract as (
    select
        contract_id,
        opportunity_id,
        created_at
    from {{ known_record('contract', ref('canonical__contract')) }} as known
    where opportunity_id is not null and {{ date_of('created_at') }} <= {{ run_as_of() }}
),

contracted as (
    select
        opportunity_id,
        min(created_at) as t2_at
    from contract
    group by opportunity_id
),

project as (
    select
        project_id,
        opportunity_id,
        created_at
    from {{ known_record('project', ref('canonical__project')) }} as known
    where opportunity_id is not null and not is_template and {{ date_of('created_at') }} <= {{ run_as_of() }}
),

set_up as (
    select
        opportunity_id,
        min(created_at) as t3_at
    from project
    group by opportunity_id
),

assignment as (
    select
        project.opportunity_id,
        assignment.created_at,
        assignment.start_date
    from {{ as_known(ref('canonical__assignment')) }} as assignment
    inner join project on assignment.project_id = project.project_id
    where assignment.is_hard and {{ date_of('assignment.created_at') }} <= {{ run_as_of() }}
),

staffed as (
    select
        opportunity.opportunity_id,
        -- the first firm booking for the first planned week; without one, the first firm booking at all
        coalesce(
            min(case
                when assignment.start_date <= {{ date_add_days('opportunity.planned_start', 6) }}
                    then assignment.created_at
            end),
            min(assignment.created_at)
        ) as t4_at
    from opportunity
    inner join assignment on opportunity.opportunity_id = assignment.opportunity_id
    group by opportunity.opportunity_id
),

delivered as (
    select
        project.opportunity_id,
        min(time_value.work_date) as t5_on
    from {{ ledger_as_known(ref('ledger__time_value')) }} as time_value
    inner join project on time_value.project_id = project.project_id
    where time_value.status in ('submitted', 'approved') and time_value.work_date <= {{ run_as_of() }}
    group by project.opportunity_id
),

invoiced as (
    select
        contract.opportunity_id,
        min(receivable.posted_at) as t8_at
    from {{ ledger_as_known(ref('ledger__receivable_value')) }} as receivable
    inner join contract on receivable.contract_id = contract.contract_id
    where
        receivable.is_posted
        and receivable.doc_type = 'STANDARD'
        and receivable.invoice_date <= {{ run_as_of() }}
    group by contract.opportunity_id
),

earned as (
    select
        line.opportunity_id,
        min(revenue.accounting_date) as t9_on
    from {{ ledger_as_known(ref('ledger__revenue_value')) }} as revenue
    inner join {{ ledger_as_known(ref('ledger__contract_line_version')) }} as line
        on revenue.contract_line_id = line.contract_line_id
    where revenue.is_recognised and revenue.accounting_date <= {{ run_as_of() }}
    group by line.opportunity_id
),

{{ lifecycle_imports() }},

zones as {{ import_zones() }},

reached as (
    select
        opportunity.opportunity_id,
        opportunity.name,
        opportunity.currency_code,
        coalesce(
            opportunity.legal_entity_id,
            concat('UNMAPPED:', coalesce(opportunity.legal_entity_code, 'NONE'))
        ) as legal_entity_id,
        coalesce(opportunity.region_code, 'UNMAPPED:NONE') as region_id,
        coalesce(opportunity.practice_code, 'UNMAPPED:NONE') as practice_id,
        coalesce(account.right_key, concat('UNMAPPED:', coalesce(opportunity.customer_id, 'NONE')))
            as customer_id,
        opportunity.services_amount,
        coalesce(opportunity.billing_method, 'NONE') as billing_method,
        -- what waits while the deal waits: the first month's planned revenue, never more than the deal
        least(
            coalesce(opportunity.first_30_days_revenue, opportunity.services_amount),
            opportunity.services_amount
        ) as blocked_amount,
        opportunity.planned_start,
        run.as_of,
        won.t1_at,
        contracted.t2_at,
        set_up.t3_at,
        staffed.t4_at,
        delivered.t5_on,
        invoiced.t8_at,
        earned.t9_on,
        {{ entity_date('won.t1_at') }} as t1_on,
        {{ entity_date('contracted.t2_at') }} as t2_on,
        {{ entity_date('set_up.t3_at') }} as t3_on,
        {{ entity_date('staffed.t4_at') }} as t4_on,
        case
            when contracted.t2_at is not null and set_up.t3_at is not null
                then {{ entity_date('greatest(contracted.t2_at, set_up.t3_at)') }}
        end as ready_on,
        case
            when staffed.t4_at is not null
                then greatest(
                    {{ entity_date('staffed.t4_at') }},
                    coalesce(opportunity.planned_start, {{ entity_date('staffed.t4_at') }})
                )
        end as startable_on
    from opportunity
    cross join run
    inner join won on opportunity.opportunity_id = won.opportunity_id
    left join zones on opportunity.legal_entity_id = zones.legal_entity_id
    left join amendment on opportunity.opportunity_id = amendment.opportunity_id
    left join account on opportunity.customer_id = account.left_key
    left join contracted on opportunity.opportunity_id = contracted.opportunity_id
    left join set_up on opportunity.opportunity_id = set_up.opportunity_id
    left join staffed on opportunity.opportunity_id = staffed.opportunity_id
    left join delivered on opportunity.opportunity_id = delivered.opportunity_id
    left join invoiced on opportunity.opportunity_id = invoiced.opportunity_id
    left join earned on opportunity.opportunity_id = earned.opportunity_id
    where
        amendment.opportunity_id is null
        and opportunity.parent_opportunity_id is null
        and {{ entity_date('won.t1_at') }} <= run.as_of
),

numbered as (
    select
        reached.*,
        day_1.working_day_number as n1,
        day_2.working_day_number as n2,
        day_3.working_day_number as n3,
        day_4.working_day_number as n4,
        day_5.working_day_number as n5,
        day_ready.working_day_number as n_ready,
        day_startable.working_day_number as n_startable,
        day_as_of.working_day_number as n_as_of,
        due_2.calendar_date as contract_due_on,
        case
            when reached.planned_start > {{ date_add_days('reached.t1_on',
            60) }} then due_planned.calendar_date
            else due_2.calendar_date
        end as project_due_on,
        -- staffed within five working days, or five before the start where that is later
        greatest(
            due_staffed.calendar_date, coalesce(due_before_start.calendar_date, due_staffed.calendar_date)
        ) as staffing_due_on,
        due_started.calendar_date as start_due_on
    from reached
    {{ lifecycle_day('day_1', 'reached.legal_entity_id', 'reached.t1_on') }}
    {{ lifecycle_day('day_2', 'reached.legal_entity_id', 'reached.t2_on') }}
    {{ lifecycle_day('day_3', 'reached.legal_entity_id', 'reached.t3_on') }}
    {{ lifecycle_day('day_4', 'reached.legal_entity_id', 'reached.t4_on') }}
    {{ lifecycle_day('day_5', 'reached.legal_entity_id', 'reached.t5_on') }}
    {{ lifecycle_day('day_ready', 'reached.legal_entity_id', 'reached.ready_on') }}
    {{ lifecycle_day('day_startable', 'reached.legal_entity_id', 'reached.startable_on') }}
    {{ lifecycle_day('day_as_of', 'reached.legal_entity_id', 'reached.as_of') }}
    {{ lifecycle_day('day_planned', 'reached.legal_entity_id', date_add_days('reached.planned_start', -1)) }}
    {{ lifecycle_due('due_2', 'reached.legal_entity_id', 'day_1.working_day_number + 2') }}
    {{ lifecycle_due('due_planned', 'reached.legal_entity_id', 'day_planned.working_day_number - 19') }}
    {{ lifecycle_due('due_staffed', 'reached.legal_entity_id', 'day_ready.working_day_number + 5') }}
    {{ lifecycle_due('due_before_start', 'reached.legal_entity_id', 'day_planned.working_day_number - 4') }}
    {{ lifecycle_due('due_started', 'reached.legal_entity_id', 'day_startable.working_day_number + 5') }}
)

select
    numbered.opportunity_id,
    numbered.name,
    {{ as_text('numbered.legal_entity_id') }} as legal_entity_id,
    {{ as_text('numbered.region_id') }} as region_id,
    {{ as_text('numbered.practice_id') }} as practice_id,
    {{ as_text('numbered.customer_id') }} as customer_id,
    numbered.currency_code,
    {{ as_money('numbered.services_amount') }} as services_amount,
    {{ as_text('numbered.billing_method') }} as billing_method,
    {{ as_text(deal_size_band('numbered.services_amount', 'conversion.rate_rc')) }} as size_band,
    {{ as_money('numbered.blocked_amount') }} as blocked_amount,
    {{ ledger_at_rate('numbered.blocked_amount', 'conversion.rate_rc') }} as blocked_amount_rc,
    numbered.planned_start,
    numbered.t1_at,
    numbered.t2_at,
    numbered.t3_at,
    numbered.t4_at,
    numbered.t5_on,
    numbered.t8_at,
    numbered.t9_on,
    numbered.t1_on,
    numbered.t2_on,
    numbered.t3_on,
    numbered.t4_on,
    numbered.ready_on,
    numbered.startable_on,
    numbered.contract_due_on,
    numbered.project_due_on,
    numbered.staffing_due_on,
    numbered.start_due_on,
    cast(numbered.n2 - numbered.n1 as integer) as lag_t1_t2,
    cast(numbered.n3 - numbered.n1 as integer) as lag_t1_t3,
    cast(numbered.n4 - numbered.n_ready as integer) as lag_t3_t4,
    cast(numbered.n5 - numbered.n_startable as integer) as lag_t4_t5,
    cast(numbered.n_as_of - numbered.n1 as integer) as age_since_won,
    cast(numbered.n_as_of - numbered.n_ready as integer) as age_since_ready,
    cast(numbered.n_as_of - numbered.n_startable as integer) as age_since_startable
from numbered
left join conversion on numbered.currency_code = conversion.from_currency
