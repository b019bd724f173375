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
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% call statement("main") -%}
    {%- if existing is not none %}
    drop {{ existing.type }} if exists {{ existing }};
    {%- endif %}
    {{ create }}
  {%- endcall %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {{ return({"relations": [target]}) }}
{% endmacro %}
