{#-
    What is assumed where nothing is measured, in one place: name, what it means, unit, low, base, high, source.
    A firm's own value stands in throughline.toml under the same name (and <name>_low, <name>_high). An empty
    base means that nobody can know it but the firm; what rests on it is then not counted.
-#}
{% macro assumptions() %}
    {{- return([
        ('cost_of_capital', 'Cost of capital', 'share of a year', '0.06', '0.08', '0.10',
            'Assumed: the usual range of service firms; ask treasury for your own'),
        ('share_due_to_integration', 'Share of the change that integration brought', 'share', '0.50', '0.75', '1.00',
            'Assumed: a difference between two windows does not say what caused it'),
        ('setup_hours_per_day', 'Hours of work a set-up takes less, per working day it is shorter', 'hours',
            none, none, none, 'Not known: measure it; days alone are no money'),
        ('hourly_cost', 'Cost of an hour of the people who mend and set up', 'money', '60', '75', '90',
            'Assumed; replace it by your own loaded rate'),
        ('minutes_per_failure', 'Minutes of handling per failed transaction', 'minutes', '15', '25', '40',
            'Assumed: as for an exception mended by hand'),
        ('blocked_per_failure', 'Money that a failed transaction holds up', 'money', none, none, none,
            'Not known: events tell no amounts'),
        ('yearly_run_cost', 'Yearly cost of running it', 'money', none, none, none, 'Not known: from your budget'),
        ('one_off_cost', 'Cost of building it, once', 'money', none, none, none, 'Not known: from your budget'),
        ('roi_fewest_cases', 'Fewest cases of a window that say anything', 'cases', '30', '30', '30',
            'Settled: with fewer a median says little'),
        ('roi_most_unknown', 'Share of cases that may be left out because most of their like still wait', 'share',
            '0.10', '0.10', '0.10', 'Settled: leaving out more would flatter the current window'),
    ]) -}}
{% endmacro %}

{#- The value assumed for `name`: the firm's own in force on the run's as_of, else the one above. -#}
{% macro assumed(name) -%}
    {%- for known, label, unit, low, base, high, source in assumptions() if known == name -%}
        coalesce(cast({{ run_parameter(name) }} as decimal(18, 8)), cast({{ base if base else 'null' }} as decimal(18, 8)))
    {%- endfor -%}
{%- endmacro %}

{#- How large a deal is, in the reporting currency; from where a size begins is the firm's to say. -#}
{% macro deal_size_band(amount, rate) -%}
    case
        when {{ amount }} is null or {{ rate }} is null then 'UNKNOWN'
        when {{ amount }} * {{ rate }}
            >= coalesce(cast({{ run_parameter('large_deal_from') }} as decimal(18, 4)), 250000) then 'LARGE'
        when {{ amount }} * {{ rate }}
            >= coalesce(cast({{ run_parameter('medium_deal_from') }} as decimal(18, 4)), 50000) then 'MEDIUM'
        else 'SMALL'
    end
{%- endmacro %}
