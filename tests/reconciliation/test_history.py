"""What is carried from run to run: since when, how often, new or back, the trend; over runs made by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.reconciliation.firm import Compiled, Firm, Row
from tests.reconciliation.published import point, publish, remember
from throughline.home import Home
from throughline.recon import archive

# the first 16 digits of sha256sum's word on CRM-ERP-001|salesforce:main:O1
ONE = "CRM-ERP-001-539e332fb515c719"


@dataclass
class Books:
    """A firm whose deals lack their contracts on demand, published as often as a test likes."""

    compiled: Compiled
    home: Home
    firms: dict[str, Firm] = field(default_factory=dict)

    def run(
        self, run_id: str, as_of: str, known_at: str, missing: tuple[int, ...] = (), *, blocked: bool = False
    ) -> Firm:
        """Publish a run that finds the deals `missing` without a contract, each 80,000 US dollars.

        `blocked`: the load of the contracts failed, so that the control could not look.
        """
        firm = Firm(self.compiled, as_of=date.fromisoformat(as_of), known_at=known_at)
        for table in ("customer", "customer_entity", "legal_entity"):
            firm.add(table)
        firm.add("customer", customer_id="salesforce:main:A1", source_system="salesforce")
        firm.add("master__entity_xref")
        for number in (1, 2, 3):
            deal = f"salesforce:main:O{number}"
            firm.add("opportunity", opportunity_id=deal)
            firm.add("opportunity_stage_event", event_id=deal, opportunity_id=deal,
                     changed_at="2026-01-12 10:00:00+00")  # fmt: skip
            firm.add("project", project_id=f"certinia:main:P{number}", opportunity_id=deal,
                     contract_line_id=None)  # fmt: skip
            if number not in missing:
                firm.add("contract", contract_id=f"netsuite:main:C{number}", opportunity_id=deal)
        firm.add("source_instance", source_system="netsuite", source_instance="main")
        for resource in ("transaction", "amendment"):
            firm.add(
                "landing.extract_run", source_system="netsuite", source_instance="main", resource=resource,
                load_id="L1", started_at=known_at, status="FAILED" if blocked else "OK", source_count=0,
            )  # fmt: skip
        remember(firm, self.home)
        publish(firm, self.home, run_id)
        self.firms[run_id] = firm
        return firm

    def of(self, run_id: str, deal: int = 1) -> Row | None:
        """The history's row of a deal without a contract in a run; None when it has none."""
        found = [
            row
            for row in self.firms[run_id].built("exception_history")
            if row["control_id"] == "CRM-ERP-001" and row["grain_key"] == f"salesforce:main:O{deal}"
        ]
        assert len(found) <= 1
        return found[0] if found else None

    def state(self, run_id: str, deal: int = 1) -> str:
        rows = self.firms[run_id].built("exception")
        return str(next(
            row["state"] for row in rows
            if row["control_id"] == "CRM-ERP-001" and row["grain_key"] == f"salesforce:main:O{deal}"
        ))  # fmt: skip


@pytest.fixture
def books(compiled: Compiled, tmp_path: Path) -> Books:
    return Books(compiled, Home(tmp_path).ensure())


def told(row: Row | None) -> tuple[Any, ...]:
    assert row is not None
    return row["change"], row["is_new"], row["first_seen_on"].isoformat(), row["occurrences"]


def test_since_when_and_how_often_is_carried_from_run_to_run(books: Books) -> None:
    books.run("r1", "2026-03-02", "2026-03-02 22:00:00+00", missing=(1,))
    books.run("r2", "2026-03-03", "2026-03-03 22:00:00+00", missing=(1, 2))
    books.run("r3", "2026-03-04", "2026-03-04 22:00:00+00", missing=(2,))
    assert told(books.of("r1")) == ("NEW", True, "2026-03-02", 1)
    assert told(books.of("r2")) == ("SAME", False, "2026-03-02", 2)
    assert told(books.of("r2", 2)) == ("NEW", True, "2026-03-03", 1)
    gone = books.of("r3")
    assert told(gone) == ("RESOLVED", False, "2026-03-02", 2)
    assert gone is not None
    assert (gone["prior_outcome"], gone["outcome"], gone["prior_run_id"]) == ("EXCEPTION", None, "r2")
    assert told(books.of("r3", 2)) == ("SAME", False, "2026-03-03", 2)
    # what was gone before the run before is no news
    books.run("r4", "2026-03-05", "2026-03-05 22:00:00+00", missing=(2,))
    assert books.of("r4") is None


