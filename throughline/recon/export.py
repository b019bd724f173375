"""Writing a report to files: the workbook, its CSV twin, and the event that says who exported what."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
from dataclasses import dataclass
from pathlib import Path

from throughline import state
from throughline.files import sync_folder
from throughline.home import Home
from throughline.recon import twin, workbook
from throughline.recon.published import Report

FORMATS = ("xlsx", "csv")
VERSION = 1


@dataclass(frozen=True)
class Exported:
    """What was written: paths, the report's content hash, and the SHA-256 of each file."""

    paths: tuple[Path, ...]
    content_sha256: str
    sha256: dict[str, str]


def software() -> str:
    """The installed version of this project."""
    return f"throughline {importlib.metadata.version('throughline')}"


def base_name(report: Report) -> str:
    """`recon_{entity|ALL}_{asof}_{runid}_v1`, with nothing in it a file system minds.

    A report of some controls, severities or states only is another file than the whole one: it says SELECTION
    and carries a fingerprint of its filter.
    """
    asked = report.filter
    scope = "+".join(asked.entities) or "ALL"
    if asked.states or asked.controls or asked.severities:
        scope += f"-SELECTION-{hashlib.sha256(asked.text().encode()).hexdigest()[:8]}"
    name = f"recon_{scope}_{report.as_of.isoformat()}_{report.run_id}_v{VERSION}"
    return re.sub(r"[^0-9A-Za-z_.+-]", "-", name)


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def export(
    report: Report,
    home: Home,
    *,
    actor: str,
    folder: Path | None = None,
    formats: tuple[str, ...] = FORMATS,
    bom: bool = False,
) -> Exported:
    """Write `report` into `folder` (the home's exports unless given) and record that it was exported.

    The same report gives the same bytes, so writing it again changes nothing.
    """
    target = folder or home.exports
    target.mkdir(parents=True, exist_ok=True)
    base = base_name(report)
    paths: list[Path] = []
    hashes: dict[str, str] = {}
    if "xlsx" in formats:
        path = target / f"{base}.xlsx"
        content = workbook.build(report, path.name, software())
        _write(path, content)
        paths.append(path)
        hashes[path.name] = hashlib.sha256(content).hexdigest()
    if "csv" in formats:
        twins = target / base
        twins.mkdir(exist_ok=True)
        for name, content in twin.build(report, software(), bom=bom).items():
            _write(twins / name, content)
            hashes[f"{base}/{name}"] = hashlib.sha256(content).hexdigest()
        sync_folder(twins)
        paths.append(twins)
    sync_folder(target)
    state.append(
        home,
        "export",
        report.run_id,
        actor,
        {
            "file": paths[0].name if paths else base,
            "hash": report.hash,
            "rows": len(report.exceptions),
            "run_id": report.run_id,
            "filters": report.filter.text(),
        },
    )
    return Exported(tuple(paths), report.hash, hashes)
