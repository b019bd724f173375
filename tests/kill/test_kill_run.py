"""Killed by SIGKILL at random moments of every stage, the next run ends published: nothing twice or lost.

THROUGHLINE_KILLS says how many points each stage gets, THROUGHLINE_KILL_SEED which (`make test-kill`).
`make test` kills the landing of every source once; a whole run beside one that nobody kills takes too long.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.kill.compare import differences
from tests.kill.scene import BUILD, CHECK, LAND, PUBLISH, Point, Scene, draw, staged
from throughline.files import read_json

pytestmark = pytest.mark.slow

FIRM = 11
KILLS = int(os.environ.get("THROUGHLINE_KILLS", "0"))
SEED = int(os.environ.get("THROUGHLINE_KILL_SEED", "2026"))
# With more points than the few, every other round is played at a later load.
LOADS = 2 if KILLS else 1


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with staged(tmp_path_factory.mktemp("kill"), FIRM) as made:
        yield made


def rounds(phases: tuple[str, ...], few: int, each: int) -> Iterator[tuple[int, list[Point]]]:
    """The points in rounds of `each`, with the load each round is played at."""
    points = draw(SEED, phases, KILLS or few)
    for number, start in enumerate(range(0, len(points), each)):
        yield number % LOADS, points[start : start + each]


def kill_all(scene: Scene, load: int, points: list[Point]) -> None:
    """Kill a run at each point, one after the other, and say where it died."""
    for point in points:
        died = scene.kill(load, point)
        print(f"seed {SEED}, load {load + 1}: {point}: died in {died or 'nothing, it had ended'}", flush=True)
        # Only the end of a publish is too short to be met for certain.
        assert died or point.phase == PUBLISH


def same(scene: Scene, load: int, state: str, *files: str) -> None:
    """The home holds what the home that nobody killed held in that state."""
    assert differences(scene.kept(load, state), scene.home.root, *files) == {}


def test_killed_while_landing(scene: Scene) -> None:
    for load, points in rounds(LAND, len(LAND), 2 * len(LAND)):
        scene.need(load, "landed")
        scene.put_back(load, "start")
        kill_all(scene, load, points)
        assert scene.run("land") == 0, scene.last_words()
        same(scene, load, "landed", "raw")


@pytest.mark.kill
def test_killed_while_building(scene: Scene) -> None:
    for load, points in rounds(BUILD, len(BUILD), 2 * len(BUILD)):
        scene.need(load, "published")
        scene.put_back(load, "landed")
        kill_all(scene, load, points)
        assert scene.run("run") == 0, scene.last_words()
        same(scene, load, "published", "raw", "build", "published")


@pytest.mark.kill
def test_killed_while_checking(scene: Scene) -> None:
    for load, points in rounds((CHECK,), 2, 4):
        scene.need(load, "published")
        scene.put_back(load, "built")
        kill_all(scene, load, points)
        assert scene.run("run", "--from-stage", "check") == 0, scene.last_words()
        same(scene, load, "published", "published")


@pytest.mark.kill
def test_killed_while_publishing(scene: Scene) -> None:
    for load, points in rounds((PUBLISH,), 2, 1):
        scene.need(load, "published")
        scene.put_back(load, "checked")
        before = read_json(scene.home.pointer, {}).get("run_id")
        kill_all(scene, load, points)
        code = scene.run("publish")
        # 3: there is nothing left to publish, because the pointer had been moved.
        assert code in (0, 3), scene.last_words()
        assert read_json(scene.home.pointer)["run_id"] != before
        same(scene, load, "published", "published")
