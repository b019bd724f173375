"""The rows behind a number: a dialog whose rows add up to it, with what is left if they do not."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import streamlit as st

from dashboards import data, names, numbers
from dashboards.filters import Filters
from dashboards.readings import History, Reading, first_month

CAP = 5_000
CENT = Decimal("0.005")
# what the drill's columns hold, by kind of metric: (numerator, denominator)
# metrics whose rows are people's hours, of those they are set against
_HOURS = (
    "billable_utilisation_net",
    "billable_utilisation_working",
    "billable_utilisation_standard",
    "productive_utilisation",
    "total_utilisation",
    "forward_utilisation_4w",
    "forward_utilisation_8w",
    "forward_utilisation_12w",
)
# the same of money
_MONEY = ("project_gross_margin", "leakage", "billing_realisation", "collection_realisation")
_AMOUNTS = {
    **dict.fromkeys(_MONEY, ("amount_rc", "base")),
    **dict.fromkeys(_HOURS, ("amount_tc", "base")),
}
_DRILL = (
    "business_date, movement_type, legal_entity_id, customer_id, project_id, contract_line_id, resource_id, "
    "amount_tc, currency_code, amount_rc, base, hours, source_system, source_instance, record_id, "
    "source_record_id, load_id"
)


@dataclass(frozen=True)
class Drilled:
    """What the rows add up to, and what the card says."""

    count: int
    total: Decimal
    base: Decimal | None
    expected: Decimal | None
    expected_base: Decimal | None

    @property
    def difference(self) -> Decimal:
        """Rows less card; of a ratio, in its numerator or, where that ties, in its denominator."""
        missing = self.total - (self.expected or Decimal(0))
        if abs(missing) >= CENT or self.base is None:
            return missing
        return self.base - (self.expected_base or Decimal(0))

    @property
    def ties(self) -> bool:
        """To the cent, and only if the card has a number."""
        return self.expected is not None and abs(self.difference) < CENT


def condition(
    metric_id: str, filters: Filters, period: str, scope: data.Scope | None = None
) -> tuple[str, list[object]]:
    """The part of the drill that makes up the number: a balance's date, or the months of a period."""
    narrowing, parameters = data.narrowing(scope or filters.scope)
    if period == "POINT":
        return f"metric_id = ? and as_of = ? {narrowing}", [metric_id, filters.as_of, *parameters]
    return (
        f"metric_id = ? and period_month >= ? and period_month <= ? {narrowing}",
        [metric_id, first_month(filters.as_of, period), filters.as_of.replace(day=1), *parameters],
    )


def drilled(metric_id: str, filters: Filters, period: str) -> Drilled:
    """Sums of the rows beside the card's own reading."""
    where, parameters = condition(metric_id, filters, period)
    amount, base = _AMOUNTS.get(metric_id, ("amount_rc", None))
    found = data.row(
        f"select count(*) as n, coalesce(sum({amount}), 0) as total, sum({base or 'null'}) as base "
        f"from marts.metric_drill where {where}",
        *parameters,
    )
    assert found is not None, "an aggregate has a row"
    history = History(data.metric_rows(filters.scope, filters.period), data.as_of_dates())
    reading = Reading(None, None, None)
    if data.measured(metric_id, filters.scope):
        reading = history.money_at(metric_id, period, filters.as_of) or reading
    return Drilled(
        count=found["n"],
        total=Decimal(found["total"]),
        base=Decimal(found["base"] or 0) if base else None,
        expected=reading.numerator if reading.value is not None else None,
        expected_base=reading.denominator,
    )


@st.dialog("Rows behind the number", width="large", icon=":material/table_rows:")
def rows_dialog(
    metric_id: str, title: str, filters: Filters, period: str, months: Sequence[date] = ()
) -> None:
    """Total of the rows, whether it ties with the number, the rows (5,000 at most), all of them as CSV.

    With ``months`` (the columns of a chart, oldest first) the reader chooses whose rows are shown.
    """
    from dashboards.components.frame import guarded

    with guarded():
        st.header(title, anchor=False)
        if months:
            asked = st.selectbox("Month", months[::-1], format_func=_month, key=f"month_{metric_id}")
            filters, period = replace(filters, as_of=asked, period="MONTH"), "MONTH"
        _draw(metric_id, filters, period)


def _month(day: date) -> str:
    return f"{day:%B %Y}"


def _draw(metric_id: str, filters: Filters, period: str) -> None:
    found = drilled(metric_id, filters, period)
    currency = data.currency()
    when = f"at {numbers.day(filters.as_of)}" if period == "POINT" else filters.period_label
    st.caption(numbers.md(f"{filters.scope.label} · {when} · {_unit(metric_id, currency)}"))
    with st.container(horizontal=True, gap="medium", key="rows_totals"):
        st.metric("Rows", numbers.count(found.count), width="content")
        st.metric("Rows add up to", _total(metric_id, found.total, found.base), width="content")
        expected = numbers.NO_VALUE
        if found.expected is not None:
            expected = _total(metric_id, found.expected, found.expected_base)
        st.metric("The page says", expected, width="content")
    if found.base is not None:
        st.caption(
            f"Rows: {numbers.full_money(found.total)} out of {numbers.full_money(found.base)}. "
            f"Page: {numbers.full_money(found.expected)} out of {numbers.full_money(found.expected_base)}."
        )
    if found.ties:
        st.badge("Ties to the cent", icon=":material/check:", color="blue")
    elif found.expected is None:
        st.warning("The page has no number here: a part of it is unknown.", icon=":material/help:")
    else:
        st.warning(
            f"The rows differ from the page by {numbers.full_money(found.difference)}.",
            icon=":material/difference:",
        )
    lines = [f"throughline trace {metric_id}"]
    if found.count:
        first = _tables(metric_id, filters, period, currency)
        lines += [f"throughline trace {key}" for key in (record_key(first),) if key]
    st.caption("Follow the number, or its first row, to the source records and their loads:")
    st.code("\n".join(lines), language=None, wrap_lines=True)


