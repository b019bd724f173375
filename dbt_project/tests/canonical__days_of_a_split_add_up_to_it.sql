-- The wrong number this would let through: WIP and unbilled time off by the rounding of every split,
-- some cents on each timecard and some thousands on the firm, with no row to blame.
-- Not asserted: splits without any hours but with an amount; there is no day such money could stand on.
{{ config(enabled=('certinia' in var('systems', 'certinia').split(','))) }}
with

splits as (
    select
        {{ own_key('certinia', 'told.id', 'told.tl_instance') }} as split_id,
        told.id as native_split_id,
        told.tl_instance,
        told.pse__total_billable_amount__c,
        told.pse__total_hours__c
    from {{ newest(ref('stg_certinia__timecard_split'), 'id') }} as told
    where not told.tl_is_deleted and told.pse__total_hours__c <> 0
),

days as (
    select
        source_instance,
        source_record_id,
        sum(billable_amount) as billable_amount,
        sum(hours) as hours
    from {{ ref('canonical__time_entry') }}
    where known_to is null and not is_deleted and source_system = 'certinia'
    group by source_instance, source_record_id
)

select
    splits.split_id,
    splits.pse__total_billable_amount__c,
    days.billable_amount,
    splits.pse__total_hours__c,
    days.hours
from splits
inner join days
    on splits.native_split_id = days.source_record_id and splits.tl_instance = days.source_instance
where
    splits.pse__total_billable_amount__c <> days.billable_amount
    or splits.pse__total_hours__c <> days.hours
