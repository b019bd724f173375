"""The page of closed periods on a published firm: what it tells is what SQL gives, line by line."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboards import closes, numbers
from dashboards.closes import HARD, OPEN, REOPENED, SOFT, Standing
from dashboards.components.rows import CAP
from tests.dashboards.conftest import Opener
from tests.dashboards.test_executive_overview import Sql, words

LATE = (
    "select r.period, count(*) as lines, sum(r.delta_rc) as moved from reconciliation.restatement r"
    " where r.is_last and {where} group by 1 order by 1 desc"
)


def test_the_lines_are_what_became_known_since_and_lead_from_reported_to_known(
    open_page: Opener, sql: Sql
) -> None:
    entity = sql("select max(legal_entity_id) as m from reconciliation.restatement where is_last")[0]["m"]
    for query, where in (
        ({}, "true"),
        ({"scope": f"LEGAL_ENTITY:{entity}"}, f"legal_entity_id = '{entity}'"),
    ):
        months = sql(LATE.format(where=where))
        assert months, "the firm of the tests has something that came after a close"
        for month in (months[0], months[-1]):
            app = open_page("close", **query, closed=month["period"])
            assert not app.exception
            assert not app.error
            tables = [table.value for table in app.dataframe]
            [listed] = [table for table in tables if "Treatment" in table]
            assert len(listed) == min(month["lines"], CAP)
            if month["lines"] <= CAP:
                total = sum(map(Decimal, map(str, listed["USD"].dropna())), Decimal())
                assert total.quantize(Decimal("0.01")) == month["moved"].quantize(Decimal("0.01"))
            rows = sql(
                "select metric_id, sum(as_reported) as reported, sum(as_now_known) as known"
                " from reconciliation.close_bridge where currency_view = 'RC' and period = ?"
                f" and {where} group by 1 having count(*) filter (where as_reported <> as_now_known) > 0",
                month["period"],
            )
            if rows:
                [shown] = [table for table in tables if "Reported" in table]
                assert len(shown) == len(rows)
                for name, column in (("Reported", "reported"), ("Known now", "known")):
                    assert sum(shown[name]) == pytest.approx(float(sum(row[column] for row in rows)))
                causes = [one for one in closes.CAUSES.values() if one in shown]
                moved = sum(shown[one] for one in causes)
                assert (shown["Reported"] + moved).tolist() == pytest.approx(shown["Known now"].tolist())


def test_the_headline_counts_the_lines_of_closed_months(open_page: Opener, sql: Sql) -> None:
    months = sql(LATE.format(where="true"))
    lines = sum(month["lines"] for month in months)
    said = words(open_page("close"))
    assert f"Since then {numbers.counted(lines, 'change', 'changes')} became known" in said
    # the firm's controller closed May after the first load, and nothing else closes with a proof
    assert "What was reported is reproduced to the cent" in said


def test_a_part_that_keeps_no_books_says_so(open_page: Opener, sql: Sql) -> None:
    practice = sql("select max(practice_id) as m from marts.handoff_stage")[0]["m"]
    app = open_page("close", scope=f"PRACTICE:{practice}")
    assert not app.exception
    assert "Books are closed by legal entity" in words(app)


def standing(period: str, entity: str = "a", **areas: str) -> Standing:
    return Standing(entity, period, {"GL": OPEN, "AR": OPEN, "AP": OPEN, **areas}, frozenset(), 0)


def test_a_month_is_closed_when_all_of_it_is_and_all_before_it() -> None:
    shut = {"GL": HARD, "AR": SOFT, "AP": HARD}
    assert standing("2026-01", **shut).is_closed
    assert standing("2026-01", AR=HARD).word == "Receivables closed"
    assert standing("2026-01", GL=REOPENED, AR=REOPENED, AP=REOPENED).word == "Reopened"
    months = [standing("2026-01", **shut), standing("2026-02"), standing("2026-03", **shut)]
    # March is closed over an open February: nothing rests on it
    assert closes.closed_until(months) == "2026-01"
    assert closes.closed_until([*months[:1], standing("2026-01", "b")]) is None
