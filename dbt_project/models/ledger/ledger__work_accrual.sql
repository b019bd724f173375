-- What subcontractors' approved work costs until they bill it: hours at the order's rate, from the day of the
-- work, and released on the date of the bill that covers the day. One row per entry and stretch of knowledge.
with work as (
    select
        time_entry_id,
        project_id,
        source_resource_id,
        resource_id,
        work_date,
        hours,
        is_client,
        legal_entity_id,
        region_id,
        practice_id,
        customer_id,
        contract_line_id,
        functional_currency,
        source_system,
        source_instance,
        source_record_id,
        load_id,
        version_number,
        known_from,
        coalesce(known_to, {{ ledger_forever() }}) as known_to
    from {{ ref('ledger__time_value') }}
    where resource_kind = 'contractor' and status = 'approved'
),

order_line as (
    {{ ledger_dimension_versions(
        ref('canonical__purchase_order_line'),
        'purchase_order_line_id',
        ['project_id', 'resource_id', 'unit_price', 'currency_code'],
    ) }}
),

known_order as (
    select
        purchase_order_line_id,
        project_id,
        resource_id,
        unit_price,
        currency_code,
        known_from,
        known_to
    from order_line
    where is_known
),

order_cut as (
    select
        project_id,
        resource_id,
        known_from as cut_at
    from known_order
    union
    select
        project_id,
        resource_id,
        known_to as cut_at
    from known_order
    where known_to < {{ ledger_forever() }}
    union
    select
        project_id,
        resource_id,
        {{ ledger_beginning() }} as cut_at
    from known_order
),

order_span as (
    select
        project_id,
        resource_id,
        cut_at as known_from,
        coalesce(
            lead(cut_at) over (partition by project_id, resource_id order by cut_at),
            {{ ledger_forever() }}
        ) as known_to
    from order_cut
),

-- two orders for one person on one project: the first one's rate stands
order_rate as (
    select
        order_span.project_id,
        order_span.resource_id,
        order_span.known_from,
        order_span.known_to,
        min_by(known_order.unit_price, known_order.purchase_order_line_id) as rate,
        min_by(known_order.currency_code, known_order.purchase_order_line_id) as currency_code
    from order_span
    left join known_order
        on
            order_span.project_id = known_order.project_id
            and order_span.resource_id = known_order.resource_id
            and {{ ledger_when('known_order', 'order_span') }}
    group by order_span.project_id, order_span.resource_id, order_span.known_from, order_span.known_to
),

bill as (
    select
        project_id,
        source_resource_id,
        period_from,
        period_to,
        bill_date,
        known_from,
        coalesce(known_to, {{ ledger_forever() }}) as known_to
    from {{ ref('ledger__vendor_bill_value') }}
    where is_cost and period_from is not null and period_to is not null
),

worked_day as (
    -- several entries of one person fall on one day and project
    select distinct
        project_id,
        source_resource_id,
        work_date
    from work
),

cover as (
    select
        worked_day.project_id,
        worked_day.source_resource_id,
        worked_day.work_date,
        bill.bill_date,
        bill.known_from,
        bill.known_to
    from worked_day
    inner join bill
        on
            worked_day.project_id = bill.project_id
            and worked_day.source_resource_id = bill.source_resource_id
            and worked_day.work_date >= bill.period_from
            and worked_day.work_date <= bill.period_to
),

cover_cut as (
    select
        project_id,
        source_resource_id,
        work_date,
        known_from as cut_at
    from cover
    union
    select
        project_id,
        source_resource_id,
        work_date,
        known_to as cut_at
    from cover
    where known_to < {{ ledger_forever() }}
    union
    select
        project_id,
        source_resource_id,
        work_date,
        {{ ledger_beginning() }} as cut_at
    from cover
),

cover_span as (
    select
        project_id,
        source_resource_id,
        work_date,
        cut_at as known_from,
        coalesce(
            lead(cut_at) over (partition by project_id, source_resource_id, work_date order by cut_at),
            {{ ledger_forever() }}
        ) as known_to
    from cover_cut
),

-- a day billed twice is released once, by the first bill
release as (
    select
        cover_span.project_id,
        cover_span.source_resource_id,
        cover_span.work_date,
        cover_span.known_from,
        cover_span.known_to,
        min(cover.bill_date) as released_on
    from cover_span
    left join cover
        on
            cover_span.project_id = cover.project_id
            and cover_span.source_resource_id = cover.source_resource_id
            and cover_span.work_date = cover.work_date
            and {{ ledger_when('cover', 'cover_span') }}
    group by
        cover_span.project_id, cover_span.source_resource_id, cover_span.work_date, cover_span.known_from,
        cover_span.known_to
),

conversion as {{ import_conversion() }},

priced as (
    select
        work.time_entry_id,
        work.work_date,
        work.hours,
        work.is_client,
        work.project_id,
        work.source_resource_id,
        work.resource_id,
        work.legal_entity_id,
        work.region_id,
        work.practice_id,
        work.customer_id,
        work.contract_line_id,
        work.functional_currency,
        work.source_system,
        work.source_instance,
        work.source_record_id,
        work.load_id,
        work.version_number,
        release.released_on,
        order_rate.rate,
        coalesce(order_rate.currency_code, work.functional_currency) as currency_code,
        {{ ledger_interval(['work', 'order_rate', 'release'], published=false) }}
    from work
    left join order_rate
        on
            work.project_id = order_rate.project_id
            and work.source_resource_id = order_rate.resource_id
            and {{ ledger_meets('order_rate', ['work']) }}
    left join release
        on
            work.project_id = release.project_id
            and work.source_resource_id = release.source_resource_id
            and work.work_date = release.work_date
            and {{ ledger_meets('release', ['work', 'order_rate']) }}
)

select
    priced.time_entry_id,
    priced.work_date,
    priced.released_on,
    priced.hours,
    priced.is_client,
    {{ ledger_dimension_columns('priced') }},
    priced.resource_id,
    priced.rate,
    {{ as_text('priced.currency_code') }} as currency_code,
    {{ ledger_at_rate('priced.hours', 'priced.rate') }} as amount_tc,
    {{ ledger_at_rate(ledger_at_rate('priced.hours', 'priced.rate'), 'conversion.rate_fc') }} as amount_fc,
    {{ ledger_at_rate(ledger_at_rate('priced.hours', 'priced.rate'), 'conversion.rate_rc') }} as amount_rc,
    {{ ledger_at_rate(ledger_at_rate('priced.hours', 'priced.rate'), 'conversion.rate_cc') }} as amount_cc,
    priced.source_system,
    priced.source_instance,
    priced.source_record_id,
    priced.load_id,
    priced.version_number,
    {{ ledger_published('priced', 'conversion') }}
from priced
{{ ledger_join_conversion('priced', 'currency_code', 'work_date') }}
