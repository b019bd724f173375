"""What holds for every firm, on small firms drawn at random (`small_firms`).

The tests draw the same firms, so that one build of a firm answers several of them.
"""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from copy import deepcopy as copy
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise, product
from typing import Any

import pytest

from tests.dbt.drawn_firms import NUMBERS, THEN, THEN_AT, Warehouse, drawn, known, mart, sums, table
from tests.dbt.ledger_support import PROJECT, Firm, instant
from tests.dbt.small_firms import AS_OF, KNOWN_AT, LOADS
from tests.support.drawing import said_of

pytestmark = pytest.mark.slow
D = Decimal

# roll-forward -> (metric of its closing, column of its own beside the place)
ROLL_FORWARDS = {
    "backlog_rollforward": ("total_backlog", "contract_line_id"),
    "wip_rollforward": ("wip_operational", "contract_line_id"),
    "ar_rollforward": ("ar_gross", "invoice_id"),
    "contract_liability_rollforward": ("contract_liability", "contract_line_id"),
}
PLACE = ("legal_entity_id", "practice_id", "customer_id", "line_currency_code")
NO_MOVEMENT = {
    "as_of", "month_start", "legal_entity_id", "region_id", "practice_id", "customer_id", "project_id",
    "contract_line_id", "invoice_id", "line_currency_code", "currency_view", "currency_code", "opening",
    "closing", "unexplained",
}  # fmt: skip
# metrics that add up, whatever they are cut by
SUMS = ("flow", "balance", "margin", "stock")


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return Warehouse(tmp_path_factory.mktemp("drawn"))


def additive() -> set[str]:
    with (PROJECT / "seeds" / "metric_registry.csv").open(encoding="utf-8", newline="") as file:
        return {row["metric_id"] for row in csv.DictReader(file) if row["kind"] in SUMS}


def test_roll_forwards_foot(warehouse: Warehouse) -> None:
    seen: Counter[str] = Counter()

    @drawn(8)
    def holds(told: Firm) -> None:
        built = warehouse.of(told)
        for name, (metric, own) in ROLL_FORWARDS.items():
            rows = mart(built, name)
            seen[name] += len(rows)
            movements = set(rows[0]) - NO_MOVEMENT if rows else set()
            by: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
            for row in rows:
                moved = [row["opening"], *(row[one] for one in movements)]
                if row["currency_view"] == "TC":
                    # in its own currency everything is known and no rate explains anything
                    assert (sum(moved), row["fx_translation"]) == (row["closing"], 0), (name, row)
                elif None not in (*moved, row["closing"]):
                    assert sum(moved) == row["closing"], (name, row)
                if row["currency_view"] == "TC":
                    by[tuple(row[one] for one in (own, *PLACE))].append(row)
            for line in by.values():
                for before, after in pairwise(sorted(line, key=lambda row: row["as_of"])):
                    assert before["closing"] == after["opening"], (name, before, after)
            # ... and where it ends is what the metric says, by who has it
            for view in ("TC", "RC"):
                ends = sums(
                    (row for row in rows if row["currency_view"] == view),
                    ("as_of", "legal_entity_id", "currency_code"), "closing",
                )  # fmt: skip
                says = sums(
                    mart(built, "metric_value", f"metric_id = '{metric}' and currency_view = '{view}'"
                         " and grain = 'LEGAL_ENTITY'"),
                    ("as_of", "legal_entity_id", "currency_code"), "numerator",
                )  # fmt: skip
                assert known(ends) == known(says), (name, view)

    holds()
    said_of(seen, ROLL_FORWARDS)


