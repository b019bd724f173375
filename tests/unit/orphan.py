"""A process that writes without end; the tests start it on a leash and kill its parent."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    with (Path(sys.argv[1]) / "written").open("a", encoding="ascii", buffering=1) as out:
        out.write("begun\n")
        print(os.getpid(), flush=True)
        while True:
            out.write(f"{time.monotonic()}\n")
            time.sleep(0.01)
