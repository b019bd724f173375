with

mapped as (
    {{ port_rows('accounting_period') }}
),

versioned as (
    {{ versions('mapped', 'period_id') }}
)

select
    period_id,
    {{ hash_key('period_id') }} as accounting_period_key,
    period_name,
    start_date,
    end_date,
    fiscal_year,
    is_adjustment,
    is_closed,
    is_ar_closed,
    is_ap_closed,
    closed_at,
    {{ envelope() }}
from versioned
