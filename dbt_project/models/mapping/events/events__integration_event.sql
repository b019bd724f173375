with

events as (
    select * from {{ ref('stg_events__event') }}
    where signature_ok
),

-- a text that is no number or instant can only come from a reject that was replayed; it is nothing then
read_deliveries as (
    select
        events.*,
        {{ json_value('events.delivery', 'event_id') }} as business_id,
        {{ json_value('events.delivery', 'event_type') }} as business_type,
        upper({{ json_value('events.delivery', 'status') }}) as told_status,
        {{ json_value('events.delivery', 'attempts') }} as told_attempts,
        {{ json_value('events.delivery', 'error_class') }} as error_class,
        {{ json_value('events.delivery', 'last_error') }} as last_error,
        {{ json_value('events.delivery', 'target') }} as target,
        {{ json_value('events.delivery', 'entity_type') }} as entity_type,
        {{ json_value('events.delivery', 'entity_key') }} as told_key,
        {{ json_value('events.delivery', 'correlation_id') }} as correlation_id,
        {{ json_value('events.delivery', 'created_at') }} as told_created_at,
        {{ json_value('events.delivery', 'approval_id') }} as approval_id
    from events
)

select
    event_source,
    {{ own_key('events', 'event_id') }} as event_id,
    event_type,
    event_time,
    received_at,
    subject,
    payload,
    signature_ok,
    coalesce(environment in ('test', 'sandbox', 'development'), false) as is_test,
    {{ own_key('events', "coalesce(business_id, event_id)") }} as business_event_id,
    coalesce(business_type, event_type) as business_event_type,
    case
        when told_status in (
            'CREATED', 'IN_FLIGHT', 'RETRYING', 'APPLIED', 'DEAD_LETTERED', 'REPLAYED', 'DISCARDED', 'SUPERSEDED'
        )
            then told_status
    end as status,
    try_cast(told_attempts as integer) as attempts,
    error_class,
    last_error,
    target,
    entity_type,
    case
        when told_key like '%:%:%' then told_key
        {%- for kind, port in moving_records().items() %}
        when entity_type = '{{ kind }}' then {{ record_key(port, 'told_key') }}
        {%- endfor %}
        else told_key
    end as entity_key,
    correlation_id,
    coalesce(try_cast(told_created_at as {{ type_instant() }}), event_time) as created_at,
    nullif(trim(approval_id), '') as approval_id,
    'events' as source_system,
    {{ landed() }}
from read_deliveries
