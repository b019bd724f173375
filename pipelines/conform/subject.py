"""Which resource of a source, and which of its fields, the checks are made on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pipelines.manifest import NUMBERS, Field, Manifest, Resource


class UnfitError(Exception):
    """A manifest without anything that a check could be made on; the text says what is missing."""


@dataclass(frozen=True)
class Subject:
    """`text`: a harmless field; `needed`: one without which a row is refused; `number`: one that is counted.

    `growing` is the resource that shows columns nobody asked for; usually the same one.
    """

    resource: Resource
    text: Field
    needed: Field
    number: Field
    growing: Resource


def subject(manifest: Manifest, told: Mapping[str, str] | None = None) -> Subject:
    """The subject that `told` (by default settings.conform of source.yml) names; else the first that fits.

    Keys of `told`: resource, text, needed, number, growing. Raises UnfitError.
    """
    named = dict(told if told is not None else manifest.settings.get("conform", {}))
    candidates = [manifest.resource(named["resource"])] if "resource" in named else manifest.resources
    problems = []
    for resource in candidates:
        try:
            return _of(manifest, resource, named)
        except UnfitError as problem:
            problems.append(str(problem))
    raise UnfitError("; ".join(problems))


def _of(manifest: Manifest, resource: Resource, named: Mapping[str, str]) -> Subject:
    special = {*resource.key, resource.cursor, resource.created, *resource.pii, *resource.volatile}
    special |= {resource.deletes.flag, resource.deletes.status_field}
    free = [item for item in resource.fields if item.name not in special]

    def chosen(role: str, what: str, fits: Callable[[Field], bool]) -> Field:
        if role in named:
            if named[role] in resource.pii:
                # its values are not in the landed table, where the checks look for them
                raise UnfitError(f"{named[role]} of {resource.name} is personal and cannot be its {role}")
            return resource.field(named[role])
        return _first((item for item in free if fits(item)), f"{resource.name} has no {what}")

    return Subject(
        resource=resource,
        text=chosen(
            "text", "text field that may change", lambda item: item.kind == "text" and not item.required
        ),
        needed=chosen("needed", "required field (!) besides its key", lambda item: item.required),
        number=chosen(
            "number",
            "number that every row bears (without ? and !)",
            lambda item: item.kind in NUMBERS and not item.required and not item.optional,
        ),
        growing=manifest.resource(named["growing"]) if "growing" in named else resource,
    )


def _first(found: Iterable[Field], problem: str) -> Field:
    item = next(iter(found), None)
    if item is None:
        raise UnfitError(problem)
    return item
