"""Tests over what Hypothesis draws: the same in every run, every session and on every machine."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.internal.conjecture import providers

# others for who looks for one that breaks a rule
SEED = int(os.environ.get("THROUGHLINE_DRAW_SEED", "20260429"))


def drawn_alike(examples: int, *strategies: Any) -> Callable[[Any], Any]:
    """A test over so many draws of the strategies."""

    def wrap(test: Any) -> Any:
        asked = settings(
            max_examples=examples, derandomize=False, deadline=None, database=None, print_blob=False,
            suppress_health_check=list(HealthCheck),
            # a smaller one that fails too would take a hundred builds to find
            phases=[Phase.generate],
        )  # fmt: skip
        run = seed(SEED)(asked(given(*strategies)(test)))

        def draw() -> None:
            # Hypothesis also draws constants that it reads in the modules that happen to be loaded, which a
            # seed does not hold: the same tests would draw others in another session
            with patch.object(providers, "_get_local_constants", lambda: providers._local_constants):
                run()

        return draw

    return wrap


def said_of(seen: Counter[str], wanted: Iterable[str]) -> None:
    """Nothing holds of what no firm has: each was there in at least one of them."""
    assert not [name for name in wanted if not seen[name]], seen
