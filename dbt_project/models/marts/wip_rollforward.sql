-- Work in progress of each line and project from month to month: opening, what moved it, closing. Movements
-- carry the sign with which they move the balance. Closing is what the items hold, computed apart from the
-- movements.
with as_of_date as {{ roll_forward_dates() }},

conversion as {{ roll_forward_rates() }},

daily as (
    select
        business_date,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        sum(case when movement_type = 'performed' then amount_tc else 0 end) as performed,
        sum(case when movement_type = 'wip_billed' then amount_tc else 0 end) as wip_billed,
        sum(case when movement_type = 'reopened_by_credit_note' then amount_tc else 0 end)
            as reopened_by_credit_note,
        sum(case when movement_type = 'multiple_billing' then amount_tc else 0 end) as multiple_billing
    from {{ ref('ledger__wip_event') }}
    group by
        business_date, legal_entity_id, region_id, practice_id, customer_id, project_id, contract_line_id,
        currency_code
),

flow as (
    select
        as_of_date.as_of,
        daily.legal_entity_id,
        daily.region_id,
        daily.practice_id,
        daily.customer_id,
        daily.project_id,
        daily.contract_line_id,
        daily.currency_code,
        sum(daily.performed) as performed,
        sum(daily.wip_billed) as wip_billed,
        sum(daily.reopened_by_credit_note) as reopened_by_credit_note,
        sum(daily.multiple_billing) as multiple_billing,
        {{ known_sum(roll_forward_at_rate('daily.performed', 'conversion.rate_rc')) }} as performed_rc,
        {{ known_sum(roll_forward_at_rate('daily.wip_billed', 'conversion.rate_rc')) }} as wip_billed_rc,
        {{ known_sum(roll_forward_at_rate('daily.reopened_by_credit_note', 'conversion.rate_rc')) }}
            as reopened_by_credit_note_rc,
        {{ known_sum(roll_forward_at_rate('daily.multiple_billing', 'conversion.rate_rc')) }}
            as multiple_billing_rc
    from daily
    inner join as_of_date
        on daily.business_date >= as_of_date.first_day and daily.business_date <= as_of_date.as_of
    left join conversion
        on daily.currency_code = conversion.from_currency and daily.business_date = conversion.rate_date
    group by
        as_of_date.as_of, daily.legal_entity_id, daily.region_id, daily.practice_id, daily.customer_id,
        daily.project_id, daily.contract_line_id, daily.currency_code
),

{{ roll_forward(
    'wip_operational',
    ['performed', 'wip_billed', 'reopened_by_credit_note', 'multiple_billing'],
) }}
