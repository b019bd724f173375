"""SOQL: a lexer, a recursive-descent parser and a translation to DuckDB over the state tables.

Understood: a field list (parents one level up by relationship name), COUNT(), and the aggregates COUNT,
COUNT_DISTINCT, SUM, MIN, MAX, AVG with aliases; WHERE with AND, OR, NOT, IN, NOT IN, LIKE and comparisons
with string, number, boolean, null, date, datetime and relative date literals; GROUP BY; ORDER BY; LIMIT;
OFFSET.
Everything else is MALFORMED_QUERY, as a vendor says it, so that nothing is silently read another way.

Where SOQL is not SQL: AND and OR do not mix without parentheses; logic is two-valued (null is unequal);
text compares without regard to case; nulls sort first in both directions; 15-character ids match.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sandbox.emulators.catalogue import Column
from sandbox.emulators.store import ObjectDef


class SoqlError(Exception):
    """A query the vendor would refuse: `code` is its errorCode, the text its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


TEXT_TYPES = frozenset(("string", "textarea", "picklist", "email", "id", "reference"))
NUMBER_TYPES = frozenset(("currency", "double", "percent", "int"))
AGGREGATES = {
    "count": "count",
    "count_distinct": "count",
    "sum": "sum",
    "min": "min",
    "max": "max",
    "avg": "avg",
}

