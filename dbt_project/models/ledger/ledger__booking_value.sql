-- What was committed, changed and given up, one row per event of a contract line and stretch of knowledge:
-- the line itself on its contract's signature, each amendment on its own, and, for a line whose contract
-- ended, what of it will never be earned.
with line as (
    select
        contract_line_id,
        is_known,
        billing_method,
        original_value,
        currency_code,
        status,
        signed_on,
        closed_on,
        functional_currency,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        known_from,
        known_to
    from {{ ref('ledger__contract_line_version') }}
),

source_line as (
    {{ ledger_fact_versions(ref('canonical__contract_line'), 'contract_line_id', ['original_value']) }}
),

amendment as (
    {{ ledger_fact_versions(
        ref('canonical__contract_amendment'),
        'contract_amendment_id',
        ['contract_line_id', 'delta_value', 'signed_on', 'status'],
    ) }}
),

revenue as (
    select
        contract_line_id,
        accounting_date,
        amount_tc,
        known_from,
        coalesce(known_to, {{ ledger_forever() }}) as known_to
    from {{ ref('ledger__revenue_value') }}
    where is_recognised
    union all
    -- what was earned before the history of a line begins was earned of it all the same
    select
        contract_line_id,
        balance_date as accounting_date,
        amount_tc,
        known_from,
        coalesce(known_to, {{ ledger_forever() }}) as known_to
    from {{ ref('ledger__opening_value') }}
    where movement_type = 'opening_revenue' and is_counted
),

conversion as {{ import_conversion() }},

-- expenses are passed through: a line for them commits nobody to a value
ended_line as (
    select
        contract_line_id,
        status,
        signed_on,
        closed_on,
        original_value,
        known_from,
        known_to
    from line
    where
        is_known
        and status in ('COMPLETED', 'CANCELLED')
        and closed_on is not null
        and signed_on <= closed_on
        and coalesce(billing_method, 'NONE') <> 'EXPENSE'
),

-- what was committed or earned on an ended line, with the dates that decide whether it counts
component as (
    select
        contract_line_id,
        signed_on as on_date,
        delta_value as committed,
        cast(0 as decimal(19, 4)) as earned,
        known_from,
        known_to
    from amendment
    where status = 'SIGNED' and signed_on is not null
    union all
    select
        contract_line_id,
        accounting_date as on_date,
        cast(0 as decimal(19, 4)) as committed,
        amount_tc as earned,
        known_from,
        known_to
    from revenue
),

ending_boundary as (
    select
        ended_line.contract_line_id,
        ended_line.known_from as span_from,
        component.known_from as cut_at
    from ended_line
    inner join component on ended_line.contract_line_id = component.contract_line_id
    where component.known_from > ended_line.known_from and component.known_from < ended_line.known_to
    union
    select
        ended_line.contract_line_id,
        ended_line.known_from as span_from,
        component.known_to as cut_at
    from ended_line
    inner join component on ended_line.contract_line_id = component.contract_line_id
    where component.known_to > ended_line.known_from and component.known_to < ended_line.known_to
    union
    select
        contract_line_id,
        known_from as span_from,
        known_from as cut_at
    from ended_line
),

ending_stretch as (
    select
        ended_line.contract_line_id,
        ended_line.status,
        ended_line.closed_on,
        ended_line.original_value,
        ending_boundary.cut_at as known_from,
        coalesce(
            lead(ending_boundary.cut_at) over (
                partition by ending_boundary.contract_line_id, ending_boundary.span_from
                order by ending_boundary.cut_at
            ),
            ended_line.known_to
        ) as known_to
    from ended_line
    inner join ending_boundary
        on
            ended_line.contract_line_id = ending_boundary.contract_line_id
            and ended_line.known_from = ending_boundary.span_from
),

remainder as (
    select
        ending_stretch.contract_line_id,
        ending_stretch.status,
        ending_stretch.closed_on,
        ending_stretch.known_from,
        ending_stretch.known_to,
        -- A cancelled line gives up what was open on the day. A completed one gives up what was never earned:
        -- its last month is posted after it ended, and that is no under-run.
        greatest(
            cast(0 as decimal(19, 4)),
            ending_stretch.original_value
            + coalesce(sum(case
                when component.on_date <= ending_stretch.closed_on then component.committed
            end), 0)
            - coalesce(sum(case
                when ending_stretch.status = 'COMPLETED' or component.on_date <= ending_stretch.closed_on
                    then component.earned
            end), 0)
        ) as amount
    from ending_stretch
    left join component
        on
            ending_stretch.contract_line_id = component.contract_line_id
            and ending_stretch.known_from >= component.known_from
            and ending_stretch.known_from < component.known_to
    group by
        ending_stretch.contract_line_id, ending_stretch.status, ending_stretch.closed_on,
        ending_stretch.original_value, ending_stretch.known_from, ending_stretch.known_to
),

