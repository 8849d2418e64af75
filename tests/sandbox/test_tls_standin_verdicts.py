"""The stand-in of the tls provider: the inputs that it refuses, and the effects of changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from sandbox.providers import generated
from sandbox.providers.generated import Change, Kind
from sandbox.providers.tls import certificates
from sandbox.providers.tls.kinds import CERT_REQUEST, LOCALLY_SIGNED_CERT, PRIVATE_KEY, SELF_SIGNED_CERT
from sandbox.providers.values import UNKNOWN, Secret
from tests.support.tls_standin import (
    SERVER_USES,
    authority,
    key,
    make,
    reasons,
    request,
    self_signed_inputs,
    signed_inputs,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("kind", "inputs", "property_name", "part"),
    [
        (PRIVATE_KEY, {"algorithm": "DSA"}, "algorithm", "is 'DSA'; it must be one of RSA, ECDSA, ED25519"),
        (PRIVATE_KEY, {"algorithm": "ECDSA", "ecdsaCurve": "P25"}, "ecdsaCurve", "one of P256, P384"),
        (PRIVATE_KEY, {"algorithm": "ECDSA"}, "ecdsaCurve", "ecdsaCurve is missing; set it to one of P256, P384"),
        (PRIVATE_KEY, {"algorithm": "RSA", "rsaBits": 512}, "rsaBits", "it must be at least 1024 bits"),
        (CERT_REQUEST, {"subject": {}}, "privateKeyPem", "privateKeyPem is missing"),
        (CERT_REQUEST, {"privateKeyPem": "xyzzy"}, "privateKeyPem", "is not an unencrypted private key in PEM"),
        (CERT_REQUEST, {"privateKeyPem": key(), "subject": {"common": "x"}}, "subject", "did you mean commonName?"),
        (CERT_REQUEST, {"privateKeyPem": key(), "subject": {"country": "DE"}}, "subject", "has no field country"),
        (
            CERT_REQUEST,
            {"privateKeyPem": key(), "subject": {"commonName": "x" * 65}},
            "subject",
            "subject.commonName is",
        ),
        (CERT_REQUEST, {"privateKeyPem": key(), "ipAddresses": ["10.0.0.256"]}, "ipAddresses", "'10.0.0.256'"),
        (CERT_REQUEST, {"privateKeyPem": key(), "uris": ["spiffe://x"]}, "uris", "has no input uris"),
        (CERT_REQUEST, {"privateKeyPem": key(), "dnsNames": [""]}, "dnsNames", "is not a DNS name"),
        (
            SELF_SIGNED_CERT,
            {"privateKeyPem": key(), "allowedUses": ["server-auth"], "validityPeriodHours": 1},
            "allowedUses",
            "did you mean server_auth?",
        ),
        (
            SELF_SIGNED_CERT,
            {"privateKeyPem": key(), "allowedUses": ["code_signing"], "validityPeriodHours": 1},
            "allowedUses",
            "has 'code_signing'",
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
            "has no input setAuthorityKeyId",
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


def test_an_unchanged_certificate_has_no_changes() -> None:
    state = make(SELF_SIGNED_CERT, **self_signed_inputs())[1]
    assert generated.changes(SELF_SIGNED_CERT, state, self_signed_inputs()) == {}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"isCaCertificate": True}, {"isCaCertificate": Change("update", True)}),
        ({"certRequestPem": UNKNOWN}, {"certRequestPem": Change("update", True)}),
        ({"maxPathLength": 0}, {"maxPathLength": Change("add", True)}),
        ({"caPrivateKeyPem": key("P384")}, {"caPrivateKeyPem": Change("update", True)}),
        ({"earlyRenewalHours": 2}, {"earlyRenewalHours": Change("update", False)}),
    ],
)
def test_changes_replace_a_certificate_except_its_early_renewal(
    more: dict[str, Any], expected: dict[str, Change]
) -> None:
    inputs = signed_inputs()
    state = make(LOCALLY_SIGNED_CERT, **inputs)[1]
    assert generated.changes(LOCALLY_SIGNED_CERT, state, inputs | more) == expected


def test_an_early_renewal_is_stored_and_the_certificate_stays() -> None:
    inputs = signed_inputs()
    state = make(LOCALLY_SIGNED_CERT, **inputs)[1]
    updated = generated.update(LOCALLY_SIGNED_CERT, state, inputs | {"earlyRenewalHours": 2})
    assert (updated["certPem"], updated["earlyRenewalHours"]) == (state["certPem"], 2)


def test_a_certificate_that_is_due_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = signed_inputs(earlyRenewalHours=4)
    state = make(LOCALLY_SIGNED_CERT, **inputs)[1]
    end = datetime.fromisoformat(state["validityEndTime"])
    monkeypatch.setattr(certificates, "now", lambda: end - timedelta(hours=4, seconds=1))
    assert generated.changes(LOCALLY_SIGNED_CERT, state, inputs) == {}
    assert generated.refreshed(LOCALLY_SIGNED_CERT, state) == state
    monkeypatch.setattr(certificates, "now", lambda: end - timedelta(hours=4))
    assert generated.changes(LOCALLY_SIGNED_CERT, state, inputs) == {
        "readyForRenewal": Change("update", True, of_input=False)
    }
    assert generated.refreshed(LOCALLY_SIGNED_CERT, state)["readyForRenewal"] is True


def test_asking_for_an_earlier_renewal_can_make_a_certificate_due() -> None:
    inputs = signed_inputs()
    state = make(LOCALLY_SIGNED_CERT, **inputs)[1]
    found = generated.changes(LOCALLY_SIGNED_CERT, state, inputs | {"earlyRenewalHours": 24})
    assert found["readyForRenewal"].replace
