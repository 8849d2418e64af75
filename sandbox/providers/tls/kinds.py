"""The resource types of the provider: private keys, requests, self-signed and locally signed certificates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.providers.generated import Input, Kind, Made, Problem, State, never
from sandbox.providers.tls import certificates, keys, names
from sandbox.providers.values import UNKNOWN


def _one_of(*known: str) -> Callable[[str], str | None]:
    def accepts(value: str) -> str | None:
        return None if value in known else f"is {value!r}; it must be one of {', '.join(known)}"

    return accepts


def _at_least(minimum: int, unit: str) -> Callable[[int], str | None]:
    def accepts(value: int) -> str | None:
        return None if value >= minimum else f"is {value}; it must be at least {minimum} {unit}"

    return accepts


def _parsed_by(parse: Callable[[str], Any]) -> Callable[[str], str | None]:
    def accepts(text: str) -> str | None:
        try:
            parse(text)
        except ValueError as error:
            return str(error)
        return None

    return accepts


def _private_key(inputs: State) -> Made:
    key = keys.generate(inputs["algorithm"], inputs["rsaBits"], inputs.get("ecdsaCurve", ""))
    public = key.public_key()
    forms = keys.private_forms(key) | {"publicKeyPem": keys.public_pem(public)}
    return Made(keys.content_id(keys.public_der(public)), forms)


def _private_key_problems(inputs: State) -> Iterator[Problem]:
    if inputs["algorithm"] == "ECDSA" and "ecdsaCurve" not in inputs:
        # The official provider's own choice is P224, which nothing here uses.
        yield Problem("ecdsaCurve", f"ecdsaCurve is missing; set it to one of {', '.join(keys.CURVES)}")


PRIVATE_KEY = Kind(
    name="tls:index/privateKey:PrivateKey",
    inputs={
        "algorithm": Input(type=str, required=True, accepts=_one_of(*keys.ALGORITHMS)),
        "ecdsaCurve": Input(type=str, accepts=_one_of(*keys.CURVES)),
        "rsaBits": Input(type=int, default=2048, accepts=_at_least(keys.MINIMUM_RSA_BITS, "bits")),
    },
    outputs={
        "privateKeyPem": True,
        "privateKeyPemPkcs8": True,
        "publicKeyPem": False,
    },
    make=_private_key,
    problems=_private_key_problems,
)


def _key_input() -> Input:
    return Input(type=str, required=True, secret=True, accepts=_parsed_by(keys.parse_pem))


_SUBJECT = Input(type=dict, accepts=names.subject_problem)

_CERTIFICATE_INPUTS = {
    "allowedUses": Input(type=list, required=True, accepts=names.allowed_uses_problem),
    "validityPeriodHours": Input(type=int, required=True, accepts=_at_least(0, "hours")),
    "isCaCertificate": Input(type=bool, default=False),
    "setSubjectKeyId": Input(type=bool, default=False),
}

_CERTIFICATE_OUTPUTS = {
    "certPem": False,
    "readyForRenewal": False,
    "validityStartTime": False,
    "validityEndTime": False,
}


def _renewal_due(state: State) -> str | None:
    end, early = state.get("validityEndTime"), state.get("earlyRenewalHours", 0)
    if end is None or UNKNOWN in (end, early):
        return None
    from_then_on = certificates.parse_timestamp(end) - timedelta(hours=early)
    return "readyForRenewal" if certificates.now() >= from_then_on else None


def _made(certificate: x509.Certificate, **algorithm: str) -> Made:
    values = {
        "certPem": certificates.pem(certificate),
        "readyForRenewal": False,
        "validityStartTime": certificates.timestamp(certificate.not_valid_before_utc),
        "validityEndTime": certificates.timestamp(certificate.not_valid_after_utc),
    }
    return Made(str(certificate.serial_number), values | algorithm)


def _request(inputs: State) -> Made:
    key = keys.parse_pem(inputs["privateKeyPem"])
    request = certificates.build_request(inputs, key)
    return Made(
        keys.content_id(request.public_bytes(Encoding.DER)),
        {"certRequestPem": certificates.pem(request), "keyAlgorithm": keys.algorithm_of(key)},
    )


CERT_REQUEST = Kind(
    name="tls:index/certRequest:CertRequest",
    inputs={
        "privateKeyPem": _key_input(),
        "subject": _SUBJECT,
        "dnsNames": Input(type=list, accepts=names.dns_names_problem),
        "ipAddresses": Input(type=list, accepts=names.ip_addresses_problem),
    },
    outputs={"certRequestPem": False, "keyAlgorithm": False},
    make=_request,
)


def _self_signed(inputs: State) -> Made:
    key = keys.parse_pem(inputs["privateKeyPem"])
    public, subject = key.public_key(), names.subject_name(inputs.get("subject") or {})
    issuer = certificates.Issuer(subject, key, certificates.subject_key_id(inputs, public))
    certificate = certificates.sign(inputs, subject, [], public, issuer)
    return _made(certificate, keyAlgorithm=keys.algorithm_of(key))


def _self_signed_problems(inputs: State) -> Iterator[Problem]:
    if inputs["isCaCertificate"] is True and not any((inputs.get("subject") or {}).values()):
        yield Problem("subject", "subject is empty; a certificate authority needs a name, such as commonName")


SELF_SIGNED_CERT = Kind(
    name="tls:index/selfSignedCert:SelfSignedCert",
    inputs={"privateKeyPem": _key_input(), "subject": _SUBJECT} | _CERTIFICATE_INPUTS,
    outputs=_CERTIFICATE_OUTPUTS | {"keyAlgorithm": False},
    make=_self_signed,
    problems=_self_signed_problems,
    due=_renewal_due,
)


def _locally_signed(inputs: State) -> Made:
    ca_key = keys.parse_pem(inputs["caPrivateKeyPem"])
    issuer = certificates.issuer_of(certificates.parse_certificate(inputs["caCertPem"]), ca_key)
    request = certificates.parse_request(inputs["certRequestPem"])
    certificate = certificates.sign(
        inputs, request.subject, certificates.requested_names(request), certificates.requested_key(request), issuer
    )
    return _made(certificate, caKeyAlgorithm=keys.algorithm_of(ca_key))


def _locally_signed_problems(inputs: State) -> Iterator[Problem]:
    certificate, request = inputs["caCertPem"], inputs["certRequestPem"]
    key = inputs["caPrivateKeyPem"]
    if UNKNOWN not in (certificate, key):
        try:
            certificates.issuer_of(certificates.parse_certificate(certificate), keys.parse_pem(key))
        except ValueError as error:
            yield Problem("caPrivateKeyPem", str(error))
    nameless = request is not UNKNOWN and not list(certificates.parse_request(request).subject)
    if inputs["isCaCertificate"] is True and nameless:
        yield Problem("certRequestPem", "certRequestPem has no subject; a certificate authority needs a name")


LOCALLY_SIGNED_CERT = Kind(
    name="tls:index/locallySignedCert:LocallySignedCert",
    inputs={"caPrivateKeyPem": _key_input()}
    | _CERTIFICATE_INPUTS
    | {
        "earlyRenewalHours": Input(type=int, default=0, accepts=_at_least(0, "hours"), replaces=never),
        "maxPathLength": Input(type=int, accepts=_at_least(-1, "(-1 sets no limit)")),
        "caCertPem": Input(type=str, required=True, accepts=_parsed_by(certificates.parse_certificate)),
        "certRequestPem": Input(type=str, required=True, accepts=_parsed_by(certificates.parse_request)),
    },
    outputs=_CERTIFICATE_OUTPUTS | {"caKeyAlgorithm": False},
    make=_locally_signed,
    problems=_locally_signed_problems,
    due=_renewal_due,
)

KINDS = (PRIVATE_KEY, CERT_REQUEST, SELF_SIGNED_CERT, LOCALLY_SIGNED_CERT)
"""Every resource type of the provider."""
