"""The stand-in of the tls provider: its requests and certificates are real, checked by other software."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import (
    load_pem_private_key,
)
from cryptography.x509 import verification
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.providers.tls.kinds import PRIVATE_KEY, SELF_SIGNED_CERT
from sandbox.providers.tls.names import EXTENDED_USAGES, KEY_USAGES
from sandbox.providers.values import plain
from tests.support.tls_standin import (
    ALGORITHMS,
    CA_USES,
    authority,
    chain,
    critical,
    key,
    make,
    parsed,
    request,
    signed,
)

pytestmark = pytest.mark.unit


def test_a_self_signed_certificate_says_what_it_was_asked_to_say() -> None:
    state = make(
        SELF_SIGNED_CERT,
        privateKeyPem=key("P384"),
        subject={"commonName": "root", "organization": "Council"},
        allowedUses=CA_USES,
        validityPeriodHours=3,
        isCaCertificate=True,
        setSubjectKeyId=True,
    )[1]
    certificate = parsed(state)
    assert certificate.subject.rfc4514_string() == "CN=root,O=Council"
    assert certificate.issuer == certificate.subject
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert (usage.digital_signature, usage.key_encipherment, usage.key_cert_sign) == (True, False, True)
    assert certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    assert (state["keyAlgorithm"], state["readyForRenewal"]) == ("ECDSA", False)


def test_a_signed_certificate_has_the_uses_that_it_was_asked_to_have() -> None:
    leaf = parsed(signed(authority(), key(number=4), request(key())))
    extended = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(extended) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}


def test_extensions_are_critical_where_the_standard_wants_it() -> None:
    certificate = parsed(authority())
    assert critical(certificate, x509.BasicConstraints)
    assert critical(certificate, x509.KeyUsage)
    assert not critical(certificate, x509.SubjectKeyIdentifier)
    requests: tuple[dict[str, Any], ...] = ({}, {"subject": {}})
    named, nameless = (parsed(signed(authority(), key(number=4), request(key(), **asked))) for asked in requests)
    assert not critical(named, x509.SubjectAlternativeName)
    assert critical(nameless, x509.SubjectAlternativeName)


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
    ca = signed(authority(), key(number=4), request(key()), allowedUses=CA_USES, isCaCertificate=True, **asked)
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
    asked = request(key(), ipAddresses=["10.1.2.3"])
    leaf = parsed(signed(authority(), key(number=4), asked))
    assert leaf.public_key() == load_pem_private_key(key().encode(), None).public_key()
    assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "db"
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["db.example.org", "10.1.2.3"]


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
