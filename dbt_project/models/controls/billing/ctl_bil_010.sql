-- Two or more posted invoices of one legal entity and customer charge the same net for the same sources, or
-- for the same contract lines and period, and none of them is credited in full. Two entities that each
-- charge their own share charge for different things, and so do two lines of one contract: what is charged
-- too often of one source all the same is BIL-003's. A group goes by its smallest invoice key.
with

run as {{ control_run_row() }},

parameter as {{ control_parameter('BIL-010') }},

invoices as (
    select known.*
    from {{ as_known(ref('canonical__invoice')) }} as known
    cross join run
    where {{ is_posted('known') }}
),

invoice_lines as (
    select known.*
    from {{ as_known(ref('canonical__invoice_line')) }} as known
    where
        known.source_key is not null
        and known.source_type <> 'MANUAL'
),

sum_credits as (
    select
        invoices.related_invoice_id as invoice_id,
        sum(abs(invoices.net_amount)) as credited
    from invoices
    where
        invoices.doc_type = 'CREDIT_NOTE'
        and invoices.related_invoice_id is not null
    group by invoices.related_invoice_id
),

standing_invoices as (
    select
        invoices.invoice_id,
        invoices.invoice_number,
        invoices.customer_id,
        invoices.legal_entity_id,
        invoices.contract_id,
        invoices.currency_code,
        invoices.net_amount,
        invoices.period_from,
        invoices.period_to,
        invoices.posted_at,
        count(*) over (
            partition by
                invoices.legal_entity_id, invoices.customer_id, invoices.net_amount, invoices.currency_code
        ) as same_amount_count
    from invoices
    left join sum_credits
        on invoices.invoice_id = sum_credits.invoice_id
    where
        invoices.doc_type = 'STANDARD'
        and coalesce(sum_credits.credited, 0) < invoices.net_amount
),

-- only who charges what another charges can charge it twice: few; the lists of all would not fit in memory
keep_same_amounts as (
    select standing_invoices.invoice_id
    from standing_invoices
    where standing_invoices.same_amount_count > 1
),

-- the list of an invoice's sources as one fixed-length text
list_sources as (
    select
        sources.invoice_id,
        {{ sha256_hex(list_agg_sorted('sources.source_key', '|')) }} as source_set
    from (
        select distinct
            invoice_lines.invoice_id,
            invoice_lines.source_key
        from invoice_lines
        inner join keep_same_amounts
            on invoice_lines.invoice_id = keep_same_amounts.invoice_id
    ) as sources
    group by sources.invoice_id
),

all_lines as (
    select known.*
    from {{ as_known(ref('canonical__invoice_line')) }} as known
    where known.contract_line_id is not null
),

list_contract_lines as (
    select
        line_keys.invoice_id,
        {{ sha256_hex(list_agg_sorted('line_keys.contract_line_id', '|')) }} as line_set
    from (
        select distinct
            all_lines.invoice_id,
            all_lines.contract_line_id
        from all_lines
        inner join keep_same_amounts
            on all_lines.invoice_id = keep_same_amounts.invoice_id
    ) as line_keys
    group by line_keys.invoice_id
),

describe_invoices as (
    select
        standing_invoices.*,
        list_sources.source_set,
        coalesce(list_contract_lines.line_set, 'NONE') as line_set
    from standing_invoices
    left join list_sources
        on standing_invoices.invoice_id = list_sources.invoice_id
    left join list_contract_lines
        on standing_invoices.invoice_id = list_contract_lines.invoice_id
),

-- equal by sources, then equal by contract and period, then once more by sources: chains of both kinds close
lead_by_sources as (
    select
        describe_invoices.*,
        min(describe_invoices.invoice_id) over (
            partition by
                describe_invoices.legal_entity_id, describe_invoices.customer_id,
                describe_invoices.net_amount, describe_invoices.currency_code,
                coalesce(describe_invoices.source_set, describe_invoices.invoice_id)
        ) as leader_1
    from describe_invoices
),

lead_by_period as (
    select
        lead_by_sources.*,
        min(lead_by_sources.leader_1) over (
            partition by
                lead_by_sources.legal_entity_id, lead_by_sources.customer_id, lead_by_sources.net_amount,
                lead_by_sources.currency_code, lead_by_sources.line_set,
                case
                    when
                        lead_by_sources.contract_id is not null
                        and lead_by_sources.period_from is not null
                        and lead_by_sources.period_to is not null
                        then lead_by_sources.contract_id
                    else lead_by_sources.invoice_id
                end,
                lead_by_sources.period_from, lead_by_sources.period_to
        ) as leader_2
    from lead_by_sources
),

close_groups as (
    select
        lead_by_period.*,
        min(lead_by_period.leader_2) over (partition by lead_by_period.leader_1) as leader
    from lead_by_period
),

number_members as (
    select
        close_groups.*,
        row_number() over (
            partition by close_groups.leader order by close_groups.posted_at, close_groups.invoice_id
        ) as member_number
    from close_groups
),

group_invoices as (
    select
        number_members.leader,
        count(*) as member_count,
        min(number_members.legal_entity_id) as legal_entity_id,
        min(number_members.customer_id) as customer_id,
        min(number_members.contract_id) as contract_id,
        min(number_members.currency_code) as currency_code,
        min(number_members.net_amount) as net_amount,
        min(case when number_members.member_number = 2 then cast(number_members.posted_at as date) end)
            as second_posted_on,
        {{ list_agg_sorted('number_members.invoice_number') }} as invoice_numbers
    from number_members
    group by number_members.leader
),

evaluated as (
    select
        group_invoices.leader as grain_key,
        group_invoices.legal_entity_id,
        group_invoices.customer_id,
        group_invoices.contract_id,
        {{ null_text() }} as contract_line_id,
        {{ null_text() }} as project_id,
        {{ null_text() }} as period,
        group_invoices.currency_code,
        group_invoices.net_amount as value_a,
        {{ as_money('group_invoices.net_amount * group_invoices.member_count') }} as value_b,
        group_invoices.member_count > 1 as is_broken,
        group_invoices.second_posted_on as becomes_exception_on,
        {{ as_money('group_invoices.net_amount * (group_invoices.member_count - 1)') }} as amount_tc,
        {{ as_money('group_invoices.net_amount * group_invoices.member_count') }} as population_tc,
        'invoice:' || group_invoices.leader as risk_object,
        'DUPLICATE' as break_type,
        {{ evidence([
            ('what', sentence([
                "'Invoices '", 'group_invoices.invoice_numbers', "' charge the same '",
                'group_invoices.net_amount',
                "' '", 'group_invoices.currency_code', "' for the same work'",
            ])),
            ('business_date', 'group_invoices.second_posted_on'),
            ('document_no', 'group_invoices.invoice_numbers'),
            ('system_a', "'ERP'"),
            ('system_b', "'ERP'"),
            ('invoice_numbers', 'group_invoices.invoice_numbers'),
            ('invoice_count', 'group_invoices.member_count'),
        ]) }} as evidence
    from group_invoices
),

{{ control_result('BIL-010') }}
