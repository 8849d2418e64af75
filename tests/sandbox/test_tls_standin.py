"""The stand-in of the tls provider: its keys, checked by other software."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from sandbox.providers.tls.kinds import PRIVATE_KEY
from sandbox.providers.values import Secret, plain
from tests.support.tls_standin import ALGORITHMS, authority, key, make, request, signed

pytestmark = pytest.mark.unit


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
    assert secret == {"privateKeyPem", "privateKeyPemPkcs8"}


def test_private_keys_stay_secret_in_the_state_of_what_they_sign() -> None:
    ca = authority()
    assert isinstance(ca["privateKeyPem"], Secret)
    assert isinstance(signed(ca, key(number=4), request(key()))["caPrivateKeyPem"], Secret)
