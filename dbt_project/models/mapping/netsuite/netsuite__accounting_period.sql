with

periods as (
    select * from {{ ref('stg_netsuite__accountingperiod') }}
)

-- Quarters and years are periods there too; a posting falls in a month.
select
    {{ own_key('netsuite', 'id') }} as period_id,
    {{ month_text('startdate') }} as period_name,
    startdate as start_date,
    enddate as end_date,
    cast(extract(year from enddate) as integer) as fiscal_year,
    isadjust as is_adjustment,
    closed or alllocked as is_closed,
    closed or alllocked or arlocked as is_ar_closed,
    closed or alllocked or aplocked as is_ap_closed,
    closedondate as closed_at,
    'netsuite' as source_system,
    {{ landed() }}
from periods
where not isyear and not isquarter
