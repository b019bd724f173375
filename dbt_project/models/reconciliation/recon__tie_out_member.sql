{{ config(database='build') }}

-- The warehouse's sums beside what a system itself says, by customer, account or document, at every date
-- there is something to hold them against: the reports systems print at a month's end, and at every date the
-- run answers for the general ledger's control accounts of receivables. A report without a line for somebody
-- says nothing is there; an entity without a report says nothing at all: other_amount is null.
with

as_of_date as (
    select as_of from {{ ref('ledger__as_of_date') }}
),

report_line as (
    select
        report,
        as_of,
        legal_entity_id,
        currency_code,
        coalesce(gl_account_id, customer_id, 'NONE') as member_id,
        printed_at,
        amount
    from {{ ledger_as_known(ref('canonical__native_report_line')) }} as native_report_line
    where
        report in ('AR_AGEING', 'BILLINGS', 'REVENUE', 'TRIAL_BALANCE')
        and not is_deleted
        and as_of <= {{ run_as_of() }}
),

own_entry as (
    select
        report,
        entry_date,
        entered_at,
        legal_entity_id,
        currency_code,
        member_id,
        amount
    from {{ ref('recon__own_entry') }}
),

printed as (
    select
        report,
        as_of,
        legal_entity_id,
        max(printed_at) as printed_at
    from report_line
    group by report, as_of, legal_entity_id
),

-- Every month end since the first one that was printed, for every entity either side speaks of. A month's
-- reports are printed in the days after it: only after 15 of them is one missing.
printed_since as (
    select
        report,
        min(as_of) as first_as_of
    from report_line
    group by report
),

month_end_of as (
    select
        printed_since.report,
        as_of_date.as_of
    from printed_since
    inner join as_of_date
        on
            printed_since.first_as_of <= as_of_date.as_of
            and as_of_date.as_of = {{ month_end('as_of_date.as_of') }}
            and {{ date_add_days('as_of_date.as_of', 15) }} <= {{ run_as_of() }}
    union
    select
        report,
        as_of
    from printed
),

entity_of as (
    select
        report,
        legal_entity_id
    from own_entry
    union
    select
        report,
        legal_entity_id
    from printed
),

asked as (
    select
        month_end_of.report,
        month_end_of.as_of,
        -- flows count in their month, balances from the start
        case
            when month_end_of.report in ('BILLINGS', 'REVENUE') then {{ month_start('month_end_of.as_of') }}
            else cast('1900-01-01' as date)
        end as first_day,
        entity_of.legal_entity_id,
        printed.printed_at
    from month_end_of
    inner join entity_of on month_end_of.report = entity_of.report
    left join printed
        on
            month_end_of.report = printed.report
            and month_end_of.as_of = printed.as_of
            and entity_of.legal_entity_id = printed.legal_entity_id
),

sum_own as (
    select
        asked.report,
        asked.as_of,
        asked.legal_entity_id,
        own_entry.currency_code,
        own_entry.member_id,
        sum(own_entry.amount) as amount,
        sum(case when own_entry.entered_at > asked.printed_at then own_entry.amount else 0 end)
            as entered_later
    from asked
    inner join own_entry
        on
            asked.report = own_entry.report
            and asked.legal_entity_id = own_entry.legal_entity_id
            and asked.first_day <= own_entry.entry_date
            and asked.as_of >= own_entry.entry_date
    group by
        asked.report, asked.as_of, asked.legal_entity_id, own_entry.currency_code, own_entry.member_id
),

sum_report as (
    select
        report,
        as_of,
        legal_entity_id,
        currency_code,
        member_id,
        sum(amount) as amount
    from report_line
    group by report, as_of, legal_entity_id, currency_code, member_id
),

hold_against_report as (
    select
        coalesce(sum_own.report, sum_report.report) as statement_id,
        coalesce(sum_own.as_of, sum_report.as_of) as as_of,
        coalesce(sum_own.legal_entity_id, sum_report.legal_entity_id) as legal_entity_id,
        coalesce(sum_own.currency_code, sum_report.currency_code) as currency_code,
        coalesce(sum_own.member_id, sum_report.member_id) as member_id,
        coalesce(sum_own.amount, 0) as amount,
        sum_report.amount as report_amount,
        coalesce(sum_own.entered_later, 0) as entered_later
    from sum_own
    full outer join sum_report
        on
            sum_own.report = sum_report.report
            and sum_own.as_of = sum_report.as_of
            and sum_own.legal_entity_id = sum_report.legal_entity_id
            and sum_own.currency_code = sum_report.currency_code
            and sum_own.member_id = sum_report.member_id
),

answer_of_report as (
    select
        hold_against_report.statement_id,
        hold_against_report.as_of,
        hold_against_report.legal_entity_id,
        hold_against_report.currency_code,
        hold_against_report.member_id,
        printed.printed_at,
        hold_against_report.amount,
        case
            when printed.as_of is not null then coalesce(hold_against_report.report_amount, 0)
        end as other_amount,
        case when printed.as_of is not null then hold_against_report.entered_later end as entered_later
    from hold_against_report
    left join printed
        on
            hold_against_report.statement_id = printed.report
            and hold_against_report.as_of = printed.as_of
            and hold_against_report.legal_entity_id = printed.legal_entity_id
),

control_account_entry as (
    select
        document_id,
        entry_date,
        legal_entity_id,
        currency_code,
        case when is_sub_ledger then amount else 0 end as own_amount,
        case when is_sub_ledger then 0 else amount end as posted_amount
    from {{ ref('recon__control_account_entry') }}
),

-- An entity whose books were never landed says nothing.
books_of as (
    select distinct legal_entity_id
    from {{ ledger_as_known(ref('canonical__gl_journal_line')) }} as gl_journal_line
    where not is_deleted
),

answer_of_ledger as (
    select
        'AR_CONTROL' as statement_id,
        as_of_date.as_of,
        control_account_entry.legal_entity_id,
        control_account_entry.currency_code,
        control_account_entry.document_id as member_id,
        {{ null_instant() }} as printed_at,
        {{ known_sum('control_account_entry.own_amount') }} as amount,
        case
            when max(books_of.legal_entity_id) is not null then sum(control_account_entry.posted_amount)
        end as other_amount,
        case when max(books_of.legal_entity_id) is not null then 0 end as entered_later
    from as_of_date
    inner join control_account_entry on as_of_date.as_of >= control_account_entry.entry_date
    left join books_of on control_account_entry.legal_entity_id = books_of.legal_entity_id
    group by
        as_of_date.as_of, control_account_entry.legal_entity_id, control_account_entry.currency_code,
        control_account_entry.document_id
),

answer as (
    select
        statement_id,
        as_of,
        legal_entity_id,
        currency_code,
        member_id,
        printed_at,
        amount,
        other_amount,
        entered_later
    from answer_of_report
    union all
    select
        statement_id,
        as_of,
        legal_entity_id,
        currency_code,
        member_id,
        printed_at,
        amount,
        other_amount,
        entered_later
    from answer_of_ledger
)

select
    {{ as_text('statement_id') }} as statement_id,
    as_of,
    legal_entity_id,
    currency_code,
    member_id,
    printed_at,
    cast(amount as decimal(28, 4)) as amount,
    cast(other_amount as decimal(28, 4)) as other_amount,
    cast(amount - other_amount as decimal(28, 4)) as difference,
    cast(entered_later as decimal(28, 4)) as entered_later
from answer
