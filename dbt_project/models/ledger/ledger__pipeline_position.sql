-- Open deals at every date a run answers for: the stage each of them was in, what it is worth and how likely
-- it is. A deal whose close date has passed, or that has not moved for ninety days, is stale: nobody works
-- on it as if it were to be won.
with as_of_date as (
    select as_of from {{ ref('ledger__as_of_date') }}
),

spell as (
    select
        opportunity_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        currency_code,
        functional_currency,
        stage,
        probability,
        close_date,
        term_start,
        term_end,
        amount_tc,
        spell_from,
        spell_to
    from {{ ref('ledger__deal_spell') }}
    where not is_closed
),

open_deal as (
    select
        as_of_date.as_of,
        spell.*,
        coalesce(spell.close_date < as_of_date.as_of, false)
        or spell.spell_from < {{ date_add_days('as_of_date.as_of', -90) }} as is_stale
    from as_of_date
    inner join spell
        on
            as_of_date.as_of >= spell.spell_from
            and (spell.spell_to is null or as_of_date.as_of < spell.spell_to)
)

select
    as_of,
    opportunity_id,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    currency_code,
    functional_currency,
    stage,
    probability,
    close_date,
    term_start,
    term_end,
    spell_from as changed_on,
    is_stale,
    -- to be won before the quarter is over
    not is_stale and coalesce(close_date < {{ add_months_start(quarter_start('as_of'), 3) }}, false)
        as is_this_quarter,
    amount_tc,
    cast(round(amount_tc * probability, 4) as decimal(19, 4)) as weighted_tc
from open_deal
