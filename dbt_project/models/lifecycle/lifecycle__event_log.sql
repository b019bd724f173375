-- What happened to each case, as the run knew it: one row per event, of deals (case = the deal) and of
-- billable items (case = the item). For process mining and for the history shown beside an exception.
with stage_event as (
    select
        event_id,
        opportunity_id,
        stage,
        amount,
        changed_at,
        source_system
    from {{ as_known(ref('canonical__opportunity_stage_event')) }} as known
    where stage is not null
),

opportunity as (
    select
        opportunity_id,
        owner_id
    from {{ known_record('opportunity', ref('canonical__opportunity')) }} as known
),

contract as (
    select
        contract_id,
        opportunity_id,
        created_at,
        signed_on,
        closed_on,
        status,
        source_system
    from {{ known_record('contract', ref('canonical__contract')) }} as known
    where opportunity_id is not null
),

contract_value as (
    select
        contract_id,
        sum(original_value) as original_value
    from {{ as_known(ref('canonical__contract_line')) }} as known
    group by contract_id
),

amendment as (
    select
        contract_amendment_id,
        contract_id,
        delta_value,
        signed_on,
        source_system
    from {{ as_known(ref('canonical__contract_amendment')) }} as known
    where status = 'SIGNED' and signed_on is not null
),

project as (
    select
        project_id,
        opportunity_id,
        project_manager_id,
        created_at,
        activated_at,
        closed_at,
        source_system
    from {{ known_record('project', ref('canonical__project')) }} as known
    where opportunity_id is not null and not is_template
),

assignment as (
    select
        assignment.assignment_id,
        project.opportunity_id,
        assignment.resource_id,
        assignment.created_at,
        assignment.source_system
    from {{ as_known(ref('canonical__assignment')) }} as assignment
    inner join project on assignment.project_id = project.project_id
    where assignment.is_hard
),

time_value as (
    select
        time_entry_id,
        source_resource_id,
        work_date,
        submitted_at,
        approved_at,
        status,
        value_tc,
        source_system
    from {{ ledger_as_known(ref('ledger__time_value')) }} as known
),

expense_value as (
    select
        expense_line_id,
        expense_date,
        submitted_at,
        approved_at,
        value_tc,
        source_system
    from {{ ledger_as_known(ref('ledger__expense_value')) }} as known
),

milestone_value as (
    select
        milestone_id,
        accepted_on,
        value_tc,
        source_system
    from {{ ledger_as_known(ref('ledger__milestone_value')) }} as known
    where accepted_on is not null
),

billing_item as (
    select
        billing_item_id,
        source_key,
        amount,
        created_at,
        eligible_at,
        source_system
    from {{ as_known(ref('canonical__billing_item')) }} as known
),

billing_value as (
    select
        invoice_line_id,
        invoice_id,
        source_key,
        doc_type,
        posted_at,
        amount_tc,
        source_system
    from {{ ledger_as_known(ref('ledger__billing_value')) }} as known
    where is_posted and source_key is not null
),

invoice as (
    select
        receivable.invoice_id,
        receivable.doc_type,
        receivable.posted_at,
        receivable.amount_tc,
        receivable.source_system,
        contract.opportunity_id
    from {{ ledger_as_known(ref('ledger__receivable_value')) }} as receivable
    inner join contract on receivable.contract_id = contract.contract_id
    where receivable.is_posted
),

invoice_stage as (
    select
        invoice_id,
        cleared_on,
        amount_tc,
        t10_on
    from {{ ref('lifecycle__invoice_stage') }}
),

revenue as (
    select
        revenue.revenue_entry_id,
        line.opportunity_id,
        revenue.accounting_date,
        revenue.amount_tc,
        revenue.source_system
    from {{ ledger_as_known(ref('ledger__revenue_value')) }} as revenue
    inner join {{ ledger_as_known(ref('ledger__contract_line_version')) }} as line
        on revenue.contract_line_id = line.contract_line_id
    where revenue.is_recognised and line.opportunity_id is not null
),

