"""`python -m throughline.registry [--check]`: write what is generated, or say whether it is behind."""

from __future__ import annotations

import sys

from throughline.registry.generate import stale, write


def main(arguments: list[str]) -> int:
    """0 when nothing is behind (or everything was written), 1 when `--check` finds something behind."""
    if arguments == ["--check"]:
        behind = stale()
        for path in behind:
            print(f"{path} is behind the registry: run python -m throughline.registry")
        return 1 if behind else 0
    for path in write():
        print(f"wrote {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
