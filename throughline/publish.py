"""Publishing: the candidate becomes a file that never changes, then one small pointer is swapped to it.

The rows to drill into stand in files of their own, one per period, which runs share (`throughline.facts`).
Whatever moment a kill strikes, readers see the old run or the new one, whole; `recover` puts what was left
behind in order before the next writer starts. Rolling back is pointing at an earlier file.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import duckdb

from throughline import clock, content, facts, files, fingerprints, runs, warehouse
from throughline.errors import error
from throughline.facts import Facts
from throughline.home import Home
from throughline.runs import Run
from throughline.state import Store

READ_ONLY, WRITABLE = 0o444, 0o644


def reached(point: str) -> None:
    """Called between any two steps that change a file; tests replace it to stop the process there."""


def _run_of(name: str, prefix: str) -> str:
    return name.removeprefix(prefix).removesuffix(".duckdb")


def published_runs(home: Home) -> list[str]:
    """Ids of the runs whose published file is kept, oldest first."""
    return sorted(_run_of(path.name, "serving_") for path in home.serving.glob("serving_*.duckdb"))


def candidates(home: Home) -> list[str]:
    """Ids of the runs that have a candidate, oldest first."""
    return sorted(_run_of(path.name, "candidate_") for path in home.serving.glob("candidate_*.duckdb"))


def pins(home: Home) -> list[str]:
    """Ids of the runs that retention leaves alone."""
    return list(files.read_json(home.pins, []))


def current_run(home: Home) -> str | None:
    """The run that is published now, None when nothing is."""
    pointer = files.read_json(home.pointer)
    return str(pointer["run_id"]) if pointer else None


def _remove(path: Path) -> None:
    """Take away a leftover; DuckDB leaves folders too, where it was spilling to disk."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _hash_tables(
    connection: duckdb.DuckDBPyConnection, rows_behind: list[Facts]
) -> tuple[str, dict[str, dict[str, Any]]]:
    """The candidate's tables with rows and hash, and the hash of it all.

    The rows to drill into are hashed period by period already; their table's hash is that of the periods'.
    """
    hashed: dict[str, dict[str, Any]] = {}
    whole = hashlib.sha256()
    for schema, name in content.tables(connection):
        if rows_behind and (schema, name) == (facts.SCHEMA, facts.TABLE):
            rows = sum(one.rows for one in rows_behind)
            listed = "".join(f"{one.period}:{one.rows}:{one.sha256}\n" for one in rows_behind)
            digest = hashlib.sha256(listed.encode()).hexdigest()
        else:
            rows, digest = content.table_hash(connection, schema, name)
        hashed[f"{schema}.{name}"] = {"rows": rows, "sha256": digest}
        whole.update(f"{schema}.{name}:{digest}\n".encode())
    return whole.hexdigest(), hashed


def _copy_tables(connection: duckdb.DuckDBPyConnection, rows_behind: list[Facts], folder: Path) -> None:
    """Copy the opened candidate into the file attached as `serving`, its rows to drill into as a view."""
    found = connection.execute("select current_database()").fetchone()
    assert found is not None, "a scalar has a row"
    connection.execute(f"copy from database {content.quoted(str(found[0]))} to serving (schema)")
    # of what the candidate says of itself, what its tables were made of is still true
    connection.execute(f"drop schema if exists serving.{content.OWN_SCHEMA} cascade")
    connection.execute(f"create schema serving.{content.OWN_SCHEMA}")
    fingerprints.keep(connection, "serving")
    for schema, name in content.tables(connection):
        if rows_behind and (schema, name) == (facts.SCHEMA, facts.TABLE):
            connection.execute(f"drop table {content.quoted('serving', schema, name)}")
            continue
        source, target = content.quoted(schema, name), content.quoted("serving", schema, name)
        connection.execute(f"insert into {target} select * from {source}")
    if rows_behind:
        facts.show(connection, "serving", folder, rows_behind)


