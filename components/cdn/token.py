"""What proves to a region that a request came through the edge: a signed token. Pure.

A JSON Web Token (RFC 7519) that never expires, signed with Ed25519 (RFC 8037). Regions hold the public key only:
whoever reads their configuration cannot pretend to be the edge.
"""

import base64
import json
from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

ISSUER: Final = "sacred-council-edge"
SUBJECT: Final = "edge"
PRINCIPAL: Final = f"{ISSUER}/{SUBJECT}"
"""Who the bearer of a token is, in Istio's terms."""


def edge_token(private_key_pem: str, *, audience: str, key_id: str) -> str:
    """A token for `audience` (the domain). The same key gives the same token always."""
    key = load_pem_private_key(private_key_pem.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"private_key_pem: expected a key for Ed25519, got {type(key).__name__}")
    head = {"alg": "EdDSA", "kid": key_id, "typ": "JWT"}
    signed = f"{_encoded(head)}.{_encoded({'aud': audience, 'iss': ISSUER, 'sub': SUBJECT})}"
    return f"{signed}.{_base64(key.sign(signed.encode()))}"


def key_set(public_keys_pem: Mapping[str, str]) -> str:
    """The JSON Web Key Set (RFC 7517) of public keys by their ids."""
    keys = [_public_key(key_id, pem) for key_id, pem in sorted(public_keys_pem.items())]
    return json.dumps({"keys": keys}, sort_keys=True, separators=(",", ":"))


def _public_key(key_id: str, pem: str) -> dict[str, str]:
    raw = load_pem_public_key(pem.encode()).public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key_id, "x": _base64(raw)}


def _encoded(part: Mapping[str, str]) -> str:
    return _base64(json.dumps(part, sort_keys=True, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
