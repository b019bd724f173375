"""The workbook of what a page lists: the file's name, and its bytes when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from dashboards import data

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def export_name(narrowed: bool) -> str:
    """``recon_ALL_2026-06-08_<run>_v1.xlsx``; ``SELECTION`` when the list is narrowed."""
    info = data.run_info()
    return f"recon_{'SELECTION' if narrowed else 'ALL'}_{info['as_of']}_{info['run_id']}_v1.xlsx"


def export_bytes(ids: Callable[[], Iterable[str]], words: str) -> Callable[[], bytes]:
    """What makes the workbook's bytes on a click, later and in a thread that knows no session."""
    publication = data.pinned()
    return lambda: data.workbook(publication, data.Listed(ids=frozenset(ids()), words=words))
