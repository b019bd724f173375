-- Where each period stands, by legal entity and area: open, closed since when and by whom, what became known
-- after it, and whether what it reported can still be reproduced.
with

run as {{ control_run_row() }},

held as (
    select
        legal_entity_id,
        period
    from {{ ref('close_content') }}
    union
    select
        legal_entity_id,
        period
    from {{ ref('recon__close') }}
),

first_month as (
    select
        legal_entity_id,
        min(period) as first_period
    from held
    group by legal_entity_id
),

month as (
    select distinct period
    from held
),

grid as (
    select
        first_month.legal_entity_id,
        month.period,
        area.area
    from first_month
    cross join month
    cross join {{ close_areas() }} as area
    where month.period >= first_month.first_period
),

close as (
    select
        close_id,
        legal_entity_id,
        period,
        area,
        close_number,
        state,
        close_type,
        decided_in,
        decided_at,
        actor,
        run_id,
        content_sha256,
        known_at,
        is_proved
    from {{ ref('recon__close') }}
    where is_last
),

late as (
    select
        close_id,
        count(*) as restatements,
        sum(abs(delta_rc)) as restated_gross_rc
    from {{ ref('restatement') }}
    group by close_id
),

unlike as (
    select
        close_id,
        count(*) as differences
    from {{ ref('close_difference') }}
    group by close_id
)

select
    {{ as_text('grid.legal_entity_id') }} as legal_entity_id,
    {{ as_text('grid.period') }} as period,
    {{ as_text('grid.area') }} as area,
    {{ as_text("coalesce(close.state, 'OPEN')") }} as state,
    close.close_id,
    cast(coalesce(close.close_number, 0) as integer) as closings,
    close.decided_in,
    close.decided_at,
    close.actor,
    close.known_at as closed_known_at,
    close.run_id as closed_run_id,
    close.content_sha256,
    {{ as_text("case
        when close.close_id is null then 'NOT_CLOSED'
        when not close.is_proved then 'NOT_STORED'
        when unlike.differences > 0 then 'DIFFERS'
        else 'REPRODUCED'
    end") }} as proof,
    cast(coalesce(late.restatements, 0) as bigint) as restatements,
    cast(coalesce(late.restated_gross_rc, 0) as decimal(28, 4)) as restated_gross_rc
from grid
cross join run
left join close
    on
        grid.legal_entity_id = close.legal_entity_id
        and grid.period = close.period
        and grid.area = close.area
left join late on close.close_id = late.close_id
left join unlike on close.close_id = unlike.close_id
where grid.period <= {{ month_text('run.as_of') }}
