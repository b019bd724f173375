{{ config(materialized=var('views_as', 'view')) }}

-- What every control found: a row per grain that did not pass, a row per legal entity for those that did
-- (how many, and of what amount), and the passes drawn to be shown, which count for nothing. A control that
-- reads a dataset whose load failed says nothing about its grains: one NOT_EVALUABLE row per control and
-- dataset stands in their place.
with

failed_datasets as (
    select
        dataset_status.dataset,
        dataset_status.source_system,
        dataset_status.resource,
        dataset_status.severity,
        dataset_status.failed_on,
        dataset_status.exception_id,
        dataset_status.reasons
    from {{ ref('control__dataset_status') }} as dataset_status
    where dataset_status.status = 'FAILED'
),

-- What each control reads: of the four vendors by dataset; of files by port, whose datasets they are; of any
-- other system all that it has, once it fills a port the control needs.
list_reads as (
    select
        control_dataset.control_id,
        control_dataset.source_system,
        control_dataset.resource
    from {{ ref('control_dataset') }} as control_dataset
    {%- for source_name, resource, amount, vital in var('datasets', []) %}
        union all
        select distinct
            control_port.control_id,
            '{{ source_name }}' as source_system,
            '{{ resource }}' as resource
        from {{ ref('control_port') }} as control_port
        where control_port.port in (
            {%- if source_name == 'files' %}
                '{{ resource }}'
            {%- else %}
                'none of them'
                {%- for port, systems in var('mappings').items() if source_name in systems %}, '{{ port }}'{% endfor %}
            {%- endif %}
        )
    {%- endfor %}
),

-- Ports that a vendor's system fills are filled, with rows or without; files are there when they held a row.
filled_ports as (
    {% for port in vital_ports() -%}
        {%- set systems = port_systems(port) %}
        {%- if systems == ['files'] %}
            select '{{ port }}' as port
            from {{ ref('canonical__' ~ port) }}
            having count(*) > 0
        {%- elif not systems %}
            select '{{ port }}' as port
            from (select 1 as nothing) as nobody
            where nothing = 0
        {%- else %}
            select '{{ port }}' as port
        {%- endif %}
        {{ 'union all' if not loop.last }}
    {%- endfor %}
),

unfilled_ports as (
    select
        needs.control_id,
        needs.port
    from {{ ref('control_port') }} as needs
    left join filled_ports
        on needs.port = filled_ports.port
    where filled_ports.port is null
),

blocked_controls as (
    select
        reads.control_id,
        failed_datasets.dataset,
        failed_datasets.severity,
        failed_datasets.failed_on,
        failed_datasets.exception_id,
        failed_datasets.reasons
    from list_reads as reads
    inner join failed_datasets
        on
            reads.source_system = failed_datasets.source_system
            and reads.resource = failed_datasets.resource
),

all_rows as (
    {% for control_id in built_controls() -%}
        select
            result.control_id,
            result.grain_key,
            result.legal_entity_id,
            result.customer_id,
            result.contract_id,
            result.contract_line_id,
            result.project_id,
            result.period,
            result.value_a,
            result.value_b,
            result.currency_code,
            result.difference,
            result.outcome,
            result.severity,
            result.amount_at_risk,
            result.amount_at_risk_tc,
            result.becomes_exception_on,
            result.risk_type,
            result.risk_object,
            result.break_type,
            result.evidence,
            result.population_amount,
            result.grain_count
        from {{ ref(control_model(control_id)) }} as result
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

evaluable_rows as (
    select all_rows.*
    from all_rows
    where
        all_rows.control_id not in (select blocked_controls.control_id from blocked_controls)
        and all_rows.control_id not in (select unfilled_ports.control_id from unfilled_ports)
)

select
    evaluable_rows.control_id,
    evaluable_rows.grain_key,
    evaluable_rows.legal_entity_id,
    evaluable_rows.customer_id,
    evaluable_rows.contract_id,
    evaluable_rows.contract_line_id,
    evaluable_rows.project_id,
    evaluable_rows.period,
    evaluable_rows.value_a,
    evaluable_rows.value_b,
    evaluable_rows.currency_code,
    evaluable_rows.difference,
    evaluable_rows.outcome,
    evaluable_rows.severity,
    evaluable_rows.amount_at_risk,
    evaluable_rows.amount_at_risk_tc,
    evaluable_rows.becomes_exception_on,
    evaluable_rows.risk_type,
    evaluable_rows.risk_object,
    evaluable_rows.break_type,
    evaluable_rows.evidence,
    evaluable_rows.population_amount,
    evaluable_rows.grain_count
from evaluable_rows
union all
select
    blocked_controls.control_id,
    blocked_controls.dataset as grain_key,
    {{ null_text() }} as legal_entity_id,
    {{ null_text() }} as customer_id,
    {{ null_text() }} as contract_id,
    {{ null_text() }} as contract_line_id,
    {{ null_text() }} as project_id,
    {{ null_text() }} as period,
    cast(null as decimal(28, 8)) as value_a,
    cast(null as decimal(28, 8)) as value_b,
    {{ null_text() }} as currency_code,
    cast(null as decimal(28, 8)) as difference,
    'NOT_EVALUABLE' as outcome,
    blocked_controls.severity,
    {{ null_money() }} as amount_at_risk,
    {{ null_money() }} as amount_at_risk_tc,
    blocked_controls.failed_on as becomes_exception_on,
    'DATA' as risk_type,
    'dataset:' || blocked_controls.dataset as risk_object,
    'COULD_NOT_RUN' as break_type,
    {{ evidence([
        ('what', sentence([
            "'This control could not run: the load of '", 'blocked_controls.dataset', "' failed ('",
            'blocked_controls.reasons', "')'",
        ])),
        ('dataset', 'blocked_controls.dataset'),
        ('reasons', 'blocked_controls.reasons'),
        ('caused_by', 'blocked_controls.exception_id'),
    ]) }} as evidence,
    {{ null_money() }} as population_amount,
    1 as grain_count
from blocked_controls
union all
select
    unfilled_ports.control_id,
    'port:' || unfilled_ports.port as grain_key,
    {{ null_text() }} as legal_entity_id,
    {{ null_text() }} as customer_id,
    {{ null_text() }} as contract_id,
    {{ null_text() }} as contract_line_id,
    {{ null_text() }} as project_id,
    {{ null_text() }} as period,
    cast(null as decimal(28, 8)) as value_a,
    cast(null as decimal(28, 8)) as value_b,
    {{ null_text() }} as currency_code,
    cast(null as decimal(28, 8)) as difference,
    'NOT_EVALUABLE' as outcome,
    'S4' as severity,
    {{ null_money() }} as amount_at_risk,
    {{ null_money() }} as amount_at_risk_tc,
    {{ run_as_of() }} as becomes_exception_on,
    'DATA' as risk_type,
    'port:' || unfilled_ports.port as risk_object,
    'COULD_NOT_RUN' as break_type,
    {{ evidence([
        ('what', sentence([
            "'This control could not run: no system that is switched on fills the port '", 'unfilled_ports.port',
        ])),
        ('port', 'unfilled_ports.port'),
    ]) }} as evidence,
    {{ null_money() }} as population_amount,
    1 as grain_count
from unfilled_ports
