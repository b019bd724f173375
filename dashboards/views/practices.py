"""The practices side by side, on the executive overview."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import streamlit as st

from dashboards import data, filters, numbers
from dashboards.components.cards import Kpi
from dashboards.filters import Filters
from dashboards.readings import History
from dashboards.theme import tokens


def practices(chosen: Filters, kpis: Mapping[str, Kpi]) -> None:
    """One row per practice; a practice chosen narrows the pages to it. Shown for the whole firm."""
    if chosen.scope.grain != "FIRM":
        return
    currency = data.currency()
    by_practice: dict[str, list[data.Row]] = {}
    called: dict[str, str] = {}
    for r in data.practice_rows(chosen.period):
        by_practice.setdefault(r["practice_id"], []).append(r)
        called[r["practice_id"]] = r["practice"] or r["practice_id"]
    dates = data.as_of_dates()
    table: list[dict[str, object]] = []
    for code, found in by_practice.items():
        history = History(found, dates)
        if not history.has(kpis["recognised_revenue"].metric_id) and not history.has(
            kpis["total_backlog"].metric_id
        ):
            continue
        revenue, before = (
            kpis["recognised_revenue"].read(history, chosen),
            kpis["recognised_revenue"].read(history, chosen, compare=True),
        )
        table.append(
            {
                "Practice": called[code],
                "Revenue": _float(revenue),
                "Change": _per_cent((revenue - before) / abs(before))
                if revenue is not None and before
                else None,
                "Margin": _per_cent(kpis["project_gross_margin"].read(history, chosen)),
                "Backlog": _float(kpis["total_backlog"].read(history, chosen)),
                "Not invoiced": _float(kpis["wip_operational"].read(history, chosen)),
                "Utilisation": _per_cent(kpis["billable_utilisation_net"].read(history, chosen)),
                "Trend": kpis["recognised_revenue"].trend(history, chosen),
                "key": f"PRACTICE:{code}",
            }
        )
    table.sort(key=lambda r: -(r["Revenue"] if isinstance(r["Revenue"], float) else 0.0))
    with st.container(border=True, key="practices", gap="small"):
        st.subheader(_practice_title(table), anchor=False)
        st.caption(
            f"{chosen.period_label}, {currency}; change {chosen.compare_label}. Choose a row to narrow."
        )
        event = st.dataframe(
            [{name: value for name, value in r.items() if name != "key"} for r in table],
            hide_index=True,
            key="practice_table",
            on_select="rerun",
            selection_mode="single-row",
            placeholder=numbers.NO_VALUE,
            column_config={
                **{
                    name: st.column_config.NumberColumn(format="%,.0f")
                    for name in ("Revenue", "Backlog", "Not invoiced")
                },
                **{
                    name: st.column_config.NumberColumn(format="%.1f%%") for name in ("Margin", "Utilisation")
                },
                "Change": st.column_config.NumberColumn(format="%.1f%%", help=chosen.compare_label),
                "Trend": st.column_config.LineChartColumn(
                    "Revenue by month", width="medium", color=tokens.FAVOURABLE
                ),
            },
            alt="One row per practice with revenue, margin, backlog, unbilled work and utilisation.",
        )
        for at in event.selection.rows:
            st.button(
                f"Show only {table[at]['Practice']}",
                key="narrow_practice",
                icon=":material/filter_alt:",
                on_click=filters.narrow,
                args=(str(table[at]["key"]),),
            )


def _practice_title(table: Sequence[Mapping[str, object]]) -> str:
    earning = [r for r in table if isinstance(r["Revenue"], float) and r["Revenue"] > 0]
    if not earning:
        return "Practices"
    revenue = sum(float(str(r["Revenue"])) for r in earning)
    share = Decimal(str(earning[0]["Revenue"])) / Decimal(str(revenue))
    return f"{earning[0]['Practice']} earns {numbers.percent(share, 0)} of the revenue"


def _float(value: Decimal | None) -> float | None:
    """For a grid that sorts; no sum is taken over these."""
    return None if value is None else float(value)


def _per_cent(value: Decimal | None) -> float | None:
    """A share for a grid that sorts."""
    return None if value is None else float(value * 100)
