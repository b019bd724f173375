with

deals as (
    select * from {{ ref('stg_salesforce__opportunity') }}
)

select
    {{ own_key('salesforce', 'deals.id', 'deals.tl_instance') }} as opportunity_id,
    deals.name,
    {{ own_key('salesforce', 'deals.account_id', 'deals.tl_instance') }} as customer_id,
    deals.stage_name as stage_raw,
    {{ coded('stages') }} as stage,
    deals.amount,
    deals.services_amount__c as services_amount,
    coalesce(deals.expense_amount__c, {{ as_money('0') }}) as expense_amount,
    deals.first_30_days_revenue__c as first_30_days_revenue,
    deals.currency_iso_code as currency_code,
    deals.close_date,
    -- The vendor holds a percentage.
    cast(deals.probability * cast(0.01 as decimal(3, 2)) as {{ type_fraction() }}) as probability,
    deals.is_closed,
    deals.is_won,
    deals.owner_id,
    deals.created_date as created_at,
    {{ coded('types') }} as opportunity_type,
    deals.legal_entity__c as legal_entity_code,
    deals.billing_method__c as billing_method_raw,
    {{ coded('methods') }} as billing_method,
    cast({{ coded('terms') }} as integer) as payment_terms_days,
    deals.term_start__c as term_start,
    deals.term_end__c as term_end,
    deals.planned_start__c as planned_start,
    deals.quote_date__c as quote_date,
    deals.contract_required__c as is_contract_required,
    {{ own_key('salesforce', 'deals.parent_opportunity__c', 'deals.tl_instance') }} as parent_opportunity_id,
    {{ coded_key('practices', 'deals.practice__c') }} as practice_code,
    {{ coded_key('regions', 'deals.region__c') }} as region_code,
    'salesforce' as source_system,
    {{ landed('deals') }}
from deals
{{ code_join('stages', 'stage', 'salesforce', 'deals.stage_name') }}
{{ code_join('types', 'opportunity_type', 'salesforce', 'deals.type') }}
{{ code_join('methods', 'billing_method', 'salesforce', 'deals.billing_method__c') }}
{{ code_join('terms', 'payment_terms', 'salesforce', 'deals.payment_terms__c') }}
{{ code_join('practices', 'practice', 'salesforce', 'deals.practice__c') }}
{{ code_join('regions', 'region', 'salesforce', 'deals.region__c') }}
