{{ config(database='serving') }}

with

known_customers as (
    select * from {{ of_record('customer', as_known(ref('canonical__customer'))) }} as judged
),

links as (
    select * from {{ ref('master__entity_xref') }}
    where
        entity_type = 'customer'
        and known_from <= {{ run_known_at() }}
        and (known_to is null or known_to > {{ run_known_at() }})
),

-- Several CRM accounts may be one customer; the smallest key stands for them.
accounts_of_customers as (
    select
        links.right_key as customer_id,
        min(links.left_key) as crm_account_id
    from links
    group by links.right_key
),

members as (
    select
        customers.customer_id,
        accounts_of_customers.crm_account_id,
        customers.name,
        customers.account_number,
        accounts.industry,
        accounts.billing_country_code,
        customers.currency_code,
        customers.status,
        customers.is_active,
        true as is_mapped
    from known_customers as customers
    left join accounts_of_customers on customers.customer_id = accounts_of_customers.customer_id
    left join known_customers as accounts on accounts_of_customers.crm_account_id = accounts.customer_id
    where customers.is_of_record
    union all
    select
        'UNMAPPED:' || accounts.customer_id as customer_id,
        accounts.customer_id as crm_account_id,
        accounts.name,
        accounts.account_number,
        accounts.industry,
        accounts.billing_country_code,
        accounts.currency_code,
        {{ null_text() }} as status,
        accounts.is_active,
        false as is_mapped
    from known_customers as accounts
    left join links on accounts.customer_id = links.left_key
    where not accounts.is_of_record and links.left_key is null
)

select
    customer_id,
    crm_account_id,
    name,
    account_number,
    industry,
    billing_country_code,
    currency_code,
    status,
    is_active,
    is_mapped
from members
