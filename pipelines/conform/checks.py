"""The checks, one function each: what it does to the vendor, and what has to come of it.

A check gets a bench whose subject has been landed once, and raises `FoundWrongError`. The texts beside it say
what the numbers would suffer and where to look. A check whose `needs` are red says nothing of its own and is
not run.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipelines import rejects
from pipelines.conform.bench import BY_CURSOR, Bench, FoundWrongError
from pipelines.conform.vendor import Drift, Trouble
from pipelines.landing import ResourceResult
from pipelines.transports.http import Http

PASSING = (Trouble.BUSY, Trouble.BUSY_UNTIL, Trouble.DOWN, Trouble.CUT_OFF, Trouble.FOR_PEOPLE)


@dataclass(frozen=True)
class Check:
    """One check. `name` never changes; `says` is the sentence that holds when it passes."""

    name: str
    says: str
    effect: str
    fix: str
    run: Callable[[Bench], None]
    needs: tuple[str, ...] = ()


def _claim(holds: bool, otherwise: str) -> None:
    if not holds:
        raise FoundWrongError(otherwise)


def reads(bench: Bench) -> None:
    """The first load, which every other check begins with, has brought rows and refused none."""
    landed = len(bench.live())
    _claim(landed >= 5, f"{landed} rows came; the checks need at least 5")
    open_ = rejects.list_rejects(bench.home, source=bench.manifest.source)
    reason = open_[0]["reason"] if open_ else ""
    _claim(not open_, f"{len(open_)} rows were refused, the first because {reason}")


def keys_unique(bench: Bench) -> None:
    """Every resource: as many records as came, none twice in a load."""
    for found in bench.land(bench.manifest.resources).resources:
        _claim(found.status == "OK", f"{found.resource}: {found.error}")
        resource = bench.manifest.resource(found.resource)
        [(rows, keys)] = bench.sql(
            "select count(*), count(distinct (tl_record_id, tl_load_id)) filter (tl_record_id <> '')"
            f" from {bench.table(resource)}"
        )
        _claim(rows == keys, f"{found.resource}: {rows} rows bear {keys} keys")
        came = bench.vendor.came(resource)
        held = len(bench.live(resource))
        _claim(came in {None, held}, f"{found.resource}: {came} records came, {held} keys are held")


def second_load_empty(bench: Bench) -> None:
    """The same again lands nothing: of the subject, and of whatever else can be landed."""
    for _ in range(2):
        found = bench.land(bench.manifest.resources)
    for one in found.resources:
        if one.status == "OK":
            told = f"{one.resource}: {one.rows_landed} rows landed and {one.rows_deleted} were deleted again"
            _claim((one.rows_landed, one.rows_deleted) == (0, 0), told)


def change_once(bench: Bench) -> None:
    """A changed record brings one version, read by the cursor alone."""
    subject, key = bench.subject, bench.live()[0]
    known = len(bench.versions(key))
    bench.vendor.update(subject.resource, key, _edited(bench), {subject.text.name: "changed"})
    for load in ("the load after it", "the next load"):
        bench.good(f"{load} failed", **BY_CURSOR)
        texts = [text for _, _, text in bench.versions(key)]
        told = f"after {load}, {key} has {len(texts)} versions, {subject.text.name} = {texts[-1]}"
        _claim((len(texts), texts[-1]) == (known + 1, "changed"), told)


def late_row(bench: Bench) -> None:
    """A row whose stamp is older than what was read, but within the overlap, is caught."""
    subject = bench.subject
    on_time, late = bench.live()[:2]
    bench.vendor.update(subject.resource, on_time, _edited(bench), {subject.text.name: "on time"})
    bench.good("the load before it failed", **BY_CURSOR)
    behind = max(subject.resource.lag / 2, timedelta(seconds=60))
    at = bench.newest_stamp() - behind
    bench.vendor.update(subject.resource, late, at, {subject.text.name: "late"})
    bench.good("the load after it failed", **BY_CURSOR)
    told = f"a row {behind} behind the newest one was left out; lag is {subject.resource.lag}"
    _claim(bench.versions(late)[-1][2] == "late", told)


def page_boundary(bench: Bench) -> None:
    """A list of exactly one page, and of one row more, comes whole."""
    live = len(bench.live())
    for size in (live, live - 1):
        shutil.rmtree(bench.home)
        bench.home.mkdir()
        found = bench.one(page_size=size, bulk_page=size)
        _claim(found.status == "OK", f"{live} rows in pages of {size}: {found.error}")
        held = len(bench.live())
        _claim(held == live, f"{held} of {live} rows came in pages of {size}")


def deletes(bench: Bench) -> None:
    """A deleted record is seen to be gone, a restored one to be back, one without a trace to be gone."""
    subject, [first, second] = bench.subject, bench.live()[:2]
    bench.vendor.delete(subject.resource, first, _edited(bench))
    bench.good("the load after a deletion failed")
    _claim(bench.versions(first)[-1][0], f"{first} was deleted and is still held as live")
    _claim(second in bench.live(), f"{second} was not deleted and is held as gone")
    bench.vendor.restore(subject.resource, first, _edited(bench))
    bench.good("the load after it was restored failed")
    flags = [gone for gone, _, _ in bench.versions(first)]
    _claim(flags[-3:] == [False, True, False], f"{first} was restored and is held as {_words(flags)}")
    bench.vendor.purge(subject.resource, second, _edited(bench))
    bench.good("the load after a record vanished failed")
    _claim(bench.versions(second)[-1][0], f"{second} vanished without a trace and is still held as live")


def resume(bench: Bench) -> None:
    """A read that breaks off lands nothing, and the next one brings all of it once."""
    subject, key = bench.subject, bench.live()[0]
    bench.vendor.update(subject.resource, key, _edited(bench), {subject.text.name: "changed"})
    before, known = len(bench.live()), len(bench.versions(key))
    bench.vendor.trouble(Trouble.DOWN, after=1)
    # so few are missing from the first page that they could pass for deletions
    size = before - 2
    failed = bench.one(attempts=2, page_size=size, bulk_page=size)
    _claim(failed.status == "FAILED", f"the vendor broke off after a page, and the load said {failed.status}")
    told = f"{len(bench.live())} of {before} rows are held, {len(bench.versions(key))} versions of {key}"
    _claim((len(bench.live()), len(bench.versions(key))) == (before, known), f"from half a read: {told}")
    bench.vendor.trouble(None)
    bench.good("the load after it failed")
    texts = [text for _, _, text in bench.versions(key)]
    _claim(len(texts) == known + 1 and texts[-1] == "changed", f"{key} has {len(texts)} versions afterwards")


def drift_stops(bench: Bench) -> None:
    """A column that goes or changes its type stops a full read by name, and changes nothing landed."""
    subject, standing = bench.subject, bench.home
    for kind, code in bench.vendor.codes.items():
        bench.vendor.drift(kind, subject.resource, subject.number.name)
        bench.home = standing.with_name(f"with a column {kind}")
        bench.home.mkdir()
        found = bench.one()
        what = f"column {subject.number.name} was {kind}, and the load said {_told(found)}"
        _claim(found.error is not None and found.error.code == code, what)
        wanted = {subject.number.name.lower(), subject.number.column.lower()}
        named = found.error is not None and any(word in found.error.what.lower() for word in wanted)
        _claim(named, f"the error names no {subject.number.name}: {found.error}")
        bench.home = standing
        _unchanged(bench.one(), f"while column {subject.number.name} was {kind}")
        bench.vendor.drift(None, subject.resource)
        back = bench.good(f"the load after column {subject.number.name} came back failed")
        _unchanged(back, f"once column {subject.number.name} was back")


def _unchanged(found: ResourceResult, when: str) -> None:
    told = f"{found.rows_landed} rows landed and {found.rows_deleted} were deleted {when}"
    _claim((found.rows_landed, found.rows_deleted) == (0, 0), told)


def new_column(bench: Bench) -> None:
    """A column nobody declared is taken in and told of once."""
    resource = bench.subject.growing
    bench.land([resource])
    bench.vendor.drift(Drift.ADDED, resource)
    for _ in range(2):
        [found] = bench.land([resource]).resources
        _claim(found.status == "OK", f"a column was added, and the load said {_told(found)}")
    told = bench.sql("select count(*) from landing.schema_change where change = 'ADDED'")[0][0]
    _claim(told == 1, f"a column was added and told of {told} times")


def bad_row(bench: Bench) -> None:
    """A row that cannot be used waits among the rejects; what was landed of it stays."""
    subject, key = bench.subject, bench.live()[0]
    before = bench.live()
    bench.vendor.update(subject.resource, key, _edited(bench), {subject.needed.name: None})
    found = bench.good("the load with a bad row failed")
    told = (
        f"a row without {subject.needed.name} came: {found.rows_landed} landed, {found.rows_rejected} refused"
    )
    _claim((found.rows_landed, found.rows_rejected) == (0, 1), told)
    waiting = rejects.list_rejects(bench.home, source=bench.manifest.source)
    _claim(
        [one["record_id"] for one in waiting] == [key], f"{len(waiting)} rejects wait, not the one of {key}"
    )
    _claim(bench.live() == before, f"{key} was refused and is no longer held as it was")


def retries(bench: Bench) -> None:
    """Trouble that passes is waited out."""
    for kind in PASSING:
        bench.vendor.trouble(kind, times=1)
        waited = len(bench.waits)
        found = bench.one()
        _claim(found.status == "OK", f"{kind} once, and the load said {_told(found)}")
        _claim(found.rows_landed == 0, f"{kind} once, and {found.rows_landed} rows landed again")
        tried = found.retries > 0 or len(bench.waits) > waited
        _claim(tried, f"{kind} once, and nothing was asked for again")
        bench.vendor.trouble(None)


def no_secret(bench: Bench) -> None:
    """Neither logs nor errors nor the home hold what the source logs in with, whatever goes wrong."""
    with _overheard() as (lines, hidden):
        told = [_told(bench.one())]
        bench.vendor.trouble(Trouble.DOWN)
        told.append(_told(bench.one(attempts=2)))
        bench.vendor.trouble(Trouble.ECHO)
        told.append(_told(bench.one()))
        bench.vendor.trouble(None)
    secrets = {
        line
        for secret in {*bench.vendor.secrets(), *hidden}
        for line in secret.splitlines()
        if not line.startswith("-----") and len(line) >= 4
    }
    _claim(bool(secrets), "nothing is known to be secret; a reader names its secrets to its client")
    said = "\n".join([*lines, *told])
    _claim(not any(secret in said for secret in secrets), "a log line or an error holds a secret")
    for path in bench.home.rglob("*"):
        if path.is_file():
            body = path.read_bytes()
            leaks = any(secret.encode() in body for secret in secrets)
            _claim(not leaks, f"{path.relative_to(bench.home)} in the home holds a secret")


def totals(bench: Bench) -> None:
    """Rows and amounts are those of the source's own report."""
    for found in bench.land(bench.manifest.resources).resources:
        resource = bench.manifest.resource(found.resource)
        if found.status != "OK":
            continue
        held, report = len(bench.live(resource)), bench.vendor.report(resource)
        if report is None and found.source_count is None:
            _claim(
                resource is not bench.subject.resource,
                f"{resource.name}: no report says what there should be",
            )
            continue
        for rows in (report.rows if report else None, found.source_count):
            _claim(rows in {None, held}, f"{resource.name}: the source counts {rows} rows, {held} are held")
        total = bench.total(resource)
        for amount in (report.amount if report else None, found.source_amount):
            wrong = f"{resource.name}: the source's {resource.control_amount} is {amount}, {total} is held"
            _claim(amount is None or amount == total, wrong)


