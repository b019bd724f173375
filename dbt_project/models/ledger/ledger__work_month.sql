-- Clients' work by month, project and role, as the run knew it: its hours, what it is worth at list and at
-- contract rates, and, where it is billed by the hour, what became of that value until the run's own day:
-- not billable, above the ceiling, billed for less or more, credited, not billed yet, billed and not paid,
-- paid. The value of a month's work counts at the rate of the month's last day, whenever it was billed or
-- paid, so that what leaves and what is left add up in every currency.
with time_value as (
    select
        time_entry_id,
        work_date,
        hours,
        is_billable,
        billing_method,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        contract_line_id,
        functional_currency,
        assignment_id,
        source_resource_id,
        resource_kind,
        currency_code,
        case when is_labour then cost_cc else 0 end as labour_cost_cc,
        coalesce(billing_method, 'NONE') in ('TM', 'TM_CAPPED') as is_by_hour,
        case when is_billable then value_tc else {{ ledger_at_rate('hours', 'bill_rate') }} end as value_tc
    from {{ ledger_as_known(ref('ledger__time_value')) }} as known
    where is_client and status in ('approved', 'submitted') and work_date <= {{ run_as_of() }}
),

assignment as (
    select
        assignment_id,
        role
    from {{ as_known(ref('canonical__assignment')) }} as known
),

worker as (
    select
        resource_id,
        role
    from {{ as_known(ref('canonical__resource')) }} as known
),

project as (
    select
        project_id,
        customer_id,
        region_id,
        practice_id
    from {{ as_known(ref('canonical__project')) }} as known
),

rate_card_line as (
    select
        rate_card_line_id,
        customer_id,
        region_id,
        practice_id,
        role,
        bill_rate,
        currency_code,
        effective_from,
        effective_to
    from {{ as_known(ref('canonical__rate_card_line')) }} as known
    where rate_unit = 'hour'
),

billing_value as (
    select
        invoice_id,
        source_key,
        doc_type,
        quantity,
        currency_code,
        amount_tc
    from {{ ledger_as_known(ref('ledger__billing_value')) }} as known
    where
        is_posted
        and source_type = 'TIME'
        and source_key is not null
        and invoice_date <= {{ run_as_of() }}
),

document as (
    select
        invoice_id,
        amount_tc
    from {{ ledger_as_known(ref('ledger__receivable_value')) }} as known
),

reason as (
    select
        invoice_id,
        coalesce(reason_code in {{ credits_not_lost() }}, false) as is_not_lost
    from {{ known_record('invoice', ref('canonical__invoice')) }} as known
),

collected as (
    select
        invoice_id,
        -sum(amount_tc) as amount_tc
    from {{ ledger_as_known(ref('ledger__cash_value')) }} as known
    where movement_type = 'collected' and is_posted and applied_date <= {{ run_as_of() }}
    group by invoice_id
),

term as (
    select
        contract_line_id,
        ceiling
    from {{ as_known(ref('canonical__contract_line')) }} as known
    where ceiling is not null
),

ceiling_raised as (
    select
        contract_line_id,
        sum(delta_ceiling) as delta_ceiling
    from {{ as_known(ref('canonical__contract_amendment')) }} as known
    where
        status = 'SIGNED'
        and delta_ceiling is not null
        and signed_on <= {{ run_as_of() }}
        and effective_on <= {{ run_as_of() }}
    group by contract_line_id
),

calendar as (
    select
        legal_entity_id,
        calendar_date,
        is_working_day,
        working_day_number
    from {{ ref('master__calendar_day') }}
),

conversion as (
    select
        from_currency,
        rate_date,
        rate_rc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
    where functional_currency = 'NONE'
),