_LEXEMES = re.compile(
    r"""(?P<space>\s+)
      | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
      | (?P<date>\d{4}-\d\d-\d\d)(?![\dT])
      | (?P<number>[+-]?\d+(?:\.\d+)?)(?![\w-])
      | (?P<string>'(?:[^'\\]|\\.)*')
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<mark><=|>=|!=|<>|[=<>(),.:])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True)
class Token:
    """One lexeme; `kind` is a group name of the lexer, or `end`."""

    kind: str
    text: str
    position: int

    def word(self) -> str:
        """Lower-case text of a name, else the empty string."""
        return self.text.lower() if self.kind == "name" else ""


@dataclass(frozen=True)
class Literal:
    """A value in a query. `kind`: string, number, boolean, null, date, datetime or relative."""

    kind: str
    value: object


@dataclass(frozen=True)
class Path:
    """A field reference: ('Amount',) or ('Account', 'Name')."""

    parts: tuple[str, ...]


@dataclass(frozen=True)
class Aggregate:
    """COUNT(Id) total; path None is COUNT()."""

    function: str
    path: Path | None
    alias: str | None


@dataclass(frozen=True)
class Compare:
    """path operator literal."""

    path: Path
    operator: str
    value: Literal


@dataclass(frozen=True)
class Within:
    """path [NOT] IN (literals)."""

    path: Path
    values: tuple[Literal, ...]
    negated: bool


@dataclass(frozen=True)
class Logic:
    """AND, OR over its parts; NOT over one."""

    operator: str
    parts: tuple[Condition, ...]


Condition = Compare | Within | Logic


@dataclass
class Query:
    """A parsed query."""

    items: list[Path | Aggregate]
    obj: str
    where: Condition | None = None
    group: list[Path] = field(default_factory=list)
    order: list[tuple[Path | Aggregate, bool, bool]] = field(default_factory=list)
    limit: int | None = None
    offset: int = 0

    @property
    def bare_count(self) -> bool:
        """SELECT COUNT() FROM ..., which answers with totalSize alone."""
        first = self.items[0]
        return len(self.items) == 1 and isinstance(first, Aggregate) and first.path is None

    @property
    def aggregated(self) -> bool:
        """Whether rows are AggregateResults."""
        return bool(self.group) or any(isinstance(item, Aggregate) for item in self.items)


def tokens(text: str) -> list[Token]:
    """Lexemes of `text`, ended by one of kind `end`. Raises SoqlError MALFORMED_QUERY."""
    found: list[Token] = []
    position = 0
    while position < len(text):
        match = _LEXEMES.match(text, position)
        if match is None or match.lastgroup is None:
            raise SoqlError("MALFORMED_QUERY", f"unexpected character at {position}: '{text[position]}'")
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, match.group(), position))
        position = match.end()
    found.append(Token("end", "<EOF>", len(text)))
    return found


class Parser:
    """Recursive descent over the tokens of one query."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0

    def query(self) -> Query:
        """The whole query. Raises SoqlError MALFORMED_QUERY."""
        self._expect("select")
        items = [self._item()]
        while self._mark(","):
            items.append(self._item())
        self._expect("from")
        query = Query(items, self._name())
        if self._peek().kind == "name" and self._peek().word() not in _CLAUSES:
            self._next()  # an alias of the object, which SOQL allows and nothing here needs
        if self._keyword("where"):
            query.where = self._condition()
        if self._keyword("group"):
            self._expect("by")
            query.group = [self._path()]
            while self._mark(","):
                query.group.append(self._path())
        if self._keyword("order"):
            self._expect("by")
            query.order = [self._ordering()]
            while self._mark(","):
                query.order.append(self._ordering())
        if self._keyword("limit"):
            query.limit = self._integer()
        if self._keyword("offset"):
            query.offset = self._integer()
        if self._peek().kind != "end":
            raise self._failure()
        if query.bare_count is False and any(
            isinstance(item, Aggregate) and item.path is None for item in query.items
        ):
            raise SoqlError("MALFORMED_QUERY", "COUNT() must be the only element of the SELECT list")
        return query

    def _item(self) -> Path | Aggregate:
        token = self._peek()
        following = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        if token.word() in AGGREGATES and following.text == "(":
            aggregate = self._aggregate()
            alias = None
            if self._peek().kind == "name" and self._peek().word() != "from":
                alias = self._name()
            return Aggregate(aggregate.function, aggregate.path, alias)
        if token.text == "(":
            raise SoqlError("MALFORMED_QUERY", "nested queries are not supported here")
        return self._path()

    def _aggregate(self) -> Aggregate:
        function = self._name().lower()
        self._require("(")
        if self._mark(")"):
            if function != "count":
                raise self._failure()
            return Aggregate("count", None, None)
        path = self._path()
        self._require(")")
        return Aggregate(function, path, None)

    def _path(self) -> Path:
        parts = [self._name()]
        while self._mark("."):
            parts.append(self._name())
        return Path(tuple(parts))

    def _ordering(self) -> tuple[Path | Aggregate, bool, bool]:
        following = self._tokens[min(self._at + 1, len(self._tokens) - 1)]
        target: Path | Aggregate
        target = (
            self._aggregate() if self._peek().word() in AGGREGATES and following.text == "(" else self._path()
        )
        descending = self._keyword("desc")
        if not descending:
            self._keyword("asc")
        nulls_last = False
        if self._keyword("nulls"):
            nulls_last = self._keyword("last")
            if not nulls_last:
                self._expect("first")
        return target, descending, nulls_last

    def _condition(self) -> Condition:
        first = self._negation()
        for operator, other in (("and", "or"), ("or", "and")):
            if self._peek().word() == operator:
                parts = [first]
                while self._keyword(operator):
                    parts.append(self._negation())
                if self._peek().word() == other:
                    # The vendor refuses to guess which of the two binds closer.
                    raise self._failure()
                return Logic(operator, tuple(parts))
        return first

    def _negation(self) -> Condition:
        if self._keyword("not"):
            return Logic("not", (self._negation(),))
        if self._mark("("):
            inner = self._condition()
            self._require(")")
            return inner
        return self._comparison()

    def _comparison(self) -> Condition:
        path = self._path()
        if self._keyword("not"):
            self._expect("in")
            return Within(path, self._list(), True)
        if self._keyword("in"):
            return Within(path, self._list(), False)
        if self._keyword("like"):
            return Compare(path, "like", self._literal())
        token = self._next()
        if token.kind != "mark" or token.text not in ("=", "!=", "<>", "<", "<=", ">", ">="):
            raise self._failure(token)
        return Compare(path, "!=" if token.text == "<>" else token.text, self._literal())

    def _list(self) -> tuple[Literal, ...]:
        self._require("(")
        values = [self._literal()]
        while self._mark(","):
            values.append(self._literal())
        self._require(")")
        return tuple(values)

    def _literal(self) -> Literal:
        token = self._next()
        if token.kind == "string":
            return Literal("string", _unescaped(token.text[1:-1]))
        if token.kind == "number":
            return Literal("number", Decimal(token.text))
        if token.kind in ("date", "datetime"):
            try:
                if token.kind == "date":
                    return Literal("date", date.fromisoformat(token.text))
                moment = datetime.fromisoformat(token.text).astimezone(UTC).replace(tzinfo=None)
            except ValueError as error:
                raise self._failure(token) from error
            return Literal("datetime", moment)
        if token.kind == "name":
            word = token.word()
            if word in ("true", "false"):
                return Literal("boolean", word == "true")
            if word == "null":
                return Literal("null", None)
            if word in _RELATIVE:
                if word.endswith("_n_days"):
                    self._require(":")
                    return Literal("relative", (word, self._integer()))
                return Literal("relative", (word, 0))
        raise self._failure(token)

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def _mark(self, text: str) -> bool:
        if self._peek().kind == "mark" and self._peek().text == text:
            self._next()
            return True
        return False

    def _keyword(self, word: str) -> bool:
        if self._peek().word() == word:
            self._next()
            return True
        return False

    def _require(self, text: str) -> None:
        if not self._mark(text):
            raise self._failure()

    def _expect(self, word: str) -> None:
        if not self._keyword(word):
            raise self._failure()

    def _name(self) -> str:
        if self._peek().kind != "name":
            raise self._failure()
        return self._next().text

    def _integer(self) -> int:
        token = self._next()
        if token.kind != "number" or not token.text.isdigit():
            raise self._failure(token)
        return int(token.text)

    def _failure(self, token: Token | None = None) -> SoqlError:
        token = token or self._peek()
        return SoqlError("MALFORMED_QUERY", f"unexpected token: '{token.text}' at position {token.position}")


_CLAUSES = frozenset(("where", "group", "order", "limit", "offset", "having", "with", "for", "using", "all"))
_RELATIVE = frozenset(
    ("today", "yesterday", "tomorrow", "this_month", "last_month", "this_year", "last_n_days", "next_n_days")
)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match.group(1), match.group(1)), text, flags=re.DOTALL)


