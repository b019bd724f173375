-- A table, so that all splits are looked at once per build and not once per model that names one.
{{ config(materialized='table') }}

with

told as (
    select * from {{ ref('stg_certinia__timecard_split') }}
),

-- A card has one split per month it touches; most are told under one id for ever.
parts_under_several_ids as (
    select
        tl_instance,
        pse__timecard_header__c,
        pse__start_date__c
    from told
    group by tl_instance, pse__timecard_header__c, pse__start_date__c
    having min(id) <> max(id)
),

told_again as (
    select
        told.tl_instance,
        told.pse__timecard_header__c,
        told.pse__start_date__c,
        told.id,
        told.created_date,
        told.tl_is_deleted,
        {{ load_order('told.tl_load_id') }} as told_in
    from told
    inner join parts_under_several_ids as parts
        on
            told.tl_instance = parts.tl_instance
            and told.pse__timecard_header__c = parts.pse__timecard_header__c
            and told.pse__start_date__c = parts.pse__start_date__c
),

births as (
    select
        tl_instance,
        pse__timecard_header__c,
        pse__start_date__c,
        id,
        min(told_in) as born_in,
        coalesce(min(created_date), cast('1900-01-01' as {{ type_instant() }})) as created_date
    from told_again
    group by tl_instance, pse__timecard_header__c, pse__start_date__c, id
),

with_predecessors as (
    select
        births.*,
        lag(births.id) over part as predecessor
    from births
    window part as (
        partition by births.tl_instance, births.pse__timecard_header__c, births.pse__start_date__c
        order by births.born_in, births.created_date, births.id
    )
),

-- Only what the load that brought a split knew: whether the one before it was gone by then.
takeovers as (
    select
        births.tl_instance,
        births.id,
        max_by(before.tl_is_deleted, before.told_in) as is_takeover
    from with_predecessors as births
    inner join told_again as before
        on
            births.tl_instance = before.tl_instance
            and births.predecessor = before.id
            and births.born_in >= before.told_in
    group by births.tl_instance, births.id
),

-- Two splits that stand side by side are two splits: neither takes the other's place.
chains as (
    select
        births.*,
        sum(case when coalesce(takeovers.is_takeover, false) then 0 else 1 end) over (
            partition by births.tl_instance, births.pse__timecard_header__c, births.pse__start_date__c
            order by births.born_in, births.created_date, births.id
            rows between unbounded preceding and current row
        ) as chain
    from with_predecessors as births
    left join takeovers on births.tl_instance = takeovers.tl_instance and births.id = takeovers.id
),

links as (
    select
        chains.tl_instance,
        chains.id as split_id,
        first_value(chains.id) over link as root_split_id,
        chains.born_in,
        lead(chains.id) over link as followed_by,
        lead(chains.born_in) over link as followed_in
    from chains
    window link as (
        partition by
            chains.tl_instance, chains.pse__timecard_header__c, chains.pse__start_date__c, chains.chain
        order by chains.born_in, chains.created_date, chains.id
    )
)

-- The splits that took another's place or gave theirs up, each with the first of its chain. Empty where
-- splits are changed in place.
select
    tl_instance,
    split_id,
    root_split_id,
    born_in,
    followed_by,
    followed_in
from links
where split_id <> root_split_id or followed_by is not null
