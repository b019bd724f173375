"""What each load expected of months to come, held against what they brought, as the truth tells both.

The warehouse freezes its outlook with every run and judges it when the month is whole. Here the same is
worked out from the truth of the loads themselves, so a forecast that the warehouse kept wrongly, or judged
against another month, is seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pyarrow as pa

from sandbox.compare import CENT, RATIO, Comparison, Difference, apart, text_of
from sandbox.oracle.money import ZERO, known_sum

# months that are judged, and how many months ahead the earliest forecast of each was made
JUDGED, HORIZONS = 12, 6
# what of, and of which basis the forecast is: all revenue, that of what was signed then, that of what was not
MEASURES = {"REVENUE": ("SIGNED", "PIPELINE"), "BACKLOG_BURN": ("SIGNED",), "PIPELINE": ("PIPELINE",)}
# measure, month, months ahead, legal entity, practice
Key = tuple[str, date, int, str, str]
# measure, grain, legal entity, practice, months ahead
Place = tuple[str, str, str, str, int]
PLACE = ("month_start", "legal_entity_id", "practice_id")


@dataclass(frozen=True, slots=True)
class Judged:
    """A forecast of a month and what the month brought; an amount of which a part is unknown is None."""

    made_on: date
    is_forecast: bool
    forecast: Decimal | None
    actual: Decimal | None


@dataclass(slots=True)
class Accuracy:
    """What is said of the forecasts of a place: months, what was expected of them if anything, what came."""

    told: list[tuple[date, bool, Decimal | None, Decimal | None]] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Months, cases, and those of which anything was expected."""
        return {
            "months": len({month for month, *_ in self.told}),
            "cases": len(self.told),
            "forecasts": sum(is_forecast for _, is_forecast, *_ in self.told),
        }

    def shares(self) -> dict[str, Decimal | None]:
        """The three figures that are shown."""
        errors = [
            None if forecast is None or actual is None else forecast - actual
            for *_, forecast, actual in self.told
        ]
        came = known_sum(None if actual is None else abs(actual) for *_, actual in self.told)
        counts = self.counts()
        return {
            "wape": _share(known_sum(None if error is None else abs(error) for error in errors), came),
            "bias": _share(known_sum(errors), came),
            "coverage": _share(Decimal(counts["forecasts"]), Decimal(counts["cases"])),
        }


def judged(outlooks: Mapping[date, pa.Table], as_of: date) -> dict[Key, Judged]:
    """Every forecast of the last whole months before `as_of`.

    `outlooks`: the outlook of the truth by the day of its load, up to that of `as_of`, whose actuals count.
    """
    rows = {day: table.to_pylist() for day, table in outlooks.items()}
    earned = [row for row in rows[as_of] if row["basis"] == "ACTUAL"]
    found: dict[Key, Judged] = {}
    for measure, bases in MEASURES.items():
        for back, horizon in product(range(1, JUDGED + 1), range(HORIZONS + 1)):
            month = _months_before(as_of, back)
            frozen_for = _months_before(month, horizon)
            stood = [
                day
                for day in outlooks
                if day < min(frozen_for, as_of)
                and any(row["basis"] in MEASURES["REVENUE"] for row in rows[day])
            ]
            if not stood:
                continue
            made_on = max(stood)
            forecast = _amounts(row for row in rows[made_on] if row["basis"] in bases)
            came = _amounts(row for row in earned if _is_of(measure, row["signed_on"], made_on))
            for at in {*came, *forecast}:
                if at[0] == month:
                    found[measure, month, horizon, at[1], at[2]] = Judged(
                        made_on, at in forecast, forecast.get(at, ZERO), came.get(at, ZERO)
                    )
    return found


def _is_of(measure: str, signed_on: date | None, made_on: date) -> bool:
    """Whether revenue of a contract that was signed on a day is what the forecast was of."""
    was_signed = signed_on is not None and signed_on <= made_on
    return measure == "REVENUE" or was_signed == (measure == "BACKLOG_BURN")


def accuracy(forecasts: Mapping[Key, Judged]) -> dict[Place, Accuracy]:
    """Of the firm, each legal entity, each practice, and of all members of either, one by one."""
    members: dict[tuple[str, str, str, str, date, int], list[Judged]] = defaultdict(list)
    for (measure, month, horizon, entity, practice), one in forecasts.items():
        for place in (("FIRM", "ALL", "ALL"), ("LEGAL_ENTITY", entity, "ALL"), ("PRACTICE", "ALL", practice)):
            members[measure, *place, month, horizon].append(one)
    found: dict[Place, Accuracy] = {}
    for (measure, grain, entity, practice, month, horizon), parts in members.items():
        said = (
            month,
            any(one.is_forecast for one in parts),
            known_sum(one.forecast for one in parts),
            known_sum(one.actual for one in parts),
        )
        for at in {(measure, grain, entity, practice, horizon), (measure, grain, "ALL", "ALL", horizon)}:
            found.setdefault(at, Accuracy()).told.append(said)
    return found


