{{ config(materialized=var('views_as', 'view')) }}

with

accounts as (
    select * from {{ of_record('customer', ref('canonical__customer')) }} as judged
    where not is_of_record and not is_deleted
),

customers as (
    select * from {{ of_record('customer', ref('canonical__customer')) }} as judged
    where is_of_record and not is_deleted
),

explicit_pairs as (
    {{ pairs_known_at_once(
        'accounts', 'customer_id', 'customers', 'customer_id', 'explicit_link', 1,
        'accounts.erp_customer_id = customers.customer_id'
    ) }}
    union all
    {{ pairs_known_at_once(
        'accounts', 'customer_id', 'customers', 'customer_id', 'explicit_link', 1,
        'accounts.customer_id = customers.crm_account_id'
    ) }}
),

tax_pairs as (
    {{ pairs_known_at_once(
        'accounts', 'customer_id', 'customers', 'customer_id', 'tax_id', 2,
        'accounts.tax_id = customers.tax_id'
    ) }}
),

-- Two companies may bear one name; two tax ids that differ say that they do.
name_pairs as (
    {{ pairs_known_at_once(
        'accounts', 'customer_id', 'customers', 'customer_id', 'exact_name', 3,
        'accounts.normalised_name = customers.normalised_name'
        ~ ' and (accounts.tax_id is null or customers.tax_id is null or accounts.tax_id = customers.tax_id)'
    ) }}
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
