with

landed as (
    {{ landed_rows('events', 'event') }}
)

select
    nullif(event_source, '') as event_source,
    nullif(event_id, '') as event_id,
    nullif(event_type, '') as event_type,
    nullif(subject, '') as subject,
    {{ as_instant('event_time') }} as event_time,
    {{ as_instant('received_at') }} as received_at,
    lower(nullif(environment, '')) as environment,
    payload,
    signature_ok,
    case when event_type = 'integration.delivery.changed' then payload end as delivery,
    {{ landed() }}
from landed
