"""The registry is the one place that says what a metric means; what it generates is not edited by hand."""

from __future__ import annotations

import ast
import itertools
import re
from pathlib import Path

import pytest
import yaml

from throughline.registry import documents, load, stale
from throughline.registry.catalogue import SOURCE
from throughline.registry.catalogue import load as load_from


def test_seed_and_page_say_what_the_registry_says(project_root: Path) -> None:
    assert stale(project_root) == []


def test_an_edited_seed_is_found(tmp_path: Path) -> None:
    for path, text in documents().items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    seed = next(path for path in documents() if path.suffix == ".csv")
    (tmp_path / seed).write_text(documents()[seed].replace("Revenue", "Turnover", 1), encoding="utf-8")
    assert stale(tmp_path) == [seed]


def test_the_metrics_people_ask_for_are_registered() -> None:
    wanted = {
        "gross_bookings", "net_bookings", "total_backlog", "wip_operational", "billed", "recognised_revenue",
        "labour_cost", "subcontractor_cost", "project_gross_margin", "ar_gross", "billable_utilisation_net",
        "delayed_revenue_currency_days",
        "debookings", "book_to_bill", "book_to_billings", "credit_notes",
        "billed_gross", "cash_received", "cash_applied", "ar_overdue", "unapplied_cash", "dso_countback",
        "scheduled_backlog", "soft_backlog", "unscheduled_backlog", "backlog_cover",
        "funded_backlog", "stalled_backlog", "unbilled_backlog",
        "wip_days", "wip_days_billings", "unbilled_receivable", "contract_asset", "contract_liability",
        "net_contract_position",
        "billable_utilisation_working", "billable_utilisation_standard", "productive_utilisation",
        "total_utilisation", "forward_utilisation_4w", "forward_utilisation_8w", "forward_utilisation_12w",
        "open_pipeline", "qualified_pipeline", "weighted_pipeline", "pipeline_this_quarter",
        "pipeline_coverage", "deals_won", "deals_lost", "win_rate", "planned_revenue", "planned_bookings",
        "revenue_to_plan", "bookings_to_plan", "revenue_to_come", "backlog_next_12m",
        "remaining_performance_obligation", "rpo_next_12m", "backlog_burn",
        "expected_revenue", "revenue_posted_less_expected", "loss_provision",
        "leakage", "effective_bill_rate", "billed_rate", "billing_realisation", "hours_realisation",
        "collection_realisation", "overall_realisation",
        "carrying_cost_of_delay", "failed_transaction_recovery_hours",
        "dso_balance", "dso_best_possible", "average_days_delinquent", "collection_effectiveness",
    }  # fmt: skip
    registered = {metric.id for metric in load()}
    assert wanted <= registered
    by_stage = ("handoff_lag_", "handoff_breach_")
    assert {one for one in registered if one.startswith(by_stage)} == registered - wanted


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "guess"}, "'guess' is none of"),
        ({"grains": ["FIRM", "PLANET"]}, "'PLANET' is none of"),
        ({"colour": "red"}, "unknown ['colour']"),
        ({"formula": None, "name": None, "id": "billed"}, "twice"),
    ],
    ids=["unknown kind", "unknown grain", "unknown field", "id twice"],
)
def test_a_wrong_entry_is_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    told = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))
    told["metrics"][0] |= change
    source = tmp_path / "metrics.yml"
    source.write_text(yaml.safe_dump(told), encoding="utf-8")
    with pytest.raises(ValueError, match="metric") as problem:
        load_from(source)
    assert said in str(problem.value)


SHOWN = re.compile(r"metric_id\s*(?:=|<>|!=)\s*'(\w+)'")
ASKED = re.compile(r"metric_id\s*=\s*'$")
LISTED = re.compile(r"metric_id\s+in\s*\(([^)]*)\)")


def named_texts(text: str) -> dict[str, str]:
    """Texts that a module gives a name in capitals: what a metric may be called by elsewhere."""
    return {
        target.id: node.value.value
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id.isupper() and isinstance(node.value.value, str)
    }


