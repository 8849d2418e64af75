"""The account with which regions ask a public authority for their gateways' certificates. Pure."""

import base64
import hashlib
import json
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

DIRECTORY: Final = "https://acme-v02.api.letsencrypt.org/directory"
"""Where the authority is asked (RFC 8555)."""

_BYTES: Final = 32


def account_thumbprint(public_key_pem: str) -> str:
    """What an authority expects after a challenge's token: the thumbprint (RFC 7638) of the account's P-256 key."""
    key = load_pem_public_key(public_key_pem.encode())
    if not isinstance(key, EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise ValueError("public_key_pem: expected a key on the curve P-256")
    point = key.public_numbers()
    members = {"crv": "P-256", "kty": "EC", "x": _number(point.x), "y": _number(point.y)}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return _base64(hashlib.sha256(canonical.encode()).digest())


def _number(value: int) -> str:
    return _base64(value.to_bytes(_BYTES, "big"))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