-- what was billed of an entry, and what of it was paid: a document's cash, net of tax, falls evenly on its
-- lines
billed as (
    select
        billing_value.source_key,
        -- documents in several currencies have no sum
        case
            when min(billing_value.currency_code) = max(billing_value.currency_code)
                then min(billing_value.currency_code)
        end as currency_code,
        sum(billing_value.quantity) as quantity,
        sum(case
            when billing_value.doc_type = 'CREDIT_NOTE' and billing_value.quantity = 0 then 0
            else billing_value.amount_tc
        end) as billed_tc,
        sum(case
            when
                billing_value.doc_type = 'CREDIT_NOTE'
                and billing_value.quantity = 0
                and not reason.is_not_lost
                then -billing_value.amount_tc
            else 0
        end) as credited_tc,
        sum(case
            when billing_value.doc_type = 'CREDIT_NOTE' and billing_value.quantity = 0 and reason.is_not_lost
                then -billing_value.amount_tc
            else 0
        end) as credited_back_tc,
        {{ known_sum(
            "case
                when collected.invoice_id is null or document.amount_tc = 0 then 0
                else " ~ mul_div('billing_value.amount_tc', 'collected.amount_tc', 'document.amount_tc') ~ "
            end"
        ) }} as cash_tc
    from billing_value
    left join reason on billing_value.invoice_id = reason.invoice_id
    left join document on billing_value.invoice_id = document.invoice_id
    left join collected on billing_value.invoice_id = collected.invoice_id
    group by billing_value.source_key
),

capped as (
    select
        time_entry_id,
        contract_line_id,
        value_tc,
        sum(value_tc) over (
            partition by contract_line_id
            order by work_date, time_entry_id
            rows between unbounded preceding and current row
        ) as reached_tc
    from time_value
    where billing_method = 'TM_CAPPED' and is_billable
),

-- what of an entry lies above its line's ceiling: the last work is what is too much
above as (
    select
        capped.time_entry_id,
        least(
            greatest(capped.reached_tc - term.ceiling - coalesce(ceiling_raised.delta_ceiling, 0), 0),
            capped.value_tc
        ) as amount_tc
    from capped
    inner join term on capped.contract_line_id = term.contract_line_id
    left join ceiling_raised on capped.contract_line_id = ceiling_raised.contract_line_id
),

followed as (
    select
        time_value.time_entry_id,
        time_value.work_date,
        {{ month_start('time_value.work_date') }} as month_start,
        time_value.hours,
        time_value.is_billable,
        time_value.is_by_hour,
        time_value.billing_method,
        time_value.legal_entity_id,
        time_value.region_id,
        time_value.practice_id,
        time_value.customer_id,
        time_value.project_id,
        time_value.contract_line_id,
        time_value.functional_currency,
        coalesce(assignment.role, worker.role, 'NONE') as role,
        time_value.resource_kind = 'contractor' as is_contractor,
        time_value.currency_code,
        time_value.labour_cost_cc,
        time_value.value_tc,
        case
            when not time_value.is_billable or coalesce(billed.quantity, 0) <= 0 then 0
            when billed.quantity >= time_value.hours then time_value.hours
            else billed.quantity
        end as billed_hours,
        case
            when not time_value.is_billable then 0
            when coalesce(billed.quantity, 0) <= 0 then time_value.value_tc
            when billed.quantity >= time_value.hours then 0 * time_value.value_tc
            else
                {{ mul_div(
                    'time_value.value_tc', '(time_value.hours - billed.quantity)', 'time_value.hours'
                ) }}
        end as unbilled_tc,
        -- work and document in two currencies have no difference anybody could tell
        {%- for name in ['billed_tc', 'credited_tc', 'credited_back_tc', 'cash_tc'] %}
            case
                when billed.source_key is null then 0
                when billed.currency_code = time_value.currency_code then billed.{{ name }}
            end as {{ name }},
        {%- endfor %}
        coalesce(above.amount_tc, 0) as too_much_tc
    from time_value
    left join assignment on time_value.assignment_id = assignment.assignment_id
    left join worker on time_value.source_resource_id = worker.resource_id
    left join billed
        on case when time_value.is_by_hour then time_value.time_entry_id end = billed.source_key
    left join above on time_value.time_entry_id = above.time_entry_id
),

-- of what lies above the ceiling only what was not billed all the same is lost there
told_apart as (
    select
        followed.*,
        case
            when followed.too_much_tc >= followed.unbilled_tc then followed.unbilled_tc
            when followed.unbilled_tc is not null then followed.too_much_tc
        end as above_ceiling_tc,
        case when followed.is_billable then followed.value_tc else 0 end - followed.unbilled_tc
        - followed.billed_tc as short_tc,
        {{ days_between('followed.work_date', run_as_of()) }} > 90 as is_aged
    from followed
),

