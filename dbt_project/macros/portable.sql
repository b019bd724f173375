{#
    What the two engines say differently, each difference in one macro. `default__` is DuckDB's wording,
    `spark__` Spark's. A model never asks which engine it runs on.
#}

{# ---- types ------------------------------------------------------------------------------------------- #}

{% macro type_text() %}{{ return(adapter.dispatch('type_text', 'throughline')()) }}{% endmacro %}
{% macro default__type_text() %}varchar{% endmacro %}
{% macro spark__type_text() %}string{% endmacro %}

{% macro type_instant() %}{{ return(adapter.dispatch('type_instant', 'throughline')()) }}{% endmacro %}
{% macro default__type_instant() %}timestamp with time zone{% endmacro %}
{% macro spark__type_instant() %}timestamp{% endmacro %}

{% macro type_money() %}decimal(19, 4){% endmacro %}
{% macro type_rate() %}decimal(18, 8){% endmacro %}
{% macro type_fx() %}decimal(18, 10){% endmacro %}
{% macro type_hours() %}decimal(9, 2){% endmacro %}
{% macro type_fraction() %}decimal(9, 6){% endmacro %}

{% macro as_text(value) %}cast({{ value }} as {{ type_text() }}){% endmacro %}
{% macro as_money(value) %}cast({{ value }} as {{ type_money() }}){% endmacro %}
{% macro as_rate(value) %}cast({{ value }} as {{ type_rate() }}){% endmacro %}
{% macro as_fx(value) %}cast({{ value }} as {{ type_fx() }}){% endmacro %}
{% macro as_hours(value) %}cast({{ value }} as {{ type_hours() }}){% endmacro %}
{% macro as_instant(value) %}cast({{ value }} as {{ type_instant() }}){% endmacro %}

{# A typed null, for a column of a port that a vendor does not hold. #}
{% macro null_text() %}cast(null as {{ type_text() }}){% endmacro %}
{% macro null_date() %}cast(null as date){% endmacro %}
{% macro null_instant() %}cast(null as {{ type_instant() }}){% endmacro %}
{% macro null_money() %}cast(null as {{ type_money() }}){% endmacro %}

{# A column whose name is a word of the language. #}
{% macro quote_name(name) %}{{ return(adapter.dispatch('quote_name', 'throughline')(name)) }}{% endmacro %}
{% macro default__quote_name(name) %}"{{ name }}"{% endmacro %}
{% macro spark__quote_name(name) %}`{{ name }}`{% endmacro %}

{# ---- hashes ------------------------------------------------------------------------------------------ #}

{# A 64-bit key of a text key: the first 15 hex digits of its md5, the same number on every engine. #}
{% macro hash_key(value) %}{{ return(adapter.dispatch('hash_key', 'throughline')(value)) }}{% endmacro %}
{% macro default__hash_key(value) %}cast('0x' || substr(md5({{ value }}), 1, 15) as bigint){% endmacro %}
{% macro spark__hash_key(value) %}cast(conv(substr(md5({{ value }}), 1, 15), 16, 10) as bigint){% endmacro %}

{# An instant as whole microseconds since 1970: its text form differs between engines, this does not. #}
{% macro instant_number(value) %}{{ return(adapter.dispatch('instant_number', 'throughline')(value)) }}{% endmacro %}
{% macro default__instant_number(value) %}epoch_us({{ value }}){% endmacro %}
{% macro spark__instant_number(value) %}unix_micros({{ value }}){% endmacro %}

{# One md5 over several values; instants are passed through `instant_number` first. #}
{% macro fingerprint(values) -%}
    md5(
        {%- for value in values -%}
            coalesce({{ as_text(value) }}, '~'){{ " || '|' || " if not loop.last }}
        {%- endfor -%}
    )
{%- endmacro %}

{# ---- exact arithmetic -------------------------------------------------------------------------------- #}

{#
    a * b / c rounded half up (away from zero) to `scale` decimals, without a float on the way: whole numbers
    only, because a quotient of decimals is a double on one engine and cut at six digits on the other.
    a has at most 4 decimals, b and c at most 10. Null when c is null or zero.
#}
{% macro mul_div(a, b, c, scale=4) -%}
    {{- return(adapter.dispatch('mul_div', 'throughline')(a, b, c, scale)) -}}
{%- endmacro %}
{# All of it or nothing is the usual share, and DuckDB divides whole numbers of 38 digits slowly. #}
{% macro default__mul_div(a, b, c, scale) -%}
    {%- if scale == 4 -%}
    case
        when {{ b }} = {{ c }} and {{ c }} <> 0 then cast({{ a }} as decimal(19, 4))
        when ({{ a }} = 0 or {{ b }} = 0) and {{ c }} <> 0 then cast(0 as decimal(19, 4))
        else {{ throughline.mul_div_whole(a, b, c, scale) }}
    end
    {%- else -%}
    {{ throughline.mul_div_whole(a, b, c, scale) }}
    {%- endif -%}
{%- endmacro %}
{% macro spark__mul_div(a, b, c, scale) %}{{ return(throughline.mul_div_whole(a, b, c, scale)) }}{% endmacro %}
{% macro mul_div_whole(a, b, c, scale) -%}
    {%- set up = '1' ~ '0' * (scale - 4) if scale > 4 else '1' -%}
    {{- throughline.rounded_quotient(
        throughline.whole(a, 4) ~ ' * ' ~ throughline.whole(b, 10) ~ ' * ' ~ up,
        throughline.whole(c, 10) ~ (' * 1' ~ '0' * (4 - scale) if scale < 4 else ''),
        scale
    ) -}}
{%- endmacro %}

{# a / b rounded half up to 10 decimals; null when b is null or zero. #}
{% macro safe_divide(a, b) -%}
    {{- throughline.rounded_quotient(
        throughline.whole(a, 10) ~ ' * 10000000000', throughline.whole(b, 10), 10
    ) -}}
{%- endmacro %}

{#
    `later` - `earlier` for values with ten decimals. One digit is left for the carry: a difference of two decimals
    of 38 digits would have 39, and Spark drops a decimal instead.
#}
{% macro exact_change(later, earlier) -%}
    cast({{ later }} as decimal(37, 10)) - cast({{ earlier }} as decimal(37, 10))
{%- endmacro %}

{# A decimal as the whole number of its units of 10^-digits. #}
{% macro whole(value, digits) %}{{ return(adapter.dispatch('whole', 'throughline')(value, digits)) }}{% endmacro %}
{% macro default__whole(value, digits) -%}
    cast(cast({{ value }} as decimal({{ 28 if digits > 4 else 24 }}, {{ digits }})) * 1{{ '0' * digits }} as hugeint)
{%- endmacro %}
{% macro spark__whole(value, digits) -%}
    cast(cast({{ value }} as decimal(28, {{ digits }})) * 1{{ '0' * digits }}BD as decimal({{ 28 if digits > 4 else 24 }}, 0))
{%- endmacro %}

{# numerator / denominator (whole numbers) rounded half away from zero, as a decimal with `scale` decimals. #}
{% macro rounded_quotient(numerator, denominator, scale) %}
    {{- return(adapter.dispatch('rounded_quotient', 'throughline')(numerator, denominator, scale)) -}}
{% endmacro %}
{% macro default__rounded_quotient(numerator, denominator, scale) -%}
    case
        when ({{ denominator }}) <> 0
            then cast(
                cast(
                    sign({{ numerator }}) * sign({{ denominator }})
                    * ((2 * abs({{ numerator }}) + abs({{ denominator }})) // (2 * abs({{ denominator }})))
                    as decimal(38, 0)
                ) * cast('{{ "0." ~ "0" * (scale - 1) ~ "1" if scale > 0 else "1" }}' as decimal({{ scale + 1 }}, {{ scale }}))
                as decimal({{ 19 if scale <= 4 else 28 if scale < 10 else 38 }}, {{ scale }})
            )
    end
{%- endmacro %}
{% macro spark__rounded_quotient(numerator, denominator, scale) -%}
    {#-
        The remainder is taken off first, so that the division is exact at any scale Spark settles on. The quotient
        keeps 27 digits: with ten decimals that makes 38, and beyond them Spark drops decimals without a word.
    -#}
    {%- set doubled = '(2 * abs(' ~ numerator ~ ') + abs(' ~ denominator ~ '))' -%}
    {%- set halves = '(2 * abs(' ~ denominator ~ '))' -%}
    case
        when ({{ denominator }}) <> 0
            then cast(
                cast(
                    cast(sign({{ numerator }}) * sign({{ denominator }}) as decimal(1, 0))
                    * cast(({{ doubled }} - {{ doubled }} % {{ halves }}) / {{ halves }} as decimal(28, 0))
                    as decimal(27, 0)
                )
                * 0.{{ '0' * (scale - 1) }}1BD
                as decimal({{ 19 if scale <= 4 else 28 if scale < 10 else 38 }}, {{ scale }})
            )
    end
{%- endmacro %}

{# Money at a rate, rounded half away from zero to four decimals; `ledger_at_rate` is its name to models. #}
{% macro at_rate(amount, rate) %}{{ return(adapter.dispatch('at_rate', 'throughline')(amount, rate)) }}{% endmacro %}
{# Most amounts are in the currency they are wanted in, and DuckDB rounds decimals of 38 digits slowly. #}
{% macro default__at_rate(amount, rate) -%}
    case
        when {{ rate }} = 1 then {{ throughline.as_money(amount) }}
        else {{ throughline.spark__at_rate(amount, rate) }}
    end
{%- endmacro %}
{% macro spark__at_rate(amount, rate) -%}
    cast(round({{ throughline.as_money(amount) }} * {{ throughline.as_fx(rate) }}, 4) as decimal(19, 4))
{%- endmacro %}

{# ---- dates ------------------------------------------------------------------------------------------- #}

{# Calendar days from `earlier` to `later`. #}
{% macro days_between(earlier, later) %}{{ return(adapter.dispatch('days_between', 'throughline')(earlier, later)) }}{% endmacro %}
{% macro default__days_between(earlier, later) %}date_diff('day', {{ earlier }}, {{ later }}){% endmacro %}
{% macro spark__days_between(earlier, later) %}cast(datediff({{ later }}, {{ earlier }}) as bigint){% endmacro %}

{# A date `days` (a whole number, may be an expression) after another. #}
{% macro date_add_days(day, days) %}{{ return(adapter.dispatch('date_add_days', 'throughline')(day, days)) }}{% endmacro %}
{% macro default__date_add_days(day, days) %}({{ day }} + cast({{ days }} as integer)){% endmacro %}
{% macro spark__date_add_days(day, days) %}date_add({{ day }}, cast({{ days }} as int)){% endmacro %}

{% macro month_start(day) %}cast(date_trunc('month', {{ day }}) as date){% endmacro %}
{% macro month_end(day) %}last_day({{ day }}){% endmacro %}
{% macro quarter_start(day) %}cast(date_trunc('quarter', {{ day }}) as date){% endmacro %}
{% macro year_start(day) %}cast(date_trunc('year', {{ day }}) as date){% endmacro %}

{# The month of a date as YYYY-MM. #}
{% macro month_text(day) %}substr(cast({{ day }} as {{ type_text() }}), 1, 7){% endmacro %}

{# The first day of the month `months` after the month of `day`. #}
{% macro add_months_start(day, months) %}{{ return(adapter.dispatch('add_months_start', 'throughline')(day, months)) }}{% endmacro %}
{% macro default__add_months_start(day, months) -%}
    cast(date_trunc('month', {{ day }}) + to_months(cast({{ months }} as integer)) as date)
{%- endmacro %}
{% macro spark__add_months_start(day, months) -%}
    add_months(cast(date_trunc('month', {{ day }}) as date), cast({{ months }} as int))
{%- endmacro %}

{# Monday = 1 ... Sunday = 7. #}
{% macro weekday_number(day) %}{{ return(adapter.dispatch('weekday_number', 'throughline')(day)) }}{% endmacro %}
{% macro default__weekday_number(day) %}isodow({{ day }}){% endmacro %}
{% macro spark__weekday_number(day) %}(weekday({{ day }}) + 1){% endmacro %}

{# The date of an instant where the clocks show `zone` (a name of the IANA data base). #}
{% macro local_date(instant, zone) %}{{ return(adapter.dispatch('local_date', 'throughline')(instant, zone)) }}{% endmacro %}
{# DuckDB looks a zone up row by row: UTC, where firms name none, is spared that. #}
{% macro default__local_date(instant, zone) -%}
    case
        when {{ zone }} = 'UTC' then {{ throughline.date_of(instant) }}
        else cast(timezone({{ zone }}, {{ instant }}) as date)
    end
{%- endmacro %}
{% macro spark__local_date(instant, zone) %}cast(from_utc_timestamp({{ instant }}, {{ zone }}) as date){% endmacro %}

{# How many days Monday to Friday there were from Monday, 1 January 1900, through `day`. #}
{% macro weekdays_through(day) -%}
    cast(
        5 * floor({{ throughline.days_between("cast('1900-01-01' as date)", day) }} / 7)
        + least({{ throughline.days_between("cast('1900-01-01' as date)", day) }} % 7 + 1, 5)
        as bigint
    )
{%- endmacro %}

{# The `count`-th day Monday to Friday strictly after `day`: working days where nobody's holidays are known. #}
{% macro weekday_after(day, count) -%}
    {%- set weekday = throughline.weekday_number(day) -%}
    {{ throughline.date_add_days(
        day,
        '(least(' ~ weekday ~ ', 5) - ' ~ weekday ~ ' + ' ~ count
        ~ ' + 2 * floor((least(' ~ weekday ~ ', 5) - 1 + ' ~ count ~ ') / 5))'
    ) }}
{%- endmacro %}

{# The UTC date of an instant (sessions run in UTC). #}
{% macro date_of(instant) %}{{ return(adapter.dispatch('date_of', 'throughline')(instant)) }}{% endmacro %}
{# A cast asks DuckDB's calendar of zones for each row; the number of microseconds does not. #}
{% macro default__date_of(instant) %}cast(make_timestamp(epoch_us({{ instant }})) as date){% endmacro %}
{% macro spark__date_of(instant) %}cast({{ instant }} as date){% endmacro %}

{# ---- rows out of nothing ----------------------------------------------------------------------------- #}

{# A subquery with one column `day`, every date from `first` to `last`. #}
{% macro day_spine(first, last) %}{{ return(adapter.dispatch('day_spine', 'throughline')(first, last)) }}{% endmacro %}
{% macro default__day_spine(first, last) -%}
    (select cast(unnest(generate_series({{ first }}, {{ last }}, interval 1 day)) as date) as day)
{%- endmacro %}
{% macro spark__day_spine(first, last) -%}
    (select explode(sequence({{ first }}, {{ last }}, interval 1 day)) as day)
{%- endmacro %}

{# A subquery with one column `number`, 0 to `size` - 1. #}
{% macro numbers(size) -%}
    (
        {%- for number in range(size) %}
            select {{ number }} as number{{ ' union all' if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}

{# ---- text -------------------------------------------------------------------------------------------- #}

{% macro regexp_replace_all(value, pattern, replacement) %}
    {{- return(adapter.dispatch('regexp_replace_all', 'throughline')(value, pattern, replacement)) -}}
{% endmacro %}
{% macro default__regexp_replace_all(value, pattern, replacement) -%}
    regexp_replace({{ value }}, '{{ pattern }}', '{{ replacement }}', 'g')
{%- endmacro %}
{% macro spark__regexp_replace_all(value, pattern, replacement) -%}
    regexp_replace({{ value }}, '{{ pattern }}', '{{ replacement }}')
{%- endmacro %}

{#
    Behind a CTE's `as`: it is worked out where it is read, of which only the columns that are asked for there. An
    engine that keeps a CTE read several times writes all of its columns down first, which for a large table that
    costs nothing to read is most of the work. Spark never keeps one.
#}
{% macro where_it_is_read() %}{{ return(adapter.dispatch('where_it_is_read', 'throughline')()) }}{% endmacro %}
{% macro default__where_it_is_read() %}not materialized{% endmacro %}
{% macro spark__where_it_is_read() %}{% endmacro %}

{# The values of a group as one text, sorted, joined by `separator`; nulls left out. #}
{% macro list_agg_sorted(value, separator=', ') %}
    {{- return(adapter.dispatch('list_agg_sorted', 'throughline')(value, separator)) -}}
{% endmacro %}
{% macro default__list_agg_sorted(value, separator) -%}
    string_agg({{ value }}, '{{ separator }}' order by {{ value }})
{%- endmacro %}
{% macro spark__list_agg_sorted(value, separator) -%}
    array_join(array_sort(collect_list({{ value }})), '{{ separator }}')
{%- endmacro %}

{# The values of a group whose `order` comes first, at most `count` of them, as a list; what is null is left out. #}
{% macro first_by(value, order, count) %}
    {{- return(adapter.dispatch('first_by', 'throughline')(value, order, count)) -}}
{% endmacro %}
{% macro default__first_by(value, order, count) -%}
    arg_min({{ value }}, {{ order }}, {{ count }})
{%- endmacro %}
{% macro spark__first_by(value, order, count) -%}
    transform(
        slice(
            array_sort(collect_list(
                case when {{ value }} is not null then named_struct('o', {{ order }}, 'v', {{ value }}) end
            )), 1, {{ count }}
        ),
        one -> one.v
    )
{%- endmacro %}

{# A row for each of a list's values: alone in a select list. #}
{% macro each_of(list) %}{{ return(adapter.dispatch('each_of', 'throughline')(list)) }}{% endmacro %}
{% macro default__each_of(list) %}unnest({{ list }}){% endmacro %}
{% macro spark__each_of(list) %}explode({{ list }}){% endmacro %}

{#
    A JSON object as text, the same on every engine: pairs of (name, expression), values as JSON text so that
    money stays exact, nulls as null. No engine writes the object, because their texts of numbers and of the object
    differ; a string, quoted and escaped, is the same text on both. `unless`, a condition, spares the text of rows
    nobody will read: an object without members where it holds.
#}
{% macro evidence(pairs, unless=none) -%}
    {%- if unless %}case when {{ unless }} then '{}' else {% endif -%}
    '{'
    {%- for name, value in pairs %}
        || '{{ ', ' if not loop.first }}"{{ name }}": ' || coalesce({{ json_text(value) }}, 'null')
    {%- endfor %}
    || '}'
    {%- if unless %} end{% endif -%}
{%- endmacro %}

{#
    A value as a JSON string, control characters escaped; null when it is null. Spark's writer takes a struct, whose
    braces and name are cut off again.
#}
{% macro json_text(value) %}{{ return(adapter.dispatch('json_text', 'throughline')(value)) }}{% endmacro %}
{% macro default__json_text(value) %}cast(to_json({{ as_text(value) }}) as varchar){% endmacro %}
{% macro spark__json_text(value) -%}
    {%- set written = "to_json(named_struct('v', " ~ throughline.as_text(value) ~ "))" -%}
    case when {{ value }} is not null then substr({{ written }}, 6, length({{ written }}) - 6) end
{%- endmacro %}

{# How alike two texts are, from 0 to 1: one less the share of letters to be changed. #}
{% macro name_likeness(one, other) -%}
    coalesce(
        1 - {{ throughline.mul_div(
            'levenshtein(' ~ one ~ ', ' ~ other ~ ')', '1',
            'greatest(length(' ~ one ~ '), length(' ~ other ~ '), 1)'
        ) }},
        0
    )
{%- endmacro %}

{# ---- seeds ------------------------------------------------------------------------------------------- #}

{#
    The rows of a seed on Spark. The adapter's own macro hands numbers over as floats, quotes nothing and writes
    a missing value as the word None; here every value is a literal of its text, cast to the column's type.
#}
{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set statements = [] -%}
    {%- for chunk in agate_table.rows | batch(200) -%}
        {%- set sql -%}
            insert into {{ this.render() }} values
            {%- for row in chunk %}
            (
                {%- for name in agate_table.column_names -%}
                {%- set type = types.get(name, adapter.convert_type(agate_table, loop.index0)) -%}
                cast({{ throughline.spark_literal(row[name]) if row[name] is not none else 'null' }} as {{ type }})
                {{- ', ' if not loop.last }}
                {%- endfor -%}
            )
            {{- ',' if not loop.last }}
            {%- endfor %}
        {%- endset -%}
        {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
        {%- do statements.append(sql) -%}
    {%- endfor -%}
    {{ return(statements[0]) }}
{% endmacro %}

{# A text as Spark writes it between quotes. #}
{% macro spark_literal(value) -%}
    '{{ (value | string).replace('\\', '\\\\').replace("'", "\\'") }}'
{%- endmacro %}
