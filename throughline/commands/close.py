"""close: where periods stand; close soft|hard|reopen; what became known of closed ones."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from throughline import clock, closing
from throughline.commands.common import AsJson, actor, home
from throughline.errors import error
from throughline.home import Home
from throughline.output import emit, say
from throughline.state import Store

app = typer.Typer(
    invoke_without_command=True, help="Close and reopen periods; what became known of closed ones."
)

Period = Annotated[str, typer.Argument(help="The month, YYYY-MM.")]
Entities = Annotated[
    list[str] | None,
    typer.Option("--entity", help="Legal entity, code or key; all active ones unless given."),
]
Area = Annotated[
    str, typer.Option("--area", help="GL, AR or AP; ALL closes what is not closed yet.", case_sensitive=False)
]
SHOWN = 6
STATE_COLUMNS = ["period", "legal_entity", "GL", "AR", "AP", "proof", "restatements"]
RESTATEMENT_COLUMNS = [
    "period", "legal_entity", "area", "movement_type", "record", "change", "cause", "treatment",
    "currency_code", "delta_tc", "delta_rc", "recorded_at", "detected_at",
]  # fmt: skip


class _Published:
    """What the published run says of periods."""

    def __init__(self, found: Home) -> None:
        from throughline import warehouse

        self._connection = warehouse.open_published(found)
        self.run = self.rows("select run_id, as_of, known_at from publication.run")[0]
        tables = {
            str(row["table_name"])
            for row in self.rows(
                "select table_name from information_schema.tables where table_schema = 'reconciliation'"
            )
        }
        if not {"period_close", "close_content", "restatement"} <= tables:
            raise error("E-REC-003", run_id=self.run["run_id"], missing="period_close")
        self.codes = {
            str(row["legal_entity_id"]): str(row["entity_code"] or row["legal_entity_id"])
            for row in self.rows("select * from master.dim_legal_entity where is_active order by entity_code")
        }
        self.decisions = closing.decisions(Store(found).read())
        said = self.rows("select legal_entity_id, period, area, state from reconciliation.period_close")
        published = {
            (str(row["legal_entity_id"]), str(row["period"]), str(row["area"])): str(row["state"])
            for row in said
        }
        self.states = closing.states(published, self.decisions)

    def rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        cursor = self._connection.execute(sql, list(values))
        names = [column[0] for column in cursor.description or []]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def entities(self, asked: list[str] | None) -> list[str]:
        """Keys of the entities asked for, all active ones unless any are. Raises E-REC-004."""
        if not asked:
            return list(self.codes)
        found = []
        for word in asked:
            keys = [key for key, code in self.codes.items() if word in (key, code)]
            if not keys:
                known = ", ".join(self.codes.values())
                raise error("E-REC-004", option="--entity", given=word, known=known)
            found += keys
        return found

    def close(self) -> None:
        self._connection.close()


def _area(word: str) -> str:
    if word.upper() not in (*closing.AREAS, closing.ALL):
        raise error("E-RUN-001", detail=f"--area {word!r}: known are GL, AR, AP and ALL")
    return word.upper()


@app.callback()
def default(ctx: typer.Context, json_: AsJson = False) -> None:
    """Where the last six periods stand. Example: throughline close"""
    if ctx.invoked_subcommand is not None:
        return
    published = _Published(home())
    proofs: dict[tuple[str, str], dict[str, Any]] = {}
    for row in published.rows("select * from reconciliation.period_close"):
        told = proofs.setdefault(
            (row["period"], row["legal_entity_id"]), {"proofs": set(), "restatements": 0}
        )
        told["proofs"].add(row["proof"])
        told["restatements"] += row["restatements"]
    periods = sorted({period for _, period, _ in published.states}, reverse=True)[:SHOWN]
    rows = []
    for period in periods:
        for key, code in published.codes.items():
            state = {area: published.states.get((key, period, area), closing.OPEN) for area in closing.AREAS}
            told = proofs.get((period, key), {"proofs": set(), "restatements": 0})
            worst = next(
                (word for word in ("DIFFERS", "REPRODUCED", "NOT_STORED") if word in told["proofs"]), None
            )
            rows.append(
                {"period": period, "legal_entity": code, **state, "proof": worst,
                 "restatements": told["restatements"]}
            )  # fmt: skip
    published.close()
    emit(rows, STATE_COLUMNS, json_=json_)


def _close(close_type: str, period: str, asked: list[str] | None, area: str) -> None:
    found = home()
    published = _Published(found)
    end = closing.last_day(period)
    if published.run["as_of"] < end:
        raise error(
            "E-CLS-002", period=period, run_id=published.run["run_id"], as_of=published.run["as_of"], end=end
        )
    events = []
    for entity in published.entities(asked):
        code = published.codes[entity]
        for part in closing.areas_to_close(published.states, entity, code, period, _area(area), close_type):
            stored = closing.as_text(
                tuple(row.values())
                for row in published.rows(
                    f"select {', '.join(closing.CONTENT)} from reconciliation.close_content"
                    " where legal_entity_id = ? and period = ? and area = ?",
                    entity, period, part,
                )
            )  # fmt: skip
            payload = {
                "legal_entity_id": entity, "period": period, "area": part, "close_type": close_type,
                "known_at": clock.iso(published.run["known_at"]), "run_id": published.run["run_id"],
                "content": stored, "content_sha256": closing.sha256(stored),
            }  # fmt: skip
            events.append(("close", f"{entity}|{period}|{part}", payload))
    blocking = published.rows(
        "select count(*) filter (where outcome = 'EXCEPTION' and severity in ('S1', 'S2')) as grave,"
        " count(*) filter (where outcome = 'NOT_EVALUABLE') as unknown from reconciliation.exception"
    )[0]
    published.close()
    for event in Store(found).append_all(actor(), events):
        said = event.payload
        say(
            f"{published.codes[said['legal_entity_id']]} {period} {said['area']}:"
            f" {closing.AFTER[close_type]}, as {said['run_id']} knew it;"
            f" content {said['content_sha256'][:16]}"
        )
    if blocking["grave"] or blocking["unknown"]:
        say(
            f"closed with {blocking['grave']} exceptions of S1 or S2 open and {blocking['unknown']} checks"
            " not made (throughline recon list)"
        )
    say("the next run holds what it finds against this close: throughline close restatements")


@app.command("soft")
def soft(period: Period, entity: Entities = None, area: Area = closing.ALL) -> None:
    """Close a period for now: what comes after is told as a restatement of it.

    Example: throughline close soft 2026-05
    """
    _close("SOFT", period, entity, area)


@app.command("hard")
def hard(period: Period, entity: Entities = None, area: Area = closing.ALL) -> None:
    """Close a softly closed period for good: what comes after belongs to the current period.

    Example: throughline close hard 2026-05 --entity GB01
    """
    _close("HARD", period, entity, area)


@app.command("reopen")
def reopen(
    period: Period,
    reason: Annotated[str, typer.Option("--reason", help="Why, at least 20 characters.")],
    approver: Annotated[str, typer.Option("--approver", help="Who approves it beside you.")],
    entity: Entities = None,
    area: Area = closing.ALL,
) -> None:
    """Open a closed period again; two people are needed.

    Example: throughline close reopen 2026-05 --approver m.okafor --reason "Invoice 4711 came after the close"
    """
    who = actor()
    if len(reason.strip()) < closing.REASON_LENGTH or not approver.strip() or approver.strip() == who:
        raise error("E-CLS-005", actor=who, approver=approver, length=closing.REASON_LENGTH)
    closing.last_day(period)
    found = home()
    published = _Published(found)
    events = [
        (
            "reopen",
            f"{key}|{period}|{part}",
            {"legal_entity_id": key, "period": period, "area": part, "reason": reason, "approver": approver},
        )
        for key in published.entities(entity)
        for part in closing.areas_to_close(
            published.states, key, published.codes[key], period, _area(area), "REOPEN"
        )
    ]
    published.close()
    for event in Store(found).append_all(who, events):
        said = event.payload
        say(f"{published.codes[said['legal_entity_id']]} {period} {said['area']}: REOPENED")


@app.command("restatements")
def restatements(
    period: Annotated[str | None, typer.Option("--period", help="Only this month.")] = None,
    entity: Entities = None,
    earlier: Annotated[
        bool, typer.Option("--earlier", help="Also what came between earlier closes of a period.")
    ] = False,
    json_: AsJson = False,
) -> None:
    """What became known of closed periods after they were closed.

    Example: throughline close restatements --period 2026-05
    """
    published = _Published(home())
    keys = published.entities(entity)
    rows = [
        {
            **row,
            "legal_entity": published.codes.get(row["legal_entity_id"], row["legal_entity_id"]),
            "record": f"{row['source_system']}:{row['source_instance']}:{row['source_record_id']}",
        }
        for row in published.rows(
            "select * from reconciliation.restatement where (? is null or period = ?) and (is_last or ?)"
            " order by period desc, legal_entity_id, area, abs(delta_rc) desc, restatement_id",
            period, period, earlier,
        )
        if entity is None or row["legal_entity_id"] in keys
    ]  # fmt: skip
    currency = published.rows("select reporting_currency from publication.run")[0]["reporting_currency"]
    run_id = published.run["run_id"]
    published.close()
    emit(rows, RESTATEMENT_COLUMNS, json_=json_)
    say(f"{len(rows)} lines on closed periods ({run_id}; delta_rc in {currency})")
