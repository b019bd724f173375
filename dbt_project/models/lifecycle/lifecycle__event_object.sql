-- Which objects an event touched, many to many: the object it is about, and the case it belongs to, so that
-- the same events can be read along deals, items, contracts, projects or invoices.
with event_log as (
    select
        event_id,
        case_type,
        case_id,
        object_type,
        object_id
    from {{ ref('lifecycle__event_log') }}
),

link as (
    select
        event_id,
        object_type,
        object_id,
        'object' as role
    from event_log
    union all
    select
        event_id,
        case when case_type = 'DEAL' then 'opportunity' else 'item' end as object_type,
        case_id as object_id,
        'case' as role
    from event_log
    where case_id <> object_id
)

select
    event_id,
    {{ as_text('object_type') }} as object_type,
    {{ as_text('object_id') }} as object_id,
    {{ as_text('role') }} as role
from link
