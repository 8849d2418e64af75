"""Private keys: making, reading and writing them, and the values of their public keys."""

from __future__ import annotations

import hashlib
from typing import Final, cast

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey

ALGORITHMS: Final = ("RSA", "ECDSA", "ED25519")
CURVES: Final[dict[str, type[ec.EllipticCurve]]] = {"P256": ec.SECP256R1, "P384": ec.SECP384R1}
MINIMUM_RSA_BITS: Final = 1024
_RSA_EXPONENT: Final = 65537


def generate(algorithm: str, rsa_bits: int, curve: str) -> PrivateKey:
    """A new private key; `rsa_bits` and `curve` count for their own algorithm only."""
    if algorithm == "RSA":
        return rsa.generate_private_key(_RSA_EXPONENT, rsa_bits)
    if algorithm == "ECDSA":
        return ec.generate_private_key(CURVES[curve]())
    return ed25519.Ed25519PrivateKey.generate()


def algorithm_of(key: object) -> str:
    """`RSA`, `ECDSA` or `ED25519`. Raises `ValueError` for any other kind of key."""
    if isinstance(key, rsa.RSAPrivateKey | rsa.RSAPublicKey):
        return "RSA"
    if isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey):
        return "ECDSA"
    if isinstance(key, ed25519.Ed25519PrivateKey | ed25519.Ed25519PublicKey):
        return "ED25519"
    raise ValueError(f"a {type(key).__name__} is not supported; use {', '.join(ALGORITHMS)}")


def parse_pem(text: str) -> PrivateKey:
    """Read a private key from PEM (PKCS#1, SEC 1 or PKCS#8). `ValueError` never repeats the text, which is secret."""
    try:
        key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError("is not an unencrypted private key in PEM format") from None
    algorithm_of(key)
    return cast(PrivateKey, key)


def signature_hash(key: PrivateKey) -> HashAlgorithm | None:
    """The hash that goes with the key's strength; Ed25519 brings its own."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return None
    if isinstance(key, rsa.RSAPrivateKey) or key.curve.key_size <= SHA256.digest_size * 8:
        return SHA256()
    return SHA384()


def private_forms(key: PrivateKey) -> dict[str, str]:
    """The key as `privateKeyPem` (the algorithm's own form) and as PKCS#8."""
    own = PrivateFormat.PKCS8 if isinstance(key, ed25519.Ed25519PrivateKey) else PrivateFormat.TraditionalOpenSSL
    return {
        "privateKeyPem": _private(key, own),
        "privateKeyPemPkcs8": _private(key, PrivateFormat.PKCS8),
    }


def _private(key: PrivateKey, form: PrivateFormat) -> str:
    return key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()


def public_der(key: PublicKey) -> bytes:
    """The key as DER SubjectPublicKeyInfo."""
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_pem(key: PublicKey) -> str:
    """The public key as PEM."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def content_id(der: bytes) -> str:
    """The id of a key or request: the SHA-1 of its DER form, in hexadecimal."""
    return hashlib.sha1(der.strip(), usedforsecurity=False).hexdigest()
