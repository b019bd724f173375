{#
    From candidate pairs to golden links. `pairs` is a CTE with left_key, right_key, match_rule, rank (1 is best),
    holds_from and holds_to (null = open): for how long the warehouse knew of both sides what makes them a pair.

    At any instant a left key's best rule decides; where that rule names several right keys, there is no link:
    a guess between two companies would move money between them.
#}
{% macro golden_links(pairs) -%}
    with

    bounded_pairs as (
        select
            left_key,
            right_key,
            match_rule,
            rank,
            holds_from,
            coalesce(holds_to, cast('9999-12-31' as {{ type_instant() }})) as holds_until
        from {{ pairs }}
    ),

    instants as (
        select left_key, holds_from as moment from {{ pairs }}
        union
        select left_key, holds_to as moment from {{ pairs }} where holds_to is not null
    ),

    candidates as (
        select
            instants.left_key,
            instants.moment,
            pairs.right_key,
            pairs.match_rule,
            pairs.rank,
            min(pairs.rank) over (partition by instants.left_key, instants.moment) as best_rank
        from instants
        left join bounded_pairs as pairs
            on
                instants.left_key = pairs.left_key
                and pairs.holds_from <= instants.moment
                and pairs.holds_until > instants.moment
    ),

    decided as (
        select
            left_key,
            moment,
            case when count(distinct right_key) = 1 then min(right_key) end as right_key,
            case when count(distinct right_key) = 1 then min(match_rule) end as match_rule
        from candidates
        where rank = best_rank or rank is null
        group by left_key, moment
    ),

    compared as (
        select
            decided.*,
            lag(right_key) over (partition by left_key order by moment) as right_before,
            lag(match_rule) over (partition by left_key order by moment) as rule_before,
            lag(moment) over (partition by left_key order by moment) as moment_before
        from decided
    ),

    changes as (
        select
            left_key,
            right_key,
            match_rule,
            moment as known_from,
            lead(moment) over (partition by left_key order by moment) as known_to
        from compared
        where
            moment_before is null
            or right_key is distinct from right_before
            or match_rule is distinct from rule_before
    )

    select
        left_key,
        right_key,
        match_rule,
        known_from,
        known_to
    from changes
    where right_key is not null
{%- endmacro %}

{# From and until when two versions (aliases) were known together; the condition that they were at all. #}
{% macro together_from(one, other) %}greatest({{ one }}.known_from, {{ other }}.known_from){% endmacro %}
{% macro together_to(one, other) -%}
    case
        when {{ one }}.known_to is null then {{ other }}.known_to
        when {{ other }}.known_to is null then {{ one }}.known_to
        else least({{ one }}.known_to, {{ other }}.known_to)
    end
{%- endmacro %}
{% macro known_at_once(one, other) -%}
    ({{ one }}.known_to is null or {{ other }}.known_from < {{ one }}.known_to)
    and ({{ other }}.known_to is null or {{ one }}.known_from < {{ other }}.known_to)
{%- endmacro %}

{#
    Candidate pairs by one rule, for `golden_links`: the versions of the CTEs `one` and `other` that were known at
    once and that `condition` ties together. `rank` says how good the rule is (1 is best).
#}
{% macro pairs_known_at_once(one, one_key, other, other_key, match_rule, rank, condition) -%}
    select
        {{ one }}.{{ one_key }} as left_key,
        {{ other }}.{{ other_key }} as right_key,
        '{{ match_rule }}' as match_rule,
        {{ rank }} as rank,
        {{ together_from(one, other) }} as holds_from,
        {{ together_to(one, other) }} as holds_to
    from {{ one }}
    inner join {{ other }}
        on
            {{ condition }}
            and {{ known_at_once(one, other) }}
{%- endmacro %}
