"""The tls provider stand-in: its keys and functions, checked by other software."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
    load_ssh_private_key,
    load_ssh_public_key,
)

from sandbox.providers.base import CheckFailedError, ProviderError
from sandbox.providers.server import EngineClient
from sandbox.providers.tls.__main__ import Tls
from sandbox.providers.tls.functions import get_certificate, get_public_key
from sandbox.providers.tls.kinds import PRIVATE_KEY
from sandbox.providers.values import Secret, plain
from tests.unit.tls_standin import ALGORITHMS, authority, key, make, parsed, request, signed


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
