-- The wrong number this would let through: backlog, deferred revenue, receivables or cost to date that hold
-- the same amount twice, as the balance that was carried over and as the records it was made of; or a balance
-- that stands nowhere because it names no line or customer.
-- A warning: what is told is counted as it is told (but for a receivable whose document is there itself), and
-- whoever carried it over can say whether what lies before is in the balance.
-- Not asserted: that the balance is the right one.
{{ config(severity='warn') }}
with opening as (
    select
        opening_balance_id,
        kind,
        is_counted,
        balance_date,
        customer_id,
        contract_line_id,
        legal_entity_id,
        currency_code,
        amount_tc
    from {{ ledger_as_known(ref('ledger__opening_value')) }} as known
),

line as (
    select contract_line_id
    from {{ ledger_as_known(ref('ledger__contract_line_version')) }} as known
    where is_known
),

-- of a line or customer what the records of the balance's kind say, with the day they begin to
history as (
    select
        case movement_type
            when 'recognised' then 'REVENUE_TO_DATE'
            when 'billed' then 'BILLED_TO_DATE'
            when 'credited' then 'BILLED_TO_DATE'
            else 'COST_TO_DATE'
        end as kind,
        contract_line_id,
        min(business_date) as begins_on
    from {{ ref('ledger__movement_as_known') }}
    where
        contract_line_id <> 'NONE'
        and movement_type in (
            'recognised', 'billed', 'credited', 'labour_cost', 'subcontractor_accrual', 'subcontractor_cost',
            'expense_cost'
        )
    group by
        case movement_type
            when 'recognised' then 'REVENUE_TO_DATE'
            when 'billed' then 'BILLED_TO_DATE'
            when 'credited' then 'BILLED_TO_DATE'
            else 'COST_TO_DATE'
        end,
        contract_line_id
),

owed as (
    select
        'RECEIVABLE' as kind,
        legal_entity_id,
        customer_id,
        currency_code,
        min(business_date) as begins_on
    from {{ ref('ledger__movement_as_known') }}
    where movement_type = 'ar_opened'
    group by legal_entity_id, customer_id, currency_code
),

judged as (
    select
        opening.*,
        case
            when not opening.is_counted then 'ITS_DOCUMENT_IS_HERE'
            when opening.kind <> 'RECEIVABLE' and opening.contract_line_id = 'NONE' then 'NO_CONTRACT_LINE'
            when opening.kind <> 'RECEIVABLE' and line.contract_line_id is null then 'UNKNOWN_CONTRACT_LINE'
            when
                opening.kind = 'RECEIVABLE'
                and (opening.customer_id like 'UNMAPPED:%' or opening.legal_entity_id like 'UNMAPPED:%')
                then 'NO_CUSTOMER_OR_ENTITY'
            when coalesce(history.begins_on, owed.begins_on) <= opening.balance_date then 'HISTORY_BEFORE_IT'
        end as finding,
        coalesce(history.begins_on, owed.begins_on) as history_begins_on
    from opening
    left join line on opening.contract_line_id = line.contract_line_id
    left join history
        on opening.kind = history.kind and opening.contract_line_id = history.contract_line_id
    left join owed
        on
            opening.kind = owed.kind
            and opening.legal_entity_id = owed.legal_entity_id
            and opening.customer_id = owed.customer_id
            and opening.currency_code = owed.currency_code
)

select
    opening_balance_id,
    kind,
    finding,
    balance_date,
    history_begins_on,
    amount_tc
from judged
where finding is not null
