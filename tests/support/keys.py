"""Real keys for mocks, always the same for the same name in one run, because some consumers parse the key."""

import hashlib
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


@cache
def private_key(name: str, algorithm: str) -> PrivateKey:
    """The key called `name`; on the curve P-256 unless the algorithm is ED25519 or RSA."""
    if algorithm == "RSA":
        return rsa.generate_private_key(65537, 2048)
    seed = hashlib.sha256(name.encode()).digest()
    if algorithm == "ED25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(seed)
    return ec.derive_private_key(int.from_bytes(seed, "big") >> 1, ec.SECP256R1())


def private_pem(key: PrivateKey) -> str:
    """The key in PKCS 8."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def public_pem(key: PrivateKey) -> str:
    """Its public half."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
