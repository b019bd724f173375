-- What every contract line had earned beyond what was billed of it, at every date a run answers for, and how
-- its contract presents that. A contract is an asset or a liability as a whole, so its lines stand on its
-- side, a line against the rest with its sign. Of an asset, what waits for time alone is a receivable not yet
-- billed; what waits for progress or for a higher ceiling is a contract asset.
with as_of_date as (
    select as_of from {{ ref('ledger__as_of_date') }}
),

flow as (
    select
        as_of,
        record_id,
        contract_line_id,
        contract_id,
        billing_method,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        currency_code,
        functional_currency,
        recognised_tc,
        billed_tc,
        credited_tc,
        opening_recognised_tc,
        opening_billed_tc
    from {{ ref('ledger__contract_flow') }}
),

term as (
    select
        contract_line_id,
        ceiling,
        noncancellable_to
    from {{ as_known(ref('canonical__contract_line')) }} as known
),

amendment as (
    select
        contract_line_id,
        signed_on,
        effective_on,
        delta_ceiling
    from {{ as_known(ref('canonical__contract_amendment')) }} as known
    where status = 'SIGNED' and delta_ceiling is not null
),

posted_line as (
    select
        invoice_line_id,
        invoice_id,
        contract_line_id,
        doc_type,
        invoice_date,
        currency_code,
        functional_currency,
        amount_tc,
        amount_fc
    from {{ ledger_as_known(ref('ledger__billing_value')) }} as billing_value
    where is_posted and contract_line_id <> 'NONE' and invoice_date <= {{ run_as_of() }}
),

opening_billing as (
    select
        contract_line_id,
        balance_date,
        currency_code,
        functional_currency,
        amount_tc,
        amount_fc
    from {{ ledger_as_known(ref('ledger__opening_value')) }} as opening_value
    where
        movement_type = 'opening_billing'
        and is_counted
        and contract_line_id <> 'NONE'
        and balance_date <= {{ run_as_of() }}
),

service as (
    select
        invoice_line_id,
        period_from
    from {{ as_known(ref('canonical__invoice_line')) }} as known
),

document as (
    select
        invoice_id,
        amount_tc
    from {{ ledger_as_known(ref('ledger__receivable_value')) }} as receivable_value
),

open_document as (
    select
        as_of,
        invoice_id,
        amount_tc
    from {{ ref('ledger__receivable_position') }}
),

conversion as (
    select
        from_currency,
        functional_currency,
        rate_date,
        rate_fc,
        rate_rc,
        rate_cc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as conversion_version
),

ceiling_raised as (
    select
        as_of_date.as_of,
        amendment.contract_line_id,
        sum(amendment.delta_ceiling) as delta_ceiling
    from amendment
    inner join as_of_date
        on amendment.signed_on <= as_of_date.as_of and amendment.effective_on <= as_of_date.as_of
    group by as_of_date.as_of, amendment.contract_line_id
),

-- billed for what has not begun, while it can be called off before it does: nobody owes it until it is paid
billed_conditionally as (
    select
        as_of_date.as_of,
        posted_line.contract_line_id,
        posted_line.currency_code,
        sum(
            {{ mul_div('posted_line.amount_tc', 'open_document.amount_tc', 'document.amount_tc') }}
        ) as amount_tc
    from posted_line
    inner join term on posted_line.contract_line_id = term.contract_line_id
    inner join service on posted_line.invoice_line_id = service.invoice_line_id
    inner join as_of_date
        on posted_line.invoice_date <= as_of_date.as_of and service.period_from > as_of_date.as_of
    inner join document on posted_line.invoice_id = document.invoice_id
    inner join open_document
        on posted_line.invoice_id = open_document.invoice_id and as_of_date.as_of = open_document.as_of
    where posted_line.doc_type <> 'CREDIT_NOTE' and term.noncancellable_to < service.period_from
    group by as_of_date.as_of, posted_line.contract_line_id, posted_line.currency_code
),

