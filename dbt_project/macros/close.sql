{#
    Periods are closed per legal entity and area: receivables (AR) and payables (AP) may be closed on days of their
    own, everything else (GL) with the books. An area is what a closing freezes.
#}

{% macro close_areas() -%}
    (
        select 'GL' as area
        union all
        select 'AR' as area
        union all
        select 'AP' as area
    )
{%- endmacro %}

{# The area a movement falls into. #}
{% macro close_area(movement_type) -%}
    case
        when {{ movement_type }} in ('billed', 'credited', 'ar_opened', 'received') then 'AR'
        when {{ movement_type }} in ('opening_billing', 'opening_receivable') then 'AR'
        when {{ movement_type }} in ('collected', 'credit_applied', 'credit_used') then 'AR'
        when {{ movement_type }} in ('subcontractor_cost', 'expense_cost') then 'AP'
        else 'GL'
    end
{%- endmacro %}

{#
    When the version of the record behind a movement was made in its own system, version by version: approval
    where the system approves, else when the record was made or, for a later version, changed. Columns
    (movement_type, source_system, source_instance, source_record_id, known_from, known_to, recorded_at);
    recorded_at is null where the system does not say.
#}
{% macro close_recorded() -%}
    {%- for table, approved, movement_types in [
        ('contract_line', none, ['booked', 'cancelled', 'completed_under_run']),
        ('contract_amendment', none, ['amended']),
        ('revenue_entry', none, ['recognised']),
        ('invoice_line', none, ['billed', 'credited']),
        (
            'time_entry', 'approved_at',
            ['performed', 'labour_cost', 'subcontractor_accrual', 'subcontractor_accrual_released'],
        ),
        ('expense_line', 'approved_at', ['performed', 'expense_cost']),
        ('milestone', none, ['performed']),
        ('vendor_bill_line', none, ['subcontractor_cost']),
        ('invoice', none, ['ar_opened']),
        ('customer_payment', none, ['received']),
        (
            'opening_balance', none,
            ['opening_revenue', 'opening_billing', 'opening_cost', 'opening_receivable'],
        ),
        ('payment_application', none, ['collected', 'credit_applied', 'credit_used']),
    ] %}
    select
        kind.movement_type,
        record.source_system,
        record.source_instance,
        record.source_record_id,
        record.known_from,
        record.known_to,
        coalesce(
            {{ 'record.' ~ approved ~ ',' if approved }}
            case when record.version_number = 1 then record.source_created_at end,
            record.source_updated_at
        ) as recorded_at
    from {{ ref('canonical__' ~ table) }} as record
    cross join (
        {%- for movement_type in movement_types %}
        select '{{ movement_type }}' as movement_type{{ ' union all' if not loop.last }}
        {%- endfor %}
    ) as kind
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# What of a period's sums is compared between two knowledge times, and how it is called there. #}
{% macro close_measures() -%}
    {{ return(['amount_tc', 'amount_fc', 'amount_rc', 'hours']) }}
{%- endmacro %}
