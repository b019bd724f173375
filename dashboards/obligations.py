"""Remaining performance obligations as the pages read them: what of backlog is disclosed, and by when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dashboards import data
from dashboards.components.cards import Kpi
from dashboards.components.sums import Sum
from dashboards.filters import Filters

RPO = Kpi(
    "remaining_performance_obligation",
    "Remaining performance obligations",
    is_balance=True,
    kind="money",
    run_day=True,
)
RPO_YEAR = Kpi("rpo_next_12m", "Of it within twelve months", is_balance=True, kind="money", run_day=True)

DISCLOSED = "DISCLOSED"
# why a part of the backlog is left out -> what that is called, in the order in which the reasons are asked
LEFT_OUT = {
    "CANCELLABLE": "May be called off",
    "RIGHT_TO_INVOICE": "Billed by time",
    "ONE_YEAR_OR_LESS": "A year or less",
}
BANDS = {
    "1-12": "Within 12 months",
    "13-24": "13–24 months",
    "25-36": "25–36 months",
    ">36": "Later",
    "NO_DATE": "No end to come",
    "UNKNOWN": "Nobody knows when",
}
Amounts = Mapping[tuple[str, str], Decimal | None]


@dataclass(frozen=True)
class Obligations:
    """Amounts in reporting currency by treatment and band; None where a part of one is unknown."""

    held: Amounts
    short: Decimal | None  # of what is disclosed: in contracts of a year or less

    def of(self, treatment: str | None = None, band: str | None = None) -> Decimal | None:
        """A sum over what is named; None where a part of it is unknown."""
        parts = [
            amount
            for (one, other), amount in self.held.items()
            if treatment in (None, one) and band in (None, other)
        ]
        return None if None in parts else sum((p for p in parts if p is not None), Decimal(0))

    @property
    def bands(self) -> list[str]:
        """The bands that hold something, in order; the three of the standard always."""
        there = {band for _, band in self.held}
        return [band for band in BANDS if band in there or band in ("1-12", "13-24", "25-36")]

    @property
    def reasons(self) -> list[str]:
        """Why something is left out, in order."""
        there = {treatment for treatment, _ in self.held}
        return [reason for reason in LEFT_OUT if reason in there]


def obligations(chosen: Filters) -> Obligations:
    """What the run's day held for the scope."""
    narrow, member = data.narrowing(chosen.scope)
    found = data.rows(
        "select treatment, time_band, "
        "case when count(*) = count(amount_rc) then sum(amount_rc) end as amount, "
        "count(*) filter (is_one_year_or_less and amount_rc is null) as unknown_short, "
        "coalesce(sum(amount_rc) filter (is_one_year_or_less), 0) as short "
        f"from marts.remaining_performance_obligation where true {narrow} group by treatment, time_band",
        *member,
    )
    told = [r for r in found if r["treatment"] == DISCLOSED]
    return Obligations(
        {
            (str(r["treatment"]), str(r["time_band"])): None if r["amount"] is None else Decimal(r["amount"])
            for r in found
        },
        None
        if any(r["unknown_short"] for r in told)
        else sum((Decimal(r["short"]) for r in told), Decimal(0)),
    )


def steps(found: Obligations, backlog: Decimal) -> list[tuple[str, Decimal, str]] | None:
    """Backlog, what is left out, what nothing explains, what is disclosed; None where one is unknown."""
    disclosed = found.of(DISCLOSED)
    taken = [(LEFT_OUT[reason], found.of(reason)) for reason in found.reasons]
    if disclosed is None or any(amount is None for _, amount in taken):
        return None
    moves = [(label, -(amount or Decimal(0)), "step") for label, amount in taken]
    rest = disclosed - backlog - sum((amount for _, amount, _ in moves), Decimal(0))
    if abs(rest) >= Decimal("0.005"):
        moves.append(("Not explained", rest, "step"))
    return [("Backlog", backlog, "total"), *moves, ("Disclosed", disclosed, "total")]


def _sum(label: str, chosen: Filters, where: str, values: Sequence[object], expected: Decimal | None) -> Sum:
    narrow, member = data.narrowing(chosen.scope)
    return Sum(
        label,
        "select customer_id, project_id, contract_line_id, amount_rc as amount "
        f"from marts.remaining_performance_obligation where {where} {narrow}",
        (*values, *member),
        expected,
        data.currency(),
    )


def bridge_sums(chosen: Filters, found: Obligations, backlog: Decimal | None) -> list[Sum]:
    """Every bar of the bridge with its lines: the backlog's are those of all bars."""
    return [
        _sum("Backlog", chosen, "true", (), backlog),
        *(_sum(LEFT_OUT[r], chosen, "treatment = ?", (r,), found.of(r)) for r in found.reasons),
        _sum("Disclosed", chosen, "treatment = ?", (DISCLOSED,), found.of(DISCLOSED)),
    ]


def band_sums(chosen: Filters, found: Obligations) -> list[Sum]:
    """Every band of what is disclosed with its lines."""
    return [
        _sum(
            BANDS[band],
            chosen,
            "treatment = ? and time_band = ?",
            (DISCLOSED, band),
            found.of(DISCLOSED, band),
        )
        for band in found.bands
    ]


def line_rows(chosen: Filters) -> tuple[str, tuple[object, ...]]:
    """The read of a scope's lines: backlog, what of it is disclosed by band, what is left out and why."""
    narrow, member = data.narrowing(chosen.scope)

    def amount(where: str, name: str) -> str:
        return (
            f"case when count(*) filter ({where} and amount_rc is null) = 0 "
            f"then coalesce(sum(amount_rc) filter ({where}), 0) end as {name}"
        )

    disclosed = f"treatment = '{DISCLOSED}'"
    wanted = ", ".join(
        [
            amount("true", "backlog"),
            amount(disclosed, "disclosed"),
            amount(f"{disclosed} and time_band = '1-12'", "within_12"),
            amount(f"{disclosed} and time_band = '13-24'", "within_24"),
            amount(f"{disclosed} and time_band in ('25-36', '>36')", "later"),
            amount(f"{disclosed} and time_band in ('NO_DATE', 'UNKNOWN')", "undated"),
            amount(f"not {disclosed}", "left_out"),
        ]
    )
    return (
        "select as_of, customer_id, contract_line_id, legal_entity_id, practice_id, billing_method, "
        f"term_from, term_to, noncancellable_to, is_one_year_or_less, {wanted}, "
        f"string_agg(distinct treatment, ', ' order by treatment) filter (not {disclosed}) as why "
        f"from marts.remaining_performance_obligation where true {narrow} group by all "
        "order by disclosed desc nulls first, backlog desc, contract_line_id",
        member,
    )
