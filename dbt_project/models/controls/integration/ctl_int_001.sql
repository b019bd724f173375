-- A business event is dead-lettered, or discarded without anybody's approval, or has been on its way for
-- longer than its kind may take: what it should move stays where it is. Where a delivery stands says its
-- last report by event time, however the reports came in. Where the target shows what the event should
-- bring about, somebody has done it by hand, and nothing is blocked. The clock is the run's known_at.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('INT-001') }},

allowed_hours as (
    select
        substr(setting.name, 11) as type_name,
        setting.value as hours
    from {{ ref('control_setting') }} as setting
    cross join run
    where
        setting.control_id = 'INT-001'
        and setting.name like 'sla_hours_%'
        and setting.effective_from <= run.as_of
        and (setting.effective_to is null or setting.effective_to > run.as_of)
),

zones as {{ import_zones() }},

reports as (
    select known.*
    from {{ as_known(ref('canonical__integration_event')) }} as known
    where
        known.status is not null
        and not known.is_test
),

objects as (
    select event_object.*
    from {{ ref('control__event_object') }} as event_object
),

rank_reports as (
    select
        reports.*,
        row_number() over (
            partition by reports.business_event_id
            order by reports.event_time desc, reports.attempts desc, reports.integration_event_id desc
        ) as newest_first
    from reports
),

judge_states as (
    select
        newest.business_event_id,
        newest.business_event_type,
        newest.status,
        newest.attempts,
        newest.error_class,
        newest.last_error,
        newest.target,
        newest.entity_type,
        newest.entity_key,
        newest.correlation_id,
        newest.created_at,
        newest.event_time as changed_at,
        newest.approval_id,
        newest.status = 'DEAD_LETTERED'
        or (newest.status = 'DISCARDED' and newest.approval_id is null) as is_dead,
        newest.status in ('CREATED', 'IN_FLIGHT', 'RETRYING', 'REPLAYED') as is_under_way,
        -- what was sent again has its time anew
        case when newest.status = 'REPLAYED' then newest.event_time else newest.created_at end as waits_since,
        coalesce(own_hours.hours, other_hours.hours) as sla_hours
    from rank_reports as newest
    left join allowed_hours as own_hours
        on replace(newest.business_event_type, '.', '_') = own_hours.type_name
    left join allowed_hours as other_hours
        on other_hours.type_name = 'other'
    where newest.newest_first = 1
),

measure_waiting as (
    select
        states.*,
        {{ instant_number('run.known_at') }} - {{ instant_number('states.waits_since') }} as waited_us,
        states.is_under_way
        and {{ instant_number('run.known_at') }} - {{ instant_number('states.waits_since') }}
        > states.sla_hours * 3600000000 as is_stuck,
        case
            when states.is_dead then states.changed_at
            else {{ add_hours('states.waits_since', 'states.sla_hours') }}
        end as broken_at
    from judge_states as states
    cross join run
),

find_objects as (
    select
        waiting.*,
        objects.object_name,
        objects.legal_entity_id,
        objects.customer_id,
        objects.contract_id,
        objects.contract_line_id,
        objects.project_id,
        objects.currency_code,
        objects.amount,
        coalesce(objects.is_target_reached, false) as is_target_reached,
        coalesce(
            objects.risk_object,
            waiting.entity_type || ':' || waiting.entity_key,
            'event:' || waiting.business_event_id
        ) as risk_object,
        waiting.is_dead or waiting.is_stuck as is_blocked,
        {{ entity_date('waiting.broken_at') }} as broken_on,
        -- whole hundredths of an hour, so that both engines write the same
        cast(
            cast(floor(waiting.waited_us / 36000000) as decimal(18, 0)) * cast(0.01 as decimal(3, 2))
            as decimal(18, 2)
        ) as hours_waited,
        sum(case when (waiting.is_dead or waiting.is_stuck) then 1 else 0 end) over (
            partition by coalesce(waiting.correlation_id, waiting.business_event_id)
        ) as cluster_events
    from measure_waiting as waiting
    left join objects
        on
            waiting.entity_type = objects.entity_type
            and waiting.entity_key = objects.entity_key
    left join zones
        on objects.legal_entity_id = zones.legal_entity_id
),

