-- What the return of integration is reckoned with where nothing is measured: each assumption with its low,
-- base and high value, and where it comes from. A firm's own value takes the place of all three unless it
-- says more.
with given as (
    {%- for name, label, unit, low, base, high, source in assumptions() %}
        select
            {{ loop.index }} as place,
            '{{ name }}' as name,
            '{{ label }}' as label,
            '{{ unit }}' as unit,
            cast({{ low if low else 'null' }} as decimal(18, 8)) as low,
            cast({{ base if base else 'null' }} as decimal(18, 8)) as base,
            cast({{ high if high else 'null' }} as decimal(18, 8)) as high,
            '{{ source }}' as source,
            cast({{ run_parameter(name) }} as decimal(18, 8)) as own,
            cast({{ run_parameter(name ~ '_low') }} as decimal(18, 8)) as own_low,
            cast({{ run_parameter(name ~ '_high') }} as decimal(18, 8)) as own_high
        {{ 'union all' if not loop.last }}
    {%- endfor %}
)

select
    {{ as_text('name') }} as name,
    cast(place as integer) as place,
    {{ as_text('label') }} as label,
    {{ as_text('unit') }} as unit,
    coalesce(own_low, own, low) as low,
    coalesce(own, base) as base,
    coalesce(own_high, own, high) as high,
    {{ as_text("case
        when own is not null then 'Set by the firm in throughline.toml'
        else source
    end") }} as source
from given
