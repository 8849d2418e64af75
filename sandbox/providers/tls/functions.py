"""The functions of the provider: `getPublicKey` and `getCertificate`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.providers.base import CheckFailedError, Values
from sandbox.providers.tls import certificates, keys
from sandbox.providers.values import Secret

_ECDSA_SIGNATURES: Final = "1.2.840.10045.4."
_KEY_PARSERS: Final[Mapping[str, Callable[[str], keys.PrivateKey]]] = {
    "privateKeyPem": keys.parse_pem,
    "privateKeyOpenssh": keys.parse_openssh,
}


def get_public_key(args: Values) -> Values:
    """The public half of `privateKeyPem` or of `privateKeyOpenssh`."""
    given = [name for name in _KEY_PARSERS if args.get(name) is not None]
    if len(given) != 1:
        both = "both are set" if given else "neither is set"
        raise CheckFailedError(
            [("privateKeyPem", f"{both} of privateKeyPem and privateKeyOpenssh; set exactly one of them")]
        )
    name = given[0]
    try:
        key = _KEY_PARSERS[name](args[name])
    except ValueError as error:
        raise CheckFailedError([(name, f"{name} {error}")]) from error
    public = key.public_key()
    found = {"id": keys.content_id(keys.public_der(public)), "algorithm": keys.algorithm_of(key)}
    return found | keys.public_forms(public) | {name: Secret(args[name])}


def get_certificate(args: Values) -> Values:
    """The first certificate in `content`, taken apart. Fetching one from a `url` needs the official provider."""
    if args.get("url") is not None or args.get("content") is None:
        reason = "the sandbox reads certificates from content only; give the PEM text, or use the official provider"
        raise CheckFailedError([("content", reason)])
    try:
        certificate = certificates.parse_certificate(args["content"])
    except ValueError as error:
        raise CheckFailedError([("content", f"content {error}")]) from error
    described = _described(certificate)
    return {
        "id": described["sha1Fingerprint"],
        "content": args["content"],
        "verifyChain": args.get("verifyChain", True),
        "certificates": [described],
    }


def _described(certificate: x509.Certificate) -> dict[str, Any]:
    der = certificate.public_bytes(Encoding.DER)
    return {
        "certPem": certificates.pem(certificate),
        "isCa": certificates.is_authority(certificate),
        "issuer": certificate.issuer.rfc4514_string(),
        "subject": certificate.subject.rfc4514_string(),
        "maxPathLength": _path_length(certificate),
        "notBefore": certificates.timestamp(certificate.not_valid_before_utc),
        "notAfter": certificates.timestamp(certificate.not_valid_after_utc),
        "publicKeyAlgorithm": keys.algorithm_of(certificate.public_key()),
        "serialNumber": str(certificate.serial_number),
        "sha1Fingerprint": hashlib.sha1(der, usedforsecurity=False).hexdigest(),
        "signatureAlgorithm": _signature_algorithm(certificate),
        "version": certificate.version.value + 1,
    }


def _signature_algorithm(certificate: x509.Certificate) -> str:
    """`SHA256-RSA`, `ECDSA-SHA384`, `Ed25519`: as Go writes them."""
    if certificate.signature_hash_algorithm is None:
        return "Ed25519"
    digest = certificate.signature_hash_algorithm.name.upper()
    is_ecdsa = certificate.signature_algorithm_oid.dotted_string.startswith(_ECDSA_SIGNATURES)
    return f"ECDSA-{digest}" if is_ecdsa else f"{digest}-RSA"


def _path_length(certificate: x509.Certificate) -> int:
    """The path length limit; -1 where there is none."""
    try:
        limit = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length
    except x509.ExtensionNotFound:
        return -1
    return -1 if limit is None else limit


FUNCTIONS: Final[Mapping[str, Callable[[Values], Values]]] = {
    "tls:index/getPublicKey:getPublicKey": get_public_key,
    "tls:index/getCertificate:getCertificate": get_certificate,
}
"""The provider's functions by token; their arguments are plain, without secret wrappers."""