def test_every_way_down_adds_up_to_the_same(warehouse: Warehouse) -> None:
    seen: Counter[str] = Counter()

    @drawn(8)
    def holds(told: Firm) -> None:
        built, metrics = warehouse.of(told), additive()
        values = [
            row
            # in the entities' own currencies there is no number for the firm
            for row in mart(
                built, "metric_value", "period_type in ('POINT', 'MONTH') and currency_view <> 'FC'"
            )
            if row["metric_id"] in metrics
        ]
        said = ("metric_id", "as_of", "currency_view", "currency_code")
        firm = sums((row for row in values if row["grain"] == "FIRM"), said, "numerator")
        for grain in {row["grain"] for row in values} - {"FIRM"}:
            parts = sums((row for row in values if row["grain"] == grain), said, "numerator")
            assert parts == {key: amount for key, amount in firm.items() if key in parts}, grain
            missing = {key for key in firm.keys() - parts.keys() if key[0] in {part[0] for part in parts}}
            assert not {key for key in missing if key[2] == "RC"}, grain
        # ... and the rows behind a number add up to it, wherever it is opened
        rows = [row for row in mart(built, "metric_drill") if row["metric_id"] in metrics]
        # before the first month in which somebody worked there are rows for longer periods, and no number
        first = min(row["as_of"] for row in values)
        rows = [row for row in rows if row["as_of"] >= first]
        seen.update(metric_value=len(values), metric_drill=len(rows))
        for grain in ("FIRM", "LEGAL_ENTITY", "PRACTICE", "CUSTOMER"):
            member = () if grain == "FIRM" else (f"{grain.lower()}_id",)
            shown = [row for row in values if row["grain"] == grain and row["currency_view"] == "RC"]
            there = {row["metric_id"] for row in shown}
            behind = [row for row in rows if row["metric_id"] in there]
            said = ("metric_id", "as_of", *member)
            opened, says = sums(behind, said, "amount_rc"), sums(shown, said, "numerator")
            # a number that nobody knows is one of whose rows nobody knows the amount
            unknown = [
                unsaid_by(one, said, amount) for one, amount in ((shown, "numerator"), (behind, "amount_rc"))
            ]
            assert unknown[0] <= unknown[1], (grain, unknown[0] - unknown[1])
            for key in unknown[0]:
                opened.pop(key, None)
            assert known(opened) == known(says), grain

    holds()
    said_of(seen, ("metric_value", "metric_drill"))


def unsaid_by(rows: list[dict[str, Any]], by: tuple[str, ...], amount: str) -> set[tuple[Any, ...]]:
    """Of what there are rows without an amount."""
    return {tuple(row[one] for one in by) for row in rows if row[amount] is None}


def test_bridges_leave_nothing(warehouse: Warehouse) -> None:
    seen: Counter[str] = Counter()

    @drawn(8)
    def holds(told: Firm) -> None:
        built = warehouse.of(told)
        lost = ("non_billable", "above_ceiling", "unbilled_aged", "billed_below", "credited")
        gone = (*lost, "billed_above", "credited_back", "unbilled_late", "unbilled_timely", "open")
        for row in mart(built, "leakage_bridge"):
            for view in ("tc", "rc"):
                amounts = [row[f"{name}_{view}"] for name in ("list", "discount", "contract", "cash", *gone)]
                if None in amounts:
                    continue
                at_list, discount, contract, cash, *steps = amounts
                seen["leakage"] += any(steps)
                assert (at_list - discount, contract - sum(steps)) == (contract, cash), (view, row)
            if row["leakage_rc"] is not None:
                assert row["leakage_rc"] == sum(row[f"{name}_rc"] for name in lost), row
        margins = mart(built, "project_margin")
        steps = sums(mart(built, "margin_bridge"), ("project_id",), "amount_rc")
        seen["margin"] += len(steps)
        for row in margins:
            assert row["gap"] is not None or steps.get((row["project_id"],), 0) == row["actual_margin_rc"], (
                row
            )
            assert row["gap"] is None or (row["project_id"],) not in steps, row
        lines = mart(built, "backlog_line", f"as_of = '{AS_OF}'")
        parts = mart(built, "remaining_performance_obligation")
        seen["obligations"] += len({row["treatment"] for row in parts}) > 1
        # of what can be called off and has no month nobody knows how much binds
        unsaid = {row["contract_line_id"] for row in parts if row["amount_tc"] is None}
        assert all(
            row["is_cancellable"] and row["time_band"] == "UNKNOWN"
            for row in parts
            if row["contract_line_id"] in unsaid
        )
        lines, parts = (
            [row for row in rows if row["contract_line_id"] not in unsaid] for rows in (lines, parts)
        )
        for amount in ("amount_tc", "amount_rc"):
            of_lines, of_parts = (sums(rows, ("contract_line_id",), amount) for rows in (lines, parts))
            assert of_parts == of_lines, amount
        assert all(row["amount_tc"] >= 0 for row in parts)
        backlog = mart(
            built, "metric_value",
            f"metric_id = 'total_backlog' and grain = 'FIRM' and currency_view = 'RC' and as_of = '{AS_OF}'",
        )  # fmt: skip
        if not unsaid:
            seen["of the firm"] += bool(known(sums(parts, (), "amount_rc")))
            assert known(sums(parts, (), "amount_rc")) == known(sums(backlog, (), "numerator"))

    holds()
    said_of(seen, ("leakage", "margin", "obligations", "of the firm"))


