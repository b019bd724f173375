"""Whether a request was sent by somebody who knows the secret, and just now.

A sender puts two headers: `Throughline-Timestamp`, seconds since 1970, and `Throughline-Signature`, `v1=` and
the hexadecimal HMAC-SHA256 of timestamp, a full stop, and the body. Attributes that travel in headers (binary
mode) are part of what is signed: their lines `name:value`, sorted, stand between the full stop and the body.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pipelines.inbox.cloudevents import attributes

TIMESTAMP, SIGNATURE = "throughline-timestamp", "throughline-signature"
VALID, INVALID, NONE = "valid", "invalid", "none"
SCHEME = "v1="


@dataclass(frozen=True)
class Verdict:
    """What a signature is worth; `reason` says why it is worth nothing."""

    signature: str
    reason: str = ""


def sign(secret: str, timestamp: int, headers: Sequence[tuple[str, str]], body: bytes) -> str:
    """The value of the signature header."""
    lines = "".join(f"{name}:{value}\n" for name, value in attributes(headers))
    text = f"{timestamp}.{lines}".encode() + body
    return SCHEME + hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def verify(
    secrets: Iterable[str],
    headers: Sequence[tuple[str, str]],
    body: bytes,
    now: datetime,
    window: int,
) -> Verdict:
    """Judge a request. `secrets` are those in force, two during a change; `window` in seconds."""
    told: Mapping[str, str] = dict(headers)
    given = told.get(SIGNATURE, "")
    if not given:
        return Verdict(NONE, "the request is not signed")
    stamp = told.get(TIMESTAMP, "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return Verdict(INVALID, "the timestamp is no number of seconds")
    # all are compared, so that the time it takes tells nothing
    expected = [sign(secret, int(stamp), headers, body) for secret in secrets]
    same = [hmac.compare_digest(one.encode(), given.strip().encode()) for one in expected]
    if not any(same):
        return Verdict(INVALID, "the signature does not fit the body")
    if abs(now.timestamp() - int(stamp)) > window:
        return Verdict(INVALID, f"the timestamp is more than {window} seconds away")
    return Verdict(VALID)
