with

postings as (
    select * from {{ ref('stg_netsuite__transactionaccountingline') }}
)

-- The primary book only.
select
    {{ own_key('netsuite', 'tl_record_id') }} as gl_journal_line_id,
    {{ own_key('netsuite', 'transaction') }} as document_id,
    {{ own_key('netsuite', 'account') }} as gl_account_id,
    coalesce(debit, {{ as_money('0') }}) as debit_amount,
    coalesce(credit, {{ as_money('0') }}) as credit_amount,
    accountingbook as accounting_book,
    posting as is_line_posting,
    'netsuite' as source_system,
    {{ landed() }}
from postings
where accountingbook = '1'
