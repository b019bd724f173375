{{ config(materialized='view') }}

with

accounts as (
    select * from {{ ref('canonical__customer') }}
    where source_system = 'salesforce' and not is_deleted
),

customers as (
    select * from {{ ref('canonical__customer') }}
    where source_system = 'netsuite' and not is_deleted
),

explicit_pairs as (
    select
        accounts.customer_id as left_key,
        customers.customer_id as right_key,
        'explicit_link' as match_rule,
        1 as rank,
        {{ together_from('accounts', 'customers') }} as holds_from,
        {{ together_to('accounts', 'customers') }} as holds_to
    from accounts
    inner join customers
        on
            accounts.erp_customer_id = customers.customer_id
            and {{ known_at_once('accounts', 'customers') }}
    union all
    select
        accounts.customer_id as left_key,
        customers.customer_id as right_key,
        'explicit_link' as match_rule,
        1 as rank,
        {{ together_from('accounts', 'customers') }} as holds_from,
        {{ together_to('accounts', 'customers') }} as holds_to
    from accounts
    inner join customers
        on
            accounts.customer_id = customers.crm_account_id
            and {{ known_at_once('accounts', 'customers') }}
),

tax_pairs as (
    select
        accounts.customer_id as left_key,
        customers.customer_id as right_key,
        'tax_id' as match_rule,
        2 as rank,
        {{ together_from('accounts', 'customers') }} as holds_from,
        {{ together_to('accounts', 'customers') }} as holds_to
    from accounts
    inner join customers
        on
            accounts.tax_id = customers.tax_id
            and {{ known_at_once('accounts', 'customers') }}
),

-- Two companies may bear one name; two tax ids that differ say that they do.
name_pairs as (
    select
        accounts.customer_id as left_key,
        customers.customer_id as right_key,
        'exact_name' as match_rule,
        3 as rank,
        {{ together_from('accounts', 'customers') }} as holds_from,
        {{ together_to('accounts', 'customers') }} as holds_to
    from accounts
    inner join customers
        on
            accounts.normalised_name = customers.normalised_name
            and (accounts.tax_id is null or customers.tax_id is null or accounts.tax_id = customers.tax_id)
            and {{ known_at_once('accounts', 'customers') }}
),

pairs as (
    select * from explicit_pairs
    union all
    select * from tax_pairs
    union all
    select * from name_pairs
),

links as (
    {{ golden_links('pairs') }}
)

select
    left_key,
    right_key,
    match_rule,
    known_from,
    known_to
from links
