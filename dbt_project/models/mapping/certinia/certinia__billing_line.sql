with

events as (
    select
        {{ own_key('certinia', 'id') }} as billing_event_id,
        pse__project__c as project,
        pse__date__c as billing_date,
        pse__is_released__c as is_released,
        pse__invoiced__c as is_invoiced,
        pse__invoice_number__c as invoice_number,
        {{ landed() }}
    from {{ ref('stg_certinia__billing_event') }}
),

renewed_splits as (
    select * from {{ ref('certinia__split_root') }}
),

-- An item names the split that stood when it was made; its days have the keys of the first of its chain.
items as (
    select
        told.*,
        {{ own_key('certinia', 'told.pse__billing_event__c', 'told.tl_instance') }} as billing_event_id,
        coalesce(renewed.root_split_id, told.pse__timecard_split__c) as split_id
    from {{ ref('stg_certinia__billing_event_item') }} as told
    left join renewed_splits as renewed
        on
            told.pse__timecard_split__c = renewed.split_id
            and told.tl_instance = renewed.tl_instance
            and {{ load_order('told.tl_load_id') }} >= renewed.born_in
),

items_of_events as (
    {{ known_together(
        child='items', parent='events',
        child_key='id', foreign_key='billing_event_id', parent_key='billing_event_id',
        columns=[
            'id', 'billing_event_id', 'pse__category__c', 'pse__amount__c', 'currency_iso_code',
            'pse__quantity__c', 'pse__unit_price__c', 'split_id', 'pse__expense__c',
            'pse__milestone__c',
        ],
        carried=['project', 'billing_date', 'is_released', 'is_invoiced', 'invoice_number']
    ) }}
)

select
    {{ own_key('certinia', 'lines.id', 'lines.tl_instance') }} as billing_line_id,
    {{ own_key('certinia', 'lines.project', 'lines.tl_instance') }} as project_id,
    {{ coded('categories') }} as category,
    lines.pse__amount__c as amount,
    lines.currency_iso_code as currency_code,
    lines.billing_date,
    coalesce(lines.is_released, false) as is_released,
    lines.pse__quantity__c as quantity,
    {{ as_rate('lines.pse__unit_price__c') }} as unit_price,
    {{ own_key('certinia', 'lines.split_id', 'lines.tl_instance') }} as timecard_split_id,
    {{ own_key('certinia', 'lines.pse__expense__c', 'lines.tl_instance') }} as expense_line_id,
    {{ own_key('certinia', 'lines.pse__milestone__c', 'lines.tl_instance') }} as milestone_id,
    lines.billing_event_id,
    lines.invoice_number,
    coalesce(lines.is_invoiced, false) as is_invoiced,
    'certinia' as source_system,
    {{ landed('lines') }}
from items_of_events as lines
{{ code_join('categories', 'billing_category', 'certinia', 'lines.pse__category__c') }}
