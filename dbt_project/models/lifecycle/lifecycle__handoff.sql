-- One row per case and stage of the way from won deal to cash: how long it took, or how long it has been
-- waiting. An open case is not dropped: its age is a lower bound of its lag. A stage that has not begun has
-- no row.
with deal as (
    select
        opportunity_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        blocked_amount_rc,
        size_band,
        billing_method,
        t1_on,
        t2_on,
        t3_on,
        t4_on,
        t5_on,
        ready_on,
        startable_on,
        contract_due_on,
        project_due_on,
        staffing_due_on,
        start_due_on,
        lag_t1_t2,
        lag_t1_t3,
        lag_t3_t4,
        lag_t4_t5,
        age_since_won,
        age_since_ready,
        age_since_startable
    from {{ ref('lifecycle__deal_stage') }}
),

item as (
    select
        source_key,
        source_type,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        amount_rc,
        size_band,
        billing_method,
        hold_reason,
        is_open,
        t6_on,
        t7_on,
        t8_on,
        transfer_due_on,
        invoice_due_on,
        lag_t6_t7,
        lag_t7_t8,
        age_since_eligible
    from {{ ref('lifecycle__item_stage') }}
    where source_type in ('TIME', 'EXPENSE', 'MILESTONE')
),

item_waiting as (
    select
        source_key,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        amount_rc,
        size_band,
        billing_method,
        started_on,
        due_on,
        age
    from {{ ref('lifecycle__item_waiting') }}
    where waits_for = 'TRANSFER'
),

invoice as (
    select
        invoice_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        open_amount,
        open_amount_rc,
        amount_rc,
        t8_on,
        t10_on,
        cleared_on,
        collection_due_on,
        lag_t8_t10,
        age_since_posted
    from {{ ref('lifecycle__invoice_stage') }}
),

month_of_work as (
    select
        contract_line_id,
        service_month,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        amount_rc,
        size_band,
        billing_method,
        started_on,
        t9_on,
        posting_due_on,
        lag_t6_t9,
        age_since_ended
    from {{ ref('lifecycle__revenue_stage') }}
),

passage as (
    {%- for stage, started, finished, due, lag, age in [
        ('t1_t2', 't1_on', 't2_on', 'contract_due_on', 'lag_t1_t2', 'age_since_won'),
        ('t1_t3', 't1_on', 't3_on', 'project_due_on', 'lag_t1_t3', 'age_since_won'),
        ('t3_t4', 'ready_on', 't4_on', 'staffing_due_on', 'lag_t3_t4', 'age_since_ready'),
        ('t4_t5', 'startable_on', 't5_on', 'start_due_on', 'lag_t4_t5', 'age_since_startable'),
    ] %}
        select
            '{{ stage }}' as stage,
            'DEAL' as case_type,
            opportunity_id as case_id,
            legal_entity_id,
            region_id,
            practice_id,
            customer_id,
            blocked_amount_rc as amount_rc,
            size_band,
            billing_method,
            -- a deal belongs to the month it was won in, at every stage
            t1_on as cohort_on,
            {{ started }} as started_on,
            {{ finished }} as finished_on,
            {{ due }} as due_on,
            {{ lag }} as lag,
            {{ age }} as age
        from deal
        where {{ started }} is not null and ({{ finished }} is not null or {{ started }} <= {{ run_as_of() }})
        union all
    {%- endfor %}
    select
        't6_t7' as stage,
        'ITEM' as case_type,
        source_key as case_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        amount_rc,
        size_band,
        billing_method,
        t6_on as cohort_on,
        t6_on as started_on,
        t7_on as finished_on,
        transfer_due_on as due_on,
        lag_t6_t7 as lag,
        cast(null as integer) as age
    from item
    where t6_on is not null
    union all
    -- approved, and still not with billing: the open cases of the step
    select
        't6_t7' as stage,
        'ITEM' as case_type,
        source_key as case_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        amount_rc,
        size_band,
        billing_method,
        started_on as cohort_on,
        started_on,
        cast(null as date) as finished_on,
        due_on,
        cast(null as integer) as lag,
        age
    from item_waiting
    union all
    select
        't7_t8' as stage,
        'ITEM' as case_type,
        source_key as case_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        amount_rc,
        size_band,
        billing_method,
        t7_on as cohort_on,
        t7_on as started_on,
        t8_on as finished_on,
        invoice_due_on as due_on,
        lag_t7_t8 as lag,
        age_since_eligible as age
    from item
    -- a held item waits for whoever holds it, not for billing
    where t8_on is not null or (is_open and hold_reason is null)
    union all
    select
        't6_t9' as stage,
        'MONTH' as case_type,
        concat(contract_line_id, '|', {{ month_text('service_month') }}) as case_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        -- revenue that was taken back by progress keeps nobody waiting for money
        case when amount_rc < 0 then 0 else amount_rc end as amount_rc,
        size_band,
        billing_method,
        service_month as cohort_on,
        started_on,
        t9_on as finished_on,
        posting_due_on as due_on,
        lag_t6_t9 as lag,
        age_since_ended as age
    from month_of_work
    union all
    select
        't8_t10' as stage,
        'INVOICE' as case_type,
        invoice_id as case_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        case when t10_on is null then open_amount_rc else amount_rc end as amount_rc,
        'NONE' as size_band,
        'NONE' as billing_method,
        t8_on as cohort_on,
        t8_on as started_on,
        t10_on as finished_on,
        collection_due_on as due_on,
        lag_t8_t10 as lag,
        age_since_posted as age
    from invoice
    -- what credits cleared was neither collected nor is it waiting
    where t10_on is not null or cleared_on is null
)

select
    {{ as_text('stage') }} as stage,
    {{ as_text('case_type') }} as case_type,
    case_id,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    amount_rc,
    {{ as_text('size_band') }} as size_band,
    {{ as_text('billing_method') }} as billing_method,
    {{ month_start('cohort_on') }} as cohort_month,
    started_on,
    finished_on,
    due_on,
    lag,
    case when finished_on is null then age end as open_age,
    {{ as_text("case
        when finished_on is null then 'OPEN'
        when lag < 0 then 'NEGATIVE'
        when lag is null then 'UNKNOWN'
        else 'COMPLETED'
    end") }} as state,
    coalesce(coalesce(finished_on, {{ run_as_of() }}) > due_on, false) as is_breached,
    -- the amount times the calendar's days by which it was or is late: all of them, and the month's to date
    cast(
        amount_rc * case when due_on is null then 0 else greatest({{ days_between(
            'due_on',
            'coalesce(finished_on, ' ~ run_as_of() ~ ')',
        ) }}, 0) end
        as decimal(28, 4)
    ) as currency_days,
    cast(
        amount_rc * case when due_on is null then 0 else greatest({{ days_between(
            'greatest(due_on, ' ~ date_add_days(month_start(run_as_of()), -1) ~ ')',
            'coalesce(finished_on, ' ~ run_as_of() ~ ')',
        ) }}, 0) end
        as decimal(28, 4)
    ) as currency_days_in_month
from passage
