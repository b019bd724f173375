-- What one hand-written script needs for the same monthly tables, straight from what was landed: the newest
-- version of every record, one fact, and backlog, WIP, margin and utilisation by month and firm, in the
-- reporting currency. No history, no controls, no contracts: the limit the models are held against.
create or replace temp macro newest(name) as table
    select * from query_table(name)
    qualify row_number() over (partition by tl_record_id order by tl_loaded_at desc, tl_load_id desc) = 1;

create temp table entry as select * from newest('raw.files_files.time_entry') where not tl_is_deleted;
create temp table item as select * from newest('raw.files_files.billing_item') where not tl_is_deleted;
create temp table invoice as select * from newest('raw.files_files.invoice') where not tl_is_deleted;
create temp table invoice_line as select * from newest('raw.files_files.invoice_line') where not tl_is_deleted;
create temp table revenue as select * from newest('raw.files_files.revenue_entry') where not tl_is_deleted;
create temp table line as select * from newest('raw.files_files.contract_line') where not tl_is_deleted;
create temp table contract as select * from newest('raw.files_files.contract') where not tl_is_deleted;
create temp table project as select * from newest('raw.files_files.project') where not tl_is_deleted;
create temp table resource as select * from newest('raw.files_files.resource') where not tl_is_deleted;
create temp table cost_rate as select * from newest('raw.files_files.cost_rate') where not tl_is_deleted;
create temp table calendar_day as select * from newest('raw.files_files.work_calendar_day') where not tl_is_deleted;
create temp table rate as
    select from_currency, effective_from, rate from newest('raw.files_files.exchange_rate')
    where to_currency = 'USD' and not tl_is_deleted
    union all
    select 'USD', day::date, 1 from generate_series(date '2024-07-01', date '2026-06-30', interval 1 day) as d(day);

create temp table fact as
    select
        'performed' as movement, entry.work_date as day, project.contract_line_id, entry.hours,
        entry.billable_amount * rate.rate as amount,
        entry.hours * cost_rate.rate * cost.rate as cost,
        entry.status = 'approved' as is_approved
    from entry
    left join project on entry.project_id = project.project_id
    left join resource as contact on entry.resource_id = contact.resource_id
    left join resource as worker
        on contact.employee_number = worker.employee_number and worker.source_system = 'hr'
    left join cost_rate on worker.resource_id = cost_rate.resource_id
    left join rate on entry.currency_code = rate.from_currency and entry.work_date = rate.effective_from
    left join rate as cost
        on cost_rate.currency_code = cost.from_currency and entry.work_date = cost.effective_from
    union all
    select
        'billed', invoice.invoice_date, invoice_line.contract_line_id, invoice_line.quantity,
        invoice_line.net_amount * rate.rate, null, null
    from invoice_line
    left join invoice on invoice_line.invoice_id = invoice.invoice_id
    left join rate
        on invoice_line.currency_code = rate.from_currency and invoice.invoice_date = rate.effective_from
    union all
    select
        'recognised', revenue.accounting_date, revenue.contract_line_id, null, revenue.amount * rate.rate, null, null
    from revenue
    left join rate on revenue.currency_code = rate.from_currency and revenue.accounting_date = rate.effective_from
    union all
    select
        'booked', contract.signed_on, line.contract_line_id, null, line.original_value * rate.rate, null, null
    from line
    left join contract on line.contract_id = contract.contract_id
    left join rate on line.currency_code = rate.from_currency and contract.signed_on = rate.effective_from;

create temp table month as
    select last_day(m) as month_end from generate_series(date '2024-07-01', date '2026-06-01', interval 1 month) as t(m);

create or replace table backlog as
    select month_end, contract_line_id, sum(case movement when 'booked' then amount else -amount end) as amount
    from month inner join fact on fact.day <= month_end and movement in ('booked', 'recognised')
    group by all;

create or replace table wip as
    select month_end, contract_line_id, sum(case movement when 'performed' then amount else -amount end) as amount
    from month
    inner join (
        select movement, last_day(day) as until, contract_line_id, sum(amount) as amount from fact
        where movement = 'billed' or (movement = 'performed' and is_approved) group by all
    ) as by_month on until <= month_end
    group by all;

create or replace table margin as
    select
        last_day(day) as month_end, contract_line_id,
        sum(amount) filter (movement = 'recognised') as revenue, sum(cost) as cost
    from fact where movement in ('recognised', 'performed') group by all;

create or replace table utilisation as
    select hours.month_end, hours.billable, days.available
    from (
        select last_day(work_date) as month_end, sum(hours) filter (status = 'approved' and is_billable) as billable
        from entry group by all
    ) as hours
    left join (
        select last_day(calendar_date) as month_end, sum(8) as available
        from calendar_day
        inner join resource on calendar_day.calendar_name = resource.legal_entity_code
        where is_working_day and resource.source_system = 'hr'
        group by all
    ) as days using (month_end);
