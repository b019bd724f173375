-- Work in progress of each line and project from month to month: opening, what moved it, closing. Movements
-- carry the sign with which they move the balance. Closing is what the items hold, computed apart from the
-- movements.
with as_of_date as (
    select
        as_of,
        lag(as_of) over (order by as_of) as opened_on,
        -- what was signed before the firm's first month opens with it
        case
            when row_number() over (order by as_of) = 1 then cast('1900-01-01' as date)
            else month_start
        end as first_day
    from {{ ref('ledger__as_of_date') }}
),

conversion as (
    select
        from_currency,
        rate_date,
        rate_rc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
    where functional_currency = 'NONE'
),

balance as (
    select
        as_of,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code,
        sum(amount_tc) as amount_tc,
        sum(amount_rc) as amount_rc
    from {{ ref('ledger__metric_balance') }}
    where metric_id = 'wip_operational'
    group by
        as_of, legal_entity_id, region_id, practice_id, customer_id, project_id, contract_line_id,
        currency_code
),

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
        sum(round(daily.performed * conversion.rate_rc, 4)) as performed_rc,
        sum(round(daily.wip_billed * conversion.rate_rc, 4)) as wip_billed_rc,
        sum(round(daily.reopened_by_credit_note * conversion.rate_rc, 4)) as reopened_by_credit_note_rc,
        sum(round(daily.multiple_billing * conversion.rate_rc, 4)) as multiple_billing_rc
    from daily
    inner join as_of_date
        on daily.business_date >= as_of_date.first_day and daily.business_date <= as_of_date.as_of
    left join conversion
        on daily.currency_code = conversion.from_currency and daily.business_date = conversion.rate_date
    group by
        as_of_date.as_of, daily.legal_entity_id, daily.region_id, daily.practice_id, daily.customer_id,
        daily.project_id, daily.contract_line_id, daily.currency_code
),

member as (
    select distinct
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        currency_code
    from flow
),

period as (
    select
        as_of_date.as_of,
        member.legal_entity_id,
        member.region_id,
        member.practice_id,
        member.customer_id,
        member.project_id,
        member.contract_line_id,
        member.currency_code,
        coalesce(opening.amount_tc, 0) as opening,
        coalesce(closing.amount_tc, 0) as closing,
        coalesce(opening.amount_rc, 0) as opening_rc,
        coalesce(closing.amount_rc, 0) as closing_rc,
        conversion.rate_rc,
        coalesce(flow.performed, 0) as performed,
        coalesce(flow.wip_billed, 0) as wip_billed,
        coalesce(flow.reopened_by_credit_note, 0) as reopened_by_credit_note,
        coalesce(flow.multiple_billing, 0) as multiple_billing,
        coalesce(flow.performed_rc, 0) as performed_rc,
        coalesce(flow.wip_billed_rc, 0) as wip_billed_rc,
        coalesce(flow.reopened_by_credit_note_rc, 0) as reopened_by_credit_note_rc,
        coalesce(flow.multiple_billing_rc, 0) as multiple_billing_rc,
        opening.amount_tc is not null or closing.amount_tc is not null or flow.as_of is not null as is_shown
    from member
    cross join as_of_date
    left join flow
        on
            as_of_date.as_of = flow.as_of
            and {{ ledger_same_place('member', 'flow') }}
    left join balance as opening
        on
            as_of_date.opened_on = opening.as_of
            and {{ ledger_same_place('member', 'opening') }}
    left join balance as closing
        on
            as_of_date.as_of = closing.as_of
            and {{ ledger_same_place('member', 'closing') }}
    left join conversion
        on member.currency_code = conversion.from_currency and as_of_date.as_of = conversion.rate_date
),

viewed as (
    select
        as_of,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        'TC' as currency_view,
        currency_code,
        currency_code as line_currency_code,
        opening,
        performed,
        wip_billed,
        reopened_by_credit_note,
        multiple_billing,
        cast(0 as decimal(28, 4)) as fx_translation,
        closing
    from period
    where is_shown
    union all
    select
        as_of,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        'RC' as currency_view,
        {{ run_reporting_currency() }} as currency_code,
        currency_code as line_currency_code,
        opening_rc as opening,
        performed_rc as performed,
        wip_billed_rc as wip_billed,
        reopened_by_credit_note_rc as reopened_by_credit_note,
        multiple_billing_rc as multiple_billing,
        -- what the rates did: the period's balance at its closing rate, less what came in at other rates
        cast(
            round(
                (
                    opening
                    + performed
                    + wip_billed
                    + reopened_by_credit_note
                    + multiple_billing
                ) * rate_rc,
                4
            )
            - (
                opening_rc
                + performed_rc
                + wip_billed_rc
                + reopened_by_credit_note_rc
                + multiple_billing_rc
            )
            as decimal(28, 4)
        ) as fx_translation,
        closing_rc as closing
    from period
    where is_shown
)

select
    as_of,
    {{ month_start('as_of') }} as month_start,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    contract_line_id,
    {{ as_text('line_currency_code') }} as line_currency_code,
    {{ as_text('currency_view') }} as currency_view,
    {{ as_text('currency_code') }} as currency_code,
    cast(opening as decimal(28, 4)) as opening,
    cast(performed as decimal(28, 4)) as performed,
    cast(wip_billed as decimal(28, 4)) as wip_billed,
    cast(reopened_by_credit_note as decimal(28, 4)) as reopened_by_credit_note,
    cast(multiple_billing as decimal(28, 4)) as multiple_billing,
    fx_translation,
    cast(closing as decimal(28, 4)) as closing,
    cast(
        closing - (
            opening
            + performed
            + wip_billed
            + reopened_by_credit_note
            + multiple_billing
            + fx_translation
        )
        as decimal(28, 4)
    ) as unexplained
from viewed