cumulated as (
    select
        as_of_date.as_of,
        flow.record_id,
        flow.contract_line_id,
        flow.contract_id,
        flow.billing_method,
        flow.legal_entity_id,
        flow.region_id,
        flow.practice_id,
        flow.customer_id,
        flow.project_id,
        flow.currency_code,
        flow.functional_currency,
        sum(flow.opening_recognised_tc + flow.recognised_tc) as recognised_tc,
        sum(flow.opening_billed_tc + flow.billed_tc + flow.credited_tc) as billed_tc
    from flow
    inner join as_of_date on flow.as_of <= as_of_date.as_of
    group by
        as_of_date.as_of, flow.record_id, flow.contract_line_id, flow.contract_id, flow.billing_method,
        flow.legal_entity_id, flow.region_id, flow.practice_id, flow.customer_id, flow.project_id,
        flow.currency_code, flow.functional_currency
),

position as (
    select
        cumulated.*,
        coalesce(billed_conditionally.amount_tc, 0) as conditional_tc,
        cumulated.recognised_tc - cumulated.billed_tc + coalesce(billed_conditionally.amount_tc, 0)
            as position_tc,
        -- what was earned above what may be billed at most: nothing where no ceiling is known
        case
            when cumulated.billing_method = 'TM_CAPPED'
                then greatest(
                    cumulated.recognised_tc - term.ceiling - coalesce(ceiling_raised.delta_ceiling, 0), 0
                )
        end as beyond_ceiling_tc
    from cumulated
    left join term on cumulated.contract_line_id = term.contract_line_id
    left join ceiling_raised
        on
            cumulated.as_of = ceiling_raised.as_of
            and cumulated.contract_line_id = ceiling_raised.contract_line_id
    left join billed_conditionally
        on
            cumulated.as_of = billed_conditionally.as_of
            and cumulated.contract_line_id = billed_conditionally.contract_line_id
            and cumulated.currency_code = billed_conditionally.currency_code
),

judged as (
    select
        position.*,
        case
            when position.position_tc <= 0 then 0
            -- progress runs ahead of instalments; of a method nobody knows, no right to bill is known either
            when coalesce(position.billing_method, 'NONE') in ('NONE', 'FIXED_POC') then 0
            else greatest(position.position_tc - coalesce(position.beyond_ceiling_tc, 0), 0)
        end as time_only_tc
    from position
),

netted as (
    select
        judged.*,
        sum(judged.position_tc) over (
            partition by judged.as_of, judged.contract_id, judged.currency_code
        ) as contract_tc,
        sum(judged.position_tc - judged.time_only_tc) over (
            partition by judged.as_of, judged.contract_id, judged.currency_code
        ) as contract_rest_tc
    from judged
),

-- what is billed ahead on other lines takes the conditional part first
presented as (
    select
        netted.*,
        case
            when netted.contract_tc <= 0 then 0
            when netted.contract_rest_tc >= 0 then netted.time_only_tc
            else netted.position_tc
        end as unbilled_receivable_tc,
        case
            when netted.contract_tc <= 0 or netted.contract_rest_tc < 0 then 0
            else netted.position_tc - netted.time_only_tc
        end as contract_asset_tc,
        case when netted.contract_tc < 0 then -netted.position_tc else 0 end as contract_liability_tc
    from netted
),

-- What was received ahead in another currency is no money claim: it keeps the rates it was billed at (IFRIC
-- 22), the oldest of it earned first.
billed_ahead as (
    select
        as_of,
        contract_line_id,
        currency_code,
        -position_tc as held_tc
    from presented
    where position_tc < 0 and currency_code <> functional_currency
),

billed_at_rate as (
    select
        contract_line_id,
        currency_code,
        functional_currency,
        invoice_date,
        amount_tc,
        amount_fc
    from posted_line
    union all
    -- what was billed before the line's history begins is one layer, at the rates it was carried over with
    select
        contract_line_id,
        currency_code,
        functional_currency,
        balance_date as invoice_date,
        amount_tc,
        amount_fc
    from opening_billing
),

