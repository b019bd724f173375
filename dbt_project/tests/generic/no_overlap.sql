{#
    Per key, intervals from `valid_from` (inclusive) to `valid_to` (exclusive, null = open) do not overlap: at any
    instant a key has one row at most, or a sum as known then counts it twice.
#}
{% test no_overlap(model, key, valid_from, valid_to) %}

with

intervals as (
    select
        {{ key }},
        {{ valid_from }},
        {{ valid_to }},
        lead({{ valid_from }}) over (partition by {{ key }} order by {{ valid_from }}) as next_from
    from {{ model }}
)

select
    {{ key }},
    {{ valid_from }},
    {{ valid_to }},
    next_from
from intervals
where
    {{ valid_to }} <= {{ valid_from }}
    or (next_from is not null and ({{ valid_to }} is null or {{ valid_to }} > next_from))

{% endtest %}
