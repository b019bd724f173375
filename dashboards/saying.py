"""What a reader may say of an exception, and by which rules: checked here, on the server, before it is kept.

The figures are those of ``throughline recon comment|assign|acknowledge``; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

REASON_LENGTH, LONGEST_ACKNOWLEDGEMENT = 15, 90


class RefusedError(Exception):
    """What was said breaks a rule; the text says which, for the reader."""


@dataclass(frozen=True)
class Word:
    """One event to keep: its kind and payload, as ``throughline.state`` names them."""

    kind: str
    payload: dict[str, Any]


def comment(text: str) -> Word:
    """A comment. Raises RefusedError when it is empty."""
    if not text.strip():
        raise RefusedError("The comment is empty.")
    return Word("comment", {"text": text.strip()})


def assignment(owner: str, due: date | None, today: date) -> Word:
    """Whose it is, and until when. Raises RefusedError without a name or with a day that has passed."""
    if not owner.strip():
        raise RefusedError("Name the person who works on it.")
    if due is not None and due < today:
        raise RefusedError("The day it is due has passed.")
    return Word("assignment", {"owner": owner.strip(), **({"due": due.isoformat()} if due else {})})


def acknowledgement(case: Mapping[str, Any], reason: str, until: date | None, today: date) -> Word:
    """Taking note of an open exception for a while; it keeps counting.

    Raises RefusedError for a case that is not open, a reason that says too little, a day that is missing,
    past or too far away.
    """
    if case["outcome"] != "EXCEPTION":
        raise RefusedError("Only an open exception can be acknowledged.")
    if len(reason.strip()) < REASON_LENGTH:
        raise RefusedError(f"Give a reason of at least {REASON_LENGTH} characters.")
    last = today + timedelta(days=LONGEST_ACKNOWLEDGEMENT)
    if until is None or not today <= until <= last:
        raise RefusedError(f"Until a day from today to {LONGEST_ACKNOWLEDGEMENT} days from now.")
    return Word("acknowledgement", {"reason": reason.strip(), "until": until.isoformat()})


def spoken_by(name: str) -> str:
    """Who says it. Raises RefusedError without a name."""
    if not name.strip():
        raise RefusedError("Say who you are: what people say is kept with their name.")
    return name.strip()
