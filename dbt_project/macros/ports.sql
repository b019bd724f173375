{#
    A canonical port is the union of the mapping models that fill it, in whichever systems are in use. The variable
    `mappings` (port -> systems, made by the command line from the manifests of the sources that are switched on)
    says which; a port that nobody fills is an empty table of the right shape.
#}

{# The systems that fill `port`, in the order in which they are joined. #}
{% macro port_systems(port) -%}
    {{ return(var('mappings').get(port, [])) }}
{%- endmacro %}

{# Whether `system` is in use. #}
{% macro in_use(system) -%}
    {%- set found = namespace(any=false) -%}
    {%- for systems in var('mappings').values() if system in systems -%}{%- set found.any = true -%}{%- endfor -%}
    {{ return(found.any) }}
{%- endmacro %}

{#
    The port's own columns with their types, as its contract declares them: without the envelope, the 64-bit keys
    and those of `computed`, which the canonical model adds itself.
#}
{% macro port_columns(port, computed=[]) -%}
    {%- set envelope = [
        'source_system', 'source_instance', 'source_record_id', 'source_created_at', 'source_updated_at', 'is_deleted',
        'deleted_at', 'deletion_basis', 'load_id', 'payload_hash', 'is_backfill', 'known_from', 'known_to',
        'version_number',
    ] -%}
    {%- set columns = {} -%}
    {%- if execute and graph.nodes -%}
        {%- for column in graph.nodes['model.throughline.canonical__' ~ port].columns.values() -%}
            {%- set is_hash = column.data_type == 'bigint' and column.name.endswith('_key') -%}
            {%- if not (column.name in envelope or column.name in computed or is_hash) -%}
                {%- do columns.update({column.name: column.data_type}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(columns) }}
{%- endmacro %}

{#
    The knowledge rows of a port: its columns, source_system and the landing's envelope. `computed`: columns that the
    canonical model adds; `without`: systems that the model reads in its own way, `also`: its CTEs that hold their
    rows; `where`: a condition on the rows of the mapping models. (dbt's unit tests see no project around their model: there the rows are taken as they are given.)
#}
{% macro port_rows(port, computed=[], without=[], where=none, also=[]) -%}
    {%- set systems = throughline.port_systems(port) | reject('in', without) | list -%}
    {%- set columns = throughline.port_columns(port, computed) -%}
    {%- set relations = [] -%}
    {%- for system in systems -%}{%- do relations.append(ref(system ~ '__' ~ port)) -%}{%- endfor -%}
    {%- for relation in relations + also %}
    select
        {%- if columns %}
        {%- for name in columns %}
        {{ name }},
        {%- endfor %}
        source_system,
        {{ landed() }}
        {%- else %}
        *
        {%- endif %}
    from {{ relation }}
    {%- if where and relation not in also %}
    where {{ where }}
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {%- else %}
    {{ throughline.no_rows(columns) }}
    {%- endfor %}
{%- endmacro %}

{# No row of a port. #}
{% macro no_rows(columns) -%}
    select
        {%- for name, kind in columns.items() %}
        cast(null as {{ kind }}) as {{ name }},
        {%- endfor %}
        {{ null_text() }} as source_system,
        {{ null_text() }} as tl_instance,
        {{ null_text() }} as tl_record_id,
        {{ null_instant() }} as tl_source_created_at,
        {{ null_instant() }} as tl_source_updated_at,
        cast(null as boolean) as tl_is_deleted,
        {{ null_text() }} as tl_deletion_basis,
        {{ null_text() }} as tl_load_id,
        {{ null_text() }} as tl_payload_hash,
        cast(null as boolean) as tl_is_backfill,
        {{ null_instant() }} as tl_known_at
    from (select 1 as nothing) as none_of_them
    where nothing = 0
{%- endmacro %}

{# On a table advanced by load: the condition that a row's key is one that a load not seen yet brought. #}
{% macro brought_keys(port, key, without=[]) -%}
    {%- if is_advancing() -%}
        {%- set parts = [] -%}
        {%- for system in throughline.port_systems(port) | reject('in', without) -%}
            {%- do parts.append(key ~ ' in (' ~ brought_since(ref(system ~ '__' ~ port), key, key) ~ ')') -%}
        {%- endfor -%}
        {{ return(parts | join(' or ') if parts else none) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{# The ports that some control cannot do without (seed control_port; a test compares them). #}
{% macro vital_ports() -%}
    {{ return([
        'billing_item', 'contract', 'contract_document', 'contract_line', 'customer', 'integration_event', 'invoice',
        'legal_entity', 'opportunity', 'project', 'revenue_entry', 'time_entry',
    ]) }}
{%- endmacro %}
