-- What an hour of a worker cost, per stretch of days and stretch of knowledge. No rate, or more than one for
-- the same day, is no rate: the cost is unknown, never zero.
with rate as (
    {{ ledger_dimension_versions(
        ref('canonical__cost_rate'),
        'cost_rate_id',
        ['resource_id', 'valid_from', 'valid_to', 'rate', 'currency_code'],
    ) }}
),

known_rate as (
    select
        resource_id,
        valid_from,
        coalesce(valid_to, cast('9999-12-30' as date)) as valid_to,
        rate,
        currency_code,
        known_from,
        known_to
    from rate
    where is_known and resource_id is not null
),

day_cut as (
    select
        resource_id,
        valid_from as cut_on
    from known_rate
    union
    select
        resource_id,
        {{ date_add_days('valid_to', 1) }} as cut_on
    from known_rate
    union
    select
        resource_id,
        cast('1900-01-01' as date) as cut_on
    from known_rate
),

day_span as (
    select
        resource_id,
        cut_on as valid_from,
        coalesce(
            {{ date_add_days('lead(cut_on) over (partition by resource_id order by cut_on)', -1) }},
            cast('9999-12-31' as date)
        ) as valid_to
    from day_cut
),

knowledge_cut as (
    select
        resource_id,
        known_from as cut_at
    from known_rate
    union
    select
        resource_id,
        known_to as cut_at
    from known_rate
    where known_to < {{ ledger_forever() }}
    union
    select
        resource_id,
        {{ ledger_beginning() }} as cut_at
    from known_rate
),

knowledge_span as (
    select
        resource_id,
        cut_at as known_from,
        coalesce(lead(cut_at) over (partition by resource_id order by cut_at), {{ ledger_forever() }})
            as known_to
    from knowledge_cut
),

cell as (
    select
        day_span.resource_id,
        day_span.valid_from,
        day_span.valid_to,
        knowledge_span.known_from,
        knowledge_span.known_to,
        count(known_rate.rate) as rates,
        max(known_rate.rate) as rate,
        max(known_rate.currency_code) as currency_code
    from day_span
    inner join knowledge_span on day_span.resource_id = knowledge_span.resource_id
    left join known_rate
        on
            day_span.resource_id = known_rate.resource_id
            and day_span.valid_from >= known_rate.valid_from
            and day_span.valid_from <= known_rate.valid_to
            and {{ ledger_when('known_rate', 'knowledge_span') }}
    group by
        day_span.resource_id, day_span.valid_from, day_span.valid_to, knowledge_span.known_from,
        knowledge_span.known_to
),

judged as (
    select
        resource_id,
        valid_from,
        valid_to,
        case when rates = 1 then rate end as rate,
        case when rates = 1 then currency_code end as currency_code,
        known_from,
        known_to
    from cell
),

merged as (
    {{ ledger_merge_versions('judged', ['resource_id', 'valid_from', 'valid_to'], ['rate',
        'currency_code']) }}
)

select
    resource_id,
    valid_from,
    valid_to,
    rate,
    currency_code,
    known_from,
    known_to
from merged
