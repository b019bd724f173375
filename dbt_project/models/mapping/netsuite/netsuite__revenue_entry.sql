with

postings as (
    select * from {{ ref('stg_netsuite__revenueplanplannedrevenue') }}
),

plans as (
    select * from {{ ref('stg_netsuite__revenueplan') }}
),

elements as (
    select
        id as element_id,
        custrecord_tl_contract_line as contract_line,
        currency,
        {{ landed() }}
    from {{ ref('stg_netsuite__revenueelement') }}
),

plans_of_elements as (
    {{ known_together(
        child='plans', parent='elements',
        child_key='id', foreign_key='createdfrom', parent_key='element_id',
        columns=['id'], carried=['contract_line', 'currency']
    ) }}
),

postings_of_plans as (
    {{ known_together(
        child='postings', parent='plans_of_elements',
        child_key='id', foreign_key='revenueplan', parent_key='id',
        columns=[
            'id', 'plannedperiod', 'postingperiod', 'amount', 'custrecord_tl_amount_base',
            'dateexecuted', 'custrecord_tl_accounting_date', 'custrecord_tl_service_from',
            'custrecord_tl_service_to', 'custrecord_tl_entry_type',
        ],
        carried=['contract_line', 'currency']
    ) }}
),

currencies as (
    select * from {{ newest(ref('stg_netsuite__currency'), 'id') }}
)

select
    {{ own_key('netsuite', 'postings.id', 'postings.tl_instance') }} as revenue_entry_id,
    {{ own_key('netsuite', 'postings.contract_line', 'postings.tl_instance') }} as contract_line_id,
    postings.amount,
    postings.custrecord_tl_amount_base as amount_functional,
    currencies.symbol as currency_code,
    postings.custrecord_tl_accounting_date as accounting_date,
    {{ own_key(
        'netsuite', 'coalesce(postings.postingperiod, postings.plannedperiod)', 'postings.tl_instance'
    ) }}
        as period_id,
    postings.dateexecuted as posted_at,
    postings.custrecord_tl_service_from as service_from,
    postings.custrecord_tl_service_to as service_to,
    coalesce(postings.custrecord_tl_entry_type, 'NORMAL') as entry_type,
    case when postings.dateexecuted is null then 'planned' else 'recognised' end as kind,
    'netsuite' as source_system,
    {{ landed('postings') }}
from postings_of_plans as postings
left join currencies on postings.currency = currencies.id and postings.tl_instance = currencies.tl_instance
