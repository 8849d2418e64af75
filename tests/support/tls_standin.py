"""Keys, requests and certificates of the tls provider stand-in, for tests."""

from __future__ import annotations

from functools import cache
from typing import Any

from cryptography import x509

from sandbox.providers import generated
from sandbox.providers.generated import Kind
from sandbox.providers.tls.kinds import CERT_REQUEST, LOCALLY_SIGNED_CERT, PRIVATE_KEY, SELF_SIGNED_CERT
from sandbox.providers.values import plain

CA_USES = ["cert_signing", "crl_signing", "digital_signature"]
SERVER_USES = ["digital_signature", "server_auth", "client_auth"]
ALGORITHMS: list[dict[str, Any]] = [
    {"algorithm": "RSA", "rsaBits": 2048},
    {"algorithm": "ECDSA", "ecdsaCurve": "P256"},
    {"algorithm": "ECDSA", "ecdsaCurve": "P384"},
    {"algorithm": "ED25519"},
]


def make(kind: Kind, **inputs: Any) -> tuple[str, dict[str, Any]]:
    assert generated.check(kind, inputs) == []
    return generated.create(kind, inputs)


def reasons(kind: Kind, **inputs: Any) -> dict[str, str]:
    return {problem.property: problem.reason for problem in generated.check(kind, inputs)}


@cache
def key(curve: str = "P256", number: int = 0) -> str:
    """The PEM of a key; the same curve and number give the same key."""
    return str(plain(make(PRIVATE_KEY, algorithm="ECDSA", ecdsaCurve=curve)[1])["privateKeyPem"])


def authority(name: str = "Root", **more: Any) -> dict[str, Any]:
    inputs: dict[str, Any] = {
        "privateKeyPem": key(number=len(name)),
        "subject": {"commonName": name, "organization": "Sacred Council"},
        "allowedUses": CA_USES,
        "validityPeriodHours": 48,
        "isCaCertificate": True,
    }
    return make(SELF_SIGNED_CERT, **inputs | more)[1]


def request(private_key: str, **more: Any) -> str:
    inputs = {"privateKeyPem": private_key, "subject": {"commonName": "db"}, "dnsNames": ["db.example.org"]}
    return str(make(CERT_REQUEST, **inputs | more)[1]["certRequestPem"])


def signed(ca: dict[str, Any], ca_key: str, cert_request: str, **more: Any) -> dict[str, Any]:
    given = {"caCertPem": ca["certPem"], "caPrivateKeyPem": ca_key, "certRequestPem": cert_request}
    return make(LOCALLY_SIGNED_CERT, **signed_inputs(**given | more))[1]


def parsed(state: dict[str, Any]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(state["certPem"].encode())


def critical(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> bool:
    return certificate.extensions.get_extension_for_class(kind).critical


def chain() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """A root, an intermediate signed by it, and a server certificate signed by the intermediate."""
    root = authority()
    intermediate = signed(
        root,
        key(number=4),
        request(key(number=77), subject={"commonName": "Intermediate"}, dnsNames=[]),
        allowedUses=CA_USES,
        isCaCertificate=True,
        maxPathLength=0,
    )
    return root, intermediate, signed(intermediate, key(number=77), request(key()), setSubjectKeyId=True)


def self_signed_inputs(**more: Any) -> dict[str, Any]:
    inputs = {"privateKeyPem": key(), "allowedUses": SERVER_USES, "validityPeriodHours": 24}
    return inputs | more


def signed_inputs(**more: Any) -> dict[str, Any]:
    return {
        "caCertPem": authority()["certPem"],
        "caPrivateKeyPem": key(number=4),
        "certRequestPem": request(key()),
        "allowedUses": SERVER_USES,
        "validityPeriodHours": 24,
        **more,
    }
