-- What a closing stored, where the journal at that knowledge time no longer says the same: the past was not
-- reproduced. Nothing that sources send can do that; a change of definitions or of the code can. Of closings
-- people made here, the last three of each legal entity and area.
with

proved as (
    select
        close_id,
        legal_entity_id,
        period,
        area,
        event_id
    from {{ ref('recon__close') }}
    where is_proved
),

stored as (
    select
        proved.close_id,
        content.movement_type,
        content.is_increase,
        content.currency_code,
        content.functional_currency,
        content.amount_tc,
        content.amount_fc,
        content.amount_rc,
        content.hours,
        content.rows_standing
    from {{ source('inputs', 'close_content') }} as content
    inner join proved on content.event_id = proved.event_id and content.area = proved.area
),

-- what is known now, less what became known since
recomputed as (
    select
        close_id,
        movement_type,
        is_increase,
        currency_code,
        functional_currency,
        sum(amount_tc) as amount_tc,
        sum(amount_fc) as amount_fc,
        sum(amount_rc) as amount_rc,
        sum(hours) as hours,
        sum(rows_standing) as rows_standing
    from (
        select
            proved.close_id,
            content.movement_type,
            content.is_increase,
            content.currency_code,
            content.functional_currency,
            content.amount_tc,
            content.amount_fc,
            content.amount_rc,
            content.hours,
            content.rows_standing
        from {{ ref('close_content') }} as content
        inner join proved
            on
                content.legal_entity_id = proved.legal_entity_id
                and content.period = proved.period
                and content.area = proved.area
        union all
        select
            proved.close_id,
            late.movement_type,
            late.is_increase,
            late.currency_code,
            late.functional_currency,
            -late.delta_tc as amount_tc,
            -late.delta_fc as amount_fc,
            -late.delta_rc as amount_rc,
            -late.delta_hours as hours,
            -late.delta_rows as rows_standing
        from {{ ref('restatement') }} as late
        inner join proved on late.close_id = proved.close_id
    ) as moved
    group by close_id, movement_type, is_increase, currency_code, functional_currency
),

compared as (
    select
        coalesce(stored.close_id, recomputed.close_id) as close_id,
        coalesce(stored.movement_type, recomputed.movement_type) as movement_type,
        coalesce(stored.is_increase, recomputed.is_increase) as is_increase,
        coalesce(stored.currency_code, recomputed.currency_code) as currency_code,
        {%- for measure in close_measures() + ['rows_standing'] %}
            coalesce(stored.{{ measure }}, 0) as stored_{{ measure }},
            coalesce(recomputed.{{ measure }}, 0) as {{ measure }},
        {%- endfor %}
        coalesce(stored.functional_currency, recomputed.functional_currency) as functional_currency
    from stored
    full outer join recomputed
        on
            stored.close_id = recomputed.close_id
            and stored.movement_type = recomputed.movement_type
            and stored.is_increase = recomputed.is_increase
            and stored.currency_code = recomputed.currency_code
            and stored.functional_currency = recomputed.functional_currency
)

select
    proved.close_id,
    proved.legal_entity_id,
    proved.period,
    proved.area,
    {{ as_text('compared.movement_type') }} as movement_type,
    compared.is_increase,
    {{ as_text('compared.currency_code') }} as currency_code,
    {{ as_text('compared.functional_currency') }} as functional_currency,
    {%- for measure in ['amount_tc', 'amount_fc', 'amount_rc'] %}
        cast(compared.stored_{{ measure }} as decimal(28, 4)) as stored_{{ measure }},
        cast(compared.{{ measure }} as decimal(28, 4)) as {{ measure }},
    {%- endfor %}
    cast(compared.stored_hours as decimal(28, 2)) as stored_hours,
    cast(compared.hours as decimal(28, 2)) as hours
from compared
inner join proved on compared.close_id = proved.close_id
where
    {%- for measure in close_measures() + ['rows_standing'] %}
        {{ 'or ' if not loop.first }}compared.stored_{{ measure }} <> compared.{{ measure }}
    {%- endfor %}