event as (
    select
        concat(source_line.contract_line_id, '|BOOKED') as booking_id,
        'booked' as movement_type,
        source_line.contract_line_id,
        source_line.source_system,
        source_line.source_instance,
        source_line.source_record_id,
        source_line.load_id,
        source_line.version_number,
        source_line.original_value as amount_tc,
        cast(null as date) as signed_on,
        true as is_agreed,
        source_line.known_from,
        source_line.known_to
    from source_line
    union all
    select
        concat(contract_amendment_id, '|AMENDED') as booking_id,
        'amended' as movement_type,
        contract_line_id,
        source_system,
        source_instance,
        source_record_id,
        load_id,
        version_number,
        delta_value as amount_tc,
        signed_on,
        status = 'SIGNED' and signed_on is not null as is_agreed,
        known_from,
        known_to
    from amendment
),

placed_event as (
    select
        event.booking_id,
        event.movement_type,
        event.source_system,
        event.source_instance,
        event.source_record_id,
        event.load_id,
        event.version_number,
        event.amount_tc,
        line.currency_code,
        case when event.movement_type = 'booked' then line.signed_on else event.signed_on end
            as business_date,
        coalesce(
            event.is_agreed
            and line.is_known
            and line.status <> 'DRAFT'
            and coalesce(line.billing_method, 'NONE') <> 'EXPENSE'
            and line.signed_on is not null,
            false
        ) as is_booked,
        {{ ledger_line_dimensions('line', 'event.contract_line_id') }},
        {{ ledger_common('event', 'line') }}
    from event
    left join line
        on event.contract_line_id = line.contract_line_id and {{ ledger_overlap('event', 'line') }}
),

placed_ending as (
    select
        concat(remainder.contract_line_id, '|ENDED') as booking_id,
        case when remainder.status = 'CANCELLED' then 'cancelled' else 'completed_under_run' end
            as movement_type,
        split_part(remainder.contract_line_id, ':', 1) as source_system,
        split_part(remainder.contract_line_id, ':', 2) as source_instance,
        split_part(remainder.contract_line_id, ':', 3) as source_record_id,
        cast(null as {{ type_text() }}) as load_id,
        cast(null as integer) as version_number,
        -remainder.amount as amount_tc,
        line.currency_code,
        remainder.closed_on as business_date,
        true as is_booked,
        {{ ledger_line_dimensions('line', 'remainder.contract_line_id') }},
        {{ ledger_common('remainder', 'line') }}
    from remainder
    inner join line
        on remainder.contract_line_id = line.contract_line_id and {{ ledger_overlap('remainder', 'line') }}
    where remainder.amount > 0
),

placed as (
    select
        booking_id,
        movement_type,
        source_system,
        source_instance,
        source_record_id,
        load_id,
        version_number,
        amount_tc,
        currency_code,
        business_date,
        is_booked,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        functional_currency,
        known_from,
        known_to
    from placed_event
    union all
    select
        booking_id,
        movement_type,
        source_system,
        source_instance,
        source_record_id,
        load_id,
        version_number,
        amount_tc,
        currency_code,
        business_date,
        is_booked,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        functional_currency,
        known_from,
        known_to
    from placed_ending
)

select
    placed.booking_id,
    placed.movement_type,
    placed.is_booked,
    placed.business_date,
    {{ ledger_dimension_columns('placed') }},
    placed.currency_code,
    cast(placed.amount_tc as decimal(19, 4)) as amount_tc,
    {{ ledger_at_rate('placed.amount_tc', 'conversion.rate_fc') }} as amount_fc,
    {{ ledger_at_rate('placed.amount_tc', 'conversion.rate_rc') }} as amount_rc,
    {{ ledger_at_rate('placed.amount_tc', 'conversion.rate_cc') }} as amount_cc,
    placed.source_system,
    placed.source_instance,
    placed.source_record_id,
    placed.load_id,
    placed.version_number,
    {{ ledger_published('placed', 'conversion') }}
from placed
{{ ledger_join_conversion('placed', 'currency_code', 'business_date') }}