def compare_outlook(truth: pa.Table, found: pa.Table, as_of: date, into: Comparison) -> None:
    """What the year's months brought, what is expected of those ahead and what was planned, to the cent."""
    both = [
        [row for row in table.to_pylist() if row["month_start"] >= date(as_of.year, 1, 1)]
        for table in (truth, found)
    ]
    into.forecasts += len({tuple(row[name] for name in ("basis", *PLACE)) for rows in both for row in rows})
    for name in ("amount_rc", "amount_cc"):
        says_of, finds_of = (_summed(rows, ("basis", *PLACE), name) for rows in both)
        for key in sorted({*says_of, *finds_of}):
            # a month without a row brought nothing; one of which a part is unknown has a row
            says, finds = (amounts.get(key, ZERO) for amounts in (says_of, finds_of))
            if apart(says, finds, CENT):
                into.differences.append(_difference("outlook", key[0], key[1:], name, says, finds))


def compare_forecasts(
    outlooks: Mapping[date, pa.Table],
    as_of: date,
    vintages: pa.Table,
    accuracies: pa.Table,
    into: Comparison,
    struck: Collection[date] = (),
) -> None:
    """Forecasts one by one, and how good they were by place and months ahead.

    `struck`: days of loads that told the warehouse something untrue; what was forecast on them is not judged.
    """
    truth = judged(outlooks, as_of)
    found = {
        (row["measure"], row["month_start"], row["horizon"], row["legal_entity_id"], row["practice_id"]): row
        for row in vintages.to_pylist()
    }
    for key in sorted({*truth, *found}):
        into.forecasts += 1
        one, row = truth.get(key), found.get(key)
        if (one.made_on if one else row and row["made_on"]) in struck:
            continue
        if one is None or row is None:
            what = "EXTRA" if one is None else "MISSING"
            into.differences.append(_difference("forecast", key[0], key[1:], what, one or "", row or ""))
            continue
        for name, says in (("made_on", one.made_on), ("is_forecast", one.is_forecast)):
            if says != row[name]:
                into.differences.append(_difference("forecast", key[0], key[1:], name, says, row[name]))
        for name, amount in (("forecast_cc", one.forecast), ("actual_cc", one.actual)):
            if apart(amount, row[name], CENT):
                into.differences.append(_difference("forecast", key[0], key[1:], name, amount, row[name]))
    if not any(one.made_on in struck for one in truth.values()):
        _compare_accuracy(accuracy(truth), accuracies, into)


def _compare_accuracy(truth: Mapping[Place, Accuracy], accuracies: pa.Table, into: Comparison) -> None:
    found = {
        (row["measure"], row["grain"], row["legal_entity_id"], row["practice_id"], row["horizon"]): row
        for row in accuracies.to_pylist()
    }
    for key in sorted({*truth, *found}):
        into.forecasts += 1
        if key not in truth or key not in found:
            what = "EXTRA" if key in found else "MISSING"
            into.differences.append(_difference("accuracy", key[0], key[1:], what, "", ""))
            continue
        one, row = truth[key], found[key]
        for name, number in one.counts().items():
            if number != row[name]:
                into.differences.append(_difference("accuracy", key[0], key[1:], name, number, row[name]))
        for name, share in one.shares().items():
            if apart(share, row[name], RATIO):
                into.differences.append(_difference("accuracy", key[0], key[1:], name, share, row[name]))


def _difference(kind: str, subject: str, key: Iterable[Any], what: str, truth: Any, found: Any) -> Difference:
    return Difference(
        kind, subject, " ".join(str(part) for part in key), what, text_of(truth), text_of(found)
    )


def _amounts(rows: Iterable[dict[str, Any]]) -> dict[tuple[Any, ...], Decimal | None]:
    return _summed(rows, PLACE, "amount_cc")


def _summed(
    rows: Iterable[dict[str, Any]], by: tuple[str, ...], amount: str
) -> dict[tuple[Any, ...], Decimal | None]:
    parts: dict[tuple[Any, ...], list[Decimal | None]] = defaultdict(list)
    for row in rows:
        parts[tuple(row[name] for name in by)].append(row[amount])
    return {key: known_sum(amounts) for key, amounts in parts.items()}


def _months_before(day: date, back: int) -> date:
    number = day.year * 12 + day.month - 1 - back
    return date(number // 12, number % 12 + 1, 1)


def _share(above: Decimal | None, below: Decimal | None) -> Decimal | None:
    return None if above is None or not below else above / below
