-- Receivables of each document from month to month: opening, what moved them, closing. Movements carry the
-- sign with which they move the balance. Closing is what the document holds, computed apart from the
-- movements. A credit note that is applied takes an invoice down and is used up itself: over both of them
-- that is nothing.
with as_of_date as {{ roll_forward_dates() }},

conversion as {{ roll_forward_rates() }},

daily as (
    select
        business_date,
        legal_entity_id,
        'NONE' as region_id,
        'NONE' as practice_id,
        customer_id,
        'NONE' as project_id,
        'NONE' as contract_line_id,
        invoice_id,
        currency_code,
        sum(case when movement_type = 'opening_receivable' then amount_tc else 0 end) as opening_balance,
        sum(case when movement_type = 'ar_opened' then amount_tc else 0 end) as invoiced,
        sum(case when movement_type = 'ar_credited' then amount_tc else 0 end) as credited,
        sum(case when movement_type = 'collected' then amount_tc else 0 end) as collected,
        sum(case when movement_type in ('credit_applied', 'credit_used') then amount_tc else 0 end)
            as credits_applied
    from {{ ref('ledger__receivable_event') }}
    group by business_date, legal_entity_id, customer_id, invoice_id, currency_code
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
        daily.invoice_id,
        daily.currency_code,
        sum(daily.opening_balance) as opening_balance,
        sum(daily.invoiced) as invoiced,
        sum(daily.credited) as credited,
        sum(daily.collected) as collected,
        sum(daily.credits_applied) as credits_applied,
        {{ known_sum(roll_forward_at_rate('daily.opening_balance', 'conversion.rate_rc')) }}
            as opening_balance_rc,
        {{ known_sum(roll_forward_at_rate('daily.invoiced', 'conversion.rate_rc')) }} as invoiced_rc,
        {{ known_sum(roll_forward_at_rate('daily.credited', 'conversion.rate_rc')) }} as credited_rc,
        {{ known_sum(roll_forward_at_rate('daily.collected', 'conversion.rate_rc')) }} as collected_rc,
        {{ known_sum(roll_forward_at_rate('daily.credits_applied', 'conversion.rate_rc')) }}
            as credits_applied_rc
    from daily
    inner join as_of_date
        on daily.business_date >= as_of_date.first_day and daily.business_date <= as_of_date.as_of
    left join conversion
        on daily.currency_code = conversion.from_currency and daily.business_date = conversion.rate_date
    group by
        as_of_date.as_of, daily.legal_entity_id, daily.region_id, daily.practice_id, daily.customer_id,
        daily.project_id, daily.contract_line_id, daily.invoice_id, daily.currency_code
),

{{ roll_forward(
    'ar_gross',
    ['opening_balance', 'invoiced', 'credited', 'collected', 'credits_applied'],
    record='invoice_id',
) }}
