"""Reconciliation exceptions: the queue, the evidence of one case, the export."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import streamlit as st

from dashboards import cases, data, names, numbers
from dashboards.cases import Facets
from dashboards.components.address import chosen_codes, joined, pick_many
from dashboards.components.chart_card import chart_card
from dashboards.components.evidence import evidence_panel
from dashboards.components.frame import Frame, empty, page_head
from dashboards.figures.charts import ranked_bars
from dashboards.filters import Filters
from dashboards.recon_export import MIME, export_bytes, export_name

CAP = 5_000
BARS = 6
DEFAULT_OUTCOME = ("EXCEPTION",)
AGED, AGED_CODES = 90, ("91-120", cases.OLDEST)
NEWS = ("NEW", "WORSE", "REOPENED")
ONCE = {"yes": "Counted in the money at risk", "no": "Counted with another case"}
MORE = ("control", "owner", "age", "systems", "change", "state", "once")
FACET_KEYS = ("outcome", "sev", *MORE)


def render(frame: Frame) -> None:
    """Draws the page."""
    chosen = frame.filters
    current = st.session_state.get("exception") or st.query_params.get("exception") or ""
    page_head(
        "Reconciliation exceptions",
        "What does not tie between the systems, how much is it worth, and who has it?",
        frame,
        **({"exception": str(current)} if current else {}),
    )
    found = cases.groups(chosen.scope)
    st.caption(f"Exceptions as they stand on {numbers.day(data.run_info()['as_of'])}, the day of the run.")
    _cards(found, chosen.scope)
    facets = _facets(found)
    shown = facets.shown(found)
    rows = cases.listed(chosen.scope, facets, CAP)
    case = _chosen(rows, facets, chosen.scope, cases.count(shown))
    left, right = st.columns([13, 7], gap="small")
    with left:
        _queue(rows, shown, facets, chosen, case)
    with right:
        evidence_panel(case, is_empty=not rows)
    with st.grid(2, min_column_width=340, gap="small", key="charts"):
        _by_control(shown)
        _by_age(shown)
    _controls_run(chosen)


def _cards(found: Sequence[data.Row], scope: data.Scope) -> None:
    """The tiles; each leads to its cases in the queue below, which add up to it."""
    currency = data.currency()
    opened = [r for r in found if r["outcome"] == "EXCEPTION"]
    blocking = Facets({"outcome": ("EXCEPTION",), "sev": cases.BLOCKING})
    fresh = [r for r in opened if r["change"] in NEWS]
    unchecked = [r for r in found if r["outcome"] == "NOT_EVALUABLE"]
    with st.grid(3, min_column_width=240, gap="small", key="cards"):
        _tile(
            "Open",
            numbers.count(cases.count(opened)),
            f"Median age {numbers.days(cases.median_age(scope))}. Beyond grace and tolerance.",
            {"outcome": "EXCEPTION"},
        )
        _tile(
            "At risk",
            numbers.money(cases.total(r for r in opened if r["once"] == "yes"), currency),
            "Each risk once, at its largest and at its cause.",
            {"outcome": "EXCEPTION", "once": "yes"},
        )
        _tile(
            "Blocking (S1, S2)",
            numbers.count(cases.count(blocking.shown(found))),
            f"{numbers.money(cases.amount_once(scope, blocking), currency)} at risk, each risk once. "
            "They block sign-off.",
            {"outcome": "EXCEPTION", "sev": joined(cases.BLOCKING)},
        )
        gone = numbers.counted(cases.resolved(), "case")
        _tile(
            "New or worse",
            numbers.count(cases.count(fresh)),
            f"Since the run before; {gone} of the firm resolved.",
            {"outcome": "EXCEPTION", "change": joined(NEWS)},
        )
        pending = [r for r in found if r["outcome"] == "PENDING"]
        _tile(
            "Within grace",
            numbers.count(cases.count(pending)),
            f"{numbers.money(cases.total(pending), currency)} become exceptions unless they clear in time.",
            {"outcome": "PENDING"},
        )
        _tile(
            "Not checked",
            numbers.count(cases.count(unchecked)),
            "For want of an input: neither good nor bad.",
            {"outcome": "NOT_EVALUABLE"},
        )


def _tile(label: str, value: str, words: str, choice: Mapping[str, str]) -> None:
    slug = names.slug(label)
    with st.container(border=True, key=f"tile_{slug}", gap="xsmall", height="stretch"):
        st.metric(label, value)
        st.caption(numbers.md(words))
        st.space("stretch")
        st.button(
            "Show in the queue",
            key=f"show_{slug}",
            type="tertiary",
            icon=":material/filter_list:",
            on_click=choose,
            args=(dict(choice),),
        )


def choose(choice: Mapping[str, str]) -> None:
    """Sets the facets to exactly this choice; for callbacks."""
    for name in FACET_KEYS:
        st.session_state[name] = choice.get(name, "")
    st.session_state["exception"] = ""


def _facets(found: Sequence[data.Row]) -> Facets:
    """The facets with their counts; each is in the address."""
    control_names = {r["control_id"]: r["control_name"] or r["control_id"] for r in found}
    words: dict[str, Callable[[str], str]] = {
        "outcome": lambda code: names.OUTCOMES[code],
        "sev": lambda code: names.SEVERITIES.get(code, code),
        "control": lambda code: control_names[code],
        "owner": names.role,
        "age": lambda code: f"{code} days",
        "systems": str,
        "change": _change,
        "state": _state,
        "once": lambda code: ONCE[code],
    }
    offered: dict[str, Sequence[str]] = {name: _values(found, name) for name in FACET_KEYS}
    offered |= {"outcome": list(names.OUTCOMES), "sev": list(names.SEVERITIES), "age": cases.AGE_CODES}
    offered |= {"once": list(ONCE), "change": list(names.CHANGES)}
    asked = Facets(
        {
            name: chosen_codes(
                st.session_state.get(name) or st.query_params.get(name) or "", offered[name], _default(name)
            )
            for name in FACET_KEYS
        }
    )
    chosen: dict[str, Sequence[str]] = {}

    def facet(draw: Callable[..., object], name: str, label: str, **looks: object) -> None:
        counts = asked.counts(found, name)
        options = {code: f"{words[name](code)} · {counts[code]:,}" for code in offered[name]}
        with st.container(gap=None):
            chosen[name] = pick_many(draw, label, name, options, _default(name), **looks)

    with st.container(border=True, key="facets", gap="small"):
        with st.grid(2, min_column_width=320, gap="small"):
            facet(st.pills, "outcome", "Outcome", selection_mode="multi")
            facet(st.pills, "sev", "Severity", selection_mode="multi")
        more = sum(1 for name in MORE if asked.chosen[name])
        label = f"More filters · {more} set" if more else "More filters"
        with (
            st.expander(label, icon=":material/tune:", expanded=bool(more), key="more_filters"),
            st.grid(3, min_column_width=200, gap="small"),
        ):
            facet(st.multiselect, "control", "Control", placeholder="All controls")
            facet(st.multiselect, "owner", "Owner", placeholder="All owners")
            facet(st.multiselect, "age", "Age", placeholder="Any age")
            facet(st.multiselect, "systems", "Systems compared", placeholder="All systems")
            facet(st.multiselect, "change", "Change since the run before", placeholder="Any change")
            facet(st.multiselect, "state", "State", placeholder="Any state")
            facet(st.multiselect, "once", "Each risk once", placeholder="All cases")
    return Facets(chosen)


def _values(found: Sequence[data.Row], name: str) -> list[str]:
    return sorted({str(value) for r in found if (value := r[cases.FACETS[name]])})


def _default(name: str) -> Sequence[str]:
    return DEFAULT_OUTCOME if name == "outcome" else ()


def _state(code: str | None) -> str:
    return (code or "").replace("_", " ").capitalize() or numbers.NO_VALUE


def _change(code: str | None) -> str:
    return numbers.NO_VALUE if not code else names.CHANGES.get(code) or _state(code)


def _select(ids: Sequence[str]) -> None:
    """A row was chosen in the queue: the case's address is the page's."""
    picked = st.session_state["queue_table"].selection.rows
    st.session_state["exception"] = ids[picked[0]] if picked else ""


def go_to(exception_id: str) -> None:
    """Shows a case; for callbacks."""
    st.session_state["exception"] = exception_id


def _chosen(rows: Sequence[data.Row], facets: Facets, scope: data.Scope, count: int) -> data.Row | None:
    """The case the address names, whatever the facets hide, else the first of the list of ``count``."""
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="finder"):
        asked = st.text_input(
            "Find an exception by its id",
            key="exception",
            bind="query-params",
            placeholder="for example CRM-ERP-001-6528b8a33ef4d064",
            width=380,
        ).strip()
        ids = [r["exception_id"] for r in rows]
        at = ids.index(asked) if asked in ids else (0 if ids and not asked else None)
        before = ids[at - 1] if at else None
        after = (
            ids[at + 1] if at is not None and at + 1 < len(ids) else ids[0] if ids and at is None else None
        )
        st.button(
            "Previous",
            key="previous",
            icon=":material/arrow_upward:",
            disabled=before is None,
            on_click=go_to,
            args=(before or "",),
            shortcut="k",
        )
        st.button(
            "Next",
            key="next",
            icon=":material/arrow_downward:",
            disabled=after is None,
            on_click=go_to,
            args=(after or "",),
            shortcut="j",
        )
        if at is not None:
            st.caption(f"Case {at + 1:,} of {count:,}")
    if not asked:
        return cases.one(ids[0]) if ids else None
    found = cases.one(asked)
    if found is None:
        st.warning(
            f"This run has no exception {asked}. It may have been resolved, or the id is not complete.",
            icon=":material/search_off:",
        )
    elif at is None and len(rows) < count and cases.passes(asked, scope, facets):
        st.caption(f"Shown by its id; it stands behind the {CAP:,} that are listed.")
    elif at is None:
        st.caption("Shown by its id; the filters would hide it.")
    return found


def _queue(
    rows: Sequence[data.Row],
    shown: Sequence[data.Row],
    facets: Facets,
    chosen: Filters,
    case: data.Row | None,
) -> None:
    """The first cases that pass, with the sums of all of them, ``shown`` in groups."""
    currency = data.currency()
    known = names.names()
    assigned = data.assignees()
    count = cases.count(shown)
    with st.container(border=True, key="queue", gap="small"):
        st.subheader(f"{numbers.counted(count, 'case')} in the queue", anchor=False)
        if not rows:
            empty(f"No case matches: {facets.words()}.")
            return
        capped = f" The {CAP:,} gravest are listed; the workbook holds all." if count > len(rows) else ""
        once = cases.amount_once(chosen.scope, facets)
        st.caption(
            f"Amounts in {currency}. The cases add up to {numbers.full_money(cases.total(shown))}; each risk "
            f"once, {numbers.full_money(once)}.{capped}"
        )
        ids = [r["exception_id"] for r in rows]
        held = [ids.index(case["exception_id"])] if case and case["exception_id"] in ids else []
        st.session_state["queue_table"] = {"selection": {"rows": held, "columns": [], "cells": []}}
        st.dataframe(
            [
                {
                    "Severity": r["severity"],
                    "At risk": None if r["amount_at_risk"] is None else float(r["amount_at_risk"]),
                    "What is wrong": r["control_name"] or r["control_id"],
                    "Client": names.of_key("customer", r["customer_id"], known),
                    "Age": r["age_days"],
                    "Change": _change(r["change"]),
                    "Side A": _plain(r["value_a"]),
                    "Side B": _plain(r["value_b"]),
                    "Difference": _plain(r["difference"]),
                    "Currency": _currency(r["currency_code"]),
                    "Owner": names.role(r["owner"]),
                    "Assigned to": assigned.get(r["exception_id"]),
                    "State": _state(r["state"]),
                    "Entity": names.of_key("legal_entity", r["legal_entity_id"], known),
                    "Project": names.of_key("project", r["project_id"], known),
                    "Exception": r["exception_id"],
                }
                for r in rows
            ],
            hide_index=True,
            height=560,
            key="queue_table",
            on_select=lambda: _select(ids),
            selection_mode="single-row",
            placeholder=numbers.NO_VALUE,
            column_config={
                "Severity": st.column_config.TextColumn("Sev.", width=45),
                "What is wrong": st.column_config.TextColumn(width=255),
                "At risk": st.column_config.NumberColumn(format="%,.2f", width=88),
                "Client": st.column_config.TextColumn(width=130),
                "Age": st.column_config.NumberColumn("Days", width=55),
                "Change": st.column_config.TextColumn(width=68),
                **{
                    name: st.column_config.NumberColumn(format="%,.2f", help=words)
                    for name, words in {
                        "Side A": "What the first of the two systems says, in the case's currency or unit.",
                        "Side B": "What the second says.",
                        "Difference": "First less second.",
                    }.items()
                },
            },
            alt="One row per case: severity, what is wrong, amount at risk, client, age, change, owner, id.",
        )
        narrowed = count < cases.in_all()
        words = f"{chosen.scope.label}; {facets.words()}"
        st.download_button(
            f"Export workbook ({numbers.counted(count, 'case')})",
            data=export_bytes(cases.ids(chosen.scope, facets), words),
            file_name=export_name(narrowed),
            mime=MIME,
            key="export_workbook",
            icon=":material/download:",
            on_click="ignore",
            help="The workbook of exactly the cases listed here, with texts, tolerances and a check sum.",
        )


def _plain(value: Decimal | None) -> float | None:
    """For a grid that sorts; no sum is taken over these."""
    return None if value is None else float(value)


def _currency(code: str | None) -> str | None:
    return None if code in (None, "NA", "") else code


def _by_control(shown: Sequence[data.Row]) -> None:
    currency = data.currency()
    totals: dict[str, Decimal] = {}
    called = {r["control_id"]: r["control_name"] or r["control_id"] for r in shown}
    for r in shown:
        if r["amount"]:
            totals[r["control_id"]] = totals.get(r["control_id"], Decimal(0)) + Decimal(r["amount"])
    ranked = sorted(totals.items(), key=lambda pair: (-pair[1], pair[0]))
    if not ranked:
        return
    head, tail = ranked[:BARS], ranked[BARS:]
    labels, values = [called[k] for k, _ in head], [v for _, v in head]
    if tail:
        labels.append(numbers.counted(len(tail), "other control"))
        values.append(sum((v for _, v in tail), Decimal(0)))
    share = values[0] / sum(values, Decimal(0))
    chart_card(
        "by_control",
        f"{labels[0]}: {numbers.percent(share, 0)} of the money in this list",
        f"Amount at risk by control, {currency}. Controls may overlap; “At risk” above does not",
        ranked_bars(labels, values, currency, {"metric": "amount_at_risk", "run_id": data.pinned().run_id}),
        [{"Control": called[k], "Id": k, f"Amount, {currency}": v} for k, v in ranked],
        f"Horizontal bars of amount at risk per control, largest first, {labels[0]} on top.",
    )


def _by_age(shown: Sequence[data.Row]) -> None:
    """Money by how long it has been open, youngest first; what has no age yet is left to its own list."""
    currency = data.currency()
    aged = [r for r in shown if r["age_code"]]
    if not aged:
        return
    groups = {code: [r for r in aged if r["age_code"] == code] for code in cases.AGE_CODES}
    values = [cases.total(found) for found in groups.values()]
    total = sum(values, Decimal(0))
    old = sum((cases.total(groups[code]) for code in AGED_CODES), Decimal(0))
    title = "Age of the cases"
    if total:
        title = f"{numbers.percent(old / total, 0)} of the money has been open for over {AGED} days"
    chart_card(
        "by_age",
        title,
        f"Amount at risk by days open, {currency}",
        ranked_bars(
            [f"{code} days" for code in groups],
            values,
            currency,
            {"metric": "amount_at_risk", "run_id": data.pinned().run_id},
            highlight=None,
        ),
        [
            {"Days open": code, "Cases": cases.count(found), f"Amount, {currency}": cases.total(found)}
            for code, found in groups.items()
        ],
        "Horizontal bars of amount at risk per age bucket, youngest first.",
    )


def _controls_run(chosen: Filters) -> None:
    ran = cases.controls_run(chosen.scope)
    where = chosen.scope.label if chosen.scope.grain == "LEGAL_ENTITY" else data.FIRM.label
    with st.container(border=True, key="controls_run", gap="small"):
        checked = sum(int(r["looked_at"] or 0) for r in ran)
        st.subheader(
            f"{numbers.counted(len(ran), 'control')} looked at {numbers.counted(checked, 'item')}",
            anchor=False,
        )
        st.caption(
            f"{where}, {data.currency()}. Passes count too; a control that could not run is never green."
        )
        st.dataframe(
            [
                {
                    "Control": r["name"] or r["control_id"],
                    "Result": _result(r),
                    "Looked at": int(r["looked_at"] or 0),
                    "Passed": int(r["passed"] or 0),
                    "Exceptions": int(r["exceptions"] or 0),
                    "Within grace": int(r["pending"] or 0),
                    "Not checked": int(r["not_checked"] or 0),
                    # blank when one of the amounts is unknown
                    "At risk": None if r["amount"] is None else float(r["amount"]),
                    "Id": r["control_id"],
                }
                for r in ran
            ],
            hide_index=True,
            key="controls_table",
            column_config={
                "At risk": st.column_config.NumberColumn(format="%,.2f"),
                **{
                    name: st.column_config.NumberColumn(format="%,.0f")
                    for name in ("Looked at", "Passed", "Exceptions", "Within grace", "Not checked")
                },
            },
            alt="One row per control with counts per outcome and the amount at risk.",
        )


def _result(row: data.Row) -> str:
    if row["incomplete"] or row["not_checked"]:
        return "Incomplete"
    if row["exceptions"]:
        return "Exceptions"
    return "Clean" if row["looked_at"] else "Nothing to look at"
