"""Killed at any point of landing, the next run completes it: nothing twice, nothing lost."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.landing.conftest import Home
from tests.landing.kill_driver import CLOCK, RESOURCES, org_at

POINTS = [
    "while reading",
    "extracted",
    "normalized",
    "personal fields loaded",
    "personal fields recorded",
    "one table loaded",
    "all tables loaded",
    "rejects recorded",
]
LATER = "2026-03-11T13:00:00Z"
VERSIONS = (
    "select tl_record_id, total_price::varchar, tl_is_deleted, count(*)"
    " from salesforce_main.opportunity_line_item group by all order by 1, 2, 3"
)
USERS = "select tl_record_id, is_active, count(*) from salesforce_main.user group by all order by 1, 2"
FIRST = [(f"k{number}", "5.0000", False, 1) for number in range(7)]
SECOND = sorted([*FIRST, ("k1", "6.0000", False, 1), ("k2", "5.0000", True, 1), ("k7", "5.0000", False, 1)])
NAMES = (
    "select record_id, value, count(*) from landing.personal where resource = 'user' and field = 'name'"
    " group by all order by 1, 2"
)
NAMED = [(f"u{number}", f"N{number}", 1) for number in range(7)]
NAMELESS = (
    "select count(*) from salesforce_main.user as u where not exists (select 1 from landing.personal as p"
    " where p.record_id = u.tl_record_id and p.personal_hash = u.tl_personal_hash)"
)
FIRST_USERS = [(f"u{number}", True, 1) for number in range(7)]


def kill(home: Home, stage: int, point: str, root: Path) -> None:
    command = [sys.executable, "-m", "tests.landing.kill_driver", str(home.path), str(stage), point]
    done = subprocess.run(command, cwd=root, capture_output=True, timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_killed_in_a_later_load(home: Home, project_root: Path, point: str) -> None:
    home.land("salesforce", org_at(1).config(), CLOCK[1], RESOURCES)
    kill(home, 2, point, project_root)
    result = home.land("salesforce", org_at(2).config(), LATER, RESOURCES)
    assert result.status == "OK", result.errors
    assert home.sql(VERSIONS) == SECOND
    users = {row[:2]: row[2] for row in home.sql(USERS)}
    assert users == {**dict.fromkeys([row[:2] for row in FIRST_USERS], 1), ("u1", False): 1, ("u2", True): 2}
    assert home.sql(NAMES) == sorted([*NAMED, ("u2", "N2 renamed", 1)])
    assert home.sql(NAMELESS) == [(0,)]
    assert home.sql("select record_id, count(*) from landing.reject group by 1") == [("bad", 1)]
    held = "select record_id, value, count(*) from landing.personal where reject_id is not null group by all"
    assert home.sql(held) == [("bad", "said by Bea", 1)]
    quiet = home.land("salesforce", org_at(2).config(), "2026-03-11T14:00:00Z", RESOURCES)
    assert quiet.rows_landed == 0


@pytest.mark.slow
@pytest.mark.parametrize("point", ["personal fields loaded", "one table loaded", "all tables loaded"])
def test_killed_in_the_first_load(home: Home, project_root: Path, point: str) -> None:
    kill(home, 1, point, project_root)
    result = home.land("salesforce", org_at(1).config(), "2026-03-10T13:00:00Z", RESOURCES)
    assert result.status == "OK", result.errors
    assert home.sql(VERSIONS) == FIRST
    assert home.sql(USERS) == FIRST_USERS
    assert home.sql(NAMES) == NAMED
    assert home.sql(NAMELESS) == [(0,)]
    assert home.sql("select count(*) from salesforce_main.user where not tl_is_backfill") == [(0,)]
