"""The keys that an edge and its regions share. They are created before both.

A signed token proves to a region that a request came through the edge: a JSON Web Token (RFC 7519) without expiry,
signed with Ed25519 (RFC 8037).
Regions hold only the public key, so a reader of their configuration cannot pose as the edge.
With the ACME account regions request their gateways' certificates from an authority.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import Final

import pulumi
import pulumi_tls as tls
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from components.settings.values import SIGNING_KEYS, SigningKey

ACME_DIRECTORY: Final = "https://acme-v02.api.letsencrypt.org/directory"
"""The authority's ACME URL (RFC 8555)."""

ISSUER: Final = "sacred-council-edge"
SUBJECT: Final = "edge"
PRINCIPAL: Final = f"{ISSUER}/{SUBJECT}"
"""The principal of a token's bearer, in Istio's terms."""


class EdgeKeys(pulumi.ComponentResource):
    """Two keys for the edge's token, so that one can be replaced while the other is in use, and the ACME account's key.

    All regions share the account, so each can answer for a host that leads to any of them.

    Outputs: `token` (secret, signed with the key `signing`), `key_set` (public keys, JSON), `account_key` (secret,
    PEM), `account_thumbprint`.
    """

    token: pulumi.Output[str]
    key_set: pulumi.Output[str]
    account_key: pulumi.Output[str]
    account_thumbprint: pulumi.Output[str]

    def __init__(self, name: str, domain: str, signing: SigningKey, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:EdgeKeys", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        pairs = {colour: tls.PrivateKey(f"{name}-{colour}", algorithm="ED25519", opts=child) for colour in SIGNING_KEYS}
        self.token = pulumi.Output.secret(
            pairs[signing].private_key_pem.apply(lambda pem: edge_token(pem, audience=domain, key_id=signing))
        )
        self.key_set = pulumi.Output.all(**{colour: pair.public_key_pem for colour, pair in pairs.items()}).apply(
            key_set
        )
        # cert-manager takes no other algorithm for an account.
        account = tls.PrivateKey(f"{name}-account", algorithm="RSA", rsa_bits=2048, opts=child)
        self.account_key = pulumi.Output.secret(account.private_key_pem_pkcs8)
        self.account_thumbprint = account.public_key_pem.apply(account_thumbprint)
        self.register_outputs({"key_set": self.key_set, "account_thumbprint": self.account_thumbprint})


def edge_token(private_key_pem: str, *, audience: str, key_id: str) -> str:
    """Return a token for `audience` (the domain). The same key always gives the same token."""
    key = load_pem_private_key(private_key_pem.encode(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ValueError(f"private_key_pem: expected a key for Ed25519, got {type(key).__name__}")
    head = {"alg": "EdDSA", "kid": key_id, "typ": "JWT"}
    signed = f"{_part(head)}.{_part({'aud': audience, 'iss': ISSUER, 'sub': SUBJECT})}"
    return f"{signed}.{_base64(key.sign(signed.encode()))}"


def key_set(public_keys_pem: Mapping[str, str]) -> str:
    """Return the JSON Web Key Set (RFC 7517) of public keys by ID."""
    keys = [_public_key(key_id, pem) for key_id, pem in sorted(public_keys_pem.items())]
    return json.dumps({"keys": keys}, sort_keys=True, separators=(",", ":"))


def account_thumbprint(public_key_pem: str) -> str:
    """Return the text that follows a challenge's token: the thumbprint (RFC 7638) of the account's RSA key."""
    key = load_pem_public_key(public_key_pem.encode())
    if not isinstance(key, RSAPublicKey):
        raise ValueError(f"public_key_pem: expected an RSA key, got {type(key).__name__}")
    numbers = key.public_numbers()
    members = {"e": _number(numbers.e), "kty": "RSA", "n": _number(numbers.n)}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return _base64(hashlib.sha256(canonical.encode()).digest())


def _public_key(key_id: str, pem: str) -> dict[str, str]:
    raw = load_pem_public_key(pem.encode()).public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": key_id, "x": _base64(raw)}


def _part(part: Mapping[str, str]) -> str:
    return _base64(json.dumps(part, sort_keys=True, separators=(",", ":")).encode())


def _number(value: int) -> str:
    return _base64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
