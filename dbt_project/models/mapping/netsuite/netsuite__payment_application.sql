with

links as (
    select
        tl_record_id as native_id,
        {{ own_key('netsuite', 'previousdoc') }} as invoice_id,
        {{ own_key('netsuite', 'nextdoc') }} as settling_id,
        linktype,
        foreignamount,
        {{ landed() }}
    from {{ ref('stg_netsuite__transactionlink') }}
    where linktype in ('Payment', 'CreditApplication')
),

documents as (
    select * from {{ ref('netsuite__document') }}
    where document_type in ('CustPymt', 'CustCred')
),

dated_links as (
    {{ known_together(
        child='links', parent='documents',
        child_key='native_id', foreign_key='settling_id', parent_key='document_id',
        columns=['native_id', 'invoice_id', 'settling_id', 'linktype', 'foreignamount'],
        carried=['document_date', 'currency_code']
    ) }}
)

select
    {{ own_key('netsuite', 'native_id') }} as payment_application_id,
    invoice_id,
    case when linktype = 'Payment' then settling_id end as customer_payment_id,
    case when linktype = 'CreditApplication' then settling_id end as credit_invoice_id,
    foreignamount as applied_amount,
    currency_code,
    document_date as applied_date,
    linktype as kind,
    'netsuite' as source_system,
    {{ landed() }}
from dated_links
