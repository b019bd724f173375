"""The order of a run: land, build, check, publish; from any of them on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from pipelines.span import PLAIN, Span
from throughline import lock, publish, runs
from throughline.config import Config
from throughline.errors import ThroughlineError, error
from throughline.home import Home
from throughline.runs import STAGES, Run
from throughline.stages.build import build
from throughline.stages.check import check
from throughline.stages.land import land


@dataclass(frozen=True)
class Request:
    """What is asked of a run: first and last stage, the two clocks, which source, what of it, models."""

    first: str = "land"
    last: str = "publish"
    as_of: date | None = None
    known_at: datetime | None = None
    select: str | None = None
    source: str | None = None
    resources: tuple[str, ...] = ()
    span: Span = PLAIN
    full_refresh: bool = False
    quiet: bool = False

    def stages(self) -> tuple[str, ...]:
        """The stages asked for, in order."""
        return STAGES[STAGES.index(self.first) : STAGES.index(self.last) + 1]


def _resume(home: Home, config: Config, request: Request) -> Run:
    """The newest run whose candidate is there, to carry on with at check or publish."""
    waiting = publish.candidates(home)
    if not waiting:
        raise error("E-RUN-021", run_id="none")
    return runs.reopen(home, config, waiting[-1], quiet=request.quiet)


def execute(home: Home, config: Config, request: Request) -> Run:
    """Carry out `request` holding the home's lock; the run as it ended.

    What a killed run left behind is put in order first. A run that fails keeps what is published as it is;
    its manifest says where it failed. Raises E-RUN-075 (exit 75) when another process holds the lock, and
    whatever stopped the run; a gate that failed on the way to publishing is E-RUN-023 (exit 4).
    """
    home.ensure()
    with lock.exclusive(home, request.first):
        recovered = publish.recover(home)
        if request.first in ("check", "publish"):
            run = _resume(home, config, request)
        else:
            run = runs.start(
                home,
                config,
                verb="run" if request.first != request.last else request.first,
                as_of=request.as_of,
                known_at=request.known_at,
                select=request.select,
                quiet=request.quiet,
            )
        for line in recovered:
            run.log("recover", f" {line}")
        try:
            for stage in request.stages():
                if stage == "land":
                    land(run, request.source, list(request.resources) or None, request.span)
                elif stage == "build":
                    build(run, request.select, full_refresh=request.full_refresh)
                elif stage == "check":
                    check(run)
                else:
                    publish.publish(run)
        except ThroughlineError as problem:
            gate = problem.code == "E-RUN-020" and request.last == "publish"
            run.finish(runs.NOT_PUBLISHED if gate else runs.FAILED)
            if gate:
                raise error(
                    "E-RUN-023",
                    run_id=run.run_id,
                    first=problem.what,
                    standing=publish.current_run(home) or "nothing",
                    more=problem.more,
                ) from problem
            raise
        except BaseException:
            run.finish(runs.FAILED)
            raise
        run.finish(runs.PUBLISHED if request.last == "publish" else runs.COMPLETED)
        return run
