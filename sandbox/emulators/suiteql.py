"""SuiteQL to DuckDB: parsed by sqlglot in Oracle's dialect, resolved against visible tables, rewritten.

What the vendor understands in its own way is translated here: TO_CHAR, TO_DATE and TO_TIMESTAMP with
Oracle format models, TRUNC, SYSDATE, ROWNUM, BUILTIN.DF, and checkboxes, which are the texts T and F. A table
or field that is not visible, whether unknown, switched off or not permitted, is refused in the same words, as
the vendor does it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import sqlglot
from sqlglot import exp
from sqlglot.dialects.oracle import Oracle
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.parsers.oracle import OracleParser

from sandbox.emulators.catalogue import Column
from sandbox.emulators.store import ObjectDef, quote

OWN_FUNCTIONS = ("TO_CHAR", "TO_DATE", "TO_TIMESTAMP", "TRUNC")
# Longest first, so that HH24 is not read as HH.
FORMAT_PARTS = (
    ("HH24", "%H"),
    ("HH12", "%I"),
    ("YYYY", "%Y"),
    ("FF3", "%g"),
    ("FF6", "%f"),
    ("MON", "%b"),
    ("YY", "%y"),
    ("MM", "%m"),
    ("DD", "%d"),
    ("MI", "%M"),
    ("SS", "%S"),
    ("HH", "%I"),
    ("FF", "%f"),
    ("AM", "%p"),
    ("PM", "%p"),
    ("Q", "%Q"),
)
ENTITY_TABLES = ("customer", "vendor", "employee", "job", "partner")
REFERRED = {
    "entity": ENTITY_TABLES,
    "postingperiod": ("accountingperiod",),
    "plannedperiod": ("accountingperiod",),
    "class": ("classification",),
    "createdfrom": ("transaction",),
    "createdby": ("employee",),
    "lastmodifiedby": ("employee",),
    "supervisor": ("employee",),
    "expenseaccount": ("account",),
    "receivablesaccount": ("account",),
    "fromcurrency": ("currency",),
    "tocurrency": ("currency",),
    "fromsubsidiary": ("subsidiary",),
    "tosubsidiary": ("subsidiary",),
    "terms": ("term",),
}
DISPLAY_COLUMNS = (
    "fullname",
    "periodname",
    "name",
    "entityid",
    "transactionnumber",
    "tranid",
    "itemid",
    "altname",
    "companyname",
    "symbol",
)
DISPLAY_TYPES = {
    "CustInvc": "Invoice",
    "CustCred": "Credit Memo",
    "CustPymt": "Payment",
    "CustDep": "Customer Deposit",
    "SalesOrd": "Sales Order",
    "Estimate": "Quote",
    "Journal": "Journal",
    "PurchOrd": "Purchase Order",
    "VendBill": "Bill",
    "VendCred": "Bill Credit",
    "VendPymt": "Bill Payment",
    "ExpRept": "Expense Report",
    "RevArrng": "Revenue Arrangement",
}


ALLOWED_FUNCTIONS = (
    exp.Abs,
    exp.AddMonths,
    exp.And,
    exp.AggFunc,
    exp.Case,
    exp.Cast,
    exp.Ceil,
    exp.Coalesce,
    exp.Concat,
    exp.DecodeCase,
    exp.DPipe,
    exp.Exists,
    exp.Extract,
    exp.Floor,
    exp.Greatest,
    exp.If,
    exp.LastDay,
    exp.Least,
    exp.Length,
    exp.Lower,
    exp.Mod,
    exp.Nullif,
    exp.Or,
    exp.Replace,
    exp.Round,
    exp.RowNumber,
    exp.Sign,
    exp.Substring,
    exp.Trim,
    exp.Upper,
)


class SuiteQLError(Exception):
    """A query the vendor refuses; the text is the reason after "Search error occurred"."""


class SuiteQL(Oracle):
    """Oracle's dialect with the functions that are rewritten here left as plain calls."""

    class Parser(OracleParser):
        """Keeps OWN_FUNCTIONS anonymous."""

        FUNCTIONS = {  # noqa: RUF012 - sqlglot's own idiom
            name: build for name, build in OracleParser.FUNCTIONS.items() if name not in OWN_FUNCTIONS
        }


