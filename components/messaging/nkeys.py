"""Keys of NATS (nkeys), and the tokens that they sign. Pure.

An nkey is an Ed25519 key in base32, with its kind in front and a checksum behind. A token of NATS is a JSON Web Token
(RFC 7519) whose issuer and subject are such keys.
https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth

The package `nkeys` of PyPI (0.2.1, of 2024) would save a third of this: it encodes keys, but makes no tokens, has no
types, takes raw seeds and no PEM, and needs PyNaCl beside the `cryptography` that is here already. Tests read these
keys and tokens with the clients and servers of NATS.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

Kind = Literal["operator", "account", "user"]

_KINDS: Final[Mapping[Kind, int]] = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
"""First byte of a public key. In base32 it becomes O, A or U."""
_SEED: Final = 18 << 3
"""First bits of a seed. In base32 they become S."""


def public_key(private_key_pem: str, kind: Kind) -> str:
    """Return the public nkey of an Ed25519 key in PEM."""
    raw = _key(private_key_pem).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return _encoded(bytes([_KINDS[kind]]) + raw)


def seed(private_key_pem: str, kind: Kind) -> str:
    """Return the seed of an Ed25519 key in PEM: its private half, as clients of NATS read it."""
    raw = _key(private_key_pem).private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    prefix = _KINDS[kind]
    return _encoded(bytes([_SEED | prefix >> 5, (prefix & 31) << 3]) + raw)


def token(claims: Mapping[str, Any], private_key_pem: str) -> str:
    """Return a token with these claims. The same key and claims always give the same token."""
    identified = {**claims, "jti": _identifier(claims)}
    signed = f"{_part({'typ': 'JWT', 'alg': 'ed25519-nkey'})}.{_part(identified)}"
    return f"{signed}.{_base64(_key(private_key_pem).sign(signed.encode()))}"


def _key(private_key_pem: str) -> Ed25519PrivateKey:
    key = load_pem_private_key(private_key_pem.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"private_key_pem: expected a key for Ed25519, got {type(key).__name__}")
    return key


def _encoded(data: bytes) -> str:
    # CRC-16/XMODEM, low byte first.
    checksum = binascii.crc_hqx(data, 0).to_bytes(2, "little")
    return base64.b32encode(data + checksum).decode().rstrip("=")


def _identifier(claims: Mapping[str, Any]) -> str:
    return base64.b32encode(hashlib.sha256(_json(claims)).digest()).decode().rstrip("=")


def _part(part: Mapping[str, Any]) -> str:
    return _base64(_json(part))


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
