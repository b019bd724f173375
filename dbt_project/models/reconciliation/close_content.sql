-- What the journal adds up to, by legal entity, month and kind of movement, as the run knows it: what a
-- closing freezes, and what is held against it ever after.
with movement as (
    select
        legal_entity_id,
        month_start,
        movement_type,
        is_increase,
        currency_code,
        functional_currency,
        amount_tc,
        amount_fc,
        amount_rc,
        hours,
        rows_standing
    from {{ ref('ledger__movement_month') }}
)

select
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text(month_text('month_start')) }} as period,
    {{ as_text(close_area('movement_type')) }} as area,
    {{ as_text('movement_type') }} as movement_type,
    is_increase,
    {{ as_text('currency_code') }} as currency_code,
    {{ as_text('functional_currency') }} as functional_currency,
    cast(sum(amount_tc) as decimal(28, 4)) as amount_tc,
    cast(sum(amount_fc) as decimal(28, 4)) as amount_fc,
    cast(sum(amount_rc) as decimal(28, 4)) as amount_rc,
    cast(sum(hours) as decimal(28, 2)) as hours,
    cast(sum(rows_standing) as bigint) as rows_standing
from movement
group by
    legal_entity_id, {{ month_text('month_start') }}, {{ close_area('movement_type') }}, movement_type,
    is_increase, currency_code, functional_currency
having
    sum(rows_standing) <> 0 or sum(amount_tc) <> 0 or sum(amount_fc) <> 0 or sum(amount_rc) <> 0
    or sum(hours) <> 0
