with

reports as (
    select * from {{ ref('certinia__expense_report') }}
),

expenses as (
    select
        told.*,
        {{ own_key('certinia', 'told.pse__expense_report__c', 'told.tl_instance') }} as expense_report_id
    from {{ ref('stg_certinia__expense') }} as told
),

expenses_of_reports as (
    {{ known_together(
        child='expenses', parent='reports',
        child_key='id', foreign_key='expense_report_id', parent_key='expense_report_id',
        columns=[
            'id', 'expense_report_id', 'pse__project__c', 'pse__resource__c', 'pse__expense_date__c',
            'pse__type__c', 'pse__amount__c', 'pse__billing_amount__c', 'pse__billing_currency__c',
            'pse__billable__c', 'pse__status__c', 'currency_iso_code',
        ],
        carried=['status', 'submitted_at', 'approved_at'], instants=['submitted_at', 'approved_at']
    ) }}
)

-- What is billed on is the amount as incurred unless the expense says otherwise.
select
    {{ own_key('certinia', 'lines.id', 'lines.tl_instance') }} as expense_line_id,
    lines.expense_report_id,
    {{ own_key('certinia', 'lines.pse__resource__c', 'lines.tl_instance') }} as resource_id,
    {{ own_key('certinia', 'lines.pse__project__c', 'lines.tl_instance') }} as project_id,
    lines.pse__expense_date__c as expense_date,
    lines.pse__type__c as category,
    lines.pse__amount__c as incurred_amount,
    lines.currency_iso_code as incurred_currency_code,
    coalesce(
        lines.pse__billing_amount__c,
        case when lines.pse__billable__c then lines.pse__amount__c else 0 end
    )
        as billing_amount,
    coalesce(lines.pse__billing_currency__c, lines.currency_iso_code) as billing_currency_code,
    lines.pse__billable__c as is_billable,
    -- A report is as far as the last of its lines; a line may be turned down alone.
    case
        when {{ coded('statuses') }} = 'rejected' then 'rejected'
        else coalesce(lines.status, {{ coded('statuses') }})
    end as status,
    lines.submitted_at,
    lines.approved_at,
    'certinia' as source_system,
    {{ landed('lines') }}
from expenses_of_reports as lines
{{ code_join('statuses', 'expense_status', 'certinia', 'lines.pse__status__c') }}