# --- what is known, and when

FEBRUARY, LAST_OF_FEBRUARY = "2024-02", "2024-02-29"
CONTENT = (
    "area", "movement_type", "is_increase", "currency_code", "functional_currency", "amount_tc", "amount_fc",
    "amount_rc", "hours", "rows_standing",
)  # fmt: skip


def rows_of(built: Any, *, but: tuple[str, ...] = ()) -> dict[str, Counter[str]]:
    """Every row of every number, whatever order the rows are in."""
    return {
        name: Counter(
            repr([value for column, value in sorted(row.items()) if column not in but])
            for row in mart(built, name)
        )
        for name in NUMBERS
    }


def unlike(one: dict[str, Counter[str]], other: dict[str, Counter[str]]) -> dict[str, list[list[str]]]:
    """The first rows that only one of the two has, by table."""
    return {
        name: [list((one[name] - other[name]).elements())[:3], list((other[name] - one[name]).elements())[:3]]
        for name in one
        if one[name] != other[name]
    }


def test_an_instant_asked_for_later_is_what_was_known_then(warehouse: Warehouse) -> None:
    seen: Counter[str] = Counter()

    @drawn(3)
    def holds(told: Firm) -> None:
        found = rows_of(warehouse.then(told))
        with warehouse.build(told, THEN_AT, as_of=THEN, only_loaded=False) as later:
            seen.update({name: rows.total() for name, rows in found.items()})
            # without what came later the two would be the same firm
            seen["later"] += any(
                row["known"] > instant(THEN_AT) for rows in told.rows.values() for row in rows
            )
            assert not unlike(found, rows_of(later))

    holds()
    said_of(seen, ("later", "metric_value", "metric_drill", *ROLL_FORWARDS))


