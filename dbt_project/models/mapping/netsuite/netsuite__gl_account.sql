with

accounts as (
    select * from {{ ref('stg_netsuite__account') }}
)

select
    {{ own_key('netsuite', 'accounts.id', 'accounts.tl_instance') }} as gl_account_id,
    accounts.acctnumber as account_number,
    accounts.fullname as name,
    accounts.accttype as account_type,
    {{ coded('statements') }} as statement,
    not accounts.isinactive as is_active,
    'netsuite' as source_system,
    {{ landed('accounts') }}
from accounts
{{ code_join('statements', 'account_statement', 'netsuite', 'accounts.accttype') }}
