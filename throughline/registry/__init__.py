"""The metric registry: one YAML that says what every metric means, and what is generated from it."""

from throughline.registry.catalogue import Metric, load
from throughline.registry.generate import documents, stale, write

__all__ = ["Metric", "documents", "load", "stale", "write"]
