-- What became known of a closed period after it was closed: one line per source record and place, with what
-- it changes and why. What was reported plus these lines is what is known now. A record that did not count at
-- the close is a late entry when what makes it count was done after the close, a late load when it had been
-- done and did not reach the warehouse; one that moved within its month is a mapping, one whose worth alone
-- changed a rate.
with

close as (
    select
        close_id,
        legal_entity_id,
        period,
        month_start,
        area,
        close_type,
        known_at,
        until_known_at,
        is_last,
        treatment
    from {{ ref('recon__close') }}
),

movement as (
    select
        movement_type,
        {{ close_area('movement_type') }} as area,
        coalesce(direction * amount_tc >= 0, true) as is_increase,
        {{ month_start('business_date') }} as month_start,
        business_date,
        known_at,
        direction,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        functional_currency,
        amount_tc,
        amount_fc,
        amount_rc,
        hours,
        source_system,
        source_instance,
        source_record_id
    from {{ ref('fct_value_movement') }}
    where known_at <= {{ run_known_at() }} and business_date <= {{ run_as_of() }}
),

late as (
    select
        close.close_id,
        close.known_at as closed_known_at,
        movement.*
    from movement
    inner join close
        on
            movement.legal_entity_id = close.legal_entity_id
            and movement.month_start = close.month_start
            and movement.area = close.area
            and movement.known_at > close.known_at
            and movement.known_at <= close.until_known_at
),

sum_by_place as (
    select
        close_id,
        movement_type,
        is_increase,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        functional_currency,
        source_system,
        source_instance,
        source_record_id,
        max(business_date) as business_date,
        min(known_at) as first_known_at,
        max(known_at) as last_known_at,
        sum(direction) as rows_changed,
        {%- for measure in close_measures() %}
            coalesce(sum({{ measure }}), 0) as {{ measure }},
        {%- endfor %}
        count(*) as movements
    from late
    group by
        close_id, movement_type, is_increase, region_id, practice_id, customer_id, project_id,
        contract_line_id, currency_code, functional_currency, source_system, source_instance,
        source_record_id
    having
        sum(direction) <> 0
        {%- for measure in close_measures() %}
            or coalesce(sum({{ measure }}), 0) <> 0
        {%- endfor %}
),

-- a record in all its places, so that what only moved is told from what changed
touched as (
    select
        close_id,
        movement_type,
        source_system,
        source_instance,
        source_record_id,
        min(first_known_at) as first_known_at,
        {%- for measure in close_measures() %}
            sum({{ measure }}) as {{ measure }},
        {%- endfor %}
        sum(rows_changed) as rows_changed
    from sum_by_place
    group by close_id, movement_type, source_system, source_instance, source_record_id
),

at_close as (
    select
        touched.close_id,
        touched.movement_type,
        touched.source_system,
        touched.source_instance,
        touched.source_record_id,
        sum(
            case
                when
                    movement.legal_entity_id = close.legal_entity_id
                    and movement.month_start = close.month_start
                    then movement.direction
                else 0
            end
        ) as rows_here,
        sum(movement.direction) as rows_anywhere
    from touched
    inner join close on touched.close_id = close.close_id
    inner join movement
        on
            touched.movement_type = movement.movement_type
            and touched.source_system = movement.source_system
            and touched.source_instance = movement.source_instance
            and touched.source_record_id = movement.source_record_id
            and close.known_at >= movement.known_at
    group by
        touched.close_id, touched.movement_type, touched.source_system, touched.source_instance,
        touched.source_record_id
),

recorded_version as (
    {{ close_recorded() }}
),

-- of the version the warehouse counted first after the close
recorded as (
    select
        touched.close_id,
        touched.movement_type,
        touched.source_system,
        touched.source_instance,
        touched.source_record_id,
        min(recorded_version.recorded_at) as recorded_at
    from touched
    inner join recorded_version
        on
            touched.movement_type = recorded_version.movement_type
            and touched.source_system = recorded_version.source_system
            and touched.source_instance = recorded_version.source_instance
            and touched.source_record_id = recorded_version.source_record_id
            and touched.first_known_at >= recorded_version.known_from
            and (
                recorded_version.known_to is null or touched.first_known_at < recorded_version.known_to
            )
    group by
        touched.close_id, touched.movement_type, touched.source_system, touched.source_instance,
        touched.source_record_id
),

judged as (
    select
        sum_by_place.*,
        recorded.recorded_at,
        case
            when coalesce(at_close.rows_anywhere, 0) = 0 and recorded.recorded_at <= close.known_at
                then 'LATE_LOAD'
            when coalesce(at_close.rows_anywhere, 0) = 0 then 'LATE_ENTRY'
            when touched.rows_changed <> 0 or touched.amount_tc <> 0 or touched.hours <> 0 then 'CORRECTION'
            when touched.amount_fc <> 0 or touched.amount_rc <> 0 then 'FX'
            else 'MAPPING'
        end as cause,
        case
            when coalesce(at_close.rows_here, 0) = 0 then 'ADDED'
            when at_close.rows_here + touched.rows_changed = 0 then 'TAKEN_BACK'
            else 'CHANGED'
        end as change
    from sum_by_place
    inner join close on sum_by_place.close_id = close.close_id
    inner join touched
        on
            sum_by_place.close_id = touched.close_id
            and sum_by_place.movement_type = touched.movement_type
            and sum_by_place.source_system = touched.source_system
            and sum_by_place.source_instance = touched.source_instance
            and sum_by_place.source_record_id = touched.source_record_id
    left join at_close
        on
            sum_by_place.close_id = at_close.close_id
            and sum_by_place.movement_type = at_close.movement_type
            and sum_by_place.source_system = at_close.source_system
            and sum_by_place.source_instance = at_close.source_instance
            and sum_by_place.source_record_id = at_close.source_record_id
    left join recorded
        on
            sum_by_place.close_id = recorded.close_id
            and sum_by_place.movement_type = recorded.movement_type
            and sum_by_place.source_system = recorded.source_system
            and sum_by_place.source_instance = recorded.source_instance
            and sum_by_place.source_record_id = recorded.source_record_id
)

select
    {{ fingerprint([
        'judged.close_id', 'judged.movement_type', 'judged.is_increase', 'judged.region_id',
        'judged.practice_id', 'judged.customer_id', 'judged.project_id', 'judged.contract_line_id',
        'judged.currency_code', 'judged.functional_currency', 'judged.source_system',
        'judged.source_instance', 'judged.source_record_id',
    ]) }} as restatement_id,
    close.close_id,
    close.legal_entity_id,
    close.period,
    close.area,
    close.is_last,
    {{ as_text('judged.movement_type') }} as movement_type,
    judged.is_increase,
    {{ as_text('judged.cause') }} as cause,
    {{ as_text('judged.change') }} as change,
    close.treatment,
    judged.region_id,
    judged.practice_id,
    judged.customer_id,
    judged.project_id,
    judged.contract_line_id,
    judged.currency_code,
    judged.functional_currency,
    judged.source_system,
    judged.source_instance,
    judged.source_record_id,
    judged.business_date,
    judged.recorded_at,
    close.known_at as closed_known_at,
    judged.first_known_at,
    judged.last_known_at as detected_at,
    cast(judged.amount_tc as decimal(28, 4)) as delta_tc,
    cast(judged.amount_fc as decimal(28, 4)) as delta_fc,
    cast(judged.amount_rc as decimal(28, 4)) as delta_rc,
    cast(judged.hours as decimal(28, 2)) as delta_hours,
    cast(judged.rows_changed as bigint) as delta_rows
from judged
inner join close on judged.close_id = close.close_id
