with

mapped as (
    {{ port_rows('integration_event', computed=['integration_event_id']) }}
),

identify_events as (
    select
        mapped.*,
        mapped.event_source || '|' || mapped.event_id as integration_event_id
    from mapped
),

versioned as (
    {{ versions('identify_events', 'integration_event_id') }}
)

select
    integration_event_id,
    {{ hash_key('integration_event_id') }} as integration_event_key,
    event_source,
    event_id,
    event_type,
    event_time,
    received_at,
    subject,
    payload,
    signature_ok,
    is_test,
    business_event_id,
    business_event_type,
    status,
    attempts,
    error_class,
    last_error,
    target,
    entity_type,
    entity_key,
    correlation_id,
    created_at,
    approval_id,
    {{ envelope() }}
from versioned
