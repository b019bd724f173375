{{ config(materialized='view') }}

-- The journal. A feeder's row enters when it becomes known and is taken back when something else is known in its
-- place: nothing is ever changed, and the sum of what was known by an instant is the firm as it stood then.
with movement as (
    {{ ledger_movement(
        ref('ledger__booking_value'), 'booking_id', 'feeder.movement_type', 'business_date', 'feeder.is_booked'
    ) }}
    union all
    {{ ledger_movement(
        ref('ledger__revenue_value'), 'revenue_entry_id', "'recognised'", 'accounting_date',
        'feeder.is_recognised'
    ) }}
    union all
    {{ ledger_movement(
        ref('ledger__billing_value'), 'invoice_line_id',
        "case when feeder.doc_type = 'CREDIT_NOTE' then 'credited' else 'billed' end", 'invoice_date',
        'feeder.is_posted', quantity='quantity'
    ) }}
    union all
    {{ ledger_movement(
        ref('ledger__time_value'), 'time_entry_id', "'performed'", 'wip_on', 'feeder.is_wip', prefix='value',
        hours='hours', resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        ledger_billed_place(ref('ledger__expense_value')), 'expense_line_id', "'performed'", 'wip_on',
        'feeder.is_wip', prefix='value', resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        ref('ledger__milestone_value'), 'milestone_id', "'performed'", 'wip_on', 'feeder.is_wip', prefix='value'
    ) }}
    union all
    {{ ledger_movement(
        ref('ledger__time_value'), 'time_entry_id', "'labour_cost'", 'work_date', 'feeder.is_labour', prefix='cost',
        currency='cost_currency_code', hours='hours', resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        ref('ledger__work_accrual'), 'time_entry_id', "'subcontractor_accrual'", 'work_date', 'true', hours='hours',
        resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        ref('ledger__work_accrual'), 'time_entry_id', "'subcontractor_accrual_released'", 'released_on',
        'feeder.released_on is not null', sign='-', hours='hours', resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        ref('ledger__vendor_bill_value'), 'vendor_bill_line_id', "'subcontractor_cost'", 'bill_date',
        'feeder.is_cost', quantity='quantity', resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        ref('ledger__expense_value'), 'expense_line_id', "'expense_cost'", 'expense_date', 'feeder.is_cost',
        prefix='cost', currency='cost_currency_code', resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        ref('ledger__receivable_value'), 'invoice_id', "'ar_opened'", 'invoice_date', 'feeder.is_posted'
    ) }}
    union all
    {{ ledger_movement(
        ref('ledger__cash_value'), 'cash_id', 'feeder.movement_type', 'business_date', 'feeder.is_posted'
    ) }}
)

select
    movement_id,
    movement_type,
    business_date,
    known_at,
    direction,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    contract_line_id,
    resource_id,
    currency_code,
    amount_tc,
    functional_currency,
    amount_fc,
    amount_rc,
    amount_cc,
    hours,
    quantity,
    source_system,
    source_record_id,
    load_id,
    source_version
from movement