summed as (
    select
        month_start,
        project_id,
        contract_line_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        functional_currency,
        billing_method,
        is_by_hour,
        role,
        is_contractor,
        currency_code,
        sum(hours) as hours,
        sum(case when is_billable then hours else 0 end) as billable_hours,
        sum(billed_hours) as billed_hours,
        {{ known_sum('value_tc') }} as contract_tc,
        {{ known_sum('case when is_billable then 0 else value_tc end') }} as non_billable_tc,
        {{ known_sum('above_ceiling_tc') }} as above_ceiling_tc,
        {{ known_sum('case when is_aged then unbilled_tc - above_ceiling_tc else 0 end') }}
            as unbilled_aged_tc,
        {{ known_sum('greatest(short_tc, 0 * short_tc)') }} as billed_below_tc,
        {{ known_sum('least(short_tc, 0 * short_tc)') }} as billed_above_tc,
        {{ known_sum('credited_tc') }} as credited_tc,
        {{ known_sum('credited_back_tc') }} as credited_back_tc,
        {{ known_sum('case when is_aged then 0 else unbilled_tc - above_ceiling_tc end') }}
            as unbilled_young_tc,
        {{ known_sum('billed_tc - credited_tc - credited_back_tc') }} as billed_tc,
        {{ known_sum('cash_tc') }} as cash_tc,
        {{ known_sum('labour_cost_cc') }} as labour_cost_cc
    from told_apart
    group by
        month_start, project_id, contract_line_id, legal_entity_id, region_id, practice_id, customer_id,
        functional_currency, billing_method, is_by_hour, role, is_contractor, currency_code
),

need as (
    select distinct
        project_id,
        role,
        currency_code,
        month_start
    from summed
),

-- the price list's line for a role: the most particular one in force on the first day of the month
suited as (
    select
        need.project_id,
        need.role,
        need.currency_code,
        need.month_start,
        rate_card_line.bill_rate,
        row_number() over (
            partition by need.project_id, need.role, need.currency_code, need.month_start
            order by
                {{ rate_card_order() }}
        ) as place
    from need
    inner join project on need.project_id = project.project_id
    inner join rate_card_line
        on
            {{ rate_card_fits('need.role', 'need.currency_code', 'need.month_start') }}
),

-- a month's work is to be invoiced by the fifth working day after its end
due as (
    select
        month_day.legal_entity_id,
        {{ month_start('month_day.calendar_date') }} as month_start,
        due_day.calendar_date as due_on
    from calendar as month_day
    inner join calendar as due_day
        on
            month_day.legal_entity_id = due_day.legal_entity_id
            and due_day.is_working_day
            and month_day.working_day_number + 5 = due_day.working_day_number
    where month_day.calendar_date = {{ month_end('month_day.calendar_date') }}
),

valued as (
    select
        summed.*,
        suited.bill_rate as list_rate,
        {{ as_money('summed.hours * suited.bill_rate') }} as list_tc,
        {{ as_money('summed.billed_hours * suited.bill_rate') }} as billed_list_tc,
        case when due.due_on < {{ run_as_of() }} then summed.unbilled_young_tc else 0 end as unbilled_late_tc,
        case when due.due_on < {{ run_as_of() }} then 0 else summed.unbilled_young_tc end
            as unbilled_timely_tc,
        least({{ month_end('summed.month_start') }}, {{ run_as_of() }}) as worth_on
    from summed
    left join suited
        on
            summed.project_id = suited.project_id
            and summed.role = suited.role
            and summed.currency_code = suited.currency_code
            and summed.month_start = suited.month_start
            and suited.place = 1
    left join due
        on summed.legal_entity_id = due.legal_entity_id and summed.month_start = due.month_start
),

