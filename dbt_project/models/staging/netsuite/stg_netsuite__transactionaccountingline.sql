with

landed as (
    {{ landed_rows('netsuite', 'transactionaccountingline') }}
)

select
    nullif(transaction, '') as transaction,
    nullif(transactionline, '') as transactionline,
    nullif(accountingbook, '') as accountingbook,
    nullif(account, '') as account,
    {{ as_money('debit') }} as debit,
    {{ as_money('credit') }} as credit,
    {{ as_money('amount') }} as amount,
    coalesce(posting, false) as posting,
    {{ as_fx('exchangerate') }} as exchangerate,
    {{ landed() }}
from landed