@dataclass(frozen=True)
class Term:
    """One ORDER BY term over the hidden columns _o0, _o1 ... of `inner`."""

    column: str
    descending: bool
    nulls_first: bool

    @property
    def sql(self) -> str:
        """As it stands in an ORDER BY."""
        return (
            f"{self.column} {'desc' if self.descending else 'asc'} "
            f"nulls {'first' if self.nulls_first else 'last'}"
        )


@dataclass(frozen=True)
class Plan:
    """A translated query.

    `inner` selects the named outputs, the hidden order columns and, where rows come straight from tables,
    `_tie`: a hash of the row's keys that tells rows apart which the order does not. `first` is the same query
    cut to its first `{limit}` rows before anything but order and conditions is computed, ties broken by
    `{seed}`; None where a query does more than read one table.
    """

    inner: str
    outputs: tuple[str, ...]
    terms: tuple[Term, ...]
    tied: bool
    limit: int | None
    objects: tuple[str, ...]
    total_only: bool
    first: str | None = None


class Translator:
    """Translates one query at a time.

    `resolve` finds a visible table, `columns` its fields, `table` its state table (or, given the name of a
    derived table, that); `cut` may name the greatest key still served of the table the rows come from.
    """

    def __init__(
        self,
        resolve: Callable[[str], ObjectDef | None],
        columns: Callable[[ObjectDef], dict[str, Column]],
        table: Callable[[str], str],
        cut: Callable[[str], str | None],
        now: datetime,
        date_format: str,
    ) -> None:
        self._resolve = resolve
        self._columns = columns
        self._table = table
        self._cut = cut
        self._now = now
        self._date_format = date_format
        self._objects: list[str] = []

    def translate(self, text: str) -> Plan:
        """The plan of `text`. Raises SuiteQLError."""
        tree = self._parse(text)
        self._objects = []
        bases: dict[int, dict[str, ObjectDef]] = {}
        # Built whole before anything is rewritten: rewriting changes what the scopes were read from.
        scopes = traverse_scope(tree)
        work: list[tuple[exp.Column, exp.Expr]] = []
        for scope in scopes:
            found = {
                alias: self._known(source)
                for alias, source in scope.sources.items()
                if isinstance(source, exp.Table) and source.name.lower() != "dual"
            }
            bases[id(scope.expression)] = found
            outer = self._outer(scope, bases)
            for column in scope.columns:
                replacement = self._resolved(column, scope, {**outer, **found})
                if replacement is not None:
                    work.append((column, replacement))
        root = tree if isinstance(tree, exp.Select) else None
        names = self._expand_stars(scopes, bases)
        self._rewrite_displays(tree, {id(column): replacement for column, replacement in work}, bases)
        for column, replacement in work:
            if column.parent is not None:
                column.replace(replacement)
        self._rewrite_calls(tree)
        for scope in scopes:
            for alias, source in scope.sources.items():
                if isinstance(source, exp.Table):
                    self._point(source, alias)
        if root is None:
            # A union: its order is applied to it as a whole.
            order = tree.args.get("order")
            tree.set("order", None)
            root = exp.select(*(exp.column(name, quoted=True) for name in names)).from_(
                tree.subquery("united")
            )
            root.set("order", order)
            root.set("expressions", [exp.alias_(item, item.name, quoted=True) for item in root.expressions])
        return self._plan(root, names, bases.get(id(root), {}))

    def _parse(self, text: str) -> exp.Query:
        dialect = SuiteQL()
        try:
            if any(
                token.text.upper() == "LIMIT" and token.token_type.name == "LIMIT"
                for token in dialect.tokenize(text)
            ):
                raise SuiteQLError("Invalid or unsupported search")
            trees = [tree for tree in dialect.parse(text) if tree is not None]
        except SqlglotError as error:
            raise SuiteQLError("Invalid or unsupported search") from error
        if len(trees) != 1 or not isinstance(trees[0], exp.Query):
            raise SuiteQLError("Invalid or unsupported search")
        for pseudo in list(trees[0].find_all(exp.CurrentTimestamp, exp.CurrentDate)):
            pseudo.replace(_moment(self._now))
        for column in list(trees[0].find_all(exp.Column)):
            if not column.table and column.name.upper() in ("SYSDATE", "SYSTIMESTAMP"):
                column.replace(_moment(self._now))
        return trees[0]

    def _known(self, source: exp.Table) -> ObjectDef:
        found = self._resolve(source.name)
        if found is None:
            raise SuiteQLError(f"Record '{source.name}' was not found.")
        if found.name not in self._objects:
            self._objects.append(found.name)
        return found

    @staticmethod
    def _outer(scope: Scope, bases: dict[int, dict[str, ObjectDef]]) -> dict[str, ObjectDef]:
        """Tables a correlated sub-query sees around itself."""
        around: dict[str, ObjectDef] = {}
        parent = scope.parent
        while parent is not None:
            around = {**bases.get(id(parent.expression), {}), **around}
            parent = parent.parent
        return around

    def _resolved(self, column: exp.Column, scope: Scope, tables: dict[str, ObjectDef]) -> exp.Expr | None:
        """What `column` becomes; None when it belongs to a derived table, is ROWNUM or an output's alias."""
        name = column.name
        if name.upper() == "ROWNUM" and not column.table:
            return None
        if column.table:
            alias = next((key for key in tables if key.lower() == column.table.lower()), None)
            if alias is None:
                if any(key.lower() == column.table.lower() for key in _visible(scope)):
                    return None
                raise SuiteQLError(f"Invalid alias '{column.table}'.")
            found = self._columns(tables[alias]).get(name.lower())
            if found is None:
                raise SuiteQLError(f"Field '{name}' for record '{tables[alias].name}' was not found.")
            return self._value(found, alias)
        select = scope.expression
        if isinstance(select, exp.SetOperation):
            return None
        if isinstance(select, exp.Select) and column.find_ancestor(exp.Order) is not None:
            aliases = {item.alias.lower() for item in select.expressions if item.alias}
            if name.lower() in aliases:
                return None
        for alias, definition in tables.items():
            found = self._columns(definition).get(name.lower())
            if found is not None:
                return self._value(found, alias)
        if any(not isinstance(source, exp.Table) for source in scope.sources.values()):
            return None
        record = next(iter(tables.values())).name if tables else "unknown"
        raise SuiteQLError(f"Field '{name}' for record '{record}' was not found.")

    @staticmethod
    def _value(column: Column, alias: str) -> exp.Expr:
        sql = column.sql(quote(alias))
        if column.sql_type == "BOOLEAN":
            sql = f"case when {sql} then 'T' when not {sql} then 'F' end"
            return exp.paren(_sql(sql))
        parsed = _sql(sql)
        return parsed if isinstance(parsed, exp.Column) else exp.paren(parsed)

    def _expand_stars(self, scopes: list[Scope], bases: dict[int, dict[str, ObjectDef]]) -> list[str]:
        """Give every output an explicit, lower-case name; names of the outermost query's."""
        names: list[str] = []
        for scope in scopes:
            select = scope.expression
            if not isinstance(select, exp.Select):
                continue
            items: list[exp.Expr] = []
            unnamed = 0
            for item in select.expressions:
                if isinstance(item, exp.Star) or (isinstance(item, exp.Column) and item.is_star):
                    wanted = item.table.lower() if isinstance(item, exp.Column) and item.table else None
                    for alias, definition in bases[id(select)].items():
                        if wanted in (None, alias.lower()):
                            items += [
                                exp.alias_(self._value(column, alias), column.name.lower(), quoted=True)
                                for column in self._columns(definition).values()
                            ]
                    continue
                name = item.alias_or_name.lower() if isinstance(item, exp.Alias | exp.Column) else ""
                if not name:
                    unnamed += 1
                    name = f"expr{unnamed}"
                if isinstance(item, exp.Alias):
                    item.set("alias", exp.to_identifier(name, quoted=True))
                    items.append(item)
                else:
                    items.append(exp.alias_(item, name, quoted=True, copy=False))
            select.set("expressions", items)
            names = [item.alias for item in items]
        return names

    def _rewrite_displays(
        self,
        tree: exp.Expr,
        resolved: dict[int, exp.Expr],
        bases: dict[int, dict[str, ObjectDef]],
    ) -> None:
        """BUILTIN.DF, while its argument still says which field it is."""
        tables = {alias.lower(): item for found in bases.values() for alias, item in found.items()}
        for dot in list(tree.find_all(exp.Dot)):
            call = dot.expression
            if dot.name.upper() != "DF" and not isinstance(call, exp.Anonymous):
                continue
            if str(dot.this).upper() != "BUILTIN" or str(call.this).upper() != "DF":
                raise SuiteQLError(f"Invalid or unsupported function {dot.sql(dialect='oracle')}")
            argument = call.expressions[0] if call.expressions else None
            if not isinstance(argument, exp.Column):
                raise SuiteQLError("BUILTIN.DF takes a field")
            dot.replace(exp.paren(_sql(self._display(argument, tables, resolved))))

    def _rewrite_calls(self, tree: exp.Expr) -> None:
        """The vendor's own functions; innermost first, since a rewrite copies its arguments."""
        for function in tree.find_all(exp.Func):
            if not isinstance(function, (exp.Anonymous, *ALLOWED_FUNCTIONS)):
                raise SuiteQLError(f"Invalid or unsupported function {function.sql_name()}")
        for call in reversed(list(tree.find_all(exp.Anonymous, bfs=True))):
            name = str(call.this).upper()
            if name not in OWN_FUNCTIONS:
                raise SuiteQLError(f"Invalid or unsupported function {name}")
            call.replace(self._function(name, call))

    def _function(self, name: str, call: exp.Anonymous) -> exp.Expr:
        arguments = call.expressions
        if not arguments:
            raise SuiteQLError(f"{name} needs an argument")
        model = None
        if len(arguments) > 1:
            if not (isinstance(arguments[1], exp.Literal) and arguments[1].is_string):
                raise SuiteQLError(f"{name} takes its format as a text")
            model = str(arguments[1].this)
        value = arguments[0]
        if name == "TRUNC":
            unit = {
                "MM": "month",
                "MONTH": "month",
                "YYYY": "year",
                "YEAR": "year",
                "Q": "quarter",
                "DD": "day",
            }
            if model is not None and model.upper() not in unit:
                raise SuiteQLError(f"TRUNC with '{model}'")
            return exp.func("date_trunc", exp.Literal.string(unit[(model or "DD").upper()]), value)
        if name == "TO_CHAR":
            if model is None:
                return _plain_text(value)
            if re.fullmatch(r"(FM)?[90,.]+", model):
                return _number_text(value, model)
            return exp.func("strftime", value, exp.Literal.string(strftime_format(model)))
        return exp.func("strptime", value, exp.Literal.string(strftime_format(model or self._date_format)))

    def _display(
        self, argument: exp.Column, tables: dict[str, ObjectDef], resolved: dict[int, exp.Expr]
    ) -> str:
        """SQL of the text a form would show for a field: the name of what it refers to, else the value."""
        replacement = resolved.get(id(argument))
        if replacement is None:
            raise SuiteQLError(f"Field '{argument.name}' was not found.")
        value = replacement.sql(dialect="duckdb")
        owner = tables.get(argument.table.lower()) if argument.table else None
        if owner is None:
            owner = next(
                (item for item in tables.values() if argument.name.lower() in self._columns(item)), None
            )
        if owner is None:
            return f"cast({value} as VARCHAR)"
        column = self._columns(owner)[argument.name.lower()]
        if column.name.lower() == "type" and owner.name == "transaction":
            whens = " ".join(f"when '{code}' then '{label}'" for code, label in DISPLAY_TYPES.items())
            return f"case {value} {whens} else {value} end"
        declared: Iterable[str] = column.definition.references if column.definition else ()
        shown = []
        for target_name in (*declared, *REFERRED.get(column.name.lower(), ()), column.name):
            target = self._resolve(target_name)
            if target is None:
                continue
            columns = self._columns(target)
            label = next((columns[name] for name in DISPLAY_COLUMNS if name in columns), None)
            if label is None:
                continue
            key = f'd."{target.key[0]}"'
            shown.append(
                f"(select any_value({label.sql('d')}) from {self._table(target.name)} as d "
                f"where cast({key} as VARCHAR) = cast({value} as VARCHAR))"
            )
        return f"coalesce({', '.join([*shown, f'cast({value} as VARCHAR)'])})"

    def _point(self, source: exp.Table, alias: str) -> None:
        """Make a table node read the state table, under its quoted alias."""
        if source.name.lower() == "dual":
            source.replace(exp.select("1 as dummy").subquery("dual"))
            return
        definition = self._known(source)
        target = self._table(definition.name)
        source.set("this", exp.to_identifier(target.strip('"'), quoted=True))
        source.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))

    def _plan(self, select: exp.Select, names: list[str], tables: dict[str, ObjectDef]) -> Plan:
        limit = self._take_limit(select)
        grouped = bool(select.args.get("group")) or bool(select.args.get("distinct"))
        total_only = not select.args.get("group") and any(
            item.find(exp.AggFunc) is not None and item.find(exp.Window) is None
            for item in select.expressions
        )
        terms: list[Term] = []
        sorting: list[str] = []
        outputs = ", ".join(item.sql(dialect="duckdb") for item in select.expressions)
        order = select.args.get("order")
        if order is not None:
            select.set("order", None)
            by_alias = {item.alias.lower(): item.this for item in select.expressions}
            for ordered in order.expressions:
                target = ordered.this
                if isinstance(target, exp.Literal) and not target.is_string:
                    target = select.expressions[int(target.this) - 1].this
                elif isinstance(target, exp.Column) and not target.table:
                    target = by_alias.get(target.name.lower(), target)
                name = f"_o{len(terms)}"
                select.append("expressions", exp.alias_(target.copy(), name, quoted=True))
                term = Term(name, bool(ordered.args.get("desc")), bool(ordered.args.get("nulls_first")))
                terms.append(term)
                sorting.append(term.sql.replace(name, f"({target.sql(dialect='duckdb')})", 1))
        first = None
        tied = bool(tables) and not grouped and not total_only
        if tied:
            keys = [f"{quote(alias)}.{quote(part)}" for alias, item in tables.items() for part in item.key]
            tie = _sql(f"hash({', '.join(keys)}, 0)")
            select.append("expressions", exp.alias_(tie, "_tie", quoted=True))
            self._apply_cut(select, tables)
            if len(tables) == 1 and select.find(exp.Window) is None and not select.args.get("joins"):
                first = self._first_page(select, tables, outputs, sorting)
        return Plan(
            select.sql(dialect="duckdb"),
            tuple(names),
            tuple(terms),
            tied,
            limit,
            tuple(self._objects),
            total_only,
            first,
        )

    def _first_page(
        self, select: exp.Select, tables: dict[str, ObjectDef], outputs: str, sorting: list[str]
    ) -> str | None:
        """SQL that sorts and cuts bare rows, then computes the outputs of those that are left."""
        alias, definition = next(iter(tables.items()))
        source = select.args.get("from_")
        if source is None or not isinstance(source.this, exp.Table):
            return None
        where = select.args.get("where")
        condition = _braced(where.this.sql(dialect="duckdb") if where is not None else "true")
        own = quote(alias)
        keys = ", ".join(f"{own}.{quote(part)}" for part in definition.key)
        order = ", ".join([*(_braced(term) for term in sorting), f"hash({keys}, {{seed}})"])
        return (
            f"select {_braced(outputs)} from (select {own}.* from {self._table(definition.name)} as {own} "
            f"where {condition} order by {order} limit {{limit}}) as {own} order by {order}"
        )

    def _apply_cut(self, select: exp.Select, tables: dict[str, ObjectDef]) -> None:
        alias, definition = next(iter(tables.items()))
        greatest = self._cut(definition.name)
        if greatest is not None:
            column = f"{quote(alias)}.{quote(definition.key[0])}"
            select.where(f"{column} <= {greatest}", dialect="duckdb", copy=False)

    @staticmethod
    def _take_limit(select: exp.Select) -> int | None:
        """Remove TOP, FETCH FIRST and ROWNUM conditions; the number of rows they leave, if any."""
        limits: list[int] = []
        node = select.args.get("limit")
        if node is not None:
            count = node.args.get("count") if isinstance(node, exp.Fetch) else node.expression
            limits.append(int(count.name if count is not None else 1))
            select.set("limit", None)
        where = select.args.get("where")
        if where is not None:
            kept = []
            for part in where.this.flatten() if isinstance(where.this, exp.And) else [where.this]:
                left = part.this if isinstance(part, exp.LTE | exp.LT) else None
                if isinstance(left, exp.Column) and left.name.upper() == "ROWNUM":
                    limits.append(int(part.expression.name) - (1 if isinstance(part, exp.LT) else 0))
                else:
                    kept.append(part.copy())
            select.set("where", exp.Where(this=exp.and_(*kept)) if kept else None)
        return min(limits) if limits else None