def _close(run: Run, target: Path) -> dict[str, Any]:
    """Write the candidate's content to `target` as a file closed for good, which says of itself what it is.

    The rows to drill into go to their own files first. The candidate itself is only read.
    """
    home = run.home
    connection = duckdb.connect(str(home.candidate(run.run_id)))
    try:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(f"set memory_limit = {content.literal(run.config.engine.memory)}")
        rows_behind, written = facts.split(connection, home.serving, reached)
        whole, hashed = _hash_tables(connection, rows_behind)
        reached("hashed")
        connection.execute(f"attach {content.literal(str(target))} as serving")
        _copy_tables(connection, rows_behind, home.serving)
        own = f"serving.{content.OWN_SCHEMA}"
        connection.execute(
            f"create table {own}.run (run_id varchar, as_of date,"
            " known_at timestamptz, reporting_currency varchar, started_at timestamptz, content_hash varchar)"
        )
        said = (
            run.run_id, run.as_of, run.known_at, run.manifest["reporting_currency"],
            clock.parse_instant(run.manifest["started_at"]), whole,
        )  # fmt: skip
        content.insert(connection, f"{own}.run", [said])
        connection.execute(
            f"create table {own}.content (table_name varchar, row_count bigint, content_hash varchar)"
        )
        listed = [(name, one["rows"], one["sha256"]) for name, one in hashed.items()]
        content.insert(connection, f"{own}.content", listed)
        if rows_behind:
            facts.declare(connection, rows_behind, "serving")
        connection.execute("detach serving")
    finally:
        connection.close()
    return {
        "content_hash": whole,
        "tables": hashed,
        "facts": [one.file for one in rows_behind],
        "facts_written": written,
    }


def point(
    home: Home, run_id: str, *, as_of: str | None, known_at: str | None, content_hash: str | None
) -> None:
    """Swap the pointer to `run_id` in one step."""
    files.write_json(
        home.pointer,
        {
            "run_id": run_id,
            "file": home.published(run_id).name,
            "published_at": clock.iso(clock.now()),
            "as_of": as_of,
            "known_at": known_at,
            "content_hash": content_hash,
        },
    )


def publish(run: Run) -> None:
    """Publish the run's checked candidate. Raises E-PUB-003 (exit 4) when it did not pass its checks."""
    home = run.home
    candidate, target = home.candidate(run.run_id), home.published(run.run_id)
    if not run.stage_done("check"):
        raise error("E-PUB-003", run_id=run.run_id)
    if not candidate.exists():
        raise error("E-RUN-021", run_id=run.run_id)
    with run.stage("publish") as entry:
        before = current_run(home)
        reached("start")
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        temporary.unlink(missing_ok=True)
        closed = _close(run, temporary)
        run.manifest["published"] = {"file": target.name, "before": before, **closed}
        run.save()
        reached("closed")
        temporary.chmod(READ_ONLY)
        temporary.rename(target)
        files.sync_folder(home.serving)
        reached("renamed")
        point(
            home,
            run.run_id,
            as_of=run.manifest["as_of"],
            known_at=run.manifest["known_at"],
            content_hash=closed["content_hash"],
        )
        reached("pointed")
        run.manifest["status"] = runs.PUBLISHED
        run.save()
        candidate.unlink()
        reached("recorded")
        Store(home).append("publication", run.run_id, "throughline", {"action": "publish", "from": before})
        entry["removed"] = retain(home, run.config.keep_published)
        entry["previous"] = before
        shared = len(closed["facts"]) - closed["facts_written"]
        run.log(
            "publish",
            f"{run.run_id} is published: {len(closed['tables'])} tables, {target.name},"
            f" {len(closed['facts'])} files of rows ({shared} shared)",
        )


def retain(home: Home, keep: int) -> list[str]:
    """Delete published files beyond the newest `keep`; the current one and pinned ones stay. Their ids."""
    kept = published_runs(home)
    stay = {*kept[-keep:], *pins(home), current_run(home)}
    removed = []
    for run_id in kept:
        if run_id not in stay:
            reached("retain")
            home.published(run_id).unlink()
            shutil.rmtree(home.run(run_id) / "dbt", ignore_errors=True)
            removed.append(run_id)
    sweep(home)
    return removed


def sweep(home: Home) -> list[str]:
    """Delete the files of rows that no kept run needs; their names.

    What a run needs is read from its own file. When one cannot be read, nothing is deleted.
    """
    there = facts.paths(home.serving)
    if not there:
        return []
    try:
        needed = {
            one.file for run_id in published_runs(home) for one in facts.of_file(home.published(run_id))
        }
    except duckdb.Error:
        return []
    removed = []
    for path in there:
        if path.name not in needed:
            reached("sweep")
            path.unlink()
            removed.append(path.name)
    return removed


def _tell(home: Home, run_id: str) -> bool:
    """Write the event of a publication that was killed before its word; False when it is there."""
    published = files.read_json(home.run(run_id) / "manifest.json", {}).get("published") or {}
    told = any(event.payload["action"] == "publish" for event in Store(home).read("publication", run_id))
    if told or "before" not in published:
        return False
    words = {"action": "publish", "from": published["before"]}
    Store(home).append("publication", run_id, "throughline", words)
    return True