@contextmanager
def _overheard() -> Iterator[tuple[list[str], set[str]]]:
    """What is logged within the block, at any level; and what the connectors call secret."""
    lines: list[str] = []
    hidden: set[str] = set()
    root, hide = logging.getLogger(), Http.hide

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    def listen(self: Http, secrets: Iterable[str]) -> None:
        known = list(secrets)
        hidden.update(known)
        hide(self, known)

    listener, level = Listener(logging.DEBUG), root.level
    root.addHandler(listener)
    root.setLevel(logging.DEBUG)
    Http.hide = listen  # type: ignore[method-assign]
    try:
        yield lines, hidden
    finally:
        Http.hide = hide  # type: ignore[method-assign]
        root.setLevel(level)
        root.removeHandler(listener)


def _edited(bench: Bench) -> datetime:
    """An hour before the next landing."""
    return bench.now + timedelta(hours=23)


def _told(found: ResourceResult) -> str:
    return f"{found.status} {found.error or ''}".strip()


def _words(flags: Iterable[bool]) -> str:
    return ", ".join("gone" if gone else "live" for gone in flags)


CHECKS: tuple[Check, ...] = (
    Check(
        "reads",
        "the first load brings rows and refuses none",
        "Nothing of the source would be in any number.",
        "Compare addresses, paths and fields of source.yml with a recorded page.",
        reads,
    ),
    Check(
        "keys_unique",
        "keys are there and unique",
        "Records that share a key overwrite one another, and totals shrink.",
        "Declare as `key` what the vendor calls unique; several fields make a composite key.",
        keys_unique,
        ("reads",),
    ),
    Check(
        "second_load_empty",
        "a second load is empty",
        "Every load would tell of changes that are none, and restate closed periods.",
        "A field that differs on each request is `volatile` in source.yml; a list without order needs a key.",
        second_load_empty,
        ("reads",),
    ),
    Check(
        "change_once",
        "a change updates once",
        "Changes would be missed until the next full read, or count twice.",
        "`cursor` has to move with every edit, and the reader has to ask from the window's start.",
        change_once,
        ("second_load_empty",),
    ),
    Check(
        "late_row",
        "a row late inside the window is caught",
        "Rows that the vendor commits late would be missing for good.",
        "Set `lag` to how far a stamp may lie behind the moment a row shows.",
        late_row,
        ("change_once",),
    ),
    Check(
        "page_boundary",
        "a page and a page and one row come whole",
        "The last rows of a list would be missing.",
        "Follow the vendor's own end of list; a short page is not the end, and a full page is not more.",
        page_boundary,
        ("reads",),
    ),
    Check(
        "deletes",
        "deletions and restores are seen",
        "Deleted records would stay in every total, or restored ones be missing.",
        "Leave `deletes.key_compare` on; declare `flag`, `status_field` or `tombstone` where there are any.",
        deletes,
        ("second_load_empty",),
    ),
    Check(
        "resume",
        "a load that breaks off lands nothing and is made good",
        "Half an answer would pass for the whole, and what is missing from it for deleted.",
        "Let errors of the transport through; never return what has come so far.",
        resume,
        ("change_once",),
    ),
    Check(
        "drift_stops",
        "a column that goes or changes its type stops its resource",
        "Empty values would let totals shrink unseen.",
        "Read every declared column, and mark only what accounts may lack with `?`.",
        drift_stops,
        ("second_load_empty",),
    ),
    Check(
        "new_column",
        "a new column is taken in and told of once",
        "What the firm has added to its system would be lost for the time before it is declared.",
        "Hand on all columns of a record, not only the declared ones.",
        new_column,
        ("reads",),
    ),
    Check(
        "bad_row",
        "a bad row is set aside",
        "A row without what it needs would count, or take its earlier version with it.",
        "Mark what a row is useless without with `!`, and let empty values through as they are.",
        bad_row,
        ("second_load_empty",),
    ),
    Check(
        "retries",
        "trouble that passes is waited out",
        "A busy minute at the vendor would cost a day's data.",
        "Send every request through pipelines.transports.http with its retry policy.",
        retries,
        ("second_load_empty",),
    ),
    Check(
        "no_secret",
        "no secret leaves the process",
        "Whoever reads a log could read the vendor's data.",
        "Name what you log in with in `secrets` of the client, and log nothing of a request.",
        no_secret,
        ("reads",),
    ),
    Check(
        "totals",
        "totals equal the source's own report",
        "The warehouse would disagree with the system it was filled from.",
        "Compare `control_amount`, its kind and path with the report; report.yml holds the report's figures.",
        totals,
        ("reads",),
    ),
)
