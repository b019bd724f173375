"""Keys and secrets of one sandbox directory: made once, kept inside it, readable by their owner only."""

from __future__ import annotations

import json
import secrets
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


def ensure(root: Path, key_bits: int = 3072) -> dict[str, Any]:
    """Credentials of the sandbox in `root`, generated on the first call.

    {"salesforce": {client_id, client_secret, username, private_key, public_key},
     "bamboohr": {api_key}, "netsuite": {account, client_id, certificate_id, private_key, public_key},
     "docusign": {client_id, user_id, account_id, private_key, public_key}, "events": {secret}};
    the key entries are paths of PEM files.
    """
    folder = root / "keys"
    path = folder / "credentials.json"
    if path.exists():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    credentials: dict[str, Any] = {
        "salesforce": {
            "client_id": "3MVG9" + secrets.token_urlsafe(24),
            "client_secret": secrets.token_hex(32).upper(),
            "username": "integration@sandbox.example",
            **_key_pair(folder, "salesforce", 2048 if key_bits < 3072 else key_bits),
        },
        "bamboohr": {"api_key": secrets.token_hex(20)},
        "events": {"secret": secrets.token_hex(32)},
        "netsuite": {
            "account": "1234567_SB1",
            "client_id": secrets.token_hex(32),
            "certificate_id": secrets.token_urlsafe(24),
            **_key_pair(folder, "netsuite", key_bits),
        },
        "docusign": {
            "client_id": str(uuid.uuid4()),
            "user_id": str(uuid.uuid4()),
            "account_id": str(uuid.uuid4()),
            **_key_pair(folder, "docusign", 2048),
        },
    }
    path.write_text(json.dumps(credentials, indent=2), encoding="utf-8")
    path.chmod(0o600)
    return credentials


def _key_pair(folder: Path, name: str, bits: int) -> dict[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    private, public = folder / f"{name}_private.pem", folder / f"{name}_public.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    private.chmod(0o600)
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return {"private_key": str(private.resolve()), "public_key": str(public.resolve())}


def claims(token: str, public_key: Path, algorithms: list[str], clocks: list[datetime]) -> dict[str, Any]:
    """Claims of a signed assertion that holds at one of `clocks` (aware).

    A client of a sandbox may stamp its assertion with the machine's time or with the sandbox clock's: either
    will do. Raises jwt.InvalidTokenError.
    """
    decoded = jwt.decode(
        token,
        public_key.read_text(encoding="utf-8"),
        algorithms=algorithms,
        options={
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "verify_aud": False,
            "require": ["iss", "aud", "exp"],
        },
    )
    expires = int(decoded["exp"])
    if not any(expires > moment.astimezone(UTC).timestamp() for moment in clocks):
        raise jwt.ExpiredSignatureError("assertion has expired")
    return dict(decoded)
