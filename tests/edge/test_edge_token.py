"""The token that proves to a region that a request came through the edge, and answers to an authority's challenges."""

import base64
import json
import re
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from components.cdn.keys import PRINCIPAL, account_thumbprint, edge_token, key_set
from components.cdn.languages import language_matches
from components.mesh import origin
from tests.support.keys import private_key, private_pem, public_pem

pytestmark = pytest.mark.unit

BLUE, GREEN = private_key("blue", "ED25519"), private_key("green", "ED25519")


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def verified(token: str, keys: str) -> dict[str, Any]:
    """Return the claims of a token. Raise InvalidSignature unless the key that the token names has signed it."""
    head, claims, signature = token.split(".")
    header = json.loads(decoded(head))
    (key,) = [one for one in json.loads(keys)["keys"] if one["kid"] == header["kid"]]
    Ed25519PublicKey.from_public_bytes(decoded(key["x"])).verify(decoded(signature), f"{head}.{claims}".encode())
    return dict(json.loads(decoded(claims)))


def test_regions_can_check_the_token_with_public_keys_alone() -> None:
    keys = key_set({"blue": public_pem(BLUE), "green": public_pem(GREEN)})
    for colour, key in {"blue": BLUE, "green": GREEN}.items():
        token = edge_token(private_pem(key), audience="example.org", key_id=colour)
        assert verified(token, keys) == {"aud": "example.org", "iss": "sacred-council-edge", "sub": "edge"}
    assert {one["crv"] for one in json.loads(keys)["keys"]} == {"Ed25519"}
    assert "d" not in {member for one in json.loads(keys)["keys"] for member in one}


def test_nobody_else_can_make_a_token() -> None:
    stranger = edge_token(private_pem(GREEN), audience="example.org", key_id="blue")
    with pytest.raises(InvalidSignature):
        verified(stranger, key_set({"blue": public_pem(BLUE)}))


def test_the_same_key_gives_the_same_token_so_that_nothing_changes_by_itself() -> None:
    once, again = (edge_token(private_pem(BLUE), audience="example.org", key_id="blue") for _ in range(2))
    assert once == again
    # CloudFront accepts 1783 characters, Front Door fewer.
    assert len(once) < 300


def test_a_key_of_another_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="private_key_pem: expected a key for Ed25519"):
        edge_token(private_pem(private_key("x", "ECDSA")), audience="example.org", key_id="blue")
    with pytest.raises(ValueError, match="public_key_pem: expected an RSA key"):
        account_thumbprint(public_pem(BLUE))


def test_the_gateway_s_rules_are_for_the_token_s_bearer() -> None:
    claims = verified(
        edge_token(private_pem(BLUE), audience="example.org", key_id="blue"), key_set({"blue": public_pem(BLUE)})
    )
    assert f"{claims['iss']}/{claims['sub']}" == PRINCIPAL


def test_the_thumbprint_is_that_of_the_example_in_rfc_7638() -> None:
    """The key of section 3.1."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3"
        "oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
        "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-"
        "kEgU8awapJzKnqDKgw"
    )
    key = RSAPublicNumbers(65537, int.from_bytes(decoded(modulus), "big")).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert account_thumbprint(pem) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_challenge_is_answered_with_its_token_and_the_thumbprint_and_nothing_else_is() -> None:
    script = origin.challenge_script("the-thumbprint")
    pattern = re.search(r'"(\^[^"]*)"', script)
    assert pattern is not None
    # Lua escapes with a percent sign.
    path = re.compile(pattern[1].replace("%w", r"A-Za-z0-9").replace("%", "\\"))
    assert path.match("/.well-known/acme-challenge/abc-DEF_123")
    for other in ("/.well-known/acme-challenge/<script>", "/.well-known/acme-challenge/", "/agent-network/"):
        assert not path.match(other)
    assert 'token .. ".the-thumbprint"' in script


def test_longer_tags_come_first_and_every_language_stands_for_its_tags() -> None:
    matches = language_matches(["zh-Hant", "pt-BR", "en"])
    assert [match.tag for match in matches] == ["zh-Hant", "pt-BR", "en", "pt", "zh"]
    assert matches[1].prefixes == ["pt-BR,", "pt-BR;", "pt-BR-"]
    # `fi` must not match requests for `fil`.
    assert not any("fil".startswith(prefix) for prefix in language_matches(["fi"])[0].prefixes)
