"""Live collaboration: nkeys, tokens, rights, and the files of both kinds of servers."""

import base64
import json
import re
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from components.messaging import configuration, live_configuration, live_rights, nkeys, streams
from components.messaging.settings import MessagingSettings, WebSocketSettings
from stacks.settings import parse
from tests.messaging.test_streams import ASIA, EU, US, values
from tests.support.bad_settings import complaints
from tests.support.keys import private_key, private_pem
from tests.support.live_client import Browser, pem_of, token

pytestmark = pytest.mark.unit

# The example of https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/nkey_auth
SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
PUBLIC = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"


def pem(name: str) -> str:
    return private_pem(private_key(name, "ED25519"))


KEYS = {holder: pem(holder) for holder in ("operator", "account", "services", "agents")}


def messaging(**websocket: Any) -> MessagingSettings:
    settings = {"enabled": True, "home": EU, **websocket}
    return MessagingSettings.model_validate({"servers": 3, "storage": "2Gi", "websocket": settings})


def parts(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The head and the claims of a token, whose signature is right by its own issuer's key."""
    head, claims, signature = text.split(".")
    found = [json.loads(_decoded(part)) for part in (head, claims)]
    issuer = base64.b32decode(found[1]["iss"] + "=" * (-len(found[1]["iss"]) % 8))[1:-2]
    Ed25519PublicKey.from_public_bytes(issuer).verify(_decoded(signature), f"{head}.{claims}".encode())
    return found[0], found[1]


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_nkeys_are_written_as_nats_documents_them() -> None:
    assert nkeys.public_key(pem_of(SEED), "user") == PUBLIC
    assert nkeys.seed(pem_of(SEED), "user") == SEED


@pytest.mark.parametrize(("kind", "letter"), [("operator", "O"), ("account", "A"), ("user", "U")])
def test_the_first_letter_of_a_key_says_whose_it_is(kind: nkeys.Kind, letter: str) -> None:
    assert nkeys.public_key(pem("some"), kind)[0] == letter
    assert nkeys.seed(pem("some"), kind)[:2] == f"S{letter}"
    assert len(nkeys.public_key(pem("some"), kind)) == 56


@given(st.binary(min_size=4, max_size=12))
def test_a_seed_gives_its_key_back(name: bytes) -> None:
    key = pem(name.hex())
    assert pem_of(nkeys.seed(key, "account")) == key


def test_only_keys_for_ed25519_are_taken() -> None:
    with pytest.raises(ValueError, match="expected a key for Ed25519"):
        nkeys.public_key(private_pem(private_key("other", "ECDSA")), "user")


def test_the_same_keys_give_the_same_tokens_in_every_run() -> None:
    assert live_rights.server_tokens(WebSocketSettings(), KEYS) == live_rights.server_tokens(WebSocketSettings(), KEYS)


def test_servers_trust_an_operator_whose_key_signs_the_account_of_all_browsers() -> None:
    tokens = live_rights.server_tokens(WebSocketSettings(), KEYS)
    operator, account = nkeys.public_key(KEYS["operator"], "operator"), nkeys.public_key(KEYS["account"], "account")
    head, claims = parts(tokens.operator)
    assert head == {"typ": "JWT", "alg": "ed25519-nkey"}
    assert (claims["iss"], claims["sub"], claims["nats"]["type"]) == (operator, operator, "operator")
    _, claims = parts(tokens.account)
    assert (claims["iss"], claims["sub"], claims["nats"]["type"]) == (operator, account, "account")
    assert tokens.account_key == account


def test_the_services_key_signs_browsers_only_with_the_rights_of_the_template() -> None:
    _, claims = parts(live_rights.server_tokens(messaging(maxMessage="64Ki").websocket, KEYS).account)
    (signer,) = claims["nats"]["signing_keys"]
    assert signer["key"] == nkeys.public_key(KEYS["services"], "account")
    assert signer["kind"] == "user_scope"
    assert signer["template"] == {
        "pub": {
            "allow": [
                "circle.c-{{tag(circle)}}.>",
                "$JS.LIVE.API.$KV.circles.c-{{tag(circle)}}.state.>",
                "$JS.LIVE.API.$KV.circles.c-{{tag(circle)}}.presence.u-{{name()}}",
                "$JS.LIVE.API.DIRECT.GET.KV_circles.$KV.circles.c-{{tag(circle)}}.>",
            ]
        },
        "sub": {"allow": ["circle.c-{{tag(circle)}}.>", "changed.c-{{tag(circle)}}.>", "_INBOX.{{subject()}}.>"]},
        "subs": 64,
        "data": -1,
        "payload": 65536,
        "allowed_connection_types": ["WEBSOCKET"],
    }
    assert claims["nats"]["limits"]["disallow_bearer"] is True


def signers(**websocket: Any) -> dict[str, dict[str, Any]]:
    """The keys that sign users' tokens, by role."""
    _, claims = parts(live_rights.server_tokens(messaging(**websocket).websocket, KEYS).account)
    return {signer["role"]: signer for signer in claims["nats"]["signing_keys"]}


def test_agents_have_a_key_and_a_template_of_their_own() -> None:
    found = signers(maxMessage="64Ki", agents={"enabled": True})
    assert set(found) == {"browser", "agent"}
    assert found["agent"]["key"] == nkeys.public_key(KEYS["agents"], "account") != found["browser"]["key"]
    assert found["agent"]["kind"] == "user_scope"
    assert found["agent"]["template"] == {
        "pub": {
            "allow": [
                "circle.c-{{tag(circle)}}.agents.a-{{name()}}.>",
                "$JS.LIVE.API.$KV.circles.c-{{tag(circle)}}.presence.a-{{name()}}",
                "$JS.LIVE.API.DIRECT.GET.KV_circles.$KV.circles.c-{{tag(circle)}}.>",
            ]
        },
        "sub": {"allow": ["circle.c-{{tag(circle)}}.>", "changed.c-{{tag(circle)}}.>", "_INBOX.{{subject()}}.>"]},
        "subs": 16,
        "data": -1,
        "payload": 16384,
        "allowed_connection_types": ["WEBSOCKET"],
    }


def test_with_agents_a_person_may_not_speak_where_agents_do_and_has_all_other_rights_as_before() -> None:
    alone, beside = signers()["browser"], signers(agents={"enabled": True})["browser"]
    assert beside["template"]["pub"].pop("deny") == ["circle.*.agents.>"]
    assert beside == alone


@pytest.mark.parametrize("agents", [{}, {"enabled": False}, {"enabled": False, "maxMessage": "1Ki"}])
def test_without_agents_nothing_is_there_for_them(agents: dict[str, Any]) -> None:
    tokens = live_rights.server_tokens(messaging(agents=agents).websocket, KEYS)
    assert tokens == live_rights.server_tokens(messaging().websocket, {k: v for k, v in KEYS.items() if k != "agents"})


@pytest.mark.parametrize(
    ("settings", "payload", "subscriptions"),
    [
        ({}, 16 * 1024, 16),
        ({"maxMessage": "1Mi"}, 256 * 1024, 16),
        ({"agents": {"maxMessage": "64Ki"}}, 64 * 1024, 16),
        ({"maxMessage": "2Ki", "agents": {"maxMessage": "1Ki", "subscriptions": 3}}, 1024, 3),
    ],
)
def test_the_limits_of_agents_are_in_their_template(settings: dict[str, Any], payload: int, subscriptions: int) -> None:
    found = signers(**{**settings, "agents": {"enabled": True, **settings.get("agents", {})}})["agent"]["template"]
    assert (found["payload"], found["subs"]) == (payload, subscriptions)


def test_no_placeholder_is_among_the_subjects_that_a_template_forbids() -> None:
    # A server refuses a token that leaves one empty, so a token without a circle would be refused, not powerless.
    assert [subject for subject in live_rights.rights(agents=True).never if "{{" in subject] == []


def test_a_forged_token_is_not_signed_by_whom_it_names() -> None:
    secret = {"live.seed": nkeys.seed(KEYS["services"], "account"), "live.account": "A"}
    issuer = nkeys.public_key(KEYS["services"], "account")
    forged = {"live.seed": nkeys.seed(pem("another"), "account"), "live.account": "A"}
    assert parts(token(secret, Browser(), "amara", "one"))[1]["iss"] == issuer
    with pytest.raises(InvalidSignature):
        parts(token(forged, Browser(), "amara", "one", iss=issuer))


def live_file(origins: tuple[str, ...] = ("https://example.org",)) -> str:
    tokens = live_rights.server_tokens(WebSocketSettings(), KEYS)
    settings = messaging(maxConnections=7).websocket
    return live_configuration.render(
        live_configuration.LiveServersFile(settings=settings, tokens=tokens, origins=origins)
    )


def test_servers_for_browsers_take_websockets_of_known_origins_over_tls_and_nothing_else() -> None:
    text = live_file()
    assert 'allowed_origins: ["https://example.org"]' in text
    block = text.partition("websocket {")[2].partition("\n}")[0]
    assert "tls {" in block
    assert "no_tls" not in text
    assert re.findall(r'listen: "(.*)"', text) == ["127.0.0.1:4222", "0.0.0.0:8443"]
    assert "max_connections: 7" in text
    assert "jetstream" not in text


def test_a_file_that_would_admit_every_origin_is_refused() -> None:
    with pytest.raises(ValueError, match="origins: expected at least one"):
        live_file(())


def test_the_passwords_of_the_links_are_in_the_secret_file_only() -> None:
    passwords = {configuration.CIRCLES_USER: "one", configuration.STATE_USER: "two"}
    text = live_configuration.render_links(host="nats.nats.svc", account_key="A", passwords=passwords)
    assert '"tls://live-circles:one@nats.nats.svc:7422"' in text
    assert '"tls://live-state:two@nats.nats.svc:7422"' in text
    assert text.count('account: "A"') == 2
    assert "one" not in live_file()


def region(name: str, **websocket: Any) -> str:
    settings = messaging(**websocket)
    servers = configuration.RegionServers(region=name, settings=settings, mirrored=streams.mirrored(name, settings))
    return configuration.render(servers)


def test_each_link_carries_its_own_subjects_and_no_answer_of_jetstream_reaches_a_circle() -> None:
    text = region(ASIA)
    users = {user: line for user in ("live-circles", "live-state") for line in text.splitlines() if f'"{user}"' in line}
    assert 'publish: {allow: ["circle.>"]}, subscribe: {allow: ["circle.>", "changed.>"]}' in users["live-circles"]
    assert 'subscribe: {allow: ["_INBOX.>"]}' in users["live-state"]
    assert all('allowed_connection_types: ["LEAFNODE"]' in line for line in users.values())
    assert all("password: $LIVE_" in line for line in users.values())


def test_a_region_announces_its_own_copy_to_its_own_browsers() -> None:
    for name in (US, EU, ASIA):
        assert f'{{stream: {{account: "APP", subject: "changed.{name}.>"}}, to: "changed.>"}}' in region(name)
        assert streams.bucket(name, messaging())["republish"] == {"src": "$KV.circles.>", "dest": f"changed.{name}.>"}


def test_servers_without_live_collaboration_have_nothing_of_it() -> None:
    text = region(ASIA, enabled=False)
    assert "LIVE" not in text
    assert "leafnodes" not in text
    assert streams.definitions(ASIA, messaging(enabled=False)) == {}


def test_the_state_is_kept_at_its_home_and_mirrored_everywhere_else() -> None:
    home, mirror = (streams.bucket(name, messaging(maxSize="64Mi", retention="7d")) for name in (EU, ASIA))
    assert (home["subjects"], home["discard"], home.get("mirror")) == (["$KV.circles.>"], "new", None)
    assert mirror["mirror"] == {"name": "KV_circles", "external": {"api": "$JS.europe-west1.API"}}
    assert "subjects" not in mirror
    assert mirror["discard"] == "old"
    for one in (home, mirror):
        assert (one["max_bytes"], one["max_age"], one["num_replicas"]) == (64 * 2**20, 7 * 86400 * 10**9, 3)
        assert (one["max_msgs_per_subject"], one["allow_direct"], one["allow_msg_ttl"]) == (1, True, True)
    assert [each.stream for each in streams.mirrored(ASIA, messaging())] == ["KV_circles"]
    assert streams.mirrored(EU, messaging()) == []


def test_no_browser_can_remove_the_values_of_other_circles() -> None:
    # `Nats-Rollup: all` would purge the stream.
    for name in (EU, ASIA):
        definition = streams.bucket(name, messaging())
        assert (definition["allow_rollup_hdrs"], definition["deny_delete"]) == (False, True)


def with_live(**websocket: Any) -> dict[str, Any]:
    live = {"enabled": True, "home": EU, **websocket}
    live = {key: value for key, value in live.items() if value is not None}
    return values(regions=(US, EU), storage="2Gi", websocket=live)


def test_good_settings_are_taken() -> None:
    origins = ["https://council.example.org", "http://localhost:8080"]
    assert parse(with_live(origins=origins)).messaging.websocket.origins == tuple(origins)


BAD: list[tuple[dict[str, Any], str]] = [
    (
        with_live(home=None),
        "messaging.websocket.home: is missing: with several regions, one keeps the state of circles, and the others "
        "have a copy; name one of us-central1, europe-west1, and change it only when that region is lost",
    ),
    (
        with_live(home="europe-west2"),
        'messaging.websocket.home: "europe-west2" is not the name of a region of this stack; did you mean '
        "europe-west1?",
    ),
    (
        with_live(maxMessage="2Mi"),
        'messaging.websocket.maxMessage: "2Mi" is more than the 1Mi that a NATS server takes; write 1Mi or less',
    ),
    (
        with_live(maxMessage="8Ki", agents={"enabled": True, "maxMessage": "16Ki"}),
        'messaging.websocket.agents.maxMessage: "16Ki" is more than the 8Ki that a browser may send; write 8Ki or '
        "less, or raise messaging.websocket.maxMessage",
    ),
    (
        with_live(agents={"enabled": True, "subscriptions": 65}),
        "messaging.websocket.agents.subscriptions: 65 is more than the 64 that a browser may have; write 64 or less",
    ),
    (
        with_live(origins=["https://council.example.org/page"]),
        'messaging.websocket.origins[0]: "https://council.example.org/page" must be the origin of pages: scheme and '
        "host in lower case, without a path; write e.g. https://sacred-council.love",
    ),
    (
        with_live(origins=["https://a.org", "https://a.org"]),
        'messaging.websocket.origins: ["https://a.org", "https://a.org"] must not name an origin twice; remove the '
        "repetition",
    ),
    (
        with_live(maxSize="2Gi"),
        'messaging.storage: "2Gi" is too little for the streams, whose maxSize together is 2.00Gi: every server may '
        "hold all of them, and a tenth stays free; raise storage, or lower maxSize",
    ),
    (
        {**with_live(), "mesh": {"enabled": False}},
        "messaging.websocket.enabled: true leads nowhere without the public gateway, which is a part of the mesh; "
        "write mesh: {enabled: true}, or false",
    ),
    (
        values(
            {"name": "KV_circles", "subjects": ["a"], "home": US},
            regions=(US, EU),
            websocket={"enabled": True, "home": US},
        ),
        'messaging.streams[0].name: "KV_circles" is the name of the stream with the state of circles; choose another '
        "name",
    ),
]


@pytest.mark.parametrize(("settings", "complaint"), BAD, ids=[complaint for _, complaint in BAD])
def test_a_bad_setting_is_reported(settings: dict[str, Any], complaint: str) -> None:
    assert complaints(settings) == [complaint]
