-- One line per statement, date, entity and currency (and account of a trial balance): what the warehouse
-- says, what the other side says, and what of the difference was entered after the other side was printed.
with

member as (
    select
        statement_id,
        as_of,
        legal_entity_id,
        currency_code,
        case when statement_id = 'TRIAL_BALANCE' then member_id else 'ALL' end as gl_account_id,
        printed_at,
        amount,
        other_amount,
        difference,
        entered_later
    from {{ ref('recon__tie_out_member') }}
),

sum_members as (
    select
        statement_id,
        as_of,
        legal_entity_id,
        currency_code,
        gl_account_id,
        max(printed_at) as printed_at,
        -- booked in the smallest unit of the currency, document by document, on one side only
        case when statement_id = 'AR_CONTROL' then cast('1.00' as decimal(19, 4)) else 0 end as tolerance,
        cast({{ known_sum('amount') }} as decimal(28, 4)) as amount,
        cast({{ known_sum('other_amount') }} as decimal(28, 4)) as other_amount,
        cast({{ known_sum('difference') }} as decimal(28, 4)) as difference,
        cast({{ known_sum('entered_later') }} as decimal(28, 4)) as entered_later,
        sum(case when difference <> 0 then 1 else 0 end) as items
    from member
    group by statement_id, as_of, legal_entity_id, currency_code, gl_account_id
)

select
    statement_id,
    as_of,
    legal_entity_id,
    currency_code,
    gl_account_id,
    printed_at,
    amount,
    other_amount,
    difference,
    entered_later,
    cast(difference - entered_later as decimal(28, 4)) as unexplained,
    cast(tolerance as decimal(19, 4)) as tolerance,
    cast(items as bigint) as items,
    {{ as_text(
        "case when amount is null then 'UNKNOWN' when other_amount is null then 'NO_REPORT'"
        " when abs(difference) <= tolerance then 'TIES'"
        " when abs(difference - entered_later) <= tolerance then 'ENTERED_LATER' else 'DIFFERS' end"
    ) }} as status
from sum_members