def used_metrics(text: str, names: dict[str, str] | None = None) -> set[str]:
    """Metrics that a module asks for, by word or by one of `names`: in its SQL, by a keyword, or first of all
    in a Kpi, a rows dialog or a look into the history."""
    named = named_texts(text) | (names or {})
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(SHOWN.findall(node.value))
            for listed in LISTED.findall(node.value):
                found |= set(re.findall(r"'(\w+)'", listed))
        if isinstance(node, ast.JoinedStr):
            for before, value in itertools.pairwise(node.values):
                asked = isinstance(before, ast.Constant) and ASKED.search(str(before.value))
                if asked and isinstance(value, ast.FormattedValue):
                    found |= _words([value.value], named)
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name) and node.left.id == "metric_id":
            found |= _words(node.comparators, named)
        if isinstance(node, ast.Call):
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            told: list[ast.expr] = [
                word.value for word in node.keywords if word.arg in ("metric", "metric_id")
            ]
            if called in ("Kpi", "rows_dialog", "at", "money_at", "months", "series"):
                told += node.args[:1]
            found |= _words(told, named)
    return found


def _words(nodes: list[ast.expr], named: dict[str, str]) -> set[str]:
    found = set()
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        name = getattr(node, "id", getattr(node, "attr", None))
        if name in named:
            found.add(named[name])
    return found


@pytest.mark.parametrize("folder", ["dashboards", "throughline", "expectations"])
def test_pages_sheets_and_gates_use_only_what_is_registered(project_root: Path, folder: str) -> None:
    registered = {metric.id for metric in load()}
    texts = {path: path.read_text(encoding="utf-8") for path in (project_root / folder).rglob("*.py")}
    names: dict[str, str] = {}
    for text in texts.values():
        names |= named_texts(text)
    used = {
        (path.relative_to(project_root), metric)
        for path, text in texts.items()
        for metric in used_metrics(text, names)
    }
    assert {one for one in used if one[1] not in registered} == set()
    if folder == "dashboards":
        shown = {metric for _, metric in used}
        assert {"recognised_revenue", "total_backlog", "delayed_revenue_currency_days"} <= shown


@pytest.mark.parametrize(
    "text",
    [
        "sql = \"select value from marts.metric_value where metric_id = 'profit'\"",
        "sql = \"select value from marts.metric_value where metric_id in ('billed', 'profit')\"",
        "PROFIT = Kpi('profit', 'Profit')",
        "rows_dialog('profit', 'Profit', chosen, 'MONTH')",
        "card(metric='profit')",
        "hours = metric_id == 'profit'",
        "PROFIT = 'profit'\nsql = f\"select value from marts.metric_value where metric_id = '{PROFIT}'\"",
        "PROFIT = 'profit'\nhistory.at(PROFIT, 'MONTH', day)",
    ],
)
def test_a_metric_nobody_registered_is_noticed_wherever_it_is_used(text: str) -> None:
    assert "profit" in used_metrics(text)


def test_the_warehouse_computes_what_is_registered_and_nothing_else(project_root: Path) -> None:
    """Every flow of the ledger's rules, every balance, share and stage's lag has its entry, and no other."""
    macros = (project_root / "dbt_project" / "macros" / "ledger.sql").read_text(encoding="utf-8")
    rules = macros[macros.index("macro ledger_metric_rules") :]
    flows = set(re.findall(r"\('(\w+)', '\w+', -?1, \d, '[A-Z]+', (?:true|false)\)", rules))
    models = project_root / "dbt_project" / "models"
    words = "".join(
        (models / name).read_text(encoding="utf-8")
        for name in (
            "ledger/ledger__metric_balance.sql",
            "ledger/ledger__collection_measure.sql",
            "marts/metric_value.sql",
        )
    )
    # what adds up deals and plans says which metric each of them is
    sold = (models / "ledger" / "ledger__sales_flow.sql").read_text(encoding="utf-8")
    deals = set(re.findall(r"(?:then|else) '(\w+)'", sold))
    balances = set(re.findall(r"'(\w+)' as metric_id", words))
    for loop in re.findall(r"for metric_id, [\w, ]+ in \[(.*?)\] %\}", words, re.DOTALL):
        balances |= set(re.findall(r"\(\s*'(\w+)',", loop))
    handoff = (models / "lifecycle" / "lifecycle__handoff.sql").read_text(encoding="utf-8")
    stages = set(re.findall(r"'(t\d+_t\d+)'", handoff))
    shares = set(re.findall(r"\('(\w+)', (?:'\w+_hours', '\w+_hours'|\d+)\)", macros))
    work = (project_root / "dbt_project" / "macros" / "work.sql").read_text(encoding="utf-8")
    shares |= set(re.findall(r"\('(\w+)', '\w+', '\w+'\)", work))
    by_stage = {f"handoff_{said}_{stage}" for said in ("lag", "breach") for stage in stages}
    delayed = {"delayed_revenue_currency_days", "carrying_cost_of_delay"}
    assert flows | deals | balances | shares | by_stage | delayed == {metric.id for metric in load()}