tell_states as (
    select
        find_objects.*,
        case find_objects.business_event_type
            when 'opportunity.won' then 'closed-won'
            when 'contract.created' then 'contract created'
            when 'project.created' then 'project created'
            when 'time.approved' then 'approved'
            when 'expense.approved' then 'approved'
            when 'milestone.accepted' then 'accepted'
            when 'invoice.posted' then 'posted'
            when 'payment.applied' then 'applied'
            else 'its present state'
        end as state_now,
        case find_objects.business_event_type
            when 'opportunity.won' then 'ready for mobilisation'
            when 'contract.created' then 'mobilised'
            when 'project.created' then 'mobilised'
            when 'time.approved' then 'transferred to billing'
            when 'expense.approved' then 'transferred to billing'
            when 'milestone.accepted' then 'eligible for billing'
            when 'invoice.posted' then 'sent'
            when 'payment.applied' then 'cleared'
            else 'the next one'
        end as state_next,
        case
            when find_objects.status = 'DISCARDED' then 'the event was discarded and nobody has approved that'
            when find_objects.error_class = 'CUSTOMER_NOT_VALIDATED'
                then 'the customer is not validated in the ERP'
            when find_objects.error_class = 'TIMEOUT' then 'the receiving system does not answer'
            when find_objects.error_class = 'UNAUTHORISED' then 'the receiving system refuses the login'
            when find_objects.error_class = 'MAPPING_MISSING'
                then 'a code has no counterpart in the receiving system'
            when find_objects.last_error is not null then find_objects.last_error
            when find_objects.error_class is not null then find_objects.error_class
            when find_objects.is_dead then 'nobody has said why'
            else 'it waits for longer than it may'
        end as plain_cause
    from find_objects
),

evaluated as (
    select
        states.business_event_id as grain_key,
        states.legal_entity_id,
        states.customer_id,
        states.contract_id,
        states.contract_line_id,
        states.project_id,
        {{ month_text('states.broken_on') }} as period,
        states.currency_code,
        states.amount as value_a,
        case when states.is_target_reached or states.status = 'APPLIED' then states.amount end as value_b,
        states.is_blocked and not states.is_target_reached as is_broken,
        states.sla_hours is not null or not states.is_under_way as is_judged,
        states.is_dead and states.business_event_type in ('opportunity.won', 'invoice.posted') as is_grave,
        states.broken_on as becomes_exception_on,
        states.amount as amount_tc,
        states.amount as population_tc,
        states.risk_object,
        case when states.is_dead then 'MISSING_IN_B' else 'STALE' end as break_type,
        {{ evidence([
            ('what', sentence([
                "coalesce(states.object_name, states.entity_type)", "' '", 'states.entity_key', "' ('", 'states.amount',
                "' '", 'states.currency_code', "') cannot move from '", 'states.state_now', "' to '",
                'states.state_next', "': '", 'states.plain_cause', "'. Owner IntegrationOps.'",
            ])),
            ('business_date', 'states.broken_on'),
            ('document_no', 'states.business_event_id'),
            ('system_a', "'Integration'"),
            ('system_b', 'states.target'),
            ('event_type', 'states.business_event_type'),
            ('status', 'states.status'),
            ('attempts', 'states.attempts'),
            ('error_class', 'states.error_class'),
            ('last_error', 'states.last_error'),
            ('entity_type', 'states.entity_type'),
            ('entity_key', 'states.entity_key'),
            ('blocked_transition', "states.state_now || ' -> ' || states.state_next"),
            ('correlation_id', 'states.correlation_id'),
            ('cluster_events', 'states.cluster_events'),
            ('recovery_hours', 'states.hours_waited'),
            ('sla_hours', 'states.sla_hours'),
            ('closed_as', "case when states.is_blocked and states.is_target_reached then 'MANUAL_WORKAROUND' end"),
        ]) }} as evidence
    from tell_states as states
),

{{ control_result(
    'INT-001',
    is_evaluable='evaluated.is_judged',
    floor="case when evaluated.is_grave then 'S2' else parameter.floor end"
) }}
