-- Work done and not invoiced at every date a run answers for, by what it is and how long ago it was done or
-- accepted, in calendar days. The rows of a date add up to wip_operational.
with item as (
    select
        as_of,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        movement_type,
        business_date,
        currency_code,
        amount_tc,
        amount_rc,
        {{ days_between('business_date', 'as_of') }} as age_days
    from {{ ref('metric_drill') }}
    where metric_id = 'wip_operational'
),

aged as (
    select
        item.*,
        case
            when item.age_days <= 30 then '0-30'
            when item.age_days <= 60 then '31-60'
            when item.age_days <= 90 then '61-90'
            when item.age_days <= 120 then '91-120'
            when item.age_days > 120 then '>120'
            else 'UNKNOWN'
        end as bucket
    from item
)

select
    as_of,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    contract_line_id,
    movement_type as source_type,
    {{ as_text('bucket') }} as bucket,
    currency_code,
    min(business_date) as oldest_on,
    cast(count(*) as bigint) as items,
    cast(sum(amount_tc) as decimal(28, 4)) as amount_tc,
    cast({{ known_sum('amount_rc') }} as decimal(28, 4)) as amount_rc
from aged
group by
    as_of, legal_entity_id, region_id, practice_id, customer_id, project_id, contract_line_id, movement_type,
    bucket, currency_code
