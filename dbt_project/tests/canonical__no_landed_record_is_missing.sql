-- The wrong number this would let through: backlog, WIP or revenue short by records that a join or a
-- filter of the mapping dropped, with every control green because no side has them.
-- Not asserted: rows turned away at the door (the landing lists those), and records a port leaves out
-- by its grain (main and tax lines, days without hours).
{%- set pairs = [
    ('stg_salesforce__account', 'canonical__customer', 'salesforce', none),
    ('stg_salesforce__opportunity', 'canonical__opportunity', 'salesforce', none),
    ('stg_certinia__proj', 'canonical__project', 'certinia', none),
    ('stg_certinia__assignment', 'canonical__assignment', 'certinia', none),
    ('stg_certinia__expense', 'canonical__expense_line', 'certinia', none),
    ('stg_certinia__milestone', 'canonical__milestone', 'certinia', none),
    ('stg_certinia__timecard_split', 'canonical__time_entry', 'certinia', 'pse__total_hours__c <> 0'),
    ('stg_bamboohr__employee', 'canonical__resource', 'bamboohr', none),
    ('stg_bamboohr__cost_rate', 'canonical__cost_rate', 'bamboohr', none),
    ('stg_netsuite__customer', 'canonical__customer', 'netsuite', none),
    ('stg_netsuite__amendment', 'canonical__contract_amendment', 'netsuite', none),
    ('stg_netsuite__billing_item', 'canonical__billing_item', 'netsuite', none),
    ('stg_netsuite__transactionlink', 'canonical__payment_application', 'netsuite', none),
    ('stg_netsuite__revenueplanplannedrevenue', 'canonical__revenue_entry', 'netsuite', none),
] -%}

{% for staged, canonical, source_system, condition in pairs %}
    select distinct
        '{{ canonical }}' as port,
        staged.tl_record_id as record_id
    from {{ ref(staged) }} as staged
    where
        {% if condition %}{{ condition }} and{% endif %}
        staged.tl_record_id not in (
            select held.source_record_id
            from {{ ref(canonical) }} as held
            where held.source_system = '{{ source_system }}'
        )
    {{ 'union all' if not loop.last }}
{% endfor %}