def test_a_closed_month_stays_and_what_came_after_is_its_restatement(warehouse: Warehouse) -> None:
    seen: Counter[str] = Counter()

    @drawn(3)
    def holds(told: Firm) -> None:
        entities = [row["legal_entity_id"] for row in told.rows["legal_entity"]]
        then = warehouse.then(told)
        reported, values = close_content(then), month_values(then)
        closing = copy(told)
        closing.inputs = {
            "prior_run": [
                {"run_id": f"r-{at}", "as_of": instant(at).date(), "known_at": instant(at)}
                for at in LOADS[:2]
            ],
            "period_close": [
                {"event_id": number, "legal_entity_id": entity, "period": FEBRUARY, "area": "ALL",
                 "close_type": "HARD", "known_at": instant(THEN_AT), "decided_at": instant("2024-03-06"),
                 "actor": "ann"}
                for number, entity in enumerate(entities, start=1)
            ],
            "close_content": [
                {"event_id": 1 + entities.index(row["legal_entity_id"])} | {one: row[one] for one in CONTENT}
                for row in reported
                if row["legal_entity_id"] in entities
            ],
        }  # fmt: skip
        with warehouse.build(closing) as now:
            room = "serving.reconciliation"
            proofs = table(now, f"select * from {room}.period_close where period = '{FEBRUARY}'")
            assert {
                (row["legal_entity_id"], row["area"], row["proof"])
                for row in proofs
                if row["legal_entity_id"] in entities
            } == set(product(entities, ("AP", "AR", "GL"), ("REPRODUCED",))), table(
                now, f"select * from {room}.close_difference"
            )
            # what stands now less what was reported is what the restatements say, record by record
            late = table(now, f"select * from {room}.restatement where period = '{FEBRUARY}'")
            by = ("legal_entity_id", *CONTENT[1:5])
            for amount, delta in (
                ("amount_tc", "delta_tc"), ("amount_fc", "delta_fc"), ("amount_rc", "delta_rc"),
                ("hours", "delta_hours"), ("rows_standing", "delta_rows"),
            ):  # fmt: skip
                moved = sums(close_content(now), by, amount)
                for key, was in sums(reported, by, amount).items():
                    moved[key] = moved.get(key, D(0)) - was
                known_entities = {key: value for key, value in moved.items() if key[0] in entities}
                assert known(known_entities) == known(sums(late, by, delta)), amount
            seen["restated"] += len(late)
            # ... and where the bridge starts is the number that stood on the page
            bridge = table(now, f"select * from {room}.close_bridge where period = '{FEBRUARY}'")
            for row in bridge:
                key = (row["metric_id"], row["legal_entity_id"], row["currency_view"])
                assert row["as_reported"] == values.get(key, D(0)), row
                seen["bridged"] += row["as_reported"] != row["as_now_known"]

    holds()
    said_of(seen, ("restated", "bridged"))


def close_content(built: Any) -> list[dict[str, Any]]:
    return table(built, f"select * from serving.reconciliation.close_content where period = '{FEBRUARY}'")


def month_values(built: Any) -> dict[tuple[Any, ...], Decimal]:
    rows = mart(
        built, "metric_value",
        f"grain = 'LEGAL_ENTITY' and period_type = 'MONTH' and as_of = '{LAST_OF_FEBRUARY}'",
    )  # fmt: skip
    return sums(rows, ("metric_id", "legal_entity_id", "currency_view"), "numerator")


def test_order_and_number_of_loads_and_what_is_said_again_change_nothing(warehouse: Warehouse) -> None:
    seen: Counter[str] = Counter()

    @drawn(3)
    def holds(told: Firm) -> None:
        other, chance = copy(told), random.Random(7)
        for entity, rows in told.rows.items():
            # half of each load comes a minute after the other half
            mine = [
                row | {"known": row["known"] + timedelta(minutes=1)} if chance.random() < 0.5 else dict(row)
                for row in rows
            ]
            last = {row["record"]: row for row in sorted(mine, key=lambda row: row["known"])}
            for row in last.values():
                if chance.random() < 0.2:
                    mine.append(row | {"known": instant(KNOWN_AT), "backfill": False})
                    seen["again"] += 1
            chance.shuffle(mine)
            other.rows[entity] = mine
        with warehouse.build(other) as moved:
            # a row to drill into names its load, and is named by it
            own, others = (rows_of(one, but=("row_key", "load_id")) for one in (warehouse.of(told), moved))
            assert not unlike(own, others)

    holds()
    said_of(seen, ("again",))


