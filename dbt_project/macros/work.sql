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

{#-
    How well a line of the price list (`rate_card_line`) suits a role of `project`: the most particular one first, of
    those in force on a day. The order of a window, and the condition of a join.
-#}
{% macro rate_card_order() -%}
    case when rate_card_line.customer_id is null then 1 else 0 end asc,
                case when rate_card_line.practice_id is null then 1 else 0 end asc,
                case when rate_card_line.region_id is null then 1 else 0 end asc,
                rate_card_line.effective_from desc,
                rate_card_line.rate_card_line_id asc
{%- endmacro %}
{% macro rate_card_fits(role, currency, day) -%}
    {{ role }} = rate_card_line.role
            and {{ currency }} = rate_card_line.currency_code
            and {{ day }} >= rate_card_line.effective_from
            and (rate_card_line.effective_to is null or {{ day }} <= rate_card_line.effective_to)
            and (rate_card_line.customer_id is null or project.customer_id = rate_card_line.customer_id)
            and (rate_card_line.practice_id is null or project.practice_id = rate_card_line.practice_id)
            and (rate_card_line.region_id is null or project.region_id = rate_card_line.region_id)
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

{#-
    The margin a project was sold at and the steps from it to the margin it has made, each as what it does to margin:
    those of the project as a whole, and those of a role. Work billed by the hour and fixed fees differ in where revenue
    comes from. Every amount but the last stands once with a plus and once with a minus, so that the steps leave
    nothing over.
-#}
{% macro margin_project_steps() -%}
    {{- return([
        ('as_sold', 'sold_revenue_cc'),
        ('change_orders', 'amended_revenue_cc'),
        ('still_to_come', 'due_revenue_cc - changed_revenue_cc'),
        ('planned_rates', 'case when is_by_hour then -due_revenue_cc else 0 end'),
        ('revenue', 'case when is_by_hour then 0 else own_revenue_cc - due_revenue_cc end'),
        ('subcontractors', '-subcontractor_cost_cc'),
        ('expenses', 'other_revenue_cc - expense_cost_cc'),
        ('not_as_worked', 'case when is_by_hour then own_revenue_cc else 0 end'),
        ('exchange', 'actual_margin_rc - actual_margin_cc'),
    ]) -}}
{%- endmacro %}
{% macro margin_role_steps() -%}
    {%- set by_hour = 'case when is_by_hour then ' -%}
    {{- return([
        ('as_sold', '-planned_cost_cc'),
        ('change_orders', 'planned_cost_cc - changed_cost_cc'),
        ('still_to_come', 'changed_cost_cc - due_cost_cc'),
        ('planned_rates', by_hour ~ 'due_value_cc else 0 end'),
        ('volume', by_hour ~ 'scaled_value_cc - due_value_cc else 0 end - scaled_cost_cc + due_cost_cc'),
        ('mix', by_hour ~ 'value_at_plan_cc - scaled_value_cc else 0 end - cost_at_plan_cc + scaled_cost_cc'),
        ('bill_rate', by_hour ~ 'value_cc - value_at_plan_cc else 0 end'),
        ('cost_rate', 'cost_at_plan_cc - contractor_cost_at_plan_cc - labour_cost_cc'),
        ('non_billable', by_hour ~ '-absorbed_cc else 0 end'),
        ('discount', by_hour ~ '-billed_below_cc else 0 end'),
        ('write_off', by_hour ~ '-credited_cc else 0 end'),
        ('subcontractors', 'contractor_cost_at_plan_cc'),
        ('not_as_worked', by_hour ~ 'absorbed_cc + billed_below_cc + credited_cc - value_cc else 0 end'),
    ]) -}}
{%- endmacro %}