def _visible(scope: Scope) -> set[str]:
    names: set[str] = set()
    current: Scope | None = scope
    while current is not None:
        names |= set(current.sources)
        current = current.parent
    return names


def _braced(text: str) -> str:
    """`text` as it must stand in a format string."""
    return text.replace("{", "{{").replace("}", "}}")


@lru_cache(maxsize=4096)
def _parsed(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, read="duckdb")


def _sql(text: str) -> exp.Expr:
    """A DuckDB expression as a tree of its own."""
    return _parsed(text).copy()


def _moment(moment: datetime) -> exp.Expr:
    text = moment.replace(microsecond=0).isoformat(sep=" ")
    return exp.cast(exp.Literal.string(text), "timestamp")


def strftime_format(model: str) -> str:
    """An Oracle format model as a strftime pattern. Raises SuiteQLError on an element not understood."""
    pattern, position = "", 0
    while position < len(model):
        if model[position] == '"':
            end = model.find('"', position + 1)
            if end < 0:
                raise SuiteQLError(f"format '{model}' is not understood")
            pattern += model[position + 1 : end].replace("%", "%%")
            position = end + 1
            continue
        for element, code in FORMAT_PARTS:
            if model[position : position + len(element)].upper() == element and code != "%Q":
                pattern += code
                position += len(element)
                break
        else:
            if model[position].isalnum():
                raise SuiteQLError(f"format '{model}' is not understood")
            pattern += model[position]
            position += 1
    return pattern


