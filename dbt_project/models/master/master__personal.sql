{{ config(database='serving') }}

with

contacts as (
    select
        {{ own_key('certinia', 'told.id', 'told.tl_instance') }} as personal_key,
        told.name,
        told.email
    from {{ newest(ref('stg_certinia__contact'), 'id') }} as told
),

employees as (
    select
        {{ own_key('bamboohr', 'told.id', 'told.tl_instance') }} as personal_key,
        coalesce(told.preferred_name, told.first_name) || ' ' || told.last_name as name,
        told.work_email as email
    from {{ newest(ref('stg_bamboohr__employee'), 'id') }} as told
),

users as (
    select
        {{ own_key('salesforce', 'told.id', 'told.tl_instance') }} as personal_key,
        told.name,
        told.email
    from {{ newest(ref('stg_salesforce__user'), 'id') }} as told
),

people as (
    select
        personal_key,
        name,
        email
    from contacts
    union all
    select
        personal_key,
        name,
        email
    from employees
    union all
    select
        personal_key,
        name,
        email
    from users
)

select
    personal_key as key,
    name,
    email
from people
