-- The journal as the run knew it, summed by month and kind: what every flow metric adds up.
with movement as (
    select
        movement_type,
        business_date,
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
        amount_cc,
        hours
    from {{ ref('fct_value_movement') }}
    where known_at <= {{ run_known_at() }} and business_date <= {{ run_as_of() }}
)

select
    movement_type,
    {{ month_start('business_date') }} as month_start,
    -- a reversal keeps the side of what it takes back
    coalesce(direction * amount_tc >= 0, true) as is_increase,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    contract_line_id,
    currency_code,
    functional_currency,
    cast(coalesce(sum(amount_tc), 0) as decimal(28, 4)) as amount_tc,
    cast(coalesce(sum(amount_fc), 0) as decimal(28, 4)) as amount_fc,
    cast(coalesce(sum(amount_rc), 0) as decimal(28, 4)) as amount_rc,
    cast(coalesce(sum(amount_cc), 0) as decimal(28, 4)) as amount_cc,
    cast(coalesce(sum(hours), 0) as decimal(28, 2)) as hours,
    -- hours whose worth nobody knows, and amounts nobody could convert: sums over them are unknown, not
    -- smaller
    cast(coalesce(sum(case when amount_tc is null then hours end), 0) as decimal(28, 2)) as unknown_hours,
    cast(sum(case when amount_tc is not null and amount_fc is null then direction else 0 end) as bigint)
        as unconverted_fc,
    cast(sum(case when amount_tc is not null and amount_rc is null then direction else 0 end) as bigint)
        as unconverted_rc,
    cast(sum(case when amount_tc is not null and amount_cc is null then direction else 0 end) as bigint)
        as unconverted_cc,
    cast(sum(direction) as bigint) as rows_standing
from movement
group by
    movement_type, {{ month_start('business_date') }}, coalesce(direction * amount_tc >= 0, true),
    legal_entity_id,
    region_id, practice_id, customer_id, project_id, contract_line_id, currency_code, functional_currency
