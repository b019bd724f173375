-- The wrong number this would let through: two reports of one run that disagree. A control's run says how
-- many exceptions of what amount it found; the list says which.
-- Not asserted: passes, which the list does not hold.
with

listed as (
    select
        found.control_id,
        found.outcome,
        count(*) as row_count,
        case when count(found.amount_at_risk) = count(*) then sum(found.amount_at_risk) end as amount
    from {{ ref('exception') }} as found
    group by found.control_id, found.outcome
),

counted as (
    {% for outcome in ['PENDING', 'EXCEPTION', 'WAIVED', 'NOT_EVALUABLE'] -%}
        select
            run.control_id,
            '{{ outcome }}' as outcome,
            run.{{ outcome | lower }}_count as row_count,
            run.{{ outcome | lower }}_amount as amount
        from {{ ref('control_run') }} as run
        where run.legal_entity_id = 'ALL'
        {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    counted.control_id,
    counted.outcome,
    counted.row_count,
    listed.row_count as listed_rows
from counted
left join listed
    on
        counted.control_id = listed.control_id
        and counted.outcome = listed.outcome
where
    counted.row_count <> coalesce(listed.row_count, 0)
    or counted.amount is distinct from case when listed.row_count is null then 0 else listed.amount end
