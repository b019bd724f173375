"""sqlfluff's command line, in which a file's layout is worked out once.

Four of its layout rules (LT01, LT02, LT05, LT14) each begin by building the same sequence of blocks and
points from the same tree, together half the time of judging a model. Here the last one built is kept and
handed out again, as a copy, because a rule adds its findings to the one it gets. Linting changes no tree.

The patch stands at module level: sqlfluff's worker processes import this file anew.
"""

from __future__ import annotations

import gc
import sys
from typing import Any

from sqlfluff.cli.commands import cli
from sqlfluff.utils.reflow.sequence import ReflowSequence

_build: Any = ReflowSequence.from_root
_kept: list[Any] = []


def _from_root(root_segment: Any, config: Any) -> ReflowSequence:
    if not _kept or _kept[0] is not root_segment or _kept[1] is not config:
        _kept[:] = [root_segment, config, _build(root_segment, config)]
    sequence = _kept[2]
    return ReflowSequence(
        elements=list(sequence.elements),
        root_segment=sequence.root_segment,
        reflow_config=sequence.reflow_config,
        depth_map=sequence.depth_map,
    )


ReflowSequence.from_root = staticmethod(_from_root)
# A tree is some hundred thousand objects that all stay until it is judged: looked through seldom.
gc.set_threshold(200_000, 20, 20)

if __name__ == "__main__":
    sys.exit(cli())