@dataclass(frozen=True)
class Output:
    """One column of the result: where it goes in the record and how it is rendered."""

    path: tuple[str, ...]
    type: str
    parent: str | None = None


@dataclass(frozen=True)
class Compiled:
    """SQL with result columns c0, c1 ...; `parents`: per relationship its object and null marker."""

    sql: str
    obj: str
    outputs: tuple[Output, ...]
    kind: str
    id_column: int | None = None
    parents: tuple[tuple[str, str, int], ...] = ()


Resolve = Callable[[str], "ObjectDef | None"]


class Compiler:
    """Translates parsed queries.

    `resolve` finds an object, `columns` its visible fields, `parent` the object a relationship name leads to
    with the column that holds the id (None: no such relationship), `table` the state table of an object.
    """

    def __init__(
        self,
        resolve: Resolve,
        columns: Callable[[ObjectDef], dict[str, Column]],
        parent: Callable[[ObjectDef, str], tuple[ObjectDef, Column] | None],
        table: Callable[[str], str],
        now: datetime,
        recycled_since: datetime,
    ) -> None:
        self._resolve = resolve
        self._columns = columns
        self._parent = parent
        self._table = table
        self._now = now
        self._recycled_since = recycled_since
        self._joins: dict[str, tuple[str, ObjectDef, Column]] = {}
        self._base: ObjectDef | None = None

    def compile(self, query: Query, *, include_deleted: bool) -> Compiled:
        """SQL for `query`. Raises SoqlError (INVALID_TYPE, INVALID_FIELD, MALFORMED_QUERY)."""
        base = self._resolve(query.obj)
        if base is None:
            raise SoqlError(
                "INVALID_TYPE",
                f"sObject type '{query.obj}' is not supported. A custom object's name ends in '__c'; see the "
                "describe call for the names there are.",
            )
        self._base = base
        self._joins = {}
        if query.offset > 2000:
            raise SoqlError("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        if query.bare_count:
            selected, outputs, kind = ["count(*) as c0"], [Output(("count",), "int")], "count"
        elif query.aggregated:
            selected, outputs = self._aggregates(query)
            kind = "aggregate"
        else:
            selected, outputs = self._fields(query)
            kind = "rows"
        where = [f"({self._where(query.where)})"] if query.where is not None else []
        visible = "t._op <> 'delete'"
        if include_deleted:
            # The recycle bin: what was deleted longer ago is gone for every API.
            visible = f"(t._op <> 'delete' or t._since > {_moment(self._recycled_since)})"
        where.append(visible)
        group = [self._value(path)[0] for path in query.group]
        order = [self._order(*entry) for entry in query.order]
        id_column = None
        parents = []
        if kind == "rows":
            selected.append(f't."{base.key[0]}" as c{len(selected)}')
            id_column = len(selected) - 1
            for name, (alias, target, _column) in self._joins.items():
                selected.append(f'{alias}."{target.key[0]}" as c{len(selected)}')
                parents.append((name, target.name, len(selected) - 1))
        sql = f"select {', '.join(selected)} from {self._table(base.name)} as t"
        for alias, target, column in self._joins.values():
            sql += (
                f" left join {self._table(target.name)} as {alias}"
                f' on {alias}."{target.key[0]}" = {column.sql("t")}'
            )
        sql += " where " + " and ".join(where)
        if group:
            sql += " group by " + ", ".join(group)
        if order:
            sql += " order by " + ", ".join(order)
        if query.limit is not None and kind != "count":
            sql += f" limit {query.limit}"
        if query.offset:
            sql += f" offset {query.offset}"
        return Compiled(sql, base.name, tuple(outputs), kind, id_column, tuple(parents))

    def _fields(self, query: Query) -> tuple[list[str], list[Output]]:
        selected: list[str] = []
        outputs: list[Output] = []
        seen: set[tuple[str, ...]] = set()
        for item in query.items:
            if not isinstance(item, Path):
                raise SoqlError("MALFORMED_QUERY", "aggregates and fields do not mix without GROUP BY")
            sql, column, names = self._value(item)
            lowered = tuple(name.lower() for name in names)
            if lowered in seen:
                raise SoqlError("INVALID_FIELD", f"duplicate field selected: {'.'.join(item.parts)}")
            seen.add(lowered)
            selected.append(f"{sql} as c{len(selected)}")
            outputs.append(Output(names, column.type, names[0] if len(names) > 1 else None))
        return selected, outputs

    def _aggregates(self, query: Query) -> tuple[list[str], list[Output]]:
        selected: list[str] = []
        outputs: list[Output] = []
        grouped = {tuple(part.lower() for part in path.parts) for path in query.group}
        unnamed = 0
        for item in query.items:
            if isinstance(item, Path):
                if tuple(part.lower() for part in item.parts) not in grouped:
                    raise SoqlError(
                        "MALFORMED_QUERY", f"Field must be grouped or aggregated: {'.'.join(item.parts)}"
                    )
                sql, column, names = self._value(item)
                outputs.append(Output((names[-1],), column.type))
            else:
                sql, kind = self._aggregate(item)
                alias = item.alias
                if alias is None:
                    alias, unnamed = f"expr{unnamed}", unnamed + 1
                outputs.append(Output((alias,), kind))
            selected.append(f"{sql} as c{len(selected)}")
        return selected, outputs

    def _aggregate(self, item: Aggregate) -> tuple[str, str]:
        assert item.path is not None
        sql, column, _names = self._value(item.path)
        function = AGGREGATES[item.function]
        if item.function in ("sum", "avg") and column.type not in NUMBER_TYPES:
            raise SoqlError(
                "MALFORMED_QUERY",
                f"field {column.name} does not support aggregate operator {item.function.upper()}",
            )
        if item.function == "count_distinct":
            return f"count(distinct {sql})", "int"
        if item.function == "count":
            return f"count({sql})", "int"
        return f"{function}({sql})", column.type

    def _value(self, path: Path) -> tuple[str, Column, tuple[str, ...]]:
        """SQL, column and canonical names of a field reference."""
        assert self._base is not None
        parts = path.parts
        if len(parts) > 1 and parts[0].lower() == self._base.name.lower():
            parts = parts[1:]
        if len(parts) == 1:
            column = self._columns(self._base).get(parts[0].lower())
            if column is None:
                raise self._no_field(parts[0], self._base)
            return _plain(column, "t"), column, (column.name,)
        if len(parts) > 2:
            raise SoqlError("MALFORMED_QUERY", f"{'.'.join(parts)}: only one relationship level is supported")
        found = self._joins.get(parts[0].lower())
        if found is None:
            lead = self._parent(self._base, parts[0])
            if lead is None:
                raise SoqlError(
                    "INVALID_FIELD",
                    f"Didn't understand relationship '{parts[0]}' in field path. A custom relationship's "
                    "name ends in '__r'.",
                )
            found = (f"r{len(self._joins)}", lead[0], lead[1])
            self._joins[parts[0].lower()] = found
        alias, target, _lead = found
        column = self._columns(target).get(parts[1].lower())
        if column is None:
            raise self._no_field(parts[1], target)
        return _plain(column, alias), column, (parts[0], column.name)

    def _no_field(self, name: str, obj: ObjectDef) -> SoqlError:
        return SoqlError(
            "INVALID_FIELD",
            f"\nSELECT {name}\n       ^\nERROR at Row:1:Column:8\nNo such column '{name}' on entity "
            f"'{obj.name}'. A custom field's name ends in '__c'; see the describe call for the rest.",
        )

    def _order(self, target: Path | Aggregate, descending: bool, nulls_last: bool) -> str:
        if isinstance(target, Aggregate):
            sql = "count(*)" if target.path is None else self._aggregate(target)[0]
        else:
            sql, column, _names = self._value(target)
            if column.type in TEXT_TYPES - {"id", "reference"}:
                sql = f"lower({sql})"
        return f"{sql} {'desc' if descending else 'asc'} nulls {'last' if nulls_last else 'first'}"

    def _where(self, condition: Condition) -> str:
        if isinstance(condition, Logic):
            if condition.operator == "not":
                return f"(not {self._where(condition.parts[0])})"
            return "(" + f" {condition.operator} ".join(self._where(part) for part in condition.parts) + ")"
        sql, column, _names = self._value(condition.path)
        if isinstance(condition, Within):
            literals = [value for value in condition.values if value.kind != "null"]
            tests = []
            if literals:
                left, rights = self._sides(sql, column, literals)
                tests.append(f"coalesce({left} in ({', '.join(rights)}), false)")
            if len(literals) < len(condition.values):
                tests.append(f"{sql} is null")
            joined = "(" + " or ".join(tests) + ")"
            return f"(not {joined})" if condition.negated else joined
        value = condition.value
        if value.kind == "null":
            if condition.operator not in ("=", "!="):
                raise SoqlError("MALFORMED_QUERY", "null compares by = and != only")
            return f"({sql} is {'' if condition.operator == '=' else 'not '}null)"
        if condition.operator == "like":
            if column.type not in TEXT_TYPES or value.kind != "string":
                raise SoqlError("INVALID_FIELD", f"invalid operator on {column.type} field")
            return f"coalesce({sql} ilike {_text(str(value.value))} escape '\\', false)"
        if value.kind == "relative":
            return self._relative(sql, column, condition.operator, value)
        left, rights = self._sides(sql, column, [value])
        if condition.operator == "!=":
            return f"({left} is distinct from {rights[0]})"
        return f"coalesce({left} {condition.operator} {rights[0]}, false)"

    def _sides(self, sql: str, column: Column, values: list[Literal]) -> tuple[str, list[str]]:
        """The field and the literals as comparable SQL, checked for kind."""
        wanted = {"boolean": "boolean", "date": "date", "datetime": "datetime"}.get(
            column.type, "string" if column.type in TEXT_TYPES else "number"
        )
        for value in values:
            if value.kind != wanted:
                hint = (
                    "should be enclosed in quotes"
                    if wanted == "string"
                    else f"must be of type {'dateTime' if wanted == 'datetime' else wanted} and should "
                    "not be enclosed in quotes"
                )
                raise SoqlError(
                    "INVALID_FIELD", f"value of filter criterion for field '{column.name}' {hint}"
                )
        if column.type in ("id", "reference"):
            texts = [str(value.value) for value in values]
            if all(len(text) == 15 for text in texts):
                return f"left({sql}, 15)", [_text(text) for text in texts]
            return sql, [_text(text) for text in texts]
        if wanted == "string":
            return f"lower({sql})", [f"lower({_text(str(value.value))})" for value in values]
        if wanted == "boolean":
            return sql, ["true" if value.value else "false" for value in values]
        if wanted == "date":
            return sql, [f"DATE '{value.value}'" for value in values]
        if wanted == "datetime":
            return sql, [_moment(value.value) for value in values if isinstance(value.value, datetime)]
        return sql, [str(value.value) for value in values]

    def _relative(self, sql: str, column: Column, operator: str, value: Literal) -> str:
        if column.type not in ("date", "datetime"):
            raise SoqlError("INVALID_FIELD", f"date literals do not apply to field '{column.name}'")
        assert isinstance(value.value, tuple)
        begin, end = _span(value.value[0], value.value[1], self._now.date())
        first, after = f"DATE '{begin}'", f"DATE '{end}'"
        forms = {
            "=": f"({sql} >= {first} and {sql} < {after})",
            "!=": f"(not coalesce({sql} >= {first} and {sql} < {after}, false))",
            "<": f"({sql} < {first})",
            "<=": f"({sql} < {after})",
            ">": f"({sql} >= {after})",
            ">=": f"({sql} >= {first})",
        }
        return f"coalesce({forms[operator]}, false)"


def _span(word: str, count: int, today: date) -> tuple[date, date]:
    """The half-open range of days a relative literal means."""
    day = timedelta(days=1)
    month = today.replace(day=1)
    following = (month + timedelta(days=32)).replace(day=1)
    spans = {
        "today": (today, today + day),
        "yesterday": (today - day, today),
        "tomorrow": (today + day, today + 2 * day),
        "this_month": (month, following),
        "last_month": ((month - day).replace(day=1), month),
        "this_year": (date(today.year, 1, 1), date(today.year + 1, 1, 1)),
        "last_n_days": (today - count * day, today + day),
        "next_n_days": (today + day, today + (count + 1) * day),
    }
    return spans[word]


def _plain(column: Column, alias: str) -> str:
    # A checkbox is never null for this vendor.
    return f"coalesce({column.sql(alias)}, false)" if column.type == "boolean" else column.sql(alias)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _moment(value: datetime) -> str:
    return f"TIMESTAMP '{value.isoformat(sep=' ')}'"
