with

mapped as (
    {{ port_rows('native_report_line') }}
),

versioned as (
    {{ versions('mapped', 'native_report_line_id') }}
)

select
    native_report_line_id,
    {{ hash_key('native_report_line_id') }} as native_report_line_key,
    report,
    period,
    as_of,
    legal_entity_id,
    gl_account_id,
    customer_id,
    project_id,
    bucket,
    amount,
    currency_code,
    printed_at,
    {{ envelope() }}
from versioned