def recover(home: Home) -> list[str]:
    """Put in order what a killed run left behind; what was done, one line each. Call it holding the lock."""
    done = []
    for leftover in [
        *home.serving.glob(".*.tmp*"),
        *home.root.glob(".*.tmp*"),
        *home.serving.glob("attached*"),
        *home.serving.glob("*.duckdb.tmp"),
    ]:
        _remove(leftover)
    now_published = current_run(home)
    for manifest in runs.manifests(home):
        run_id, status = manifest["run_id"], manifest["status"]
        if status != runs.RUNNING:
            continue
        ended = runs.PUBLISHED if run_id == now_published else "KILLED"
        manifest["status"] = ended
        files.write_json(home.run(run_id) / "manifest.json", manifest)
        done.append(f"{run_id} was cut short; it is recorded as {ended.lower()}")
    for run_id in published_runs(home):
        manifest = files.read_json(home.run(run_id) / "manifest.json", {})
        if run_id != now_published and manifest.get("status") != runs.PUBLISHED:
            # Named but never pointed at: nobody has seen it. Its candidate is there until the pointer is.
            if home.candidate(run_id).exists():
                home.published(run_id).unlink()
            else:
                home.published(run_id).chmod(WRITABLE)
                facts.unfold(home.published(run_id), home.serving)
                home.published(run_id).rename(home.candidate(run_id))
            done.append(f"{run_id} was not published to the end; its candidate is kept")
    waiting = candidates(home)
    for run_id in waiting:
        if run_id != waiting[-1] or home.published(run_id).exists():
            home.candidate(run_id).unlink()
            home.candidate(run_id).with_suffix(".duckdb.wal").unlink(missing_ok=True)
    for run_id in candidates(home):
        home.candidate(run_id).chmod(WRITABLE)
    if now_published and _tell(home, now_published):
        done.append(f"the word that {now_published} was published was missing and is written")
    swept = sweep(home)
    if swept:
        done.append(f"{len(swept)} files of rows that no published run needs were removed")
    return done


def listing(home: Home) -> list[dict[str, Any]]:
    """What is kept, newest first: run, as-of, known-at, whether current and pinned, size,
    number and size of the files of rows it needs (several runs may need the same), content hash."""
    now_published, pinned = current_run(home), pins(home)
    rows = []
    for run_id in reversed(published_runs(home)):
        manifest = files.read_json(home.run(run_id) / "manifest.json", {})
        said = manifest.get("published") or {}
        behind = [home.serving / name for name in said.get("facts", [])]
        rows.append(
            {
                "run_id": run_id,
                "current": run_id == now_published,
                "pinned": run_id in pinned,
                "as_of": manifest.get("as_of"),
                "known_at": manifest.get("known_at"),
                "mib": round(home.published(run_id).stat().st_size / 2**20, 1),
                "facts_files": len(behind),
                "facts_mib": round(sum(path.stat().st_size for path in behind if path.exists()) / 2**20, 1),
                "content_hash": said.get("content_hash"),
            }
        )
    return rows


def rollback(home: Home, run_id: str | None, actor: str) -> str:
    """Point at `run_id`, or at the run before the current one. The run now published.

    Raises E-PUB-001 when nothing is published, E-PUB-002 when that run is not kept, E-PUB-004 when there is
    no earlier one.
    """
    now_published = warehouse.current(home).run_id
    if run_id is None:
        earlier = [one for one in published_runs(home) if one < now_published]
        if not earlier:
            raise error("E-PUB-004", run_id=now_published)
        run_id = earlier[-1]
    warehouse.resolve(home, run_id)
    manifest = files.read_json(home.run(run_id) / "manifest.json", {})
    point(
        home,
        run_id,
        as_of=manifest.get("as_of"),
        known_at=manifest.get("known_at"),
        content_hash=(manifest.get("published") or {}).get("content_hash"),
    )
    Store(home).append("publication", run_id, actor, {"action": "rollback", "from": now_published})
    return run_id


def pin(home: Home, run_id: str, actor: str, *, on: bool = True) -> None:
    """Keep `run_id` whatever retention says, or (on=False) no longer. Raises E-PUB-002 when it is gone."""
    warehouse.resolve(home, run_id)
    pinned = [one for one in pins(home) if one != run_id] + ([run_id] if on else [])
    files.write_json(home.pins, sorted(pinned))
    Store(home).append("publication", run_id, actor, {"action": "pin" if on else "unpin"})
