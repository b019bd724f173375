with

rates as (
    select * from {{ ref('stg_netsuite__currencyrate') }}
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

-- One unit of the transaction currency is worth `rate` units of the base currency.
select
    {{ own_key('netsuite', 'rates.id', 'rates.tl_instance') }} as exchange_rate_id,
    sold.symbol as from_currency,
    bought.symbol as to_currency,
    rates.exchangerate as rate,
    'spot' as rate_type,
    rates.effectivedate as effective_from,
    'netsuite' as source_system,
    {{ landed('rates') }}
from rates
left join currencies as sold on rates.transactioncurrency = sold.id and rates.tl_instance = sold.tl_instance
left join currencies as bought on rates.basecurrency = bought.id and rates.tl_instance = bought.tl_instance
