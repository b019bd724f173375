-- Every closing of a period, by legal entity and area: what the ERP closed, and over it what people closed
-- here. A closing is an instant on the knowledge clock: what was known by then is what was reported. The ERP
-- says when it closed; the first run published with that knowledge is what anybody was told.
with

run as {{ control_run_row() }},

decided as (
    select
        decision.legal_entity_id,
        decision.period,
        area.area,
        decision.close_type,
        decision.known_at,
        decision.decided_at,
        decision.event_id as sequence,
        'PEOPLE' as decided_in,
        decision.actor,
        decision.approver,
        decision.reason,
        decision.run_id,
        decision.event_id,
        decision.content_sha256
    from {{ source('inputs', 'period_close') }} as decision
    inner join {{ close_areas() }} as area
        on decision.area = 'ALL' or decision.area = area.area
),

-- the knowledge times of what was published, this run's own among them
told as (
    select earlier.known_at
    from {{ source('inputs', 'prior_run') }} as earlier
    union
    select run.known_at
    from run
),

period_version as (
    select
        period_id,
        period_name,
        source_system,
        source_instance,
        version_number,
        known_from,
        not is_deleted and is_closed as is_closed,
        not is_deleted and (is_closed or is_ar_closed) as is_ar_closed,
        not is_deleted and (is_closed or is_ap_closed) as is_ap_closed
    from {{ ref('canonical__accounting_period') }}
    where known_from <= {{ run_known_at() }} and not is_adjustment
),

shut as (
    {%- for area, column in [('GL', 'is_closed'), ('AR', 'is_ar_closed'), ('AP', 'is_ap_closed')] %}
        select
            period_id,
            period_name,
            source_system,
            source_instance,
            version_number,
            known_from,
            '{{ area }}' as area,
            {{ column }} as is_shut,
            coalesce(
                lag({{ column }}) over (partition by period_id order by version_number), false
            ) as was_shut
        from period_version
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

in_erp as (
    select
        legal_entity.legal_entity_id,
        shut.period_name as period,
        shut.area,
        case when shut.is_shut then 'HARD' else 'REOPEN' end as close_type,
        min(told.known_at) as known_at,
        shut.known_from as decided_at,
        shut.version_number as sequence
    from shut
    inner join {{ ref('canonical__legal_entity') }} as legal_entity
        on
            shut.source_system = legal_entity.source_system
            and shut.source_instance = legal_entity.source_instance
            and not legal_entity.is_deleted
            and not legal_entity.is_elimination
            and legal_entity.known_from <= {{ run_known_at() }}
            and (legal_entity.known_to is null or legal_entity.known_to > {{ run_known_at() }})
    inner join told on shut.known_from <= told.known_at
    where shut.is_shut <> shut.was_shut
    group by
        legal_entity.legal_entity_id, shut.period_name, shut.area, shut.is_shut, shut.known_from,
        shut.version_number
),

own as (
    select distinct
        legal_entity_id,
        period,
        area
    from decided
),

-- what people decide of a period here goes before what the ERP says of it
event as (
    select
        legal_entity_id,
        period,
        area,
        close_type,
        known_at,
        decided_at,
        sequence,
        decided_in,
        actor,
        approver,
        reason,
        run_id,
        event_id,
        content_sha256
    from decided
    union all
    select
        in_erp.legal_entity_id,
        in_erp.period,
        in_erp.area,
        in_erp.close_type,
        in_erp.known_at,
        in_erp.decided_at,
        in_erp.sequence,
        'ERP' as decided_in,
        {{ null_text() }} as actor,
        {{ null_text() }} as approver,
        {{ null_text() }} as reason,
        {{ null_text() }} as run_id,
        cast(null as bigint) as event_id,
        {{ null_text() }} as content_sha256
    from in_erp
    left join own
        on
            in_erp.legal_entity_id = own.legal_entity_id
            and in_erp.period = own.period
            and in_erp.area = own.area
    where own.legal_entity_id is null
),

follow as (
    select
        event.*,
        lead(event.close_type) over (
            partition by event.legal_entity_id, event.period, event.area
            order by event.decided_at, event.sequence
        ) as next_type
    from event
),

close as (
    select
        follow.*,
        row_number() over (
            partition by follow.legal_entity_id, follow.period, follow.area
            order by follow.decided_at, follow.sequence
        ) as close_number,
        lead(follow.known_at) over (
            partition by follow.legal_entity_id, follow.period, follow.area
            order by follow.decided_at, follow.sequence
        ) as next_known_at
    from follow
    where follow.close_type <> 'REOPEN'
),

-- the closes that stored what they closed and still stand, newest first
provable as (
    select
        close.legal_entity_id,
        close.period,
        close.area,
        row_number() over (
            partition by close.legal_entity_id, close.area order by close.period desc
        ) as back
    from close
    where close.next_known_at is null and close.event_id is not null
)

select
    {{ as_text(
        "concat("
        ~ "close.legal_entity_id, '|', close.period, '|', close.area, '|', close.close_number"
        ~ ")"
    ) }} as close_id,
    {{ as_text('close.legal_entity_id') }} as legal_entity_id,
    {{ as_text('close.period') }} as period,
    cast(concat(close.period, '-01') as date) as month_start,
    {{ as_text('close.area') }} as area,
    cast(close.close_number as integer) as close_number,
    {{ as_text('close.close_type') }} as close_type,
    {{ as_text('close.decided_in') }} as decided_in,
    close.decided_at,
    {{ as_text('close.actor') }} as actor,
    {{ as_text('close.run_id') }} as run_id,
    close.event_id,
    {{ as_text('close.content_sha256') }} as content_sha256,
    close.known_at,
    coalesce(close.next_known_at, {{ run_known_at() }}) as until_known_at,
    close.next_known_at is null as is_last,
    close.next_known_at is null and coalesce(provable.back <= 3, false) as is_proved,
    {{ as_text("case
        when close.next_known_at is null and close.next_type = 'REOPEN' then 'REOPENED'
        when close.close_type = 'SOFT' then 'SOFT_CLOSED'
        else 'HARD_CLOSED'
    end") }} as state,
    {{ as_text("case
        when close.close_type = 'SOFT' or close.next_type = 'REOPEN' then 'RESTATE'
        else 'CURRENT_PERIOD_CATCH_UP'
    end") }} as treatment
from close
left join provable
    on
        close.legal_entity_id = provable.legal_entity_id
        and close.period = provable.period
        and close.area = provable.area
