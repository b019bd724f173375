{#-
    The ledger's own steps on the two clocks.

    A *version table* here has a key, attributes and a half-open knowledge interval [known_from, known_to), in
    which `known_to` is never null (`ledger_forever()` stands for "still so"). A *dimension* version table covers
    the whole of time for each key it has seen, with `is_known` false where nothing was known: joining facts
    to it by overlap therefore loses no instant of any fact. Published feeders turn "forever" back into null.
-#}

{% macro ledger_beginning() %}cast('1900-01-01' as {{ type_instant() }}){% endmacro %}
{% macro ledger_forever() %}cast('9999-01-01' as {{ type_instant() }}){% endmacro %}

{#- The content of a version as one text, so that two neighbours can be compared whatever their types. -#}
{% macro ledger_signature(columns) -%}
    concat_ws('|'{% for column in columns %}, coalesce(cast({{ column }} as {{ type_text() }}), '~'){% endfor %})
{%- endmacro %}

{#-
    The known states of a source row, one per change in one of `columns`, without the deleted ones: a deletion ends
    the state before it, a restored row begins a new one. Rows of a single version skip the comparison.
    `known_to` is `ledger_forever()` for what still stands. `record`: the domain whose system of record is read; rows
    of other systems are as if deleted.
-#}
{% macro ledger_fact_versions(relation, key, columns, record=none) -%}
    {%- set gone = 'is_deleted' -%}
    {%- if record -%}
        {%- set relation = of_record(record, relation) ~ ' as judged' -%}
        {%- set gone = '(is_deleted or not is_of_record)' -%}
    {%- endif -%}
    select
        {{ key }},
        {{ columns | join(', ') }},
        source_system, source_instance, source_record_id, load_id, version_number, known_from,
        {{ ledger_forever() }} as known_to
    from {{ relation }}
    where version_number = 1 and known_to is null and not {{ gone }}
    union all
    select
        {{ key }},
        {{ columns | join(', ') }},
        source_system, source_instance, source_record_id, load_id, version_number, known_from,
        known_until as known_to
    from (
        select
            changed.*,
            coalesce(
                lead(changed.known_from) over (partition by changed.{{ key }} order by changed.version_number),
                {{ ledger_forever() }}
            ) as known_until
        from (
            select
                signed.*,
                lag(signed.content) over (partition by signed.{{ key }} order by signed.version_number)
                    as content_before
            from (
                select
                    {{ key }},
                    {{ columns | join(', ') }},
                    source_system, source_instance, source_record_id, load_id, version_number, known_from,
                    {{ gone }} as is_gone,
                    case when {{ gone }} then 'deleted' else {{ ledger_signature(columns) }} end as content
                from {{ relation }}
                where not (version_number = 1 and known_to is null)
            ) as signed
        ) as changed
        where changed.content_before is null or changed.content_before <> changed.content
    ) as states
    where not is_gone and known_from < known_until
{%- endmacro %}

{#-
    What was known of a dimension's key at every instant. What a first load brought (marked backfill) describes the
    rows that came with it, whenever those were last touched: it is taken as known from the beginning. Before a
    later first version, and while the row is deleted, the key stands with `is_known` false and empty columns; so does a row of another system than that of the domain
    `record`, where one is named.
-#}
{% macro ledger_dimension_versions(relation, key, columns, record=none) -%}
    {%- set gone = 'is_deleted' -%}
    {%- if record -%}
        {%- set relation = of_record(record, relation) ~ ' as judged' -%}
        {%- set gone = '(is_deleted or not is_of_record)' -%}
    {%- endif -%}
    {%- set versions -%}
        select
            {{ key }},
            not {{ gone }} as is_known,
            {%- for column in columns %}
            case when not {{ gone }} then {{ column }} end as {{ column }},
            {%- endfor %}
            case when version_number = 1 and is_backfill then {{ ledger_beginning() }} else known_from end
                as known_from,
            coalesce(known_to, {{ ledger_forever() }}) as known_to
        from {{ relation }}
        union all
        select
            {{ key }},
            false as is_known,
            {%- for column in columns %}
            case when false then {{ column }} end as {{ column }},
            {%- endfor %}
            {{ ledger_beginning() }} as known_from,
            known_from as known_to
        from {{ relation }}
        where version_number = 1 and not is_backfill
    {%- endset -%}
    {{ ledger_merge_versions('(' ~ versions ~ ')', [key], ['is_known'] + columns) }}
{%- endmacro %}

{#- Neighbouring versions of a key that say the same become one. `relation` has no gaps per key. -#}
{% macro ledger_merge_versions(relation, keys, columns) -%}
    select
        {{ keys | join(', ') }},
        {{ columns | join(', ') }},
        known_from,
        coalesce(
            lead(known_from) over (partition by {{ keys | join(', ') }} order by known_from),
            {{ ledger_forever() }}
        ) as known_to
    from (
        select
            signed.*,
            lag(signed.content) over (
                partition by {% for key in keys %}signed.{{ key }}{{ ', ' if not loop.last }}{% endfor %}
                order by signed.known_from
            ) as content_before
        from (
            select versions.*, {{ ledger_signature(columns) }} as content
            from {{ relation }} as versions
            where known_from < known_to
        ) as signed
    ) as compared
    where content_before is null or content_before <> content
{%- endmacro %}

{#- Two version tables meet where their knowledge intervals overlap; what is known of both is the common part. -#}
{% macro ledger_overlap(left, right) -%}
    {{ left }}.known_from < {{ right }}.known_to and {{ right }}.known_from < {{ left }}.known_to
{%- endmacro %}
{% macro ledger_common(left, right) -%}
    greatest({{ left }}.known_from, coalesce({{ right }}.known_from, {{ left }}.known_from)) as known_from,
    least({{ left }}.known_to, coalesce({{ right }}.known_to, {{ left }}.known_to)) as known_to
{%- endmacro %}

{#- "Forever" is how a version table ends; a published feeder says null. -#}
{% macro ledger_open_end(column) -%}
    nullif({{ column }}, {{ ledger_forever() }})
{%- endmacro %}

{#-
    Money at a rate, rounded half away from zero to four decimals; nothing known gives null, never zero. Both are
    narrowed before, so that the product of a sum has no more than 38 digits: Spark would round it twice.
-#}
{% macro ledger_at_rate(amount, rate) %}{{ return(at_rate(amount, rate)) }}{% endmacro %}

{#- A sum one of whose parts may be unknown: then it is unknown too, and not the sum of the others. -#}
{% macro known_sum(expression) -%}
    case when count(*) = count({{ expression }}) then sum({{ expression }}) end
{%- endmacro %}

{#- `amount`, not below zero and not above `limit`; unknown where either is: least() would pass over a null. -#}
{% macro between_nought_and(amount, limit) -%}
    case
        when {{ amount }} <= 0 then 0 * {{ limit }}
        when {{ amount }} <= {{ limit }} then {{ amount }}
        when {{ amount }} > {{ limit }} then {{ limit }}
    end
{%- endmacro %}

{#- The rows of a feeder as the run's known_at knew them. -#}
{% macro ledger_as_known(relation) -%}
    (
        select *
        from {{ relation }}
        where known_from <= {{ run_known_at() }} and (known_to is null or known_to > {{ run_known_at() }})
    )
{%- endmacro %}

{#- The day whose rates the constant-currency view uses, wherever the amount falls. -#}
{% macro ledger_constant_currency_date() -%}
    coalesce(cast({{ run_parameter('constant_currency_date') }} as date), cast('2025-12-31' as date))
{%- endmacro %}

{#- What a unit of every currency is worth on a day, while it was known; for `ledger_join_conversion`. -#}
{% macro import_conversion() -%}
    (
        select
            from_currency,
            functional_currency,
            rate_date,
            rate_fc,
            rate_rc,
            rate_cc,
            known_from,
            known_to
        from {{ ref('ledger__conversion_version') }}
    )
{%- endmacro %}

{#- The text of a firm's parameter in force on the run's as_of; null where the firm says nothing. -#}
{% macro run_parameter(name) -%}
    (
        select max_by(parameter.value, coalesce(parameter.effective_from, cast('1900-01-01' as date)))
        from {{ source('inputs', 'parameter') }} as parameter
        where
            parameter.name = '{{ name }}'
            and coalesce(parameter.effective_from, cast('1900-01-01' as date)) <= {{ run_settings_day() }}
    )
{%- endmacro %}

{#- The dimensions every feeder carries, as system-of-record keys that are never null. -#}
{% macro ledger_line_dimensions(alias, key) -%}
    coalesce({{ alias }}.legal_entity_id, concat('UNMAPPED:', coalesce({{ key }}, 'NONE'))) as legal_entity_id,
    coalesce({{ alias }}.region_id, 'UNMAPPED:NONE') as region_id,
    coalesce({{ alias }}.practice_id, 'UNMAPPED:NONE') as practice_id,
    coalesce({{ alias }}.customer_id, concat('UNMAPPED:', coalesce({{ key }}, 'NONE'))) as customer_id,
    coalesce({{ alias }}.project_id, 'NONE') as project_id,
    coalesce({{ key }}, 'NONE') as contract_line_id,
    coalesce({{ alias }}.functional_currency, 'NONE') as functional_currency
{%- endmacro %}

{#- Joins `alias` to the worth of `currency` on `day`. -#}
{% macro ledger_join_conversion(alias, currency, day, conversion='conversion') -%}
    left join {{ conversion }}
        on
            {{ alias }}.{{ currency }} = {{ conversion }}.from_currency
            and {{ alias }}.functional_currency = {{ conversion }}.functional_currency
            and {{ alias }}.{{ day }} = {{ conversion }}.rate_date
            and {{ ledger_overlap(alias, conversion) }}
{%- endmacro %}

{#- The common part of two intervals as a feeder publishes it: an open end is null. -#}
{% macro ledger_published(left, right) -%}
    greatest({{ left }}.known_from, coalesce({{ right }}.known_from, {{ left }}.known_from)) as known_from,
    {{ ledger_open_end(
        'least(' ~ left ~ '.known_to, coalesce(' ~ right ~ '.known_to, ' ~ left ~ '.known_to))'
    ) }} as known_to
{%- endmacro %}

{#- The dimension columns of a feeder, with their published types. -#}
{% macro ledger_dimension_columns(alias) -%}
    {%- for column in [
        'legal_entity_id', 'region_id', 'practice_id', 'customer_id', 'project_id', 'contract_line_id',
    ] %}
    cast({{ alias }}.{{ column }} as {{ type_text() }}) as {{ column }},
    {%- endfor %}
    cast({{ alias }}.functional_currency as {{ type_text() }}) as functional_currency
{%- endmacro %}

{#-
    One kind of movement out of a feeder: +1 when a row becomes known, -1 when it stops being what is known.

    known       whether only what stands at the run's known_at is wanted
    feeder      the feeder's relation
    id          its key column
    kind        SQL text of the movement type
    on          the column of the business date
    condition   which rows move value at all
    sign        '-' where the feeder's amount leaves (relief, collection)
    prefix      of the amount columns ({prefix}_tc, _fc, _rc, _cc)
    currency    column of the transaction currency
    hours, quantity   columns, where the feeder has them
    resource    column of the resource, where it has one
-#}
{% macro ledger_movement(
    known, feeder, id, kind, on, condition, sign='', prefix='amount', currency='currency_code', hours=none, quantity=none,
    resource=none
) -%}
    select
        {{ fingerprint([kind, 'feeder.' ~ id, instant_number(
            'case when way.direction = 1 then feeder.known_from else feeder.known_to end'
        ), 'way.direction']) }} as movement_id,
        {{ as_text(kind) }} as movement_type,
        feeder.{{ on }} as business_date,
        case when way.direction = 1 then feeder.known_from else feeder.known_to end as known_at,
        way.direction,
        feeder.legal_entity_id,
        feeder.region_id,
        feeder.practice_id,
        feeder.customer_id,
        feeder.project_id,
        feeder.contract_line_id,
        {{ as_text('feeder.' ~ resource if resource else "'NONE'") }} as resource_id,
        feeder.{{ currency }} as currency_code,
        {{ as_money('way.direction * ' ~ sign ~ 'feeder.' ~ prefix ~ '_tc') }} as amount_tc,
        feeder.functional_currency,
        {{ as_money('way.direction * ' ~ sign ~ 'feeder.' ~ prefix ~ '_fc') }} as amount_fc,
        {{ as_money('way.direction * ' ~ sign ~ 'feeder.' ~ prefix ~ '_rc') }} as amount_rc,
        {{ as_money('way.direction * ' ~ sign ~ 'feeder.' ~ prefix ~ '_cc') }} as amount_cc,
        {{ as_hours('way.direction * ' ~ sign ~ 'feeder.' ~ hours if hours else 'null') }} as hours,
        {{ as_rate('way.direction * ' ~ sign ~ 'feeder.' ~ quantity if quantity else 'null') }} as quantity,
        feeder.source_system,
        feeder.source_instance,
        feeder.source_record_id,
        feeder.load_id,
        feeder.version_number as source_version
    from {{ ledger_as_known(feeder) if known else feeder }} as feeder
    inner join (select 1 as direction{{ ' union all select -1 as direction' if not known }}) as way
        on way.direction = 1 or feeder.known_to is not null
    where {{ condition }}
{%- endmacro %}

{#-
    The stretches of knowledge in which neither `base` nor anything it refers to changes. `others` are
    (relation, column of base, key column of the relation); all of them cover the whole of time.
-#}
{% macro ledger_stretches(base, key, others) -%}
    select
        {{ key }},
        cut_at as known_from,
        coalesce(lead(cut_at) over (partition by {{ key }} order by cut_at), {{ ledger_forever() }}) as known_to
    from (
        select {{ key }}, known_from as cut_at from {{ base }}
        {%- for relation, column, its_key in others %}
        union
        select {{ base }}.{{ key }}, {{ relation }}.known_from as cut_at
        from {{ base }}
        inner join {{ relation }}
            on {{ base }}.{{ column }} = {{ relation }}.{{ its_key }} and {{ ledger_overlap(base, relation) }}
        where {{ relation }}.known_from > {{ base }}.known_from
        {%- endfor %}
    ) as cuts
{%- endmacro %}

{#- What a version table said when a stretch began. -#}
{% macro ledger_when(relation, stretch='stretch') -%}
    {{ relation }}.known_from <= {{ stretch }}.known_from and {{ stretch }}.known_from < {{ relation }}.known_to
{%- endmacro %}

{#-
    Which record of the system of record a record was matched with, at every instant: `left_key`, `right_key` (null
    while unmatched). A match of two records that both came with a first load holds from the beginning, like they.
-#}
{% macro ledger_crosswalk(entity_type, records, key) -%}
    {%- set matches -%}
    (
        select
            xref.left_key,
            xref.right_key,
            case
                when left_first.{{ key }} is not null and right_first.{{ key }} is not null
                    and row_number() over (partition by xref.left_key order by xref.known_from) = 1
                    then {{ ledger_beginning() }}
                else xref.known_from
            end as known_from,
            coalesce(xref.known_to, {{ ledger_forever() }}) as known_to
        from {{ ref('master__entity_xref') }} as xref
        left join (
            select {{ key }} from {{ records }} where version_number = 1 and is_backfill
        ) as left_first
            on xref.left_key = left_first.{{ key }}
        left join (
            select {{ key }} from {{ records }} where version_number = 1 and is_backfill
        ) as right_first
            on xref.right_key = right_first.{{ key }}
        where xref.entity_type = '{{ entity_type }}'
    )
    {%- endset -%}
    select left_key, right_key, known_from, known_to
    from {{ matches }} as matches
    where known_from < known_to
    union all
    select left_key, {{ null_text() }} as right_key, known_to as known_from, next_from as known_to
    from (
        select
            left_key,
            known_to,
            coalesce(lead(known_from) over (partition by left_key order by known_from), {{ ledger_forever() }})
                as next_from
        from {{ matches }} as matches
    ) as gaps
    where known_to < next_from
    union all
    select left_key, {{ null_text() }} as right_key, {{ ledger_beginning() }} as known_from, min(known_from) as known_to
    from {{ matches }} as matches
    group by left_key
    having min(known_from) > {{ ledger_beginning() }}
{%- endmacro %}

{% macro ledger_grains() -%}
    {{ return([
        'FIRM', 'LEGAL_ENTITY', 'REGION', 'PRACTICE', 'CUSTOMER', 'PROJECT', 'CONTRACT_LINE', 'RESOURCE',
    ]) }}
{%- endmacro %}

{#- The id columns at a grain: the grain's own member, and ALL for what it rolls up. -#}
{% macro ledger_grain_members(alias, grain, aliased=true) -%}
    {%- for name in ledger_grains() if name != 'FIRM' -%}
    {%- set column = name | lower ~ '_id' -%}
    {%- if column == 'resource_id' and alias == 'balance' %}
    {{ "'ALL' as resource_id" if aliased else "'ALL'" }}
    {%- else %}
    case when {{ grain }} = '{{ name }}' then {{ alias }}.{{ column }} else 'ALL' end
    {{- ' as ' ~ column if aliased }}
    {%- endif -%}
    {{ ',' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}

{#- The amount and the currency of a row in a currency view. -#}
{% macro ledger_view_amount(alias, prefix, view) -%}
    case {{ view }}
        when 'TC' then {{ alias }}.{{ prefix }}_tc
        when 'FC' then {{ alias }}.{{ prefix }}_fc
        when 'RC' then {{ alias }}.{{ prefix }}_rc
        when 'CC' then {{ alias }}.{{ prefix }}_cc
    end
{%- endmacro %}
{% macro ledger_view_currency(alias, view) -%}
    case {{ view }}
        when 'TC' then {{ alias }}.currency_code
        when 'FC' then {{ alias }}.functional_currency
        else {{ run_reporting_currency() }}
    end
{%- endmacro %}

{#- The first month of the period that ends with the month of `month_start`. -#}
{% macro ledger_period_start(month_start, period_type) -%}
    {%- if period_type == 'MONTH' -%} {{ month_start }}
    {%- elif period_type == 'QUARTER' -%} {{ quarter_start(month_start) }}
    {%- elif period_type == 'YTD' -%} {{ year_start(month_start) }}
    {%- elif period_type == 'T3M' -%} {{ add_months_start(month_start, -2) }}
    {%- else -%} {{ add_months_start(month_start, -11) }}
    {%- endif -%}
{%- endmacro %}

{#-
    Several version tables at once: `aliases` begins with the fact; the others are left joined to it in this order,
    each by `ledger_meets` with all before it. The interval of the result is common to all of them.
-#}
{% macro ledger_from_of(aliases) -%}
    greatest(
        {{- aliases[0] }}.known_from
        {%- for alias in aliases[1:] %}, coalesce({{ alias }}.known_from, {{ aliases[0] }}.known_from){% endfor -%}
    )
{%- endmacro %}
{% macro ledger_to_of(aliases) -%}
    least(
        {{- aliases[0] }}.known_to
        {%- for alias in aliases[1:] %}, coalesce({{ alias }}.known_to, {{ aliases[0] }}.known_to){% endfor -%}
    )
{%- endmacro %}
{% macro ledger_meets(alias, others) -%}
    {{ ledger_from_of(others) if others | length > 1 else others[0] ~ '.known_from' }} < {{ alias }}.known_to
    and {{ alias }}.known_from < {{ ledger_to_of(others) if others | length > 1 else others[0] ~ '.known_to' }}
{%- endmacro %}
{% macro ledger_interval(aliases, published=true) -%}
    {{ ledger_from_of(aliases) }} as known_from,
    {{ ledger_open_end(ledger_to_of(aliases)) if published else ledger_to_of(aliases) }} as known_to
{%- endmacro %}

{#- Expenses under the line they are billed on, which may not be the line their cost stands under. -#}
{% macro ledger_billed_place(relation) -%}
    (
        select
            expense_line_id, wip_on, is_wip, currency_code, value_tc, value_fc, value_rc, value_cc, resource_id,
            project_id,
            billed_line_id as contract_line_id,
            billed_legal_entity_id as legal_entity_id,
            billed_region_id as region_id,
            billed_practice_id as practice_id,
            billed_customer_id as customer_id,
            billed_functional_currency as functional_currency,
            source_system, source_instance, source_record_id, load_id, version_number, known_from, known_to
        from {{ relation }}
    )
{%- endmacro %}

{#-
    What every stage of the life cycle counts and prices with, as steps of its own: each entity's days with the number
    of working days through them, its working days (`due`: where a due day is asked for) and what a currency is worth
    on the run's day.
-#}
{% macro lifecycle_imports(due=true) -%}
calendar as (
    select
        legal_entity_id,
        calendar_date,
        working_day_number
    from {{ ref('master__calendar_day') }}
),

{% if due -%}
working_day as (
    select
        legal_entity_id,
        calendar_date,
        working_day_number
    from {{ ref('master__calendar_day') }}
    where is_working_day
),

{% endif -%}
conversion as (
    select
        from_currency,
        rate_rc
    from {{ ledger_as_known(ref('ledger__conversion_version')) }} as known
    where functional_currency = 'NONE' and rate_date = {{ run_as_of() }}
)
{%- endmacro %}

{#- Joins the working-day number of a date on an entity's calendar: bd(a, b) is number(b) - number(a). -#}
{% macro lifecycle_day(alias, entity, day) -%}
    left join calendar as {{ alias }}
        on {{ entity }} = {{ alias }}.legal_entity_id and {{ day }} = {{ alias }}.calendar_date
{%- endmacro %}

{#- Joins the date that is the `number`-th working day of an entity's calendar. -#}
{% macro lifecycle_due(alias, entity, number) -%}
    left join working_day as {{ alias }}
        on {{ entity }} = {{ alias }}.legal_entity_id and {{ number }} = {{ alias }}.working_day_number
{%- endmacro %}

{#-
    Every kind of movement and the feeder it comes from. `known` false: the journal, with what was taken back.
    `known` true: only what stands at the run's known_at, one row each.
-#}
{% macro ledger_movements(known=false) %}
    {{ ledger_movement(
        known, ref('ledger__booking_value'), 'booking_id', 'feeder.movement_type', 'business_date', 'feeder.is_booked'
    ) }}
    union all
    {{ ledger_movement(
        known, ref('ledger__revenue_value'), 'revenue_entry_id', "'recognised'", 'accounting_date',
        'feeder.is_recognised'
    ) }}
    union all
    {{ ledger_movement(
        known, ref('ledger__billing_value'), 'invoice_line_id',
        "case when feeder.doc_type = 'CREDIT_NOTE' then 'credited' else 'billed' end", 'invoice_date',
        'feeder.is_posted', quantity='quantity'
    ) }}
    union all
    {{ ledger_movement(
        known, ref('ledger__time_value'), 'time_entry_id', "'performed'", 'wip_on', 'feeder.is_wip', prefix='value',
        hours='hours', resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        known, ledger_billed_place(ref('ledger__expense_value')), 'expense_line_id', "'performed'", 'wip_on',
        'feeder.is_wip', prefix='value', resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        known, ref('ledger__milestone_value'), 'milestone_id', "'performed'", 'wip_on', 'feeder.is_wip', prefix='value'
    ) }}
    union all
    {{ ledger_movement(
        known, ref('ledger__time_value'), 'time_entry_id', "'labour_cost'", 'work_date', 'feeder.is_labour', prefix='cost',
        currency='cost_currency_code', hours='hours', resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        known, ref('ledger__work_accrual'), 'time_entry_id', "'subcontractor_accrual'", 'work_date', 'true', hours='hours',
        resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        known, ref('ledger__work_accrual'), 'time_entry_id', "'subcontractor_accrual_released'", 'released_on',
        'feeder.released_on is not null', sign='-', hours='hours', resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        known, ref('ledger__vendor_bill_value'), 'vendor_bill_line_id', "'subcontractor_cost'", 'bill_date',
        'feeder.is_cost', quantity='quantity', resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        known, ref('ledger__expense_value'), 'expense_line_id', "'expense_cost'", 'expense_date', 'feeder.is_cost',
        prefix='cost', currency='cost_currency_code', resource='resource_id'
    ) }}
    union all
    {{ ledger_movement(
        known, ref('ledger__receivable_value'), 'invoice_id', "'ar_opened'", 'invoice_date', 'feeder.is_posted'
    ) }}
    union all
    {{ ledger_movement(
        known, ref('ledger__cash_value'), 'cash_id', 'feeder.movement_type', 'business_date', 'feeder.is_posted'
    ) }}
    union all
    {{ ledger_movement(
        known, ref('ledger__opening_value'), 'opening_balance_id', 'feeder.movement_type', 'balance_date',
        'feeder.is_counted', hours='hours'
    ) }}
    union all
    {{ ledger_movement(
        known, ref('ledger__receipt_value'), 'customer_payment_id', "'received'", 'payment_date', 'feeder.is_received'
    ) }}
{% endmacro %}

{#- Two rows of balances or flows stand for the same line, project and currency (and whatever more is named). -#}
{% macro ledger_same_place(left, right, more=[]) -%}
    {%- for column in [
        'legal_entity_id', 'region_id', 'practice_id', 'customer_id', 'project_id', 'contract_line_id', 'currency_code',
    ] + more %}
            {{ left }}.{{ column }} = {{ right }}.{{ column }}{{ ' and' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#-
    Which movements make which flow metric: (metric, movement, sign, sign in the base, the side that
    counts: ANY, INCREASE or DECREASE, only client projects).
-#}
{% macro ledger_metric_rules() -%}
    (
    {%- for metric_id, movement_type, sign, base, side, client_only in [
        ('gross_bookings', 'booked', 1, 0, 'ANY', false),
        ('gross_bookings', 'amended', 1, 0, 'INCREASE', false),
        ('net_bookings', 'booked', 1, 0, 'ANY', false),
        ('net_bookings', 'amended', 1, 0, 'ANY', false),
        ('net_bookings', 'cancelled', 1, 0, 'ANY', false),
        ('debookings', 'amended', -1, 0, 'DECREASE', false),
        ('debookings', 'cancelled', -1, 0, 'ANY', false),
        ('recognised_revenue', 'recognised', 1, 0, 'ANY', false),
        ('billed', 'billed', 1, 0, 'ANY', false),
        ('billed', 'credited', 1, 0, 'ANY', false),
        ('credit_notes', 'credited', -1, 0, 'ANY', false),
        ('billed_gross', 'ar_opened', 1, 0, 'ANY', false),
        ('cash_received', 'received', 1, 0, 'ANY', false),
        ('cash_applied', 'collected', -1, 0, 'ANY', false),
        ('labour_cost', 'labour_cost', 1, 0, 'ANY', false),
        ('subcontractor_cost', 'subcontractor_accrual', 1, 0, 'ANY', false),
        ('subcontractor_cost', 'subcontractor_accrual_released', 1, 0, 'ANY', false),
        ('subcontractor_cost', 'subcontractor_cost', 1, 0, 'ANY', false),
        ('project_gross_margin', 'recognised', 1, 1, 'ANY', false),
        ('project_gross_margin', 'labour_cost', -1, 0, 'ANY', true),
        ('project_gross_margin', 'subcontractor_accrual', -1, 0, 'ANY', true),
        ('project_gross_margin', 'subcontractor_accrual_released', -1, 0, 'ANY', true),
        ('project_gross_margin', 'subcontractor_cost', -1, 0, 'ANY', true),
        ('project_gross_margin', 'expense_cost', -1, 0, 'ANY', true),
    ] %}
    select
        '{{ metric_id }}' as metric_id, '{{ movement_type }}' as movement_type, {{ sign }} as sign,
        {{ base }} as base_sign, '{{ side }}' as side, {{ client_only }} as client_only
    {{ 'union all' if not loop.last }}
    {%- endfor %}
    ) as rules
{%- endmacro %}

{#- Shares of people's hours: (metric, the hours that count, the hours they are set against). -#}
{% macro ledger_utilisation_metrics() -%}
    {{- return([
        ('billable_utilisation_net', 'billable_hours', 'available_hours'),
        ('billable_utilisation_working', 'billable_hours', 'working_hours'),
        ('billable_utilisation_standard', 'billable_hours', 'standard_hours'),
        ('productive_utilisation', 'productive_hours', 'available_hours'),
        ('total_utilisation', 'recorded_hours', 'available_hours'),
    ]) -}}
{%- endmacro %}

{#- How far ahead booked hours are set against those people are there for: (metric, weeks). -#}
{% macro ledger_forward_metrics() -%}
    {{- return([
        ('forward_utilisation_4w', 4), ('forward_utilisation_8w', 8), ('forward_utilisation_12w', 12),
    ]) -}}
{%- endmacro %}
