"""Numbers that are sums of listed rows: a dialog that lists a number's rows and says whether they tie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

import streamlit as st

from dashboards import data, names, numbers
from dashboards.components.rows import CAP, CENT, count_columns, money_columns, record_name, to_csv

# columns of a read -> what they are called; in this order, and only those that hold something
_LABELS = {
    "happened_on": "Date",
    "due_on": "Due",
    "kind": "Kind",
    "customer_id": "Client",
    "project_id": "Project",
    "contract_line_id": "Contract line",
    "practice_id": "Practice",
    "legal_entity_id": "Entity",
    "case_id": "Record",
    "days": "Days",
    "currency_days": "Amount × days late",
}
_KINDS = {
    "customer_id": "customer",
    "project_id": "project",
    "contract_line_id": "contract_line",
    "legal_entity_id": "legal_entity",
}


@dataclass(frozen=True)
class Sum:
    """One number of a page and the read behind it.

    ``sql`` gives the rows; its column ``amount`` adds up to ``expected`` in ``unit`` (a currency, or days).
    ``count`` is how many rows the page speaks of, where it does. A ``middle`` is the rows' median, not a sum.
    """

    label: str
    sql: str
    parameters: tuple[object, ...]
    expected: Decimal | None
    unit: str
    count: int | None = None
    middle: bool = False


@dataclass(frozen=True)
class Added:
    """What the rows of a number add up to."""

    count: int
    total: Decimal
    wanted: Sum

    @property
    def difference(self) -> Decimal:
        """Rows less page."""
        return self.total - (self.wanted.expected or Decimal(0))

    @property
    def ties(self) -> bool:
        """To the cent, with as many rows as the page says, and only if the page has a number."""
        counted = self.wanted.count is None or self.wanted.count == self.count
        return self.wanted.expected is not None and abs(self.difference) < CENT and counted


def added(wanted: Sum) -> Added:
    """The rows' own count and sum, or median."""
    measure = "median(amount)" if wanted.middle else "sum(amount)"
    found = data.row(
        f"select count(*) as n, cast(coalesce({measure}, 0) as decimal(38, 4)) as total "
        f"from ({wanted.sql}) as listed",
        *wanted.parameters,
    )
    assert found is not None, "an aggregate has a row"
    return Added(int(found["n"]), Decimal(found["total"]), wanted)


@st.dialog("Rows behind the number", width="large", icon=":material/table_rows:")
def sums_dialog(title: str, where: str, asked: str, sums: Sequence[Sum], name: str) -> None:
    """Offers the numbers ``sums`` under the label ``asked``; ``name`` is the file's."""
    from dashboards.components.frame import guarded

    with guarded():
        st.header(title, anchor=False)
        st.caption(numbers.md(where))
        at = 0
        if len(sums) > 1:
            at = st.selectbox(asked, range(len(sums)), format_func=lambda i: sums[i].label, key=f"sum_{name}")
        _draw(sums[at], name)


def _draw(wanted: Sum, name: str) -> None:
    found = added(wanted)
    with st.container(horizontal=True, gap="medium", key="sum_totals"):
        st.metric("Rows", numbers.count(found.count), width="content")
        word = "Median of the rows" if wanted.middle else "Rows add up to"
        st.metric(word, numbers.full_money(found.total), width="content")
        st.metric("The page says", numbers.full_money(wanted.expected), width="content")
    if found.ties:
        st.badge(
            "Ties" if wanted.middle else f"Ties to the cent, {wanted.unit}",
            icon=":material/check:",
            color="blue",
        )
    else:
        st.warning(
            f"The rows differ from the page by {numbers.full_money(found.difference)} {wanted.unit}.",
            icon=":material/difference:",
        )
    if not found.count:
        return
    ordered = f"select * from ({wanted.sql}) as listed order by abs(amount) desc nulls last, 1, 2, 3"
    shown = data.rows(f"{ordered} limit {CAP}", *wanted.parameters)
    st.dataframe(
        _display(shown, names.names(), wanted.unit),
        hide_index=True,
        key="sum_table",
        height=min(420, 38 + 35 * len(shown)),
        placeholder=numbers.NO_VALUE,
        column_config={**money_columns(wanted.unit, "Amount × days late"), **count_columns("Days")},
        alt="The rows that add up to the number, largest first.",
    )
    if found.count > CAP:
        st.caption(f"The {CAP:,} largest of {found.count:,} rows; the file holds all of them.")
    st.download_button(
        "All rows as CSV",
        data=_csv(data.pinned(), ordered, wanted.parameters),
        file_name=f"{name}.csv",
        mime="text/csv",
        key="sum_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _csv(publication: data.Publication, sql: str, parameters: tuple[object, ...]) -> Callable[[], str]:
    """All rows, made when the button is pressed, in a thread without a session."""
    return lambda: to_csv(data.uncached_rows(publication, sql, *parameters))


def _display(rows: Sequence[data.Row], known: names.Names, unit: str) -> list[dict[str, object]]:
    """Names for keys; columns that are empty throughout are left out."""
    table = [
        {
            **{
                label: _cell(column, row[column], known) for column, label in _LABELS.items() if column in row
            },
            unit: None if row["amount"] is None else float(row["amount"]),
        }
        for row in rows
    ]
    kept = [label for label in table[0] if any(r[label] not in (None, numbers.NO_VALUE) for r in table)]
    return [{label: row[label] for label in kept} for row in table]


def _cell(column: str, value: object, known: names.Names) -> object:
    if column in _KINDS:
        return names.of_key(_KINDS[column], None if value is None else str(value), known)
    if column == "kind":
        return names.movement(str(value))
    if column == "case_id":
        return record_name(str(value), known)
    return float(value) if isinstance(value, Decimal) else value
