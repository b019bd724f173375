"""Closed periods as the page reads them: where each stands, and what became known of it since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dashboards import data
from dashboards.data import Scope

OPEN, SOFT, HARD, REOPENED = "OPEN", "SOFT_CLOSED", "HARD_CLOSED", "REOPENED"
WORDS = {OPEN: "Open", SOFT: "Closed softly", HARD: "Closed", REOPENED: "Reopened"}
AREAS = {"GL": "books", "AR": "receivables", "AP": "payables"}
CAUSES = {
    "late_entry": "Entered late",
    "late_load": "Landed late",
    "correction": "Corrected",
    "fx": "Rate changed",
    "mapping": "Moved",
    "definition": "Not reproduced",
}
CHANGES = {"ADDED": "Added", "TAKEN_BACK": "Taken back", "CHANGED": "Changed"}
TREATMENTS = {"RESTATE": "Restates the month", "CURRENT_PERIOD_CATCH_UP": "Belongs to the current month"}
MONTHS_SHOWN = 12
_RECORDS = """
select r.period, r.legal_entity_id, r.area, r.movement_type, r.cause, r.change, r.treatment, r.customer_id,
    r.project_id, r.business_date, r.recorded_at, r.detected_at, r.currency_code, r.delta_tc, r.delta_rc,
    concat(r.source_system, ':', r.source_instance, ':', r.source_record_id) as record_id
from reconciliation.restatement r
where r.is_last and r.period = ? {narrow}
order by abs(r.delta_rc) desc, r.restatement_id
"""


@dataclass(frozen=True)
class Standing:
    """Where one legal entity's month stands: its areas' states, and how many lines came after the close."""

    legal_entity_id: str
    period: str
    areas: dict[str, str]
    proofs: frozenset[str]
    restatements: int

    @property
    def word(self) -> str:
        """One word where the areas agree; else what is closed of it."""
        if len(set(self.areas.values())) == 1:
            return WORDS[next(iter(self.areas.values()))]
        closed = [word for area, word in AREAS.items() if self.areas.get(area) in (SOFT, HARD)]
        return f"{' and '.join(closed).capitalize()} closed" if closed else WORDS[REOPENED]

    @property
    def is_closed(self) -> bool:
        """Whether everything of it is closed."""
        return all(state in (SOFT, HARD) for state in self.areas.values())


def standings(scope: Scope) -> list[Standing]:
    """Every legal entity's months, newest first."""
    narrow, member = data.narrowing(scope)
    found: dict[tuple[str, str], list[data.Row]] = {}
    for row in data.rows(
        "select legal_entity_id, period, area, state, proof, restatements from reconciliation.period_close"
        f" where true {narrow} order by period desc, legal_entity_id, area",
        *member,
    ):
        found.setdefault((row["period"], row["legal_entity_id"]), []).append(row)
    return [
        Standing(
            entity,
            period,
            {str(row["area"]): str(row["state"]) for row in rows},
            frozenset(str(row["proof"]) for row in rows),
            sum(int(row["restatements"]) for row in rows),
        )
        for (period, entity), rows in found.items()
    ]


def changed_periods(found: Sequence[Standing]) -> list[str]:
    """The closed months that changed since, newest first."""
    return sorted({one.period for one in found if one.restatements}, reverse=True)


def bridge(scope: Scope, period: str) -> list[data.Row]:
    """Each metric of a closed month from reported to known, in the reporting currency; what did not change is
    left out."""
    narrow, member = data.narrowing(scope)
    sums = ", ".join(f"sum({name}) as {name}" for name in ("as_reported", *CAUSES, "as_now_known"))
    return list(
        data.rows(
            f"select metric_id, {sums} from reconciliation.close_bridge"
            f" where currency_view = 'RC' and period = ? {narrow} group by metric_id"
            " having sum(as_reported) <> sum(as_now_known)"
            " or count(*) filter (where as_reported <> as_now_known) > 0"
            " order by abs(sum(as_now_known) - sum(as_reported)) desc, metric_id",
            period,
            *member,
        )
    )


def records(scope: Scope, period: str) -> tuple[str, tuple[str, ...]]:
    """The read of what became known of a month after its close, and its parameters."""
    narrow, member = data.narrowing(scope, "r.")
    return _RECORDS.format(narrow=narrow), (period, *member)


def closed_until(found: Sequence[Standing]) -> str | None:
    """The newest month up to which every entity is closed; None where none is."""
    months = sorted({one.period for one in found})
    last = None
    for month in months:
        here = [one for one in found if one.period == month]
        if not all(one.is_closed for one in here):
            break
        last = month
    return last


def changed_by(rows: Sequence[data.Row], metric_id: str) -> Decimal | None:
    """What became known of one metric; None where the month has none of it."""
    found = [row for row in rows if row["metric_id"] == metric_id]
    return Decimal(found[0]["as_now_known"]) - Decimal(found[0]["as_reported"]) if found else None