def test_what_comes_back_keeps_its_first_day_and_is_reopened_until_somebody_takes_it(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.run("r1", "2026-03-02", "2026-03-02 22:00:00+00", missing=(1,))
    books.run("r2", "2026-03-03", "2026-03-03 22:00:00+00")
    books.run("r3", "2026-03-04", "2026-03-04 22:00:00+00", missing=(1,))
    assert told(books.of("r3")) == ("REOPENED", False, "2026-03-02", 2)
    assert (books.state("r1"), books.state("r3")) == ("NEW", "REOPENED")
    back = books.run("r4", "2026-03-05", "2026-03-05 22:00:00+00", missing=(1,))
    assert told(books.of("r4")) == ("SAME", False, "2026-03-02", 3)
    assert books.state("r4") == "REOPENED"
    # words from before it came back do not take it up; words from after the last run do
    for at, expected in (("2026-03-02 23:00:00+00", "REOPENED"), ("2026-03-05 08:00:00+00", "ASSIGNED")):
        back.tables["exception_state"] = []
        back.add(
            "exception_state", state="ASSIGNED", decided_at=at,
            exception_id=ONE,
        )  # fmt: skip
        back.build("exception")
        assert books.state("r4") == expected


def test_a_run_made_again_for_the_same_clocks_counts_once(books: Books) -> None:
    books.run("r1", "2026-03-02", "2026-03-02 22:00:00+00", missing=(1,))
    books.run("r2", "2026-03-03", "2026-03-03 22:00:00+00", missing=(1,))
    books.run("r3", "2026-03-03", "2026-03-03 22:00:00+00", missing=(1, 2))
    assert told(books.of("r3")) == told(books.of("r2")) == ("SAME", False, "2026-03-02", 2)
    assert told(books.of("r3", 2)) == ("NEW", True, "2026-03-03", 1)
    books.run("r4", "2026-03-04", "2026-03-04 22:00:00+00", missing=(1, 2))
    assert told(books.of("r4")) == ("SAME", False, "2026-03-02", 3)
    assert told(books.of("r4", 2)) == ("SAME", False, "2026-03-03", 2)


def test_a_run_for_the_past_knows_what_it_would_have_known_then(books: Books) -> None:
    books.run("r1", "2026-03-02", "2026-03-02 22:00:00+00", missing=(1,))
    books.run("r2", "2026-03-31", "2026-04-01 22:00:00+00", missing=(1,))
    books.run("r3", "2026-04-02", "2026-04-02 22:00:00+00", missing=(1, 2))
    # the day between r1 and r2, as known then
    books.run("r4", "2026-03-10", "2026-03-10 22:00:00+00", missing=(1, 2))
    assert told(books.of("r4")) == ("SAME", False, "2026-03-02", 2)
    assert told(books.of("r4", 2)) == ("NEW", True, "2026-03-10", 1)
    # and the next day's run: r1, r4, r2 and r3 came before it, r3 last
    books.run("r5", "2026-04-03", "2026-04-03 22:00:00+00", missing=(1, 2))
    assert told(books.of("r5")) == ("SAME", False, "2026-03-02", 5)
    assert told(books.of("r5", 2)) == ("SAME", False, "2026-03-10", 3)
    row = books.of("r5", 2)
    assert row is not None
    assert row["prior_run_id"] == "r3"


def test_what_was_learnt_later_is_not_before_an_earlier_knowledge_time(books: Books) -> None:
    books.run("r1", "2026-03-02", "2026-03-20 22:00:00+00", missing=(1,))
    books.run("r2", "2026-03-03", "2026-03-03 22:00:00+00", missing=(1,))
    assert told(books.of("r2")) == ("NEW", True, "2026-03-03", 1)


def test_a_run_that_was_rolled_back_is_withdrawn_and_going_forward_brings_it_back(books: Books) -> None:
    books.run("r1", "2026-03-02", "2026-03-02 22:00:00+00", missing=(1,))
    books.run("r2", "2026-03-03", "2026-03-03 22:00:00+00", missing=(1, 2))
    point(books.home, "r1")
    books.run("r3", "2026-03-04", "2026-03-04 22:00:00+00", missing=(1, 2))
    assert told(books.of("r3")) == ("SAME", False, "2026-03-02", 2)
    assert told(books.of("r3", 2)) == ("NEW", True, "2026-03-04", 1)
    archive.keep(books.home)
    assert [made.run_id for made in archive.lineage(books.home)] == ["r1", "r3"]
    point(books.home, "r2")
    books.run("r5", "2026-03-05", "2026-03-05 22:00:00+00", missing=(1, 2))
    archive.keep(books.home)
    assert [made.run_id for made in archive.lineage(books.home)] == ["r1", "r2", "r5"]
    assert told(books.of("r5", 2)) == ("SAME", False, "2026-03-03", 2)


def test_a_run_whose_publication_nobody_recorded_still_counts(books: Books) -> None:
    books.run("r1", "2026-03-02", "2026-03-02 22:00:00+00", missing=(1,))
    books.run("r2", "2026-03-03", "2026-03-03 22:00:00+00", missing=(1,))
    books.home.state.unlink()
    books.run("r3", "2026-03-04", "2026-03-04 22:00:00+00", missing=(1,))
    assert told(books.of("r3")) == ("SAME", False, "2026-03-02", 3)


def test_a_control_that_could_not_look_resolves_nothing(books: Books) -> None:
    books.run("r1", "2026-03-02", "2026-03-02 22:00:00+00", missing=(1, 2))
    books.run("r2", "2026-03-03", "2026-03-03 22:00:00+00", missing=(1, 2), blocked=True)
    unseen = books.of("r2")
    assert told(unseen) == ("NOT_CHECKED", False, "2026-03-02", 1)
    assert unseen is not None
    assert unseen["change_of_amount"] is None
    books.run("r3", "2026-03-04", "2026-03-04 22:00:00+00", missing=(1,))
    assert told(books.of("r3")) == ("SAME", False, "2026-03-02", 2)
    assert books.state("r3") == "NEW"
    assert told(books.of("r3", 2)) == ("RESOLVED", False, "2026-03-02", 1)


def test_history_outlives_the_published_files(books: Books) -> None:
    for number in (1, 2, 3):
        books.run(f"r{number}", f"2026-03-0{number}", f"2026-03-0{number} 22:00:00+00", missing=(1,))
        for old in range(1, number):
            books.home.published(f"r{old}").unlink(missing_ok=True)
    assert told(books.of("r3")) == ("SAME", False, "2026-03-01", 3)


def test_a_waiver_that_ended_brings_the_exception_back(books: Books) -> None:
    books.run("r1", "2026-03-02", "2026-03-02 22:00:00+00", missing=(1,))
    firm = books.run("r2", "2026-03-03", "2026-03-03 22:00:00+00", missing=(1,))
    prior = next(row for row in firm.tables["prior_exception"] if row["exception_id"] == ONE)
    prior["outcome"] = prior["state"] = "WAIVED"
    firm.build("exception_history")
    assert told(books.of("r2")) == ("REOPENED", False, "2026-03-02", 2)
    assert books.state("r2") == "REOPENED"


def test_the_trend_is_what_was_published_for_each_month_and_has_holes_where_nothing_was(books: Books) -> None:
    # deals without a contract by the day of the run; 2 January is overtaken by the month's end
    for number, (day, missing) in enumerate(
        [("2025-12-31", ()), ("2026-01-02", (1, 2, 3)), ("2026-01-31", (1,)), ("2026-03-31", (1, 2)),
         ("2026-04-30", (1, 2, 3)), ("2026-05-29", (2,))]
    ):  # fmt: skip
        books.run(f"r{number}", day, f"{day} 23:00:00+00", missing=missing)
    # April was run again after a correction
    books.run("r6", "2026-04-30", "2026-06-02 22:00:00+00", missing=(1,))
    last = books.run("r7", "2026-06-08", "2026-06-08 22:00:00+00", missing=(1, 3))
    trend = {
        row["period"]: (row["exception_count"], int(row["exception_amount"]), row["as_of"], row["run_id"])
        for row in last.built("control_period")
        if (row["control_id"], row["legal_entity_id"]) == ("CRM-ERP-001", "ALL")
    }
    assert trend == {
        "2026-01": (1, 80000, date(2026, 1, 31), "r2"),
        "2026-03": (2, 160000, date(2026, 3, 31), "r3"),
        "2026-04": (1, 80000, date(2026, 4, 30), "r6"),
        "2026-05": (1, 80000, date(2026, 5, 29), "r5"),
        # the run that is being made, which the hand-made firm always calls r1
        "2026-06": (2, 160000, date(2026, 6, 8), "r1"),
    }
    # deal 1 was not there in May's run, so nothing was at risk on it then
    row = books.of("r7")
    assert row is not None
    assert (row["prior_period_as_of"], row["prior_period_amount"]) == (date(2026, 5, 29), 0)
    books.run("r8", "2026-06-09", "2026-06-09 22:00:00+00", missing=(2,))
    row = books.of("r8", 2)
    assert row is not None
    assert (row["prior_period_as_of"], row["prior_period_amount"]) == (date(2026, 5, 29), 80000)


def test_without_a_run_in_the_month_before_its_amount_is_not_known(books: Books) -> None:
    books.run("r1", "2026-04-30", "2026-04-30 22:00:00+00", missing=(1,))
    books.run("r2", "2026-06-08", "2026-06-08 22:00:00+00", missing=(1,))
    row = books.of("r2")
    assert row is not None
    assert (row["prior_period_as_of"], row["prior_period_amount"]) == (None, None)
    assert row["prior_amount_at_risk"] == 80000


def test_a_month_in_which_the_control_could_not_run_says_nothing(books: Books) -> None:
    books.run("r1", "2026-05-31", "2026-05-31 22:00:00+00", missing=(1,), blocked=True)
    last = books.run("r2", "2026-06-08", "2026-06-08 22:00:00+00", missing=(1,))
    row = books.of("r2")
    assert row is not None
    assert (row["prior_period_as_of"], row["prior_period_amount"]) == (None, None)
    blocked = {(row["control_id"], row["period"]): row["is_blocked"] for row in last.built("control_period")}
    assert blocked["CRM-ERP-001", "2026-05"]
    assert not blocked["CRM-ERP-001", "2026-06"]
