"""Firms that several test modules look at, each simulated once. Tests only read them."""

from __future__ import annotations

from functools import cache

from sandbox.firm.simulator import simulate
from sandbox.firm.state import Firm


@cache
def firm_of(scale: str, seed: int = 7, faults: str = "none") -> Firm:
    """The firm of a scale, seed and fault list as the command line writes it."""
    return simulate(seed, scale, faults.split(","))
