"""A process that ends when its parent does: `python -m throughline.leash MODULE [ARGUMENTS...]`.

A parent that is killed cannot stop its children, and a child that goes on writing would meet the next run in
the same files. The rule is the same on every system: the child's standard input is a pipe of which only the
parent holds the other end. The kernel closes it with the parent, a thread here reads that, and the process
kills itself at once: what it was writing is put in order by the next run, as after any other kill.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading


def hold(descriptor: int) -> None:
    """Kill this process once the other end of `descriptor` is closed. Returns at once."""
    threading.Thread(target=_wait, args=(descriptor,), name="leash", daemon=True).start()


def _wait(descriptor: int) -> None:
    while os.read(descriptor, 4096):
        pass
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Take the leash away from standard input, so that nobody else reads it, and run the module."""
    hold(os.dup(sys.stdin.fileno()))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
