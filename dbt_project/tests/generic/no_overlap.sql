{#
    Per key (a column or an expression), intervals from `valid_from` (inclusive) to `valid_to` (exclusive, null =
    open) do not overlap: at any instant a key has one row at most, or a sum as known then counts it twice.
#}
{% test no_overlap(model, key, valid_from, valid_to) %}

with

intervals as (
    select
        {{ key }} as interval_key,
        {{ valid_from }} as interval_from,
        {{ valid_to }} as interval_to,
        lead({{ valid_from }}) over (partition by {{ key }} order by {{ valid_from }}) as next_from
    from {{ model }}
)

select
    interval_key,
    interval_from,
    interval_to,
    next_from
from intervals
where
    interval_to <= interval_from
    or (next_from is not null and (interval_to is null or interval_to > next_from))

{% endtest %}
