{# Tables and views that DuckDB makes under their own names, each in one transaction.

   dbt-duckdb makes them under another name, renames what stood there away, renames the new one to its name and drops the
   old: four statements with their logging, where DuckDB's transactions give the same with one. Who reads sees the old one
   until the commit, and a run that ends before it leaves the old one. Grants, indexes and persisted docs, which no model
   here uses, are left out. #}

{% materialization table, adapter="duckdb", supported_languages=["sql"] %}
  {%- set target = this.incorporate(type="table") -%}
  {{ return(make_in_place(target, create_table_as(False, target, compiled_code))) }}
{% endmaterialization %}


{% materialization view, adapter="duckdb" %}
  {%- set target = this.incorporate(type="view") -%}
  {{ return(make_in_place(target, get_create_view_as_sql(target, compiled_code))) }}
{% endmaterialization %}


{% macro make_in_place(target, create) %}
  {%- set existing = load_cached_relation(this) -%}
  {%- set fingerprint = node_fingerprint() -%}
  {%- set stands = existing is not none and existing.type == target.type and is_unchanged(fingerprint) -%}
  {%- set drawn = stands and target.type == "table" and is_drawn() -%}
  {%- set before = rows_held(target) if drawn else none -%}
  {%- if stands and not drawn -%}
    {%- call noop_statement("main", "STANDS", "STANDS") -%}{%- endcall -%}
    {{ return({"relations": [target]}) }}
  {%- endif -%}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% call statement("main") -%}
    {%- if existing is not none %}
    drop {{ existing.type }} if exists {{ existing }};
    {%- endif %}
    {{ create }}
    {{ note_fingerprint(target, fingerprint, local_md5(compiled_code)) }}
  {%- endcall %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {%- if drawn -%}
    {%- set after = rows_held(target) -%}
    {%- if after != before -%}
      {{ exceptions.raise_compiler_error(
          "It would have been left as it stands, and made anew it is another: rows and hash " ~ before ~ ", now "
          ~ after ~ ". It is right from now on; what else stands may be wrong. Make everything anew: throughline run"
          ~ " --from-stage build --full-refresh"
      ) }}
    {%- endif -%}
    {%- do store_raw_result("main", message="SAME", code="SAME", rows_affected="-1") -%}
  {%- endif -%}
  {{ return({"relations": [target]}) }}
{% endmacro %}


{# ---- what stands -------------------------------------------------------------------------------------- #}

{# The table that says what the tables of a file were made of (throughline/fingerprints.py); none where nobody keeps one. #}
{% macro fingerprint_table(database) -%}
    {%- if target.type != 'duckdb' -%}{{ return(none) }}{%- endif -%}
    {%- set schema = 'publication' if database == 'serving' else 'fingerprint' -%}
    {{ return(adapter.get_relation(database=database, schema=schema, identifier='node')) }}
{%- endmacro %}

{# A relation's name in the table above. #}
{% macro told_name(relation) -%}
    {{ return(relation.database ~ '.' ~ relation.schema ~ '.' ~ relation.identifier) }}
{%- endmacro %}

{#
    What a node reads, by those names: every relation that its SQL speaks of, whoever put it there (dbt does not know
    the tables of a vendor's second instance), and of the run's row the columns that it asks for. Who only asks what
    was known by then asks whether anything was landed later, and who only asks which settings are in force, when they
    last changed.
#}
{% macro relations_read(sql) -%}
    {%- set run = target.database ~ '.inputs.run_context' -%}
    {%- set of_run = '\\(\\s*select\\s+(\\w+)\\s+from\\s+"[^"]*"\\."inputs"\\."run_context"\\s*\\)' -%}
    {%- set compared = '[<>]=?\\s*' ~ of_run | replace('(\\w+)', '(known_at)') -%}
    {%- set of_settings = of_run | replace('(\\w+)', 'as_of\\s+as\\s+settings_day') -%}
    {%- set found = [] -%}
    {%- for parts in modules.re.findall('"([^"]+)"\\."([^"]+)"\\."([^"]+)"', sql) -%}
        {%- set name = parts | join('.') -%}
        {%- if name != run and name not in found -%}{%- do found.append(name) -%}{%- endif -%}
    {%- endfor -%}
    {%- if modules.re.search(compared, sql) -%}{%- do found.append(run ~ ':knowledge') -%}{%- endif -%}
    {%- if modules.re.search(of_settings, sql) -%}{%- do found.append(run ~ ':settings') -%}{%- endif -%}
    {%- set valued = modules.re.sub(of_settings, '', modules.re.sub(compared, '', sql)) -%}
    {%- set asked = modules.re.findall(of_run, valued) -%}
    {%- set otherwise = 'run_context' in modules.re.sub(of_run, '', valued) -%}
    {%- for column in ['run_id', 'as_of', 'known_at', 'reporting_currency', 'started_at'] -%}
        {%- if column in asked or (otherwise and modules.re.search('\\b' ~ column ~ '\\b', sql)) -%}
            {%- do found.append(run ~ ':' ~ column) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# SQL: a hash of this node's SQL and of the content of all it reads; null where something of it is not known. #}
{% macro node_fingerprint() -%}
    {%- set build, serving = fingerprint_table(target.database), fingerprint_table('serving') -%}
    {%- if build is none or serving is none -%}{{ return(none) }}{%- endif -%}
    {%- set names = relations_read(compiled_code) -%}
    {%- set words = local_md5(model.config.materialized ~ compiled_code) -%}
    {%- set said -%}
        (
            select
                case
                    when count(told.content) = {{ names | length }}
                        then md5(concat('{{ words }}', string_agg(told.name || '=' || told.content, ' ' order by told.name)))
                end
            from (
                select noted.name, noted.content from {{ build }} as noted
                union all
                select noted.name, noted.content from {{ serving }} as noted
            ) as told
            where told.name in ('{{ names | join("', '") }}')
        )
    {%- endset -%}
    {{ return(said) }}
{%- endmacro %}

{# Whether this node was made of the same before. #}
{% macro is_unchanged(fingerprint) -%}
    {%- if fingerprint is none or flags.FULL_REFRESH -%}{{ return(false) }}{%- endif -%}
    {%- set found = run_query(
        "select count(*) from " ~ fingerprint_table(this.database) ~ " where name = '" ~ told_name(this)
        ~ "' and fingerprint = " ~ fingerprint
    ) -%}
    {{ return(found.columns[0].values()[0] > 0) }}
{%- endmacro %}

{# Of what stands, one table in sixteen is made anew all the same, another lot each run, to see that it is the same. #}
{% macro is_drawn() -%}
    {{ return(local_md5(env_var('THROUGHLINE_RUN_ID', '') ~ model.unique_id)[0] == '0') }}
{%- endmacro %}

{# SQL: number and hash of a table's rows, whatever their order; the same row twice is not none. #}
{% macro rows_hash(relation) -%}
    (select concat_ws('-', count(*), bit_xor(hash(t)), sum(hash(t))) from {{ relation }} as t)
{%- endmacro %}

{# What they are. #}
{% macro rows_held(relation) -%}
    {{ return(run_query("select " ~ rows_hash(relation)).columns[0].values()[0]) }}
{%- endmacro %}

{#
    SQL: say what a table holds and what it was made of (a view: only that, which says what it shows). `words` stands
    for its columns, which the rows' hash does not know: under another name they are another content.
#}
{% macro note_fingerprint(relation, fingerprint, words) -%}
    {%- if fingerprint is not none -%}
    {%- set noted = fingerprint_table(relation.database) %}
    ;
    delete from {{ noted }} where name = '{{ told_name(relation) }}';
    insert into {{ noted }}
    select
        '{{ told_name(relation) }}',
        told.fingerprint,
        {% if relation.type == 'view' -%}
        told.fingerprint
        {%- else -%}
        concat_ws(' ', '{{ words }}', {{ rows_hash(relation) }})
        {%- endif %}
    from (select {{ fingerprint }} as fingerprint) as told
    {%- endif -%}
{%- endmacro %}

{# The same for a table that is advanced by load, as a hook behind it: it is looked at in every build. #}
{% macro note_advanced() -%}
    {%- if execute and fingerprint_table(this.database) is not none -%}
        {{ note_fingerprint(this.incorporate(type='table'), null_text(), local_md5(model.raw_code)) }}
    {%- else -%}
        select 1 as nothing_kept
    {%- endif -%}
{%- endmacro %}