-- what is left after each line of the bridge; converted as it stands, so that the lines are differences
-- and nothing is left over in any currency
{%- set left = ['valued.contract_tc'] %}
{%- set stages = [('contract', 'valued.contract_tc')] %}
{%- set before = {} %}
{%- for line, _ in leakage_lines()[1:] if line != 'open' %}
    {%- do left.append('valued.' ~ line ~ '_tc') %}
    {%- do before.update({line: 'after_' ~ stages[-1][0] ~ '_rc'}) %}
    {%- do stages.append((line, left | join(' - '))) %}
{%- endfor %}

remaining as (
    select
        valued.*,
        conversion.rate_rc,
        {%- for line, amount in stages %}
            {{ ledger_at_rate(amount, 'conversion.rate_rc') }} as after_{{ line }}_rc,
        {%- endfor %}
        {{ ledger_at_rate('valued.list_tc', 'conversion.rate_rc') }} as list_rc,
        {{ ledger_at_rate('valued.billed_list_tc', 'conversion.rate_rc') }} as billed_list_rc,
        {{ ledger_at_rate('valued.cash_tc', 'conversion.rate_rc') }} as cash_rc
    from valued
    left join conversion
        on valued.currency_code = conversion.from_currency and valued.worth_on = conversion.rate_date
)

select
    month_start,
    worth_on,
    {{ as_text('legal_entity_id') }} as legal_entity_id,
    {{ as_text('region_id') }} as region_id,
    {{ as_text('practice_id') }} as practice_id,
    {{ as_text('customer_id') }} as customer_id,
    {{ as_text('project_id') }} as project_id,
    {{ as_text('contract_line_id') }} as contract_line_id,
    billing_method,
    is_by_hour,
    {{ as_text('role') }} as role,
    is_contractor,
    {{ as_text('currency_code') }} as currency_code,
    cast(hours as decimal(28, 2)) as hours,
    cast(billable_hours as decimal(28, 2)) as billable_hours,
    cast(billed_hours as decimal(28, 8)) as billed_hours,
    {{ as_rate('list_rate') }} as list_rate,
    cast(list_tc as decimal(28, 4)) as list_tc,
    cast(billed_list_tc as decimal(28, 4)) as billed_list_tc,
    cast(contract_tc as decimal(28, 4)) as contract_tc,
    cast(list_tc - contract_tc as decimal(28, 4)) as discount_tc,
    {%- for line, _ in leakage_lines()[1:] if line != 'open' %}
        cast({{ line }}_tc as decimal(28, 4)) as {{ line }}_tc,
    {%- endfor %}
    cast(billed_tc as decimal(28, 4)) as billed_tc,
    cast(billed_tc - cash_tc as decimal(28, 4)) as open_tc,
    cast(cash_tc as decimal(28, 4)) as cash_tc,
    cast(list_rc as decimal(28, 4)) as list_rc,
    cast(billed_list_rc as decimal(28, 4)) as billed_list_rc,
    cast(after_contract_rc as decimal(28, 4)) as contract_rc,
    cast(list_rc - after_contract_rc as decimal(28, 4)) as discount_rc,
    {%- for line, amount in stages[1:] %}
        cast({{ before[line] }} - after_{{ line }}_rc as decimal(28, 4)) as {{ line }}_rc,
    {%- endfor %}
    cast(after_unbilled_timely_rc as decimal(28, 4)) as billed_rc,
    cast(after_unbilled_timely_rc - cash_rc as decimal(28, 4)) as open_rc,
    cast(cash_rc as decimal(28, 4)) as cash_rc,
    cast(
        {%- for line, amount in stages[1:] if (line, true) in leakage_lines() %}
            {{ '+ ' if not loop.first }}{{ before[line] }} - after_{{ line }}_rc
        {%- endfor %}
        as decimal(28, 4)
    ) as leakage_rc,
    -- what is agreed for it less what is lost of that for good, billed already or not
    cast(
        after_contract_rc
        {%- for line in ['non_billable', 'above_ceiling', 'billed_below', 'credited'] %}
            - {{ before[line] }} + after_{{ line }}_rc
        {%- endfor %}
        as decimal(28, 4)
    ) as net_value_rc,
    cast(labour_cost_cc as decimal(28, 4)) as labour_cost_cc
from remaining
