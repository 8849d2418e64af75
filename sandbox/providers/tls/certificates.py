"""Certificate requests and certificates: building, signing, reading."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.providers.tls import keys, names

_SERIAL_BITS: Final = 128


@dataclass(frozen=True)
class Issuer:
    """The signer of a certificate: its name, its key, and its certificate's key identifier, if any."""

    name: x509.Name
    key: keys.PrivateKey
    key_id: x509.SubjectKeyIdentifier | None


def now() -> datetime:
    """The present time, to the second: X.509 has no fractions."""
    return datetime.now(UTC).replace(microsecond=0)


def timestamp(moment: datetime) -> str:
    """RFC 3339, such as 2030-01-31T00:00:00Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_timestamp(text: str) -> datetime:
    """The moment that an RFC 3339 text means."""
    return datetime.fromisoformat(text)


def build_request(inputs: Mapping[str, Any], key: keys.PrivateKey) -> x509.CertificateSigningRequest:
    """A request for the subject and the alternative names of the inputs, signed by the key."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(names.subject_name(inputs.get("subject") or {}))
    alternatives = names.alternative_names(inputs)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(key, _hash(key))


def _hash(key: keys.PrivateKey) -> Any:
    return keys.signature_hash(key)


def sign(
    inputs: Mapping[str, Any],
    subject: x509.Name,
    alternatives: list[x509.GeneralName],
    public_key: keys.PublicKey,
    issuer: Issuer,
) -> x509.Certificate:
    """A certificate for the public key. Its validity, uses and authority come from the inputs.

    Raises `ValueError` when the inputs do not make a certificate.
    """
    start = now()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.name)
        .public_key(public_key)
        .serial_number(_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(hours=inputs["validityPeriodHours"]))
    )
    for extension, critical in _extensions(inputs, subject, alternatives, public_key, issuer):
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(issuer.key, _hash(issuer.key))


def _serial_number() -> int:
    # Zero is the one number in the range that X.509 forbids.
    return (x509.random_serial_number() >> (159 - _SERIAL_BITS)) or 1


def _extensions(
    inputs: Mapping[str, Any],
    subject: x509.Name,
    alternatives: list[x509.GeneralName],
    public_key: keys.PublicKey,
    issuer: Issuer,
) -> list[tuple[x509.ExtensionType, bool]]:
    uses = inputs["allowedUses"]
    found: list[tuple[x509.ExtensionType | None, bool]] = [
        (names.key_usage(uses), True),
        (names.extended_key_usage(uses), False),
        (_basic_constraints(inputs), True),
    ]
    key_id = subject_key_id(inputs, public_key)
    found.append((key_id, False))
    if subject != issuer.name:
        found.append((_authority_key_id(issuer), False))
    if alternatives:
        # Without a subject, the alternative names are all there is to go by.
        found.append((x509.SubjectAlternativeName(alternatives), not list(subject)))
    return [(extension, critical) for extension, critical in found if extension is not None]


def _basic_constraints(inputs: Mapping[str, Any]) -> x509.BasicConstraints:
    is_ca = bool(inputs.get("isCaCertificate"))
    length = inputs.get("maxPathLength", -1)
    return x509.BasicConstraints(ca=is_ca, path_length=length if is_ca and length >= 0 else None)


def subject_key_id(inputs: Mapping[str, Any], public_key: keys.PublicKey) -> x509.SubjectKeyIdentifier | None:
    """The subject key identifier: authorities always have one, others when asked for."""
    if inputs.get("isCaCertificate") or inputs.get("setSubjectKeyId"):
        return x509.SubjectKeyIdentifier.from_public_key(public_key)
    return None


def _authority_key_id(issuer: Issuer) -> x509.AuthorityKeyIdentifier | None:
    if issuer.key_id is None:
        return None
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer.key_id)


def issuer_of(certificate: x509.Certificate, key: keys.PrivateKey) -> Issuer:
    """The issuer that this authority's certificate and private key make. Raises `ValueError` if they do not match."""
    if certificate.public_key() != key.public_key():
        raise ValueError("caPrivateKeyPem does not belong to caCertPem; give the key that the certificate was made for")
    try:
        key_id = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        key_id = None
    return Issuer(certificate.subject, key, key_id)


def requested_names(request: x509.CertificateSigningRequest) -> list[x509.GeneralName]:
    """The DNS names and addresses that the request asks for."""
    try:
        names_asked = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    wanted = (x509.DNSName, x509.IPAddress)
    return [name for kind in wanted for name in names_asked if isinstance(name, kind)]


def parse_certificate(text: str) -> x509.Certificate:
    """Read the first certificate of a PEM text."""
    try:
        return x509.load_pem_x509_certificate(text.encode())
    except ValueError:
        raise ValueError("is not a certificate in PEM format") from None


def parse_request(text: str) -> x509.CertificateSigningRequest:
    """Read a certificate request in PEM format; its signature must be right."""
    try:
        request = x509.load_pem_x509_csr(text.encode())
    except ValueError:
        raise ValueError("is not a certificate request in PEM format") from None
    if not request.is_signature_valid:
        raise ValueError("has a signature that does not belong to its public key")
    return request


def requested_key(request: x509.CertificateSigningRequest) -> keys.PublicKey:
    """The public key that the request is for."""
    public_key = request.public_key()
    keys.algorithm_of(public_key)
    return cast(keys.PublicKey, public_key)


def pem(thing: x509.Certificate | x509.CertificateSigningRequest) -> str:
    """The PEM text, with a newline at its end."""
    return thing.public_bytes(Encoding.PEM).decode()
