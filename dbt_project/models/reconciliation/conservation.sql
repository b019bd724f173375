-- Rows and money from the landing to the facts, by dataset and currency, as known to the run. landed and
-- staged count versions: every change that was landed, once. live is what is left of them, each record's
-- newest word without the deleted; canonical and fact must hold exactly that. Rejects stand beside: they were
-- never landed, so they are listed and not added. Amounts are those of the manifest's control amount;
-- currency ALL where the landed rows carry none.
with

run as {{ control_run_row() }},

settle_rejects as (
    select distinct events.reject_id
    from {{ source('landing', 'reject_event') }} as events
    cross join run
    where events.{{ quote_name('at') }} <= run.known_at
),

open_rejects as (
    select
        rejects.source_system,
        rejects.source_instance,
        rejects.resource,
        count(*) as reject_rows,
        cast(sum(rejects.amount) as decimal(38, 4)) as reject_amount
    from {{ source('landing', 'reject') }} as rejects
    cross join run
    left join settle_rejects
        on rejects.reject_id = settle_rejects.reject_id
    where
        rejects.rejected_at <= run.known_at
        and settle_rejects.reject_id is null
    group by rejects.source_system, rejects.source_instance, rejects.resource
),

count_landed as (
    {% for source_name, resource, amount, vital in landed_datasets() -%}
        {%- set through = conserved_datasets().get(source_name ~ '.' ~ resource, {}) -%}
        select
            '{{ source_name }}' as source_system,
            versions.tl_instance as source_instance,
            '{{ resource }}' as resource,
            versions.currency_code,
            count(*) as landed_rows,
            cast({{ 'sum(versions.control_amount)' if amount else 'null' }} as decimal(38, 4))
                as landed_amount,
            sum(case when versions.newest_first = 1 and not versions.tl_is_deleted then 1 else 0 end)
                as live_rows,
            cast(
                {{ 'sum(case when versions.newest_first = 1 and not versions.tl_is_deleted'
                   ' then versions.control_amount else 0 end)' if amount else 'null' }} as decimal(38, 4)
            ) as live_amount
        from (
            select
                once.tl_instance,
                once.tl_is_deleted,
                once.control_amount,
                once.currency_code,
                row_number() over (
                    partition by once.tl_instance, once.tl_record_id
                    order by once.tl_known_at desc, {{ load_order('once.tl_load_id') }} desc
                ) as newest_first
            from (
                select
                    landed.tl_instance,
                    landed.tl_record_id,
                    landed.tl_is_deleted,
                    landed.tl_known_at,
                    landed.tl_load_id,
                    {{ 'landed.' ~ amount if amount else 'null' }} as control_amount,
                    {{ currency_or_all('landed', through.landed_currency) }}
                        as currency_code,
                    row_number() over (
                        partition by
                            landed.tl_instance, landed.tl_record_id, landed.tl_payload_hash, landed.tl_load_id
                        order by landed.tl_loaded_at
                    ) as repeat_number
                from ({{ landed_rows(source_name, resource) }}) as landed
                cross join run
                where landed.tl_known_at <= run.known_at
            ) as once
            where once.repeat_number = 1
        ) as versions
        group by versions.tl_instance, versions.currency_code
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

count_staged as (
    {% for source_name, resource, amount, vital in landed_datasets() -%}
        {%- set through = conserved_datasets().get(source_name ~ '.' ~ resource, {}) -%}
        {%- set currency = currency_or_all('staged', through.landed_currency) -%}
        select
            '{{ source_name }}' as source_system,
            staged.tl_instance as source_instance,
            '{{ resource }}' as resource,
            {{ currency }} as currency_code,
            count(*) as staged_rows,
            cast({{ 'sum(staged.' ~ amount ~ ')' if amount else 'null' }} as decimal(38, 4)) as staged_amount
        from {{ staged_dataset(source_name, resource) }} as staged
        cross join run
        where staged.tl_known_at <= run.known_at
        group by staged.tl_instance{{ ', ' ~ currency if through.landed_currency }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

count_canonical as (
    {% for dataset, through in conserved_datasets().items() -%}
        {%- set source_name, resource = dataset.split('.') -%}
        {%- set currency = currency_or_all('known', through.currency) -%}
        select
            '{{ source_name }}' as source_system,
            known.source_instance,
            '{{ resource }}' as resource,
            {{ currency }} as currency_code,
            count(distinct known.source_record_id) as canonical_rows,
            cast({{ 'sum(known.' ~ through.amount ~ ')' if through.amount else 'null' }} as decimal(38, 4))
                as canonical_amount,
            {%- if through.record %}
                count(distinct case when not known.is_of_record then known.source_record_id end)
                    as outside_rows,
                cast(
                    sum(case when known.is_of_record then 0 else known.{{ through.amount }} end)
                    as decimal(38, 4)
                ) as outside_amount
            {%- else %}
                0 as outside_rows,
                cast(0 as decimal(38, 4)) as outside_amount
            {%- endif %}
        {%- set read = as_known(ref('canonical__' ~ through.table)) %}
        from {{ of_record(through.record, read) if through.record else read }} as known
        where {{ is_of_dataset('known', source_name) }}
        group by known.source_instance{{ ', ' ~ currency if through.currency }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
    {%- if not conserved_datasets() %}
        select
            {{ null_text() }} as source_system,
            {{ null_text() }} as source_instance,
            {{ null_text() }} as resource,
            {{ null_text() }} as currency_code,
            cast(null as bigint) as canonical_rows,
            cast(null as decimal(38, 4)) as canonical_amount,
            cast(null as bigint) as outside_rows,
            cast(null as decimal(38, 4)) as outside_amount
        from run
        where 1 = 0
    {%- endif %}
),

count_facts as (
    {% set facts = conserved_datasets().items() | selectattr('1.fact') | list -%}
    {% for dataset, through in facts -%}
        {%- set currency = currency_or_all('feeder', through.fact_currency) -%}
        {%- set instance = "split_part(feeder." ~ through.fact_key ~ ", ':', 2)" %}
        select
            feeder.source_system,
            {{ instance }} as source_instance,
            '{{ dataset.split('.')[1] }}' as resource,
            {{ currency }} as currency_code,
            count(distinct feeder.source_record_id) as fact_rows,
            cast(sum(feeder.{{ through.fact_amount }}) as decimal(38, 4)) as fact_amount
        from {{ feeder_as_known(ref(through.fact)) }} as feeder
        where feeder.source_system = '{{ dataset.split('.')[0] }}'
        group by feeder.source_system, {{ instance }}{{ ', ' ~ currency if through.fact_currency }}
        {{ 'union all' if not loop.last }}
    {% endfor %}
    {%- if not facts %}
        select
            {{ null_text() }} as source_system,
            {{ null_text() }} as source_instance,
            {{ null_text() }} as resource,
            {{ null_text() }} as currency_code,
            cast(null as bigint) as fact_rows,
            cast(null as decimal(38, 4)) as fact_amount
        from run
        where 1 = 0
    {%- endif %}
),

-- which layers a dataset is followed through, so that a layer that lost all of it shows zero and not nothing
follow_datasets as (
    {% for dataset, through in conserved_datasets().items() -%}
        select
            '{{ dataset.split('.')[0] }}' as source_system,
            '{{ dataset.split('.')[1] }}' as resource,
            {{ 'true' if through.amount else 'false' }} as has_amount,
            {{ 'true' if through.fact else 'false' }} as has_fact
        {{ 'union all' if not loop.last }}
    {% endfor %}
    {%- if not conserved_datasets() %}
        select
            {{ null_text() }} as source_system,
            {{ null_text() }} as resource,
            cast(null as boolean) as has_amount,
            cast(null as boolean) as has_fact
        from run
        where 1 = 0
    {%- endif %}
),

list_members as (
    select
        count_landed.source_system,
        count_landed.source_instance,
        count_landed.resource,
        count_landed.currency_code
    from count_landed
    union
    select
        count_staged.source_system,
        count_staged.source_instance,
        count_staged.resource,
        count_staged.currency_code
    from count_staged
    union
    select
        count_canonical.source_system,
        count_canonical.source_instance,
        count_canonical.resource,
        count_canonical.currency_code
    from count_canonical
),

-- rejects carry no currency: they are told once per dataset, beside its first one
number_members as (
    select
        list_members.source_system,
        list_members.source_instance,
        list_members.resource,
        list_members.currency_code,
        row_number() over (
            partition by list_members.source_system, list_members.source_instance, list_members.resource
            order by list_members.currency_code
        ) as member_number
    from list_members
),

lay_side_by_side as (
    select
        number_members.source_system,
        number_members.source_instance,
        number_members.resource,
        number_members.currency_code,
        coalesce(count_landed.landed_rows, 0) as landed_rows,
        count_landed.landed_amount,
        coalesce(count_staged.staged_rows, 0) as staged_rows,
        count_staged.staged_amount,
        coalesce(count_landed.live_rows, 0) as live_rows,
        count_landed.live_amount,
        case when follow_datasets.resource is not null then coalesce(count_canonical.canonical_rows, 0) end
            as canonical_rows,
        case when follow_datasets.has_amount then coalesce(count_canonical.canonical_amount, 0) end
            as canonical_amount,
        case when follow_datasets.has_fact then coalesce(count_canonical.outside_rows, 0) end as outside_rows,
        case when follow_datasets.has_fact then coalesce(count_canonical.outside_amount, 0) end
            as outside_amount,
        case when follow_datasets.has_fact then coalesce(count_facts.fact_rows, 0) end as fact_rows,
        case when follow_datasets.has_fact then coalesce(count_facts.fact_amount, 0) end as fact_amount,
        case when number_members.member_number = 1 then coalesce(open_rejects.reject_rows, 0) else 0 end
            as reject_rows,
        case when number_members.member_number = 1 then open_rejects.reject_amount end as reject_amount
    from number_members
    left join count_landed
        on
            number_members.source_system = count_landed.source_system
            and number_members.source_instance = count_landed.source_instance
            and number_members.resource = count_landed.resource
            and number_members.currency_code = count_landed.currency_code
    left join count_staged
        on
            number_members.source_system = count_staged.source_system
            and number_members.source_instance = count_staged.source_instance
            and number_members.resource = count_staged.resource
            and number_members.currency_code = count_staged.currency_code
    left join count_canonical
        on
            number_members.source_system = count_canonical.source_system
            and number_members.source_instance = count_canonical.source_instance
            and number_members.resource = count_canonical.resource
            and number_members.currency_code = count_canonical.currency_code
    left join count_facts
        on
            number_members.source_system = count_facts.source_system
            and number_members.source_instance = count_facts.source_instance
            and number_members.resource = count_facts.resource
            and number_members.currency_code = count_facts.currency_code
    left join follow_datasets
        on
            number_members.source_system = follow_datasets.source_system
            and number_members.resource = follow_datasets.resource
    left join open_rejects
        on
            number_members.source_system = open_rejects.source_system
            and number_members.source_instance = open_rejects.source_instance
            and number_members.resource = open_rejects.resource
),

sum_differences as (
    select
        lay_side_by_side.*,
        abs(lay_side_by_side.landed_rows - lay_side_by_side.staged_rows)
        + abs(
            coalesce(lay_side_by_side.canonical_rows, lay_side_by_side.live_rows) - lay_side_by_side.live_rows
        )
        + abs(
            coalesce(
                lay_side_by_side.fact_rows + lay_side_by_side.outside_rows, lay_side_by_side.canonical_rows, 0
            )
            - coalesce(lay_side_by_side.canonical_rows, 0)
        ) as row_difference,
        abs(coalesce(lay_side_by_side.landed_amount, 0) - coalesce(lay_side_by_side.staged_amount, 0))
        + abs(
            coalesce(lay_side_by_side.canonical_amount, lay_side_by_side.live_amount, 0)
            - coalesce(lay_side_by_side.live_amount, 0)
        )
        + abs(
            coalesce(
                lay_side_by_side.fact_amount + lay_side_by_side.outside_amount,
                lay_side_by_side.canonical_amount,
                0
            )
            - coalesce(lay_side_by_side.canonical_amount, 0)
        ) as amount_difference
    from lay_side_by_side
)

select
    sum_differences.source_system,
    sum_differences.source_instance,
    sum_differences.resource,
    sum_differences.currency_code,
    cast(sum_differences.landed_rows as bigint) as landed_rows,
    sum_differences.landed_amount,
    cast(sum_differences.staged_rows as bigint) as staged_rows,
    sum_differences.staged_amount,
    cast(sum_differences.live_rows as bigint) as live_rows,
    sum_differences.live_amount,
    cast(sum_differences.canonical_rows as bigint) as canonical_rows,
    cast(sum_differences.canonical_amount as decimal(38, 4)) as canonical_amount,
    cast(sum_differences.outside_rows as bigint) as outside_rows,
    cast(sum_differences.outside_amount as decimal(38, 4)) as outside_amount,
    cast(sum_differences.fact_rows as bigint) as fact_rows,
    cast(sum_differences.fact_amount as decimal(38, 4)) as fact_amount,
    cast(sum_differences.reject_rows as bigint) as reject_rows,
    sum_differences.reject_amount,
    cast(sum_differences.row_difference as bigint) as row_difference,
    cast(sum_differences.amount_difference as decimal(38, 4)) as amount_difference,
    sum_differences.row_difference = 0 and sum_differences.amount_difference = 0 as is_conserved
from sum_differences
