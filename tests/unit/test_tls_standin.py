"""The tls provider stand-in: its keys, requests and certificates are real, and checked by other software."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
    load_ssh_private_key,
    load_ssh_public_key,
)
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.providers import generated
from sandbox.providers.base import CheckFailedError, ProviderError
from sandbox.providers.generated import Change, Kind
from sandbox.providers.server import EngineClient
from sandbox.providers.tls import certificates
from sandbox.providers.tls.__main__ import Tls
from sandbox.providers.tls.functions import get_certificate, get_public_key
from sandbox.providers.tls.kinds import CERT_REQUEST, LOCALLY_SIGNED_CERT, PRIVATE_KEY, SELF_SIGNED_CERT
from sandbox.providers.tls.names import EXTENDED_USAGES, KEY_USAGES
from sandbox.providers.values import UNKNOWN, Secret, plain

CA_USES = ["cert_signing", "crl_signing", "digital_signature"]
SERVER_USES = ["digital_signature", "key_encipherment", "server_auth", "client_auth"]
ALGORITHMS: list[dict[str, Any]] = [
    {"algorithm": "RSA", "rsaBits": 2048},
    {"algorithm": "ECDSA", "ecdsaCurve": "P224"},
    {"algorithm": "ECDSA", "ecdsaCurve": "P256"},
    {"algorithm": "ECDSA", "ecdsaCurve": "P384"},
    {"algorithm": "ECDSA", "ecdsaCurve": "P521"},
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
    inputs = {
        "caCertPem": ca["certPem"],
        "caPrivateKeyPem": ca_key,
        "certRequestPem": cert_request,
        "allowedUses": SERVER_USES,
        "validityPeriodHours": 24,
    }
    return make(LOCALLY_SIGNED_CERT, **inputs | more)[1]


def parsed(state: dict[str, Any]) -> x509.Certificate:
    return x509.load_pem_x509_certificate(state["certPem"].encode())


def critical(certificate: x509.Certificate, kind: type[x509.ExtensionType]) -> bool:
    return certificate.extensions.get_extension_for_class(kind).critical


@pytest.mark.parametrize("inputs", ALGORITHMS, ids=lambda inputs: "-".join(str(value) for value in inputs.values()))
def test_all_forms_of_a_key_are_the_same_key(inputs: dict[str, Any]) -> None:
    resource_id, state = make(PRIVATE_KEY, **inputs)
    values = plain(state)
    pem = load_pem_private_key(values["privateKeyPem"].encode(), None)
    der = pem.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pkcs8 = load_pem_private_key(values["privateKeyPemPkcs8"].encode(), None)
    assert pkcs8.public_key() == pem.public_key()
    assert "BEGIN PRIVATE KEY" in values["privateKeyPemPkcs8"]
    assert load_pem_public_key(values["publicKeyPem"].encode()) == pem.public_key()
    assert resource_id == hashlib.sha1(der.strip()).hexdigest()
    if inputs.get("ecdsaCurve") == "P224":
        assert {values[name] for name in values if "ssh" in name.lower() or "Fingerprint" in name} == {""}
        return
    assert load_ssh_private_key(values["privateKeyOpenssh"].encode(), None).public_key() == pem.public_key()
    assert load_ssh_public_key(values["publicKeyOpenssh"].encode()) == pem.public_key()
    assert values["publicKeyOpenssh"].endswith("\n")
    assert values["publicKeyFingerprintSha256"].startswith("SHA256:")
    assert len(values["publicKeyFingerprintMd5"].split(":")) == 16


def test_keys_have_the_form_of_their_algorithm() -> None:
    heads = {
        str(inputs["algorithm"]): plain(make(PRIVATE_KEY, **inputs)[1])["privateKeyPem"].splitlines()[0]
        for inputs in ALGORITHMS
    }
    assert heads == {
        "RSA": "-----BEGIN RSA PRIVATE KEY-----",
        "ECDSA": "-----BEGIN EC PRIVATE KEY-----",
        "ED25519": "-----BEGIN PRIVATE KEY-----",
    }


def test_only_the_private_forms_of_a_key_are_secret() -> None:
    state = make(PRIVATE_KEY, algorithm="ED25519")[1]
    secret = {name for name, value in state.items() if isinstance(value, Secret)}
    assert secret == {"privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh"}


def test_private_keys_stay_secret_in_the_state_of_what_they_sign() -> None:
    ca = authority()
    assert isinstance(ca["privateKeyPem"], Secret)
    assert isinstance(signed(ca, key(number=4), request(key()))["caPrivateKeyPem"], Secret)


def test_a_self_signed_certificate_says_what_it_was_asked_to_say() -> None:
    state = make(
        SELF_SIGNED_CERT,
        privateKeyPem=key("P384"),
        subject={
            "commonName": "web",
            "organization": "Council",
            "country": "DE",
            "streetAddresses": ["First 1", "Second 2"],
            "emailAddress": "web@example.org",
        },
        dnsNames=["example.org", "*.example.org"],
        ipAddresses=["10.0.0.1", "2001:db8::1"],
        uris=["spiffe://example.org/web"],
        allowedUses=[*SERVER_USES, "any_extended"],
        validityPeriodHours=3,
        setSubjectKeyId=True,
        setAuthorityKeyId=True,
    )[1]
    certificate = parsed(state)
    assert certificate.subject.rfc4514_string() == (
        "1.2.840.113549.1.9.1=web@example.org,CN=web,STREET=Second 2,STREET=First 1,O=Council,C=DE"
    )
    assert certificate.issuer == certificate.subject
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in alternatives] == [
        *("example.org", "*.example.org", "10.0.0.1", "2001:db8::1", "spiffe://example.org/web"),
    ]
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, True, False)
    extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(extended) == {
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
        ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,
    }
    key_id = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert (
        certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
        == key_id.digest
    )
    assert (state["keyAlgorithm"], state["readyForRenewal"]) == ("ECDSA", False)


def test_extensions_are_critical_where_the_standard_wants_it() -> None:
    certificate = parsed(authority())
    assert critical(certificate, x509.BasicConstraints)
    assert critical(certificate, x509.KeyUsage)
    assert not critical(certificate, x509.SubjectKeyIdentifier)
    nameless = make(
        SELF_SIGNED_CERT, privateKeyPem=key(), dnsNames=["a.example"], allowedUses=[], validityPeriodHours=1
    )[1]
    assert critical(parsed(nameless), x509.SubjectAlternativeName)


def test_every_allowed_use_can_be_had() -> None:
    uses = [*KEY_USAGES, *EXTENDED_USAGES]
    state = make(SELF_SIGNED_CERT, privateKeyPem=key(), allowedUses=uses, validityPeriodHours=1)[1]
    usage = parsed(state).extensions.get_extension_for_class(x509.KeyUsage).value
    assert all(getattr(usage, bit) for bit in KEY_USAGES.values())
    extended = parsed(state).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [oid.dotted_string for oid in extended] == list(EXTENDED_USAGES.values())


@pytest.mark.parametrize(("given", "expected"), [(None, None), (-1, None), (0, 0), (2, 2)])
def test_the_path_length_of_an_authority_is_limited_when_asked(given: int | None, expected: int | None) -> None:
    asked: dict[str, Any] = {} if given is None else {"maxPathLength": given}
    ca = authority(**asked)
    constraints = parsed(ca).extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, expected)


def test_the_path_length_of_other_certificates_is_ignored() -> None:
    leaf = signed(authority(), key(number=4), request(key()), maxPathLength=3)
    constraints = parsed(leaf).extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (False, None)


def test_validity_starts_now_and_lasts_as_long_as_asked() -> None:
    state = authority(validityPeriodHours=10)
    certificate = parsed(state)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(hours=10)
    assert abs(datetime.now(UTC) - certificate.not_valid_before_utc) < timedelta(minutes=1)
    assert datetime.fromisoformat(state["validityStartTime"]) == certificate.not_valid_before_utc
    assert datetime.fromisoformat(state["validityEndTime"]) == certificate.not_valid_after_utc


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


def test_a_chain_is_accepted_by_an_x509_verifier() -> None:
    root, intermediate, leaf = (parsed(state) for state in chain())
    store = verification.Store([root])
    builder = verification.PolicyBuilder().store(store)
    found = builder.build_server_verifier(x509.DNSName("db.example.org")).verify(leaf, [intermediate])
    assert found == [leaf, intermediate, root]
    with pytest.raises(verification.VerificationError):
        builder.build_server_verifier(x509.DNSName("other.example.org")).verify(leaf, [intermediate])
    with pytest.raises(verification.VerificationError):
        builder.build_server_verifier(x509.DNSName("db.example.org")).verify(leaf, [])


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_chain_is_accepted_by_openssl(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.pem" for name in ("root", "intermediate", "leaf")}
    for file, state in zip(files.values(), chain(), strict=True):
        file.write_text(state["certPem"])
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(files["root"])]
    good = subprocess.run([*command, "-untrusted", str(files["intermediate"]), str(files["leaf"])], check=False)
    bad = subprocess.run([*command, str(files["leaf"])], check=False, capture_output=True)
    assert (good.returncode, bad.returncode) == (0, 2)


@pytest.mark.parametrize("inputs", ALGORITHMS, ids=lambda inputs: "-".join(str(value) for value in inputs.values()))
def test_every_kind_of_key_can_sign(inputs: dict[str, Any]) -> None:
    pem = plain(make(PRIVATE_KEY, **inputs)[1])["privateKeyPem"]
    ca = authority(privateKeyPem=pem)
    leaf = signed(ca, pem, request(pem))
    parsed(leaf).verify_directly_issued_by(parsed(ca))
    assert leaf["caKeyAlgorithm"] == inputs["algorithm"]


def test_a_signed_certificate_takes_its_names_and_key_from_the_request() -> None:
    asked = request(key(), ipAddresses=["10.1.2.3"], uris=["spiffe://example.org/db"])
    leaf = parsed(signed(authority(), key(number=4), asked))
    assert leaf.public_key() == load_pem_private_key(key().encode(), None).public_key()
    assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "db"
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["db.example.org", "10.1.2.3", "spiffe://example.org/db"]


def test_a_certificate_names_the_key_of_its_authority() -> None:
    ca = authority()
    leaf = parsed(signed(ca, key(number=4), request(key())))
    issuer_id = parsed(ca).extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier == issuer_id


def test_serial_numbers_are_the_ids_and_differ() -> None:
    first, second = (make(SELF_SIGNED_CERT, privateKeyPem=key(), allowedUses=[], validityPeriodHours=1) for _ in "ab")
    assert first[0] == str(parsed(first[1]).serial_number)
    assert first[0] != second[0]
    assert 0 < parsed(first[1]).serial_number < 2**128


@pytest.mark.parametrize(
    ("kind", "inputs", "property_name", "part"),
    [
        (PRIVATE_KEY, {"algorithm": "DSA"}, "algorithm", "is 'DSA'; it must be one of RSA, ECDSA, ED25519"),
        (PRIVATE_KEY, {"algorithm": "ECDSA", "ecdsaCurve": "P25"}, "ecdsaCurve", "one of P224, P256, P384, P521"),
        (PRIVATE_KEY, {"algorithm": "RSA", "rsaBits": 512}, "rsaBits", "it must be at least 1024 bits"),
        (CERT_REQUEST, {"subject": {}}, "privateKeyPem", "set exactly one of them"),
        (CERT_REQUEST, {"privateKeyPem": "xyzzy"}, "privateKeyPem", "is not an unencrypted private key in PEM"),
        (CERT_REQUEST, {"privateKeyPemWo": key()}, "privateKeyPemWoVersion", "is missing"),
        (CERT_REQUEST, {"privateKeyPem": key(), "subject": {"common": "x"}}, "subject", "did you mean commonName?"),
        (CERT_REQUEST, {"privateKeyPem": key(), "subject": {"country": "Germany"}}, "subject", "subject.country is"),
        (CERT_REQUEST, {"privateKeyPem": key(), "ipAddresses": ["10.0.0.256"]}, "ipAddresses", "'10.0.0.256'"),
        (CERT_REQUEST, {"privateKeyPem": key(), "uris": ["no-scheme"]}, "uris", "'no-scheme'"),
        (CERT_REQUEST, {"privateKeyPem": key(), "dnsNames": [""]}, "dnsNames", "is not a DNS name"),
        (
            SELF_SIGNED_CERT,
            {"privateKeyPem": key(), "allowedUses": ["server-auth"], "validityPeriodHours": 1},
            "allowedUses",
            "did you mean server_auth?",
        ),
        (
            SELF_SIGNED_CERT,
            {"privateKeyPem": key(), "allowedUses": ["encipher_only"], "validityPeriodHours": 1},
            "allowedUses",
            "with key_agreement only",
        ),
        (
            SELF_SIGNED_CERT,
            {"privateKeyPem": key(), "allowedUses": [], "validityPeriodHours": -1},
            "validityPeriodHours",
            "is -1; it must be at least 0 hours",
        ),
        (
            SELF_SIGNED_CERT,
            {"privateKeyPem": key(), "allowedUses": [], "validityPeriodHours": 1, "isCaCertificate": True},
            "subject",
            "a certificate authority needs a name",
        ),
        (
            SELF_SIGNED_CERT,
            {"privateKeyPem": key(), "allowedUses": [], "validityPeriodHours": 1, "setAuthorityKeyId": True},
            "setAuthorityKeyId",
            "set setSubjectKeyId as well",
        ),
    ],
)
def test_a_bad_input_is_named_with_its_rule(kind: Kind, inputs: dict[str, Any], property_name: str, part: str) -> None:
    found = reasons(kind, **inputs)
    assert set(found) == {property_name}
    assert part in found[property_name]


def test_a_bad_private_key_is_not_repeated_in_the_message() -> None:
    assert "xyzzy" not in str(reasons(CERT_REQUEST, privateKeyPem="xyzzy"))
    assert "xyzzy" not in str(reasons(CERT_REQUEST, privateKeyPem=["xyzzy"]))


def test_a_key_that_is_not_the_authoritys_is_refused() -> None:
    found = reasons(
        LOCALLY_SIGNED_CERT,
        caCertPem=authority()["certPem"],
        caPrivateKeyPem=key(number=99),
        certRequestPem=request(key()),
        allowedUses=[],
        validityPeriodHours=1,
    )
    assert found == {
        "caPrivateKeyPem": "caPrivateKeyPem does not belong to caCertPem; "
        "give the key that the certificate was made for"
    }


def test_values_that_are_not_known_yet_pass() -> None:
    inputs = {"caCertPem": UNKNOWN, "caPrivateKeyPem": Secret(UNKNOWN), "certRequestPem": UNKNOWN}
    inputs |= {"allowedUses": SERVER_USES, "validityPeriodHours": 1}
    assert reasons(LOCALLY_SIGNED_CERT, **inputs) == {}
    assert generated.preview(LOCALLY_SIGNED_CERT, inputs)["certPem"] is UNKNOWN


def self_signed_inputs(**more: Any) -> dict[str, Any]:
    inputs = {"privateKeyPem": key(), "allowedUses": SERVER_USES, "validityPeriodHours": 24, "dnsNames": ["a.example"]}
    return inputs | more


def test_an_unchanged_certificate_has_no_changes() -> None:
    state = make(SELF_SIGNED_CERT, **self_signed_inputs())[1]
    assert generated.changes(SELF_SIGNED_CERT, state, self_signed_inputs()) == {}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"dnsNames": ["b.example"]}, {"dnsNames": Change("update", True)}),
        ({"isCaCertificate": True}, {"isCaCertificate": Change("update", True)}),
        ({"subject": {"commonName": "x"}}, {"subject": Change("add", True)}),
        ({"privateKeyPem": key("P384")}, {"privateKeyPem": Change("update", True)}),
        ({"privateKeyPem": UNKNOWN}, {"privateKeyPem": Change("update", True)}),
        ({"earlyRenewalHours": 2}, {"earlyRenewalHours": Change("update", False)}),
    ],
)
def test_changes_replace_a_certificate_except_its_early_renewal(
    more: dict[str, Any], expected: dict[str, Change]
) -> None:
    state = make(SELF_SIGNED_CERT, **self_signed_inputs())[1]
    assert generated.changes(SELF_SIGNED_CERT, state, self_signed_inputs(**more)) == expected


def test_an_early_renewal_is_stored_and_the_certificate_stays() -> None:
    state = make(SELF_SIGNED_CERT, **self_signed_inputs())[1]
    updated = generated.update(SELF_SIGNED_CERT, state, self_signed_inputs(earlyRenewalHours=2))
    assert (updated["certPem"], updated["earlyRenewalHours"]) == (state["certPem"], 2)


def test_a_certificate_that_is_due_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = self_signed_inputs(earlyRenewalHours=4)
    state = make(SELF_SIGNED_CERT, **inputs)[1]
    end = datetime.fromisoformat(state["validityEndTime"])
    monkeypatch.setattr(certificates, "now", lambda: end - timedelta(hours=4, seconds=1))
    assert generated.changes(SELF_SIGNED_CERT, state, inputs) == {}
    assert generated.refreshed(SELF_SIGNED_CERT, state) == state
    monkeypatch.setattr(certificates, "now", lambda: end - timedelta(hours=4))
    assert generated.changes(SELF_SIGNED_CERT, state, inputs) == {
        "readyForRenewal": Change("update", True, of_input=False)
    }
    assert generated.refreshed(SELF_SIGNED_CERT, state)["readyForRenewal"] is True


def test_asking_for_an_earlier_renewal_can_make_a_certificate_due() -> None:
    state = make(SELF_SIGNED_CERT, **self_signed_inputs())[1]
    found = generated.changes(SELF_SIGNED_CERT, state, self_signed_inputs(earlyRenewalHours=24))
    assert found["readyForRenewal"].replace


def test_a_write_only_key_is_used_and_not_stored() -> None:
    inputs = {"privateKeyPemWo": key(), "privateKeyPemWoVersion": 1}
    state = make(CERT_REQUEST, **inputs)[1]
    assert x509.load_pem_x509_csr(state["certRequestPem"].encode()).is_signature_valid
    assert not {"privateKeyPem", "privateKeyPemWo"} & set(state)
    assert generated.changes(CERT_REQUEST, state, inputs | {"privateKeyPemWo": key("P384")}) == {}
    assert generated.changes(CERT_REQUEST, state, inputs | {"privateKeyPemWoVersion": 2}) == {
        "privateKeyPemWoVersion": Change("update", True)
    }


def test_keys_and_certificates_cannot_be_imported() -> None:
    with pytest.raises(ValueError, match="cannot be imported"):
        generated.imported(PRIVATE_KEY, "x")


@pytest.mark.parametrize("form", ["privateKeyPem", "privateKeyOpenssh"])
def test_the_public_key_can_be_had_from_the_private_one(form: str) -> None:
    resource_id, state = make(PRIVATE_KEY, algorithm="ED25519")
    values = plain(state)
    found = get_public_key({form: values[form]})
    assert found["id"] == resource_id
    assert found["algorithm"] == "ED25519"
    assert {name: found[name] for name in found if name.startswith("public")} == {
        name: values[name] for name in values if name.startswith("public")
    }
    assert found[form] == Secret(values[form])


def test_a_public_key_needs_exactly_one_private_key() -> None:
    with pytest.raises(CheckFailedError, match="neither is set"):
        get_public_key({})
    with pytest.raises(CheckFailedError, match="privateKeyPem is not an unencrypted private key in PEM format"):
        get_public_key({"privateKeyPem": "nonsense"})


def test_a_certificate_can_be_taken_apart() -> None:
    ca = authority(maxPathLength=1)
    (found,) = get_certificate({"content": ca["certPem"]})["certificates"]
    certificate = parsed(ca)
    assert found == {
        "certPem": ca["certPem"],
        "isCa": True,
        "issuer": "CN=Root,O=Sacred Council",
        "subject": "CN=Root,O=Sacred Council",
        "maxPathLength": 1,
        "notBefore": ca["validityStartTime"],
        "notAfter": ca["validityEndTime"],
        "publicKeyAlgorithm": "ECDSA",
        "serialNumber": str(certificate.serial_number),
        "sha1Fingerprint": hashlib.sha1(certificate.public_bytes(Encoding.DER)).hexdigest(),
        "signatureAlgorithm": "ECDSA-SHA256",
        "version": 3,
    }


def test_certificates_are_read_from_text_only() -> None:
    with pytest.raises(CheckFailedError, match="use the official provider"):
        get_certificate({"url": "https://example.org"})


def test_functions_are_answered_and_unknown_ones_refused() -> None:
    provider = Tls(EngineClient())
    token = "tls:index/getPublicKey:getPublicKey"
    found = asyncio.run(provider.invoke(token, {"privateKeyPem": Secret(key())}))
    assert found["algorithm"] == "ECDSA"
    with pytest.raises(ProviderError, match="getNothing"):
        asyncio.run(provider.invoke("tls:index/getNothing:getNothing", {}))
