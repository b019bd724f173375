-- From the backlog of the run's day to the remaining performance obligations of the notes: every contract
-- line with work left, what of it is disclosed and what is left out, and by when it is expected to be
-- revenue. All rows add up to the backlog, those that are disclosed to the metric.
with obligation as (
    select
        contract_line_id,
        month_start,
        treatment,
        time_band,
        contract_id,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        project_id,
        billing_method,
        term_from,
        term_to,
        noncancellable_to,
        is_cancellable,
        is_right_to_invoice,
        is_one_year_or_less,
        currency_code,
        amount_tc,
        amount_rc
    from {{ ref('ledger__performance_obligation') }}
)

select
    {{ run_as_of() }} as as_of,
    contract_line_id,
    treatment,
    time_band,
    contract_id,
    legal_entity_id,
    region_id,
    practice_id,
    customer_id,
    project_id,
    billing_method,
    term_from,
    term_to,
    noncancellable_to,
    is_cancellable,
    is_right_to_invoice,
    is_one_year_or_less,
    min(month_start) as first_month,
    max(month_start) as last_month,
    currency_code,
    cast({{ known_sum('amount_tc') }} as decimal(28, 4)) as amount_tc,
    cast({{ known_sum('amount_rc') }} as decimal(28, 4)) as amount_rc
from obligation
group by
    contract_line_id, treatment, time_band, contract_id, legal_entity_id, region_id, practice_id, customer_id,
    project_id, billing_method, term_from, term_to, noncancellable_to, is_cancellable, is_right_to_invoice,
    is_one_year_or_less, currency_code
