"""Whatever is refused of whatever is delivered: replayed, it is as if it had been right from the start.

Deliveries are drawn: which entries they hold, with what hours, and which of them have a cell that cannot be
read. What has to stand after the corrections is what was drawn, the last delivery without its broken cells.
That numbers do not know in which load a row came is a property of its own (tests/dbt/test_properties.py).
"""

from __future__ import annotations

from collections import Counter
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from pipelines import rejects
from pipelines.landing import run_source
from tests.landing.test_files_source import HEADER, Folder, made
from tests.support.drawing import drawn_alike, said_of

COLUMNS = HEADER.split(",")
IDS = tuple(f"t{number}" for number in range(10))
# a column, and what of it cannot be read
BROKEN = (("hours", "n/a"), ("work_date", "2026-13-40"), ("status", "gone"), ("is_billable", "perhaps"))
HOURS = st.sampled_from(("7.50", "0.00", "-2.00"))
# entry -> hours and, of the ones that cannot be read, the cell that is broken
ENTRY = st.tuples(HOURS, st.one_of(st.none(), st.sampled_from(BROKEN)))
DELIVERY = st.fixed_dictionaries({IDS[0]: ENTRY}, optional=dict.fromkeys(IDS[1:], ENTRY))
# deliveries, and after which of them somebody replays; after the last they always do
STORY = st.lists(st.tuples(DELIVERY, st.booleans()), min_size=2, max_size=3)


def lines(delivery: dict[str, Any]) -> list[str]:
    """The entries as lines of a file, with the broken cells."""
    found = []
    for key, (hours, broken) in sorted(delivery.items()):
        row = dict(zip(COLUMNS, [key, "p1", "r1", "2026-03-02", hours, "true", "approved"], strict=True))
        if broken:
            row[broken[0]] = broken[1]
        found.append(",".join(row.values()))
    return found


def corrections(
    waiting: list[dict[str, Any]], deliveries: dict[str, dict[str, Any]]
) -> dict[str, dict[str, str]]:
    """What should have stood in the broken cells of each reject, by the delivery of its day."""
    right = {"work_date": "2026-03-02", "status": "approved", "is_billable": "true"}
    found = {}
    for one in waiting:
        hours, broken = deliveries[str(one["rejected_at"])[:10]][one["record_id"].split("|")[-1]]
        assert broken, one
        found[str(one["reject_id"])] = {broken[0]: (right | {"hours": hours})[broken[0]]}
    return found


def standing(folder: Folder) -> list[tuple[Any, ...]]:
    """What stands of every record."""
    return folder.sql(
        "select time_entry_id, hours::varchar, work_date::varchar, is_billable, status"
        " from files_files.time_entry"
        " qualify row_number() over (partition by tl_record_id order by tl_load_id desc) = 1"
        " and not tl_is_deleted order by all"
    )


def versions(folder: Folder) -> int:
    return int(folder.sql("select count(*) from files_files.time_entry")[0][0])


def test_what_is_replayed_is_as_if_it_had_been_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    run_source("files", "files", empty, {"path": str(empty / "nowhere")}, "run-0")
    number, seen = count(), Counter[str]()

    @drawn_alike(4, STORY)
    def holds(story: list[tuple[dict[str, Any], bool]]) -> None:
        where = tmp_path / str(next(number))
        where.mkdir()
        folder, deliveries = made(where, empty, monkeypatch), dict[str, dict[str, Any]]()
        for day, (delivery, at_once) in enumerate(story, start=10):
            folder.write("time_entry.csv", HEADER, *lines(delivery))
            folder.land(f"2026-03-{day}T12:00:00Z")
            deliveries[f"2026-03-{day}"] = delivery
            is_last = day == 9 + len(story)
            if not at_once and not is_last:
                seen["waits"] += 1
                continue
            folder.home.at(f"2026-03-{day}T13:00:00Z")
            corrected = corrections(rejects.list_rejects(folder.home.path), deliveries)
            before = versions(folder)
            done = rejects.replay(folder.home.path, list(corrected), corrections=corrected)
            assert sorted(done.replayed) == sorted(corrected), done
            # each once
            assert versions(folder) - before == done.rows_landed <= len(corrected)
            right = [
                (key, hours, "2026-03-02", True, "approved") for key, (hours, _) in sorted(delivery.items())
            ]
            # of what only an earlier delivery held nobody has said yet that it is gone
            found = [row for row in standing(folder) if row[0] in delivery]
            assert found == right, (story, done)
            seen["gone"] += len(standing(folder)) - len(found)
            if is_last:
                again = rejects.replay(folder.home.path, list(corrected), corrections=corrected)
                assert (again.replayed, again.rows_landed) == ([], 0)
                # the same file once more, its cells as broken as they were, takes nothing away
                folder.land(f"2026-03-{day}T14:00:00Z")
                assert standing(folder) == right, (story, "delivered again")
            seen["replayed"] += len(done.replayed)

    holds()
    said_of(seen, ("waits", "replayed", "gone"))
