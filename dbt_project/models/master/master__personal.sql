{{ config(database='serving') }}

with

contacts as (
    {{ personal_fields('certinia', 'contact', ref('stg_certinia__contact'), ['name', 'email']) }}
),

employees as (
    {{ personal_fields(
        'bamboohr', 'employee', ref('stg_bamboohr__employee'),
        ['preferred_name', 'first_name', 'last_name', 'work_email']
    ) }}
),

users as (
    {{ personal_fields('salesforce', 'user', ref('stg_salesforce__user'), ['name', 'email']) }}
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
        coalesce(preferred_name, first_name) || ' ' || last_name as name,
        work_email as email
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