def record_key(row: data.Row) -> str | None:
    """The source record's canonical key; None where a row stands for several records."""
    if ":" in (row["record_id"] or ""):
        return str(row["record_id"])
    if not row["source_system"] or not row["source_record_id"]:
        return None
    return f"{row['source_system']}:{row['source_instance'] or 'main'}:{row['source_record_id']}"


def _unit(metric_id: str, currency: str) -> str:
    return "hours" if metric_id in _HOURS else currency


def _total(metric_id: str, total: Decimal, base: Decimal | None) -> str:
    """Money in full; a ratio as its share."""
    if metric_id not in _AMOUNTS:
        return numbers.full_money(total)
    return numbers.percent(total / base if base else None)


def _tables(metric_id: str, filters: Filters, period: str, currency: str) -> data.Row:
    """Sums by kind, the rows, all of them as a file; the first row."""
    where, parameters = condition(metric_id, filters, period)
    amount, base = _AMOUNTS.get(metric_id, ("amount_rc", None))
    parts = data.rows(
        f"select movement_type, count(*) as n, sum({amount}) as total, sum({base or 'null'}) as base "
        f"from marts.metric_drill where {where} group by movement_type order by abs(sum({amount})) desc",
        *parameters,
    )
    if len(parts) > 1:
        table = [
            {"Kind": names.movement(r["movement_type"]), "Rows": r["n"], "Amount": float(r["total"] or 0)}
            for r in parts
        ]
        st.dataframe(
            table,
            hide_index=True,
            key="rows_parts",
            column_config=money_columns("Amount") | count_columns("Rows"),
            alt="By kind",
        )
    order = f"order by abs({amount}) desc nulls last, record_id, business_date"
    sql = f"select {_DRILL} from marts.metric_drill where {where} {order}"
    shown = data.rows(f"{sql} limit {CAP}", *parameters)
    known = names.names()
    st.dataframe(
        _display(shown, known, metric_id, currency),
        hide_index=True,
        key="rows_table",
        height=360,
        column_config=money_columns("In its currency", currency, "Out of", "Hours that count", "Hours"),
        placeholder=numbers.NO_VALUE,
        alt="The rows that add up to the number, largest first.",
    )
    total = sum(r["n"] for r in parts)
    if total > CAP:
        st.caption(f"The {CAP:,} largest of {total:,} rows; the file holds all of them.")
    publication = data.pinned()
    st.download_button(
        "All rows as CSV",
        data=_csv(publication, sql, parameters),
        file_name=f"{metric_id}_{filters.as_of}_{filters.scope.grain.lower()}.csv",
        mime="text/csv",
        key="rows_csv",
        icon=":material/download:",
        on_click="ignore",
    )
    return shown[0]


def money_columns(*labels: str) -> dict[Any, Any]:
    """Two decimals and separators, for the columns with these labels."""
    return {label: st.column_config.NumberColumn(format="%,.2f") for label in labels}


def count_columns(*labels: str) -> dict[Any, Any]:
    """Whole numbers with separators."""
    return {label: st.column_config.NumberColumn(format="%,.0f") for label in labels}


def _display(
    rows: Iterable[data.Row], known: names.Names, metric_id: str, currency: str
) -> list[dict[str, object]]:
    """Names for keys; columns that are empty throughout are left out."""
    is_hours = metric_id in _HOURS
    table = [
        {
            "Date": r["business_date"],
            "Kind": names.movement(r["movement_type"]),
            "Client": names.of_key("customer", r["customer_id"], known),
            "Project": names.of_key("project", r["project_id"], known),
            "Contract line": names.of_key("contract_line", r["contract_line_id"], known),
            "Person": names.of_key("resource", r["resource_id"], known),
            "Hours that count" if is_hours else "In its currency": numbers.plain(r["amount_tc"]),
            "Currency": None if is_hours else r["currency_code"],
            currency: numbers.plain(r["amount_rc"]),
            "Out of": numbers.plain(r["base"]) if metric_id in _AMOUNTS else None,
            "Hours": None if is_hours else numbers.plain(r["hours"]),
            "Record": record_name(r["record_id"], known),
            "Source": names.system(r["source_system"]),
        }
        for r in rows
    ]
    kept = [
        name
        for name in (table[0] if table else {})
        if any(row[name] not in (None, numbers.NO_VALUE) for row in table)
    ]
    return [{name: row[name] for name in kept} for row in table]


def record_name(key: str | None, known: names.Names) -> str:
    """The source record as a reader would look it up: ``NetSuite 1074``."""
    return names.of_key("record", key, known)


def _csv(publication: data.Publication, sql: str, parameters: list[object]) -> Callable[[], str]:
    """All rows, made when the button is pressed."""

    def write() -> str:
        return to_csv(data.uncached_rows(publication, sql, *parameters))

    return write


def to_csv(table: Iterable[data.Row]) -> str:
    """CSV with dot decimals and ISO dates; text that a spreadsheet could run as a formula is made inert."""
    listed = list(table)
    if not listed:
        return ""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, fieldnames=list(listed[0]), lineterminator="\n")
    writer.writeheader()
    for row in listed:
        writer.writerow({name: _inert(value) for name, value in row.items()})
    return buffer.getvalue()


def _inert(value: object) -> object:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