def test_another_reporting_currency_only_rescales(warehouse: Warehouse) -> None:
    seen: Counter[str] = Counter()
    place = (
        "movement_type, business_date, legal_entity_id, region_id, practice_id, customer_id, project_id,"
        " contract_line_id, resource_id, currency_code, functional_currency, source_record_id"
    )
    # a rate told anew takes a row back and enters it again, in one currency and not in the other
    standing = (
        f"select {place}, sum(direction) as rows_standing, sum(amount_tc), sum(amount_fc), sum(hours),"
        f" sum(quantity) from ledger.fct_value_movement group by {place}"
        " having sum(direction) <> 0 order by all"
    )
    entered = (
        "select business_date, known_at, currency_code, amount_tc, amount_rc, movement_id"
        " from ledger.fct_value_movement where direction = 1 and amount_tc is not null"
    )

    @drawn(3)
    def holds(told: Firm) -> None:
        with warehouse.build(told, currency="GBP") as pounds:
            dollars = warehouse.of(told)
            for built, currency in ((dollars, "USD"), (pounds, "GBP")):
                for row in table(built, entered):
                    rate = quoted(told, row["currency_code"], currency, row["business_date"], row["known_at"])
                    if rate is None:
                        assert row["amount_rc"] is None, row
                    else:
                        assert row["amount_rc"] is not None, (row, rate)
                        assert abs(row["amount_rc"] - row["amount_tc"] * rate) <= D("0.0001"), (row, rate)
                        seen[currency] += rate != 1
            assert table(dollars, standing) == table(pounds, standing)
            own = [
                Counter(repr(row) for row in mart(built, "metric_value", "currency_view in ('TC', 'FC')"))
                for built in (dollars, pounds)
            ]
            assert own[0] == own[1]

    holds()
    said_of(seen, ("USD", "GBP"))


def quoted(told: Firm, left: str, right: str, day: date, known_at: datetime) -> Decimal | None:
    """What was known at `known_at` of the last rate of a pair up to `day`, from what the firm was told."""
    if left == right:
        return D(1)
    of_pair: dict[str, dict[str, Any]] = {}
    for row in sorted(told.rows["exchange_rate"], key=lambda row: row["known"]):
        is_pair = (row["from_currency"], row["to_currency"]) == (left, right)
        # what a first load brought is taken as known from the beginning; a rate serves for a week
        is_told = row["backfill"] or row["known"] <= known_at
        if is_pair and is_told and timedelta(0) <= day - row["effective_from"] <= timedelta(days=7):
            of_pair[row["record"]] = row
    found = max(of_pair.values(), key=lambda row: row["effective_from"], default=None)
    return found["rate"] if found else None


# --- history that was left behind

LEFT_ON = date(2024, 2, 29)
STANDING = (
    "total_backlog", "unbilled_backlog", "funded_backlog", "scheduled_backlog", "contract_liability",
    "contract_asset", "unbilled_receivable", "net_contract_position", "ar_gross", "ar_overdue",
    "unapplied_cash",
)  # fmt: skip
FLOWING = (
    "gross_bookings", "net_bookings", "recognised_revenue", "billed", "credit_notes", "billed_gross",
    "cash_applied", "cash_received",
)  # fmt: skip


def test_what_is_carried_over_stands_where_its_history_stood(warehouse: Warehouse) -> None:
    seen: Counter[str] = Counter()

    @drawn(5)
    def holds(told: Firm) -> None:
        whole = settled(told)
        left = left_behind(whole, seen)
        place = ("metric_id", "as_of", "grain", "legal_entity_id", "practice_id", "customer_id",
                 "contract_line_id", "currency_code")  # fmt: skip
        with warehouse.build(whole) as before, warehouse.build(left) as after:
            for metrics, period, since in ((STANDING, "POINT", ">="), (FLOWING, "MONTH", ">")):
                # in the reporting currency what was billed ahead keeps rates of documents that are no more
                where = (
                    f"metric_id in {metrics} and period_type = '{period}' and as_of {since} date '{LEFT_ON}'"
                    " and currency_view = 'TC'"
                )
                stood, stands = (
                    known(sums(mart(built, "metric_value", where), place, "numerator"))
                    for built in (before, after)
                )
                assert stood == stands
                seen.update(key[0] for key in stood)
            for table, by in (
                ("backlog_line", ("as_of", "contract_line_id")),
                ("ar_document", ("as_of", "invoice_id", "bucket")),
            ):
                stood, stands = (
                    known(sums(mart(built, table, f"as_of >= date '{LEFT_ON}'"), by, "amount_rc"))
                    for built in (before, after)
                )
                assert stood == stands, table

    holds()
    said_of(seen, ("revenue", "billing", "receivable", "paid later", *STANDING[:2], "contract_liability",
                   "ar_gross", "recognised_revenue", "billed", "cash_applied"))  # fmt: skip