event as (
    select
        'DEAL' as case_type,
        stage_event.opportunity_id as case_id,
        concat('opportunity.', lower(stage_event.stage)) as activity,
        stage_event.changed_at as happened_at,
        stage_event.source_system as system,
        opportunity.owner_id as actor,
        'opportunity' as object_type,
        stage_event.opportunity_id as object_id,
        stage_event.amount,
        stage_event.event_id as record_id
    from stage_event
    left join opportunity on stage_event.opportunity_id = opportunity.opportunity_id
    union all
    select
        'DEAL' as case_type,
        contract.opportunity_id as case_id,
        'contract.created' as activity,
        contract.created_at as happened_at,
        contract.source_system as system,
        {{ null_text() }} as actor,
        'contract' as object_type,
        contract.contract_id as object_id,
        contract_value.original_value as amount,
        contract.contract_id as record_id
    from contract
    left join contract_value on contract.contract_id = contract_value.contract_id
    union all
    select
        'DEAL' as case_type,
        contract.opportunity_id as case_id,
        'contract.signed' as activity,
        {{ as_instant('contract.signed_on') }} as happened_at,
        contract.source_system as system,
        {{ null_text() }} as actor,
        'contract' as object_type,
        contract.contract_id as object_id,
        contract_value.original_value as amount,
        contract.contract_id as record_id
    from contract
    left join contract_value on contract.contract_id = contract_value.contract_id
    where contract.signed_on is not null
    union all
    select
        'DEAL' as case_type,
        opportunity_id as case_id,
        case when status = 'CANCELLED' then 'contract.cancelled' else 'contract.completed' end as activity,
        {{ as_instant('closed_on') }} as happened_at,
        source_system as system,
        {{ null_text() }} as actor,
        'contract' as object_type,
        contract_id as object_id,
        cast(null as decimal(19, 4)) as amount,
        contract_id as record_id
    from contract
    where closed_on is not null and status in ('COMPLETED', 'CANCELLED')
    union all
    select
        'DEAL' as case_type,
        contract.opportunity_id as case_id,
        'amendment.signed' as activity,
        {{ as_instant('amendment.signed_on') }} as happened_at,
        amendment.source_system as system,
        {{ null_text() }} as actor,
        'contract_amendment' as object_type,
        amendment.contract_amendment_id as object_id,
        amendment.delta_value as amount,
        amendment.contract_amendment_id as record_id
    from amendment
    inner join contract on amendment.contract_id = contract.contract_id
    union all
    select
        'DEAL' as case_type,
        opportunity_id as case_id,
        'project.created' as activity,
        created_at as happened_at,
        source_system as system,
        project_manager_id as actor,
        'project' as object_type,
        project_id as object_id,
        cast(null as decimal(19, 4)) as amount,
        project_id as record_id
    from project
    union all
    select
        'DEAL' as case_type,
        opportunity_id as case_id,
        'project.completed' as activity,
        closed_at as happened_at,
        source_system as system,
        project_manager_id as actor,
        'project' as object_type,
        project_id as object_id,
        cast(null as decimal(19, 4)) as amount,
        project_id as record_id
    from project
    where closed_at is not null
    union all
    select
        'DEAL' as case_type,
        opportunity_id as case_id,
        'assignment.hard' as activity,
        created_at as happened_at,
        source_system as system,
        resource_id as actor,
        'assignment' as object_type,
        assignment_id as object_id,
        cast(null as decimal(19, 4)) as amount,
        assignment_id as record_id
    from assignment
    union all
    select
        'DEAL' as case_type,
        opportunity_id as case_id,
        case when doc_type = 'CREDIT_NOTE' then 'credit.posted' else 'invoice.posted' end as activity,
        posted_at as happened_at,
        source_system as system,
        {{ null_text() }} as actor,
        'invoice' as object_type,
        invoice_id as object_id,
        amount_tc as amount,
        invoice_id as record_id
    from invoice
    union all
    select
        'DEAL' as case_type,
        invoice.opportunity_id as case_id,
        case when invoice_stage.t10_on is not null then 'invoice.collected' else 'invoice.credited' end
            as activity,
        {{ as_instant('invoice_stage.cleared_on') }} as happened_at,
        invoice.source_system as system,
        {{ null_text() }} as actor,
        'invoice' as object_type,
        invoice.invoice_id as object_id,
        invoice_stage.amount_tc as amount,
        invoice.invoice_id as record_id
    from invoice
    inner join invoice_stage on invoice.invoice_id = invoice_stage.invoice_id
    where invoice_stage.cleared_on is not null
    union all
    select
        'DEAL' as case_type,
        opportunity_id as case_id,
        'revenue.posted' as activity,
        {{ as_instant('accounting_date') }} as happened_at,
        source_system as system,
        {{ null_text() }} as actor,
        'revenue_entry' as object_type,
        revenue_entry_id as object_id,
        amount_tc as amount,
        revenue_entry_id as record_id
    from revenue
    union all
    select
        'ITEM' as case_type,
        time_entry_id as case_id,
        'time.submitted' as activity,
        submitted_at as happened_at,
        source_system as system,
        source_resource_id as actor,
        'time_entry' as object_type,
        time_entry_id as object_id,
        value_tc as amount,
        time_entry_id as record_id
    from time_value
    where submitted_at is not null
    union all
    select
        'ITEM' as case_type,
        time_entry_id as case_id,
        'time.approved' as activity,
        approved_at as happened_at,
        source_system as system,
        {{ null_text() }} as actor,
        'time_entry' as object_type,
        time_entry_id as object_id,
        value_tc as amount,
        time_entry_id as record_id
    from time_value
    where approved_at is not null and status = 'approved'
    union all
    select
        'ITEM' as case_type,
        expense_line_id as case_id,
        'expense.submitted' as activity,
        submitted_at as happened_at,
        source_system as system,
        {{ null_text() }} as actor,
        'expense_line' as object_type,
        expense_line_id as object_id,
        value_tc as amount,
        expense_line_id as record_id
    from expense_value
    where submitted_at is not null
    union all
    select
        'ITEM' as case_type,
        expense_line_id as case_id,
        'expense.approved' as activity,
        approved_at as happened_at,
        source_system as system,
        {{ null_text() }} as actor,
        'expense_line' as object_type,
        expense_line_id as object_id,
        value_tc as amount,
        expense_line_id as record_id
    from expense_value
    where approved_at is not null
    union all
    select
        'ITEM' as case_type,
        milestone_id as case_id,
        'milestone.accepted' as activity,
        {{ as_instant('accepted_on') }} as happened_at,
        source_system as system,
        {{ null_text() }} as actor,
        'milestone' as object_type,
        milestone_id as object_id,
        value_tc as amount,
        milestone_id as record_id
    from milestone_value
    union all
    select
        'ITEM' as case_type,
        source_key as case_id,
        'billing.eligible' as activity,
        eligible_at as happened_at,
        source_system as system,
        {{ null_text() }} as actor,
        'billing_item' as object_type,
        billing_item_id as object_id,
        amount,
        billing_item_id as record_id
    from billing_item
    union all
    select
        'ITEM' as case_type,
        source_key as case_id,
        case when doc_type = 'CREDIT_NOTE' then 'item.credited' else 'item.invoiced' end as activity,
        posted_at as happened_at,
        source_system as system,
        {{ null_text() }} as actor,
        'invoice' as object_type,
        invoice_id as object_id,
        amount_tc as amount,
        invoice_line_id as record_id
    from billing_value
)

select
    {{ fingerprint(['case_id', 'activity', 'record_id']) }} as event_id,
    {{ as_text('case_type') }} as case_type,
    {{ as_text('case_id') }} as case_id,
    {{ as_text('activity') }} as activity,
    happened_at as {{ quote_name('at') }},
    {{ as_text('system') }} as system,
    {{ as_text('actor') }} as actor,
    {{ as_text('object_type') }} as object_type,
    {{ as_text('object_id') }} as object_id,
    {{ as_money('amount') }} as amount
from event
where happened_at is not null and {{ date_of('happened_at') }} <= {{ run_as_of() }}
