{#
    History comes from the append-only landing: every row stands there once per change, with the load that
    brought it. These macros turn such rows into versions with knowledge intervals.

    A knowledge row carries the landing's envelope (tl_*). A version is a knowledge row that says something new
    about its key, with known_from (inclusive), known_to (exclusive, null while it is what we know) and its
    number.
#}

{# The landing's envelope, as staging and mapping views hand it on. #}
{% macro landed(alias=none) -%}
    {%- set prefix = alias ~ '.' if alias else '' -%}
    {%- for name in [
        'tl_instance', 'tl_record_id', 'tl_source_created_at', 'tl_source_updated_at', 'tl_is_deleted',
        'tl_deletion_basis', 'tl_load_id', 'tl_payload_hash', 'tl_is_backfill', 'tl_known_at',
    ] %}
    {{ prefix }}{{ name }}{{ ',' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#
    A load's id as text that sorts as the loads came. Behind the second stands the number of the load within it
    (nothing, -2, -3 ...), and as it is written, -10 comes before -2 and a shorter id is not always an earlier one.
#}
{% macro load_order(load_id) -%}
    substr({{ load_id }}, 1, 16) || lpad(substr({{ load_id }}, 18), 6, '0')
{%- endmacro %}

{#
    The versions of the knowledge rows in `relation`, per `key` (a column): all its columns, known_from, known_to,
    version_number. Where one instant brought a key twice, the later load's word stands, then the later edit.
    `native`: the key is a vendor's own id, which another instance of the vendor may have too.
    `mostly_once`: nearly every key of a large table was told once: only those that were not are sorted. `relation` is
    then a CTE, which is read three times, and `key` is never null.
#}
{% macro versions(relation, key, native=false, mostly_once=false) -%}
    {%- set within = 'tl_instance, {of}.' ~ key if native else key -%}
    {%- if mostly_once -%}
    select
        told.*,
        cast(1 as bigint) as tl_rank,
        {{ null_text() }} as tl_hash_before,
        told.tl_known_at as known_from,
        {{ null_instant() }} as known_to,
        cast(1 as integer) as version_number
    from {{ relation }} as told
    where
        not exists (
            select 1 as found
            from (
                select again.{{ key }} from {{ relation }} as again group by again.{{ key }} having count(*) > 1
            ) as again
            where again.{{ key }} = told.{{ key }}
        )
    union all
    {% endif -%}
    select
        kept.*,
        kept.tl_known_at as known_from,
        lead(kept.tl_known_at) over (partition by kept.{{ within | replace("{of}", "kept") }} order by kept.tl_known_at) as known_to,
        cast(row_number() over (partition by kept.{{ within | replace("{of}", "kept") }} order by kept.tl_known_at) as integer) as version_number
    from (
        select
            said.*,
            lag(said.tl_payload_hash) over (partition by said.{{ within | replace("{of}", "said") }} order by said.tl_known_at) as tl_hash_before
        from (
            select
                told.*,
                row_number() over (
                    partition by told.{{ within | replace("{of}", "told") }}, told.tl_known_at
                    order by
                        {{ load_order('told.tl_load_id') }} desc,
                        told.tl_source_updated_at desc nulls last,
                        told.tl_payload_hash
                ) as tl_rank
            from {{ relation }} as told
            {%- if mostly_once %}
            where told.{{ key }} in (
                select again.{{ key }} from {{ relation }} as again group by again.{{ key }} having count(*) > 1
            )
            {%- endif %}
        ) as said
        where said.tl_rank = 1
    ) as kept
    where kept.tl_hash_before is distinct from kept.tl_payload_hash
{%- endmacro %}

{# The envelope of a canonical table, out of versioned rows that carry `source_system`. #}
{% macro envelope(alias=none) -%}
    {%- set of = alias ~ '.' if alias else '' -%}
    {{ of }}source_system,
    {{ of }}tl_instance as source_instance,
    {{ of }}tl_record_id as source_record_id,
    {{ of }}tl_source_created_at as source_created_at,
    {{ of }}tl_source_updated_at as source_updated_at,
    {{ of }}tl_is_deleted as is_deleted,
    case
        when {{ of }}tl_is_deleted and {{ of }}tl_deletion_basis = 'flag'
            then coalesce({{ of }}tl_source_updated_at, {{ of }}tl_known_at)
        when {{ of }}tl_is_deleted then {{ of }}tl_known_at
    end as deleted_at,
    case when {{ of }}tl_is_deleted then {{ of }}tl_deletion_basis end as deletion_basis,
    {{ of }}tl_load_id as load_id,
    {{ of }}tl_payload_hash as payload_hash,
    {{ of }}tl_is_backfill as is_backfill,
    {{ of }}known_from,
    {{ of }}known_to,
    {{ of }}version_number
{%- endmacro %}

{#
    Two records that make one fact: knowledge rows of `child` with what its `parent` said at the same time. A row
    begins where the child's version begins and where the parent's carried columns change under it; a child
    without its parent stays, with nulls. Both are of one system, and of one instance of it.

    child, parent   names of CTEs with knowledge rows
    child_key       the child's key column; foreign_key: the child's column that names the parent
    parent_key      the parent's column it names
    columns         the child's columns to hand on (beside the envelope)
    carried         the parent's columns to hand on, all of them simple values
    instants        those of `carried` that are instants (their text differs between engines)
    cascade         whether the parent's deletion deletes the child

    A parent's first version that came with the backfill is taken to have been true before: the backfill knows
    only each record's last edit, and a header edited after its line was there when the line was written.
#}
{% macro known_together(
    child, parent, child_key, foreign_key, parent_key, columns, carried, instants=[], cascade=true
) -%}
    {%- set told = [] -%}
    {%- for name in carried -%}
        {%- do told.append(throughline.instant_number(name) if name in instants else name) -%}
    {%- endfor -%}
    {%- if cascade -%}{%- do told.append('tl_is_deleted') -%}{%- endif -%}
    {%- set child_versions = child ~ '_versions' -%}
    {%- set parent_versions = parent ~ '_over_' ~ child -%}
    with

    {{ child_versions }} as (
        {{ versions(child, child_key, native=true) }}
    ),

    {{ parent_versions }}_told as (
        select
            {{ parent_key }} as parent_key,
            {% for name in carried if name != parent_key -%}
            {{ name }},
            {% endfor -%}
            tl_instance,
            tl_source_updated_at,
            tl_is_deleted,
            tl_deletion_basis,
            tl_load_id,
            {{ fingerprint(told) }} as tl_payload_hash,
            tl_is_backfill,
            tl_known_at
        from {{ parent }}
    ),

    {{ parent_versions }} as (
        select
            parents.*,
            case
                when parents.version_number = 1 and parents.tl_is_backfill
                    then cast('1900-01-01' as {{ type_instant() }})
                else parents.known_from
            end as holds_from,
            -- Never null, because an outer join on "null or later" is compared row by row with row.
            coalesce(parents.known_to, cast('9999-12-31' as {{ type_instant() }})) as holds_to
        from (
            {{ versions(parent_versions ~ '_told', 'parent_key', native=true) }}
        ) as parents
    ),

    {{ child }}_moments as (
        select
            children.*,
            children.known_from as moment,
            true as is_own
        from {{ child_versions }} as children
        union all
        select
            children.*,
            parents.holds_from as moment,
            false as is_own
        from {{ child_versions }} as children
        inner join {{ parent_versions }} as parents
            on
                children.{{ foreign_key }} = parents.parent_key
                and children.tl_instance = parents.tl_instance
                and children.known_from < parents.holds_from
                and (children.known_to is null or parents.holds_from < children.known_to)
    )

    select
        {% for name in columns -%}
        moments.{{ name }},
        {% endfor -%}
        {% for name in carried -%}
        parents.{{ name }},
        {% endfor -%}
        moments.tl_instance,
        moments.tl_record_id,
        moments.tl_source_created_at,
        case
            when moments.is_own then moments.tl_source_updated_at
            else coalesce(parents.tl_source_updated_at, moments.tl_source_updated_at)
        end as tl_source_updated_at,
        {% if cascade -%}
        moments.tl_is_deleted or coalesce(parents.tl_is_deleted, false) as tl_is_deleted,
        case
            when moments.tl_is_deleted then moments.tl_deletion_basis
            when parents.tl_is_deleted then parents.tl_deletion_basis
        end as tl_deletion_basis,
        {% else -%}
        moments.tl_is_deleted,
        moments.tl_deletion_basis,
        {% endif -%}
        case when moments.is_own then moments.tl_load_id else parents.tl_load_id end as tl_load_id,
        md5(moments.tl_payload_hash || '|' || coalesce(parents.tl_payload_hash, '')) as tl_payload_hash,
        case when moments.is_own then moments.tl_is_backfill else parents.tl_is_backfill end as tl_is_backfill,
        moments.moment as tl_known_at
    from {{ child }}_moments as moments
    left join {{ parent_versions }} as parents
        on
            moments.{{ foreign_key }} = parents.parent_key
            and moments.tl_instance = parents.tl_instance
            and parents.holds_from <= moments.moment
            and parents.holds_to > moments.moment
{%- endmacro %}

{#
    The newest row of each key: for words that name a thing (a currency's code), not for facts. The key is a vendor's
    own id, once per instance, unless it is said to be good `everywhere`.
#}
{% macro newest(relation, key, everywhere=false) -%}
    (
        select ranked.*
        from (
            select
                told.*,
                row_number() over (
                    partition by {{ 'told.tl_instance, ' if not everywhere }}told.{{ key }}
                    order by told.tl_known_at desc, {{ load_order('told.tl_load_id') }} desc
                ) as tl_rank
            from {{ relation }} as told
        ) as ranked
        where ranked.tl_rank = 1
    )
{%- endmacro %}

{# ---- what a run reads ---------------------------------------------------------------------------------- #}

{# The business date this run is made for. #}
{% macro run_as_of() %}(select as_of from {{ source('inputs', 'run_context') }}){% endmacro %}

{#
    The same date, for who asks only which of the firm's settings (parameters, systems of record) are in force on it:
    one on which the same are is as good (`relations_read` in in_place.sql).
#}
{% macro run_settings_day() %}(select as_of as settings_day from {{ source('inputs', 'run_context') }}){% endmacro %}

{# The instant up to which this run knows. #}
{% macro run_known_at() %}(select known_at from {{ source('inputs', 'run_context') }}){% endmacro %}

{# The currency this run reports in. #}
{% macro run_reporting_currency() %}(select reporting_currency from {{ source('inputs', 'run_context') }}){% endmacro %}

{# Each key's version known at the run's known_at and not deleted then, with all its columns. #}
{% macro as_known(relation) -%}
    (
        select *
        from {{ relation }}
        where
            known_from <= {{ run_known_at() }}
            and (known_to is null or known_to > {{ run_known_at() }})
            and not is_deleted
    )
{%- endmacro %}

{# ---- advancing by load --------------------------------------------------------------------------------- #}

{# The strategy of a table that is advanced by load: rows of the keys a new load touched are replaced. #}
{% macro advancing_strategy() %}{{ return(adapter.dispatch('advancing_strategy', 'throughline')()) }}{% endmacro %}
{% macro default__advancing_strategy() %}{{ return('delete+insert') }}{% endmacro %}
{% macro spark__advancing_strategy() %}{{ return('insert_overwrite') }}{% endmacro %}

{# Whether this build replaces only touched keys. Spark overwrites the whole table: it has no delete by key. #}
{% macro is_advancing() %}{{ return(adapter.dispatch('is_advancing', 'throughline')()) }}{% endmacro %}
{% macro default__is_advancing() %}{{ return(is_incremental()) }}{% endmacro %}
{% macro spark__is_advancing() %}{{ return(false) }}{% endmacro %}

{# The newest load this table holds something of, in the form of `load_order`; '' while it is empty. #}
{% macro last_load_seen() -%}
    (select coalesce(max({{ load_order('seen.load_id') }}), '') from {{ this }} as seen)
{%- endmacro %}

{#
    A condition on knowledge rows: brought by a load this table has not seen. The last load seen counts as unseen
    for records it holds nothing of from that load, because a killed load's rest may have come after the build.
    `record` is the table's column that names the rows' record; without one the whole last load counts as unseen.
    `told` is the rows' column that names it, where that is not `native`.
#}
{% macro brought_since(relation_rows, native, record=none, told=none) -%}
    select distinct rows_in.{{ native }}
    from {{ relation_rows }} as rows_in
    where
        {% if record is none -%}
        {{ load_order('rows_in.tl_load_id') }} >= {{ last_load_seen() }}
        {%- else -%}
        {{ load_order('rows_in.tl_load_id') }} > {{ last_load_seen() }}
        or (
            {{ load_order('rows_in.tl_load_id') }} = {{ last_load_seen() }}
            and rows_in.{{ told or native }} not in (
                select done.{{ record }}
                from {{ this }} as done
                where
                    done.{{ record }} is not null
                    and {{ load_order('done.load_id') }} = {{ last_load_seen() }}
            )
        )
        {%- endif %}
{%- endmacro %}