layer as (
    select
        contract_line_id,
        currency_code,
        invoice_date,
        sum(amount_tc) as amount_tc,
        {{ known_sum('amount_fc') }} as amount_fc
    from billed_at_rate
    where amount_tc > 0 and currency_code <> functional_currency
    group by contract_line_id, currency_code, invoice_date
),

stacked as (
    select
        billed_ahead.as_of,
        billed_ahead.contract_line_id,
        billed_ahead.currency_code,
        billed_ahead.held_tc,
        layer.amount_tc,
        layer.amount_fc,
        sum(layer.amount_tc) over (
            partition by billed_ahead.as_of, billed_ahead.contract_line_id, billed_ahead.currency_code
            order by layer.invoice_date desc
            rows between unbounded preceding and current row
        ) as down_to_here
    from billed_ahead
    inner join layer
        on
            billed_ahead.contract_line_id = layer.contract_line_id
            and billed_ahead.currency_code = layer.currency_code
            and billed_ahead.as_of >= layer.invoice_date
),

at_billed_rates as (
    select
        as_of,
        contract_line_id,
        currency_code,
        sum(case
            when down_to_here - amount_tc >= held_tc then 0
            when down_to_here <= held_tc then amount_fc
            else {{ mul_div('amount_fc', '(held_tc - (down_to_here - amount_tc))', 'amount_tc') }}
        end) as held_fc,
        sum(case when down_to_here - amount_tc < held_tc and amount_fc is null then 1 else 0 end)
            as unknown_layers
    from stacked
    group by as_of, contract_line_id, currency_code
),

converted as (
    select
        presented.*,
        case
            when presented.currency_code = presented.functional_currency then presented.position_tc
            when presented.position_tc >= 0
                then {{ ledger_at_rate('presented.position_tc', 'conversion.rate_fc') }}
            when at_billed_rates.unknown_layers = 0 then -at_billed_rates.held_fc
        end as position_fc,
        conversion.rate_rc,
        conversion.rate_cc,
        entity_rate.rate_rc as entity_rate_rc
    from presented
    left join at_billed_rates
        on
            presented.as_of = at_billed_rates.as_of
            and presented.contract_line_id = at_billed_rates.contract_line_id
            and presented.currency_code = at_billed_rates.currency_code
    left join conversion
        on
            presented.currency_code = conversion.from_currency
            and presented.functional_currency = conversion.functional_currency
            and presented.as_of = conversion.rate_date
    left join conversion as entity_rate
        on
            presented.functional_currency = entity_rate.from_currency
            and entity_rate.functional_currency = 'NONE'
            and presented.as_of = entity_rate.rate_date
)

select
    as_of,
    record_id,
    contract_line_id,
    contract_id,
    billing_method,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    currency_code,
    functional_currency,
    cast(recognised_tc as decimal(28, 4)) as recognised_tc,
    cast(billed_tc as decimal(28, 4)) as billed_tc,
    cast(conditional_tc as decimal(28, 4)) as conditional_tc,
    contract_tc < 0 as is_liability,
    cast(position_tc as decimal(28, 4)) as position_tc,
    cast(unbilled_receivable_tc as decimal(28, 4)) as unbilled_receivable_tc,
    cast(contract_asset_tc as decimal(28, 4)) as contract_asset_tc,
    cast(contract_liability_tc as decimal(28, 4)) as contract_liability_tc,
    cast(position_fc as decimal(28, 4)) as position_fc,
    cast(case
        when position_tc >= 0 then {{ ledger_at_rate('position_tc', 'rate_rc') }}
        else {{ ledger_at_rate('position_fc', 'entity_rate_rc') }}
    end as decimal(28, 4)) as position_rc,
    cast({{ ledger_at_rate('position_tc', 'rate_cc') }} as decimal(28, 4)) as position_cc
from converted
