"""Which objects and fields a vendor shows right now: the store's schema as faults and permissions bend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sandbox.emulators.faults import Faults
from sandbox.emulators.store import FieldDef, ObjectDef, Store, quote


@dataclass(frozen=True)
class Column:
    """A field as the vendor shows it. `sql(alias)` is its value in the object's state table."""

    name: str
    type: str
    sql_type: str
    source: str
    definition: FieldDef | None
    expression: str

    def sql(self, alias: str) -> str:
        """The value as SQL, the state table being aliased `alias`."""
        return self.expression.replace("{a}", alias)


Derived = Callable[[ObjectDef], list[Column]]


def stored(item: FieldDef) -> Column:
    """A stored field shown under its own name."""
    return Column(item.name, item.type, item.sql_type, item.name, item, "{a}." + quote(item.name))


def derived(name: str, kind: str, sql_type: str, expression: str) -> Column:
    """A field the emulator computes; `expression` names the state table as `{a}`."""
    return Column(name, kind, sql_type, name, None, expression)


class Catalogue:
    """Visible objects and fields of one vendor, cached per state of schema and profile.

    `extra` adds fields the vendor derives (stamps, deletion flags); `hidden` takes fields away (a switch).
    """

    def __init__(
        self,
        store: Store,
        faults: Faults,
        extra: Derived,
        hidden: Callable[[ObjectDef, str], bool] = lambda _object, _name: False,
        absent: Callable[[str], bool] = lambda _name: False,
    ) -> None:
        self._store = store
        self._faults = faults
        self._extra = extra
        self._hidden = hidden
        self._absent = absent
        self._cache: dict[str, dict[str, Column]] = {}
        self._stamp: tuple[int, int] = (-1, -1)

    def object(self, name: str) -> ObjectDef | None:
        """The object when it exists and may be seen, else None."""
        found = self._store.object(name)
        if found is None or self._absent(found.name) or self._faults.standing("permission_lost", found.name):
            return None
        return found

    def names(self) -> list[str]:
        """Objects that may be seen, in the schema's order."""
        return [name for name in self._store.objects if self.object(name) is not None]

    def columns(self, definition: ObjectDef) -> dict[str, Column]:
        """Visible fields by lower-case name, in order."""
        stamp = (self._store.generation, self._faults.generation)
        if stamp != self._stamp:
            self._cache.clear()
            self._stamp = stamp
        found = self._cache.get(definition.name)
        if found is None:
            found = self._build(definition)
            # Loading an object's versions moves the generation; what was computed is still current.
            self._stamp = (self._store.generation, self._faults.generation)
            self._cache[definition.name] = found
        return found

    def _build(self, definition: ObjectDef) -> dict[str, Column]:
        self._store.state(definition.name)
        definition = self._store.objects[definition.name]
        columns = [stored(item) for item in definition.fields.values()]
        taken = {column.name.lower() for column in columns}
        columns += [column for column in self._extra(definition) if column.name.lower() not in taken]
        hidden = {
            str(rule.params.get("field", "")).lower()
            for rule in self._faults.standing("field_hidden", definition.name)
        }
        renamed = {
            str(rule.params["field"]).lower(): str(rule.params["new"])
            for rule in self._faults.standing("schema_rename", definition.name)
        }
        retyped = {
            str(rule.params["field"]).lower(): str(rule.params.get("to", "text"))
            for rule in self._faults.standing("schema_retype", definition.name)
        }
        shown: dict[str, Column] = {}
        for column in columns:
            lowered = column.name.lower()
            if lowered in hidden or self._hidden(definition, column.name):
                continue
            if lowered in retyped:
                column = _as_text(column, comma="comma" in retyped[lowered])
            if lowered in renamed:
                column = replace(column, name=renamed[lowered])
            shown[column.name.lower()] = column
        for rule in self._faults.standing("schema_add", definition.name):
            name = str(rule.params["field"])
            value = str(rule.params.get("value", "new")).replace("'", "''")
            shown[name.lower()] = derived(name, "string", "VARCHAR", f"'{value}'")
        return shown


def _as_text(column: Column, *, comma: bool) -> Column:
    text = f"cast({column.expression} as VARCHAR)"
    if comma:
        text = f"replace({text}, '.', ',')"
    return Column(column.name, "string", "VARCHAR", column.source, None, text)