def _plain_text(value: exp.Expr) -> exp.Expr:
    """TO_CHAR without a format: a number shows no trailing zeros."""
    text = f"cast({value.sql(dialect='duckdb')} as VARCHAR)"
    trimmed = f"rtrim(rtrim({text}, '0'), '.')"
    whole = f"case when regexp_full_match({text}, '-?[0-9]+[.][0-9]+') then {trimmed} else {text} end"
    return exp.paren(_sql(whole))


def _number_text(value: exp.Expr, model: str) -> exp.Expr:
    """TO_CHAR of a number: FM trims blanks and optional zeros; without it the text is blank-padded."""
    bare = model.upper().removeprefix("FM").replace(",", "")
    whole, _, fraction = bare.partition(".")
    places = len(fraction)
    text = f"cast(cast({value.sql(dialect='duckdb')} as DECIMAL(38,{places})) as VARCHAR)"
    optional = len(fraction) - len(fraction.rstrip("9"))
    if model.upper().startswith("FM"):
        if optional:
            text = f"regexp_replace({text}, '0{{1,{optional}}}$', '')"
        if "0" not in whole:
            text = f"regexp_replace({text}, '^(-?)0\\.', '\\1.')"
    else:
        text = f"lpad({text}, {len(bare) + 1}, ' ')"
    return _sql(text)
