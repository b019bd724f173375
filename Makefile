# Two commands carry the project: `make run` and `make test`.
SEED ?= 7
SCALE ?= demo
FAULTS ?= all
APP ?= 1
HOME_DIR ?= .throughline
PYTHON3 ?= python3
WORKERS ?= 2
KILLS ?= 20
KILL_SEED ?= 2026

BIN := .venv/bin
STAMP := .venv/.stamp
SPARK_STAMP := .venv-spark/.stamp
SEMANTIC_STAMP := .venv-semantic/.stamp
export DO_NOT_TRACK := 1
# Compiling every package again in each of a run's processes costs more than most of their work.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test test-all test-law test-kill test-browser test-spark test-semantic lint bench docs screenshots clean

$(STAMP): requirements.lock pyproject.toml scripts/bootstrap.py
	$(PYTHON3) scripts/bootstrap.py

.venv: $(STAMP)

$(SPARK_STAMP): requirements-spark.lock scripts/bootstrap.py | $(STAMP)
	$(PYTHON3) scripts/bootstrap.py spark

.venv-spark: $(SPARK_STAMP)

$(SEMANTIC_STAMP): requirements-semantic.lock scripts/bootstrap.py | $(STAMP)
	$(PYTHON3) scripts/bootstrap.py semantic

.venv-semantic: $(SEMANTIC_STAMP)

## run: a sandbox firm, served over HTTP, landed, built, checked, published, exported; then the dashboard
run: $(STAMP)
	$(BIN)/python -m sandbox.play --seed $(SEED) --scale $(SCALE) --faults $(FAULTS) --home $(HOME_DIR) $(if $(filter 0,$(APP)),--no-app,)

## test: everything that needs no system package
test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder -m "not browser and not law and not kill and not spark and not semantic" --durations=20 tests

## test-all: what test and test-law run, in one session
test-all: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope --no-loadscope-reorder -m "not browser and not kill and not spark and not semantic" --durations=20 tests

## test-law: the law of the two clocks and the rebuild, on a whole firm (slow)
test-law: $(STAMP)
	$(BIN)/python -m pytest -m law tests/e2e

## test-kill: runs killed at KILLS random moments of each stage, drawn from KILL_SEED, beside one nobody kills (slow)
test-kill: $(STAMP)
	THROUGHLINE_KILLS=$(KILLS) THROUGHLINE_KILL_SEED=$(KILL_SEED) $(BIN)/python -m pytest -s -m "" tests/kill

## test-browser: the dashboard in Chromium
test-browser: $(STAMP)
	$(BIN)/python -m pytest -m browser tests/browser

## test-spark: a tiny firm built by DuckDB and by Spark, table by table, row by row (needs Java 17)
test-spark: $(STAMP) $(SPARK_STAMP)
	$(BIN)/python -m pytest -s -m spark tests/spark

## test-semantic: the published metrics as MetricFlow says them
test-semantic: $(STAMP) $(SEMANTIC_STAMP)
	$(BIN)/python -m pytest -m semantic tests/semantic

## lint: style, types, SQL, who may import whom, and the Spark parser
lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python scripts/lint_sql.py
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_spark_sql.py

## bench: what landing, build, a day and a page cost, as JSON (SCALE=reference or large; slow; GO_ON=1 goes on)
bench: $(STAMP)
	$(BIN)/python -m tests.bench.bench --scale $(if $(filter demo,$(SCALE)),reference,$(SCALE)) $(if $(GO_ON),--go-on,)

## docs: static dbt documentation in one page, from an empty home
docs: $(STAMP)
	$(BIN)/python scripts/build_docs.py

## screenshots: the pages in light and dark, desktop and phone, into docs/
screenshots: $(STAMP)
	$(BIN)/python scripts/screenshots.py

clean:
	rm -rf .venv .venv-spark .venv-semantic .throughline build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	rm -rf dbt_project/target dbt_project/logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
