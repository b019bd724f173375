-- The wrong number this would let through: revenue, cost or backlog short by rows that a feeder's join
-- lost, or twice those for which it found two places. Every source row known to the run stands in its
-- feeder exactly once, with its amount; compared are counts and sums of what is known at the run's
-- known_at.
-- Not asserted: amounts in other currencies than the row's own.
with source_side as (
    select
        'time_entry' as feeder,
        count(*) as n,
        sum(hours) as amount
    from {{ known_record('time_entry', ref('canonical__time_entry')) }} as known
    union all
    select
        'expense_line' as feeder,
        count(*) as n,
        sum(incurred_amount) as amount
    from {{ as_known(ref('canonical__expense_line')) }} as known
    union all
    select
        'milestone' as feeder,
        count(*) as n,
        sum(amount) as amount
    from {{ as_known(ref('canonical__milestone')) }} as known
    union all
    select
        'invoice_line' as feeder,
        count(*) as n,
        sum(net_amount) as amount
    from {{ as_known(ref('canonical__invoice_line')) }} as known
    union all
    select
        'invoice' as feeder,
        count(*) as n,
        sum(total_amount) as amount
    from {{ known_record('invoice', ref('canonical__invoice')) }} as known
    union all
    select
        'revenue_entry' as feeder,
        count(*) as n,
        sum(amount) as amount
    from {{ as_known(ref('canonical__revenue_entry')) }} as known
    union all
    select
        'vendor_bill_line' as feeder,
        count(*) as n,
        sum(net_amount) as amount
    from {{ as_known(ref('canonical__vendor_bill_line')) }} as known
    union all
    select
        'contract_line' as feeder,
        count(*) as n,
        sum(original_value) as amount
    from {{ as_known(ref('canonical__contract_line')) }} as known
    union all
    select
        'contract_amendment' as feeder,
        count(*) as n,
        sum(delta_value) as amount
    from {{ as_known(ref('canonical__contract_amendment')) }} as known
    union all
    select
        'payment_application' as feeder,
        count(*) as n,
        sum(applied_amount) as amount
    from {{ as_known(ref('canonical__payment_application')) }} as known
    union all
    select
        'opening_balance' as feeder,
        count(*) as n,
        sum(amount) as amount
    from {{ as_known(ref('canonical__opening_balance')) }} as known
),

feeder_side as (
    select
        'time_entry' as feeder,
        count(*) as n,
        sum(hours) as amount
    from {{ ledger_as_known(ref('ledger__time_value')) }} as known
    union all
    select
        'expense_line' as feeder,
        count(*) as n,
        sum(cost_tc) as amount
    from {{ ledger_as_known(ref('ledger__expense_value')) }} as known
    union all
    select
        'milestone' as feeder,
        count(*) as n,
        sum(value_tc) as amount
    from {{ ledger_as_known(ref('ledger__milestone_value')) }} as known
    union all
    select
        'invoice_line' as feeder,
        count(*) as n,
        sum(amount_tc) as amount
    from {{ ledger_as_known(ref('ledger__billing_value')) }} as known
    union all
    select
        'invoice' as feeder,
        count(*) as n,
        sum(amount_tc) as amount
    from {{ ledger_as_known(ref('ledger__receivable_value')) }} as known
    union all
    select
        'revenue_entry' as feeder,
        count(*) as n,
        sum(amount_tc) as amount
    from {{ ledger_as_known(ref('ledger__revenue_value')) }} as known
    union all
    select
        'vendor_bill_line' as feeder,
        count(*) as n,
        sum(amount_tc) as amount
    from {{ ledger_as_known(ref('ledger__vendor_bill_value')) }} as known
    union all
    select
        'contract_line' as feeder,
        count(*) as n,
        sum(amount_tc) as amount
    from {{ ledger_as_known(ref('ledger__booking_value')) }} as known
    where movement_type = 'booked'
    union all
    select
        'contract_amendment' as feeder,
        count(*) as n,
        sum(amount_tc) as amount
    from {{ ledger_as_known(ref('ledger__booking_value')) }} as known
    where movement_type = 'amended'
    union all
    select
        'payment_application' as feeder,
        count(*) as n,
        -sum(amount_tc) as amount
    from {{ ledger_as_known(ref('ledger__cash_value')) }} as known
    where movement_type <> 'credit_used'
    union all
    select
        'opening_balance' as feeder,
        count(*) as n,
        sum(amount_tc) as amount
    from {{ ledger_as_known(ref('ledger__opening_value')) }} as known
)

select
    source_side.feeder,
    source_side.n,
    feeder_side.n as n_found,
    source_side.amount,
    feeder_side.amount as found
from source_side
inner join feeder_side on source_side.feeder = feeder_side.feeder
where
    source_side.n <> feeder_side.n
    or source_side.amount is distinct from feeder_side.amount
