with

told as (
    select * from {{ ref('stg_certinia__timecard_split') }}
),

roots as (
    select * from {{ ref('certinia__split_root') }}
)

-- Splits under the id that their card's part of the month was first told under. What is still said of a split
-- after another took its place (that it is deleted) is said under the id which that one left unused.
select
    told.id,
    told.pse__timecard_header__c,
    told.pse__project__c,
    told.pse__assignment__c,
    told.pse__resource__c,
    told.pse__start_date__c,
    told.pse__end_date__c,
    told.pse__monday_hours__c,
    told.pse__tuesday_hours__c,
    told.pse__wednesday_hours__c,
    told.pse__thursday_hours__c,
    told.pse__friday_hours__c,
    told.pse__saturday_hours__c,
    told.pse__sunday_hours__c,
    told.pse__total_hours__c,
    told.pse__total_billable_amount__c,
    told.pse__total_cost__c,
    told.pse__billable__c,
    told.pse__status__c,
    told.pse__billed__c,
    told.pse__invoiced__c,
    told.pse__invoice_number__c,
    told.currency_iso_code,
    told.created_date,
    case
        when {{ load_order('told.tl_load_id') }} >= roots.followed_in then roots.followed_by
        else coalesce(roots.root_split_id, told.id)
    end as split_id,
    coalesce(roots.root_split_id, told.id) as root_split_id,
    {{ landed('told') }}
from told
left join roots on told.id = roots.split_id and told.tl_instance = roots.tl_instance
