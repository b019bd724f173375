-- The controls in words, with the numbers in force on the run's as_of: what readers of the results need
-- beside them.
with

run as {{ control_run_row() }},

settings as (
    select
        setting.control_id,
        {{ list_agg_sorted("setting.name || ' = ' || " ~ as_text('setting.value'), '; ') }} as settings
    from {{ ref('control_setting') }} as setting
    cross join run
    where
        setting.effective_from <= run.as_of
        and (setting.effective_to is null or setting.effective_to > run.as_of)
    group by setting.control_id
),

parameters as (
    select parameter.*
    from {{ ref('control_parameter') }} as parameter
    cross join run
    where
        parameter.effective_from <= run.as_of
        and (parameter.effective_to is null or parameter.effective_to > run.as_of)
)

select
    control.control_id,
    control.name,
    control.area,
    control.systems,
    control.assertion,
    control.risk_type,
    control.risk,
    control.rule,
    control.grain,
    control.owner,
    control.fix,
    control.version,
    parameters.abs_tol,
    parameters.rel_tol,
    parameters.hard_cap,
    parameters.grace,
    parameters.grace_unit,
    parameters.floor,
    parameters.floor_when,
    parameters.sla,
    parameters.effective_from,
    parameters.effective_to,
    settings.settings,
    general.settings as general_settings
from {{ ref('control') }} as control
left join parameters
    on control.control_id = parameters.control_id
left join settings
    on control.control_id = settings.control_id
left join settings as general
    on general.control_id = 'ALL'
