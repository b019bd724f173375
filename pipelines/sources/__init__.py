"""The sources: one folder each, with what it holds (source.yml) and how it is reached (source.py)."""

from __future__ import annotations

import importlib
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa

from pipelines.manifest import Manifest, load_manifest
from pipelines.transports.base import Reader
from pipelines.transports.http import Auth, Http, RetryPolicy
from throughline.errors import error

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Source:
    """A vendor: its manifest, `reader` from settings, and `tables`, the dlt source over rows to append."""

    manifest: Manifest
    reader: Callable[[Mapping[str, Any]], Reader]
    tables: Callable[[Mapping[str, Iterable[pa.Table]]], Any]


def source_names() -> list[str]:
    """All sources there are, in alphabetical order."""
    return sorted(path.parent.name for path in HERE.glob("*/source.yml"))


def _must_exist(name: str) -> None:
    if name not in source_names():
        raise error("E-SRC-018", kind="source", name=name, known=", ".join(source_names()))


def manifest_of(name: str) -> Manifest:
    """What the source `name` says it holds, without its connector. Raises ThroughlineError E-SRC-018."""
    _must_exist(name)
    return load_manifest(HERE / name / "source.yml")


def served(manifest: Manifest, named: Any) -> Manifest:
    """The part of `manifest` that a firm's source holds: of files the ports `named` for it, else all.

    Raises ThroughlineError E-SRC-031 for a port that there is not.
    """
    if manifest.domain != "files" or named is None:
        return manifest
    known = [resource.name for resource in manifest.resources]
    unknown = [str(name) for name in named if name not in known] if isinstance(named, list) else [str(named)]
    if unknown or not named:
        detail = f"ports = {named!r} is no list of ports" + (
            f"; there is none called {unknown[0]}" if unknown else ""
        )
        raise error("E-SRC-031", source=manifest.source, detail=detail)
    return replace(
        manifest, resources=tuple(resource for resource in manifest.resources if resource.name in named)
    )


def load_source(name: str) -> Source:
    """The source `name`. Raises ThroughlineError E-SRC-018."""
    _must_exist(name)
    found = importlib.import_module(f"pipelines.sources.{name}.source").SOURCE
    if not isinstance(found, Source):
        raise error("E-SRC-001", path=f"{name}/source.py", detail="it holds no SOURCE", source=name)
    return found


def setting(settings: Mapping[str, Any], name: str, source: str) -> str:
    """A setting that must be there. Raises ThroughlineError E-SRC-002."""
    value = settings.get(name)
    if value in (None, ""):
        raise error("E-SRC-002", source=source, setting=name)
    return str(value)


def private_key(settings: Mapping[str, Any], source: str) -> str | None:
    """The PEM text of `private_key`, which holds the text itself or a path to it; none when it is not set."""
    value = str(settings.get("private_key") or "")
    if not value or value.lstrip().startswith("-----BEGIN"):
        return value or None
    try:
        return Path(value).read_text(encoding="utf-8")
    except OSError as problem:
        raise error("E-SRC-002", source=source, setting=f"private_key ({problem.strerror})") from None


def client(
    source: str,
    settings: Mapping[str, Any],
    auth: Auth,
    *,
    secrets: Iterable[str | None],
    quota: Callable[[httpx.Headers], Decimal | None] | None = None,
) -> Http:
    """The HTTP client of a source by its settings; `limits` bound retries, waiting and allowance."""
    limits: Mapping[str, Any] = settings.get("limits", {})
    quota_share = limits.get("quota_share", settings.get("quota", {}).get("share", "0.8"))
    standard = RetryPolicy()
    http = Http(
        source=source,
        base_url=setting(settings, "base_url", source),
        auth=auth,
        policy=RetryPolicy(
            attempts=int(limits.get("attempts", standard.attempts)),
            budget=int(limits.get("retry_budget", standard.budget)),
            base=float(limits.get("backoff_seconds", standard.base)),
            cap=float(limits.get("backoff_longest", standard.cap)),
        ),
        quota=quota,
        quota_share=Decimal(str(quota_share)),
        sleep=settings.get("sleep", time.sleep),
        chance=settings.get("chance", random.random),
        transport=settings.get("http_transport"),
    )
    http.hide(secret for secret in secrets if secret)
    return http
