with

cards as (
    select * from {{ ref('stg_certinia__rate_card') }}
)

select
    {{ own_key('certinia', 'id') }} as rate_card_line_id,
    {{ foreign_key('salesforce', 'pse__account__c') }} as customer_id,
    {{ own_key('certinia', 'pse__region__c') }} as region_id,
    {{ own_key('certinia', 'pse__practice__c') }} as practice_id,
    pse__role__c as role,
    {{ as_rate('pse__suggested_bill_rate__c') }} as bill_rate,
    'hour' as rate_unit,
    {{ as_rate('pse__average_cost_rate__c') }} as cost_rate,
    currency_iso_code as currency_code,
    pse__start_date__c as effective_from,
    pse__end_date__c as effective_to,
    'certinia' as source_system,
    {{ landed() }}
from cards
