"""A pager has to prove that it moves.

A server that hands out the same cursor twice is followed for ever by a naive pager; a page shifted while it
is read repeats rows or leaves some out, and a row left out would pass for a deleted one. All of it ends here.
"""

from __future__ import annotations

from collections.abc import Iterable

from throughline.errors import error


class ProgressGuard:
    """Watches one paged read. Raises ThroughlineError: E-SRC-007 stands still, E-SRC-023 ended short."""

    def __init__(self, source: str, resource: str, *, most_empty_pages: int = 20) -> None:
        self._source = source
        self._resource = resource
        self._marks: set[str] = set()
        self._keys: set[str] = set()
        self._most_empty = most_empty_pages
        self._empty_in_a_row = 0

    def cursor(self, mark: str) -> str:
        """Note the cursor, link or page about to be asked for, and hand it back."""
        if mark in self._marks:
            raise self._stuck(f"the cursor {mark[:80]} came twice")
        self._marks.add(mark)
        return mark

    def page(self, keys: Iterable[str]) -> None:
        """Note a page's keys. A page of known keys only is no progress; an empty page may be, for a while."""
        fresh = set(keys)
        if not fresh:
            self._empty_in_a_row += 1
            if self._empty_in_a_row > self._most_empty:
                raise self._stuck(f"{self._empty_in_a_row} empty pages in a row")
            return
        self._empty_in_a_row = 0
        before = len(self._keys)
        self._keys |= fresh
        if len(self._keys) == before:
            raise self._stuck("a page held no key that was not seen before")

    def complete(self, announced: int | None) -> None:
        """The read is over: as many keys as were announced have to have come (none = it announced none).

        Raises ThroughlineError E-SRC-023 when some are missing; a row sent twice counts once.
        """
        if announced is not None and len(self._keys) < announced:
            raise error(
                "E-SRC-023",
                source=self._source,
                resource=self._resource,
                read=len(self._keys),
                announced=announced,
            )

    def _stuck(self, detail: str) -> Exception:
        return error("E-SRC-007", source=self._source, resource=self._resource, detail=detail)
