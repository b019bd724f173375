{#-
    The lines of the bridge from what a month's work is worth at list rates to the cash it brought: (column, whether
    what leaves on it is lost). In the order in which value leaves; what is left after the last is cash.
-#}
{% macro leakage_lines() -%}
    {{- return([
        ('discount', false),
        ('non_billable', true),
        ('above_ceiling', true),
        ('unbilled_aged', true),
        ('billed_below', true),
        ('billed_above', false),
        ('credited', true),
        ('credited_back', false),
        ('unbilled_late', false),
        ('unbilled_timely', false),
        ('open', false),
    ]) -}}
{%- endmacro %}

{#- Credits for these reasons are not lost: what they take back is billed again, or was never owed. -#}
{% macro credits_not_lost() -%} ('REBILL', 'ERROR', 'DUPLICATE', 'REBATE') {%- endmacro %}

{#-
    Shares of what work is worth: (metric, what counts, what it is set against). Money is in the reporting currency.
    All of one month's work, followed until the run's day.
-#}
{% macro ledger_work_metrics() -%}
    {{- return([
        ('leakage', 'leakage_rc', 'contract_rc'),
        ('effective_bill_rate', 'net_value_rc', 'hours'),
        ('billed_rate', 'billed_rc', 'billed_hours'),
        ('billing_realisation', 'billed_rc', 'billed_list_rc'),
        ('hours_realisation', 'billed_hours', 'billable_hours'),
        ('collection_realisation', 'cash_rc', 'billed_rc'),
        ('overall_realisation', 'cash_rc', 'billed_list_rc'),
    ]) -}}
{%- endmacro %}