def settled(told: Firm) -> Firm:
    """The firm as it is known last, told in one load, without what would have to be carried over in parts."""
    whole = copy(told)
    for entity, rows in told.rows.items():
        last = {row["record"]: row for row in sorted(rows, key=lambda row: row["known"])}
        whole.rows[entity] = [
            row | {"known": instant(LOADS[0]), "backfill": True}
            for row in last.values()
            if not row["deleted"]
        ]
    whole.rows["opening_balance"] = []
    for row in whole.rows["contract_line"]:
        # or what was billed ahead and not owed yet would be told of its documents alone
        row["noncancellable_to"] = None
    # a credit that is used has two sides, which may lie on both sides of the day
    whole.rows["payment_application"] = [
        row
        for row in whole.rows.get("payment_application", [])
        if row["credit_invoice_id"] is None and not row["invoice_id"].startswith("erp:files:")
    ]
    return whole


def left_behind(whole: Firm, seen: Counter[str]) -> Firm:
    """The firm without its revenue, documents and cash up to a day, and what they came to in their place."""
    left, rows = copy(whole), whole.rows
    carried: dict[tuple[str, str, str], Decimal] = defaultdict(D)
    places: dict[str, dict[str, Any]] = {}
    gone: dict[str, set[str]] = defaultdict(set)
    for row in rows.get("revenue_entry", []):
        if row["accounting_date"] <= LEFT_ON and row["kind"] == "recognised":
            carried["REVENUE_TO_DATE", row["contract_line_id"], row["currency_code"]] += row["amount"]
            gone["revenue_entry"].add(row["record"])
            seen["revenue"] += 1
    lines = {row["invoice_id"]: row for row in rows.get("invoice_line", [])}
    paid = defaultdict[str, Decimal](D)
    for row in rows["payment_application"]:
        if row["applied_date"] <= LEFT_ON:
            paid[row["invoice_id"]] += row["applied_amount"]
    for row in rows.get("invoice", []):
        line, key = lines.get(row["record"]), row["record"]
        open_amount = row["total_amount"] - paid[key]
        is_credit = row["doc_type"] == "CREDIT_NOTE"
        if (
            line is None
            or None in (line["contract_line_id"], row["legal_entity_id"], row["customer_id"])
            or row["posted_at"] is None
            or row["status"] == "void"
            or row["invoice_date"] > LEFT_ON
            # an invoice that is overpaid is no credit note
            or (open_amount < 0) != is_credit
        ):
            continue
        carried["BILLED_TO_DATE", line["contract_line_id"], row["currency_code"]] += line["net_amount"]
        places[line["contract_line_id"]] = {one: row[one] for one in ("legal_entity_id", "customer_id")}
        gone["invoice"].add(key)
        gone["invoice_line"].add(line["record"])
        seen["billing"] += 1
        seen["receivable"] += 1
        left.add(
            "opening_balance", key, LOADS[0], backfill=True, kind="RECEIVABLE", balance_date=LEFT_ON,
            amount=open_amount, due_date=row["due_date"], currency_code=row["currency_code"],
            **{one: row[one] for one in ("legal_entity_id", "customer_id")},
        )  # fmt: skip
    for row in rows["payment_application"]:
        if row["invoice_id"] in gone["invoice"]:
            if row["applied_date"] <= LEFT_ON:
                gone["payment_application"].add(row["record"])
                gone["customer_payment"].add(row["customer_payment_id"])
            else:
                seen["paid later"] += 1
    for (kind, line, currency), amount in carried.items():
        left.add(
            "opening_balance", f"erp:files:{kind}{line}{currency}".replace("netsuite:main:", ""), LOADS[0],
            backfill=True, kind=kind, balance_date=LEFT_ON, contract_line_id=line, amount=amount,
            currency_code=currency, **(places.get(line, {}) if kind == "BILLED_TO_DATE" else {}),
        )  # fmt: skip
    for entity, records in gone.items():
        left.rows[entity] = [row for row in left.rows[entity] if row["record"] not in records]
    return left
