with

headers as (
    select * from {{ ref('stg_certinia__timecard_header') }}
)

-- What a weekly card says about the days on it: how far approval has come.
select
    {{ own_key('certinia', 'headers.id', 'headers.tl_instance') }} as timesheet_id,
    headers.pse__status__c as header_status_raw,
    {{ coded('statuses') }} as header_status,
    headers.submitted_at__c as submitted_at,
    headers.approved_at__c as approved_at,
    headers.pse__bill_rate__c as header_bill_rate,
    {{ landed('headers') }}
from headers
{{ code_join('statuses', 'time_status', 'certinia', 'headers.pse__status__c') }}
