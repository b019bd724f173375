-- What plans say is done on which day, line by line: hours booked for people on lines billed by time,
-- instalments not yet done of fixed fees, months to come of retainers. What is unknown of a day is unknown of
-- all of it.
with line as (
    select
        contract_line_id,
        billing_method
    from {{ ledger_as_known(ref('ledger__contract_line_version')) }} as line_version
    where is_known
),

project as (
    select
        project_id,
        contract_line_id
    from {{ ledger_as_known(ref('ledger__project_version')) }} as project_version
    where is_linked
),

assignment as (
    select
        assignment_id,
        project_id,
        bill_rate,
        currency_code
    from {{ as_known(ref('canonical__assignment')) }} as known
    where is_billable
),

schedule_day as (
    select
        assignment_id,
        work_date,
        scheduled_hours,
        is_hard
    from {{ as_known(ref('canonical__assignment_schedule_day')) }} as known
),

milestone as (
    select
        project_id,
        amount,
        currency_code,
        target_date,
        completed_on
    from {{ as_known(ref('canonical__milestone')) }} as known
    where not coalesce(is_cancelled, false) and target_date is not null
),

revenue_entry as (
    select
        contract_line_id,
        amount,
        currency_code,
        service_from
    from {{ as_known(ref('canonical__revenue_entry')) }} as known
    where entry_type = 'NORMAL' and service_from is not null
),

planned as (
    select
        line.contract_line_id,
        schedule_day.work_date as happens_on,
        coalesce(schedule_day.is_hard, false) as is_hard,
        assignment.currency_code,
        {{ as_money('schedule_day.scheduled_hours * assignment.bill_rate') }} as amount
    from schedule_day
    inner join assignment on schedule_day.assignment_id = assignment.assignment_id
    inner join project on assignment.project_id = project.project_id
    inner join line on project.contract_line_id = line.contract_line_id
    where line.billing_method in ('TM', 'TM_CAPPED')
    union all
    select
        line.contract_line_id,
        -- done before its day, it is no longer to come
        least(milestone.target_date, coalesce(milestone.completed_on, milestone.target_date)) as happens_on,
        true as is_hard,
        milestone.currency_code,
        {{ as_money('milestone.amount') }} as amount
    from milestone
    inner join project on milestone.project_id = project.project_id
    inner join line on project.contract_line_id = line.contract_line_id
    where line.billing_method in ('FIXED_MILESTONE', 'FIXED_POC')
    union all
    select
        line.contract_line_id,
        revenue_entry.service_from as happens_on,
        true as is_hard,
        revenue_entry.currency_code,
        {{ as_money('revenue_entry.amount') }} as amount
    from revenue_entry
    inner join line on revenue_entry.contract_line_id = line.contract_line_id
    where line.billing_method = 'RETAINER'
)

select
    contract_line_id,
    happens_on,
    is_hard,
    currency_code,
    cast({{ known_sum('amount') }} as decimal(28, 4)) as amount
from planned
group by contract_line_id, happens_on, is_hard, currency_code
