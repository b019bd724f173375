"""Failures of the machine that a command can meet anywhere, as errors that teach.

A disk that is full or read-only, a file that is damaged, held or closed to this user: none of them is a
mistake of the program, so nobody is shown a traceback for them.
"""

from __future__ import annotations

import errno
import sqlite3
import sys

from throughline.errors import ThroughlineError, error

FULL = (errno.ENOSPC, errno.EDQUOT)
CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
NO_FOLDER = (errno.ENOTDIR, errno.EEXIST, errno.EISDIR)


def _first_line(problem: BaseException) -> str:
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0]


def _of_system(problem: OSError) -> ThroughlineError | None:
    path = problem.filename or "a file"
    detail = problem.strerror or _first_line(problem)
    if problem.errno in FULL:
        return error("E-RUN-030", path=path, detail=detail)
    if problem.errno in CLOSED:
        return error("E-RUN-031", path=path, detail=detail)
    if problem.errno in NO_FOLDER:
        return error("E-RUN-032", path=path, detail=detail)
    return None


def _of_duckdb(problem: Exception) -> ThroughlineError | None:
    # Not imported here: a command that opened no file does not pay for it.
    duckdb = sys.modules.get("duckdb")
    if duckdb is None or not isinstance(problem, duckdb.Error):
        return None
    detail = _first_line(problem)
    if "set lock" in detail:
        return error("E-RUN-034", detail=detail)
    if "No space left" in detail or "failed to offload" in detail:
        return error("E-RUN-030", path="the warehouse", detail=detail)
    if isinstance(problem, (duckdb.IOException, duckdb.SerializationException, duckdb.InternalException)):
        return error("E-RUN-033", detail=detail)
    return None


def told(problem: BaseException) -> ThroughlineError | None:
    """`problem` as an error that teaches; None when it is none of the machine's."""
    if isinstance(problem, ThroughlineError):
        return problem
    if isinstance(problem, OSError):
        return _of_system(problem)
    if isinstance(problem, sqlite3.Error):
        return error("E-STA-002", detail=_first_line(problem))
    if isinstance(problem, Exception):
        return _of_duckdb(problem)
    return None
