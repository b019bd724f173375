with

landed as (
    {{ landed_rows('certinia', 'timecard_split') }}
)

select
    nullif(id, '') as id,
    nullif(pse__timecard_header__c, '') as pse__timecard_header__c,
    nullif(pse__project__c, '') as pse__project__c,
    nullif(pse__assignment__c, '') as pse__assignment__c,
    nullif(pse__resource__c, '') as pse__resource__c,
    cast(pse__start_date__c as date) as pse__start_date__c,
    cast(pse__end_date__c as date) as pse__end_date__c,
    {{ as_hours('pse__monday_hours__c') }} as pse__monday_hours__c,
    {{ as_hours('pse__tuesday_hours__c') }} as pse__tuesday_hours__c,
    {{ as_hours('pse__wednesday_hours__c') }} as pse__wednesday_hours__c,
    {{ as_hours('pse__thursday_hours__c') }} as pse__thursday_hours__c,
    {{ as_hours('pse__friday_hours__c') }} as pse__friday_hours__c,
    {{ as_hours('pse__saturday_hours__c') }} as pse__saturday_hours__c,
    {{ as_hours('pse__sunday_hours__c') }} as pse__sunday_hours__c,
    {{ as_hours('pse__total_hours__c') }} as pse__total_hours__c,
    {{ as_money('pse__total_billable_amount__c') }} as pse__total_billable_amount__c,
    {{ as_money('pse__total_cost__c') }} as pse__total_cost__c,
    coalesce(pse__billable__c, false) as pse__billable__c,
    nullif(pse__status__c, '') as pse__status__c,
    coalesce(pse__billed__c, false) as pse__billed__c,
    coalesce(pse__invoiced__c, false) as pse__invoiced__c,
    nullif(pse__invoice_number__c, '') as pse__invoice_number__c,
    nullif(currency_iso_code, '') as currency_iso_code,
    {{ as_instant('created_date') }} as created_date,
    {{ landed() }}
from landed
