"""What browsers may do: subjects, the state of circles, and the tokens that say so. Pure.

Whoever holds the services' key can sign a user's token. It names the user and the user's circles; the rights follow
from the template in the account's token, so that no token can grant more.
https://docs.nats.io/running-a-nats-service/configuration/securing_nats/auth_intro/jwt
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from components.messaging import nkeys
from components.messaging.settings import WebSocketSettings
from components.settings.values import bytes_of

BUCKET: Final = "circles"
"""The key-value bucket with the state of all circles. A key begins with its circle."""
STREAM: Final = f"KV_{BUCKET}"
"""The stream behind the bucket."""
VALUES: Final = f"$KV.{BUCKET}"
"""Where the bucket takes values: `$KV.circles.<circle>.<key>`."""
READS: Final = f"$JS.API.DIRECT.GET.{STREAM}.{VALUES}"
"""Where a value is asked for. The subject names the key, so the right to ask can name the circle."""

MESSAGES: Final = "circle"
"""Messages between the browsers of a circle: `circle.<circle>.>`."""
CHANGES: Final = "changed"
"""Changes of a circle's state: `changed.<circle>.<key>`."""
INBOXES: Final = "_INBOX"
"""Answers to a user: `_INBOX.<public key of the user>.>`."""
DOMAIN: Final = "LIVE"
"""What clients take for the domain of JetStream. In capitals, so that no region can have the name."""
API: Final = f"$JS.{DOMAIN}.API"
ASKED_VALUES: Final = f"{API}.{VALUES}"
"""Where a browser sends a value."""
ASKED_READS: Final = f"{API}.DIRECT.GET.{STREAM}.{VALUES}"
"""Where a browser asks for a value."""

TAG: Final = "circle"
"""Tag of a token that names a circle."""
CIRCLE: Final = "c-"
USER: Final = "u-"
"""Beginnings of the words that stand for a circle and a user in subjects. Within a word `*` and `>` are letters, so no
name in a token can stand for others."""
SUBSCRIPTIONS: Final = 64
"""Most subscriptions of one connection."""
UNLIMITED: Final = -1


@dataclass(frozen=True, kw_only=True)
class Rights:
    """Subjects with the placeholders of a template: what a user may publish to and subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]


def rights() -> Rights:
    """Return the rights of a user in the circles that the token's tags name.

    A user may change the circle's shared state, and of the presences only the user's own.
    """
    circle, user = f"{CIRCLE}{{{{tag({TAG})}}}}", f"{USER}{{{{name()}}}}"
    return Rights(
        publish=(
            f"{MESSAGES}.{circle}.>",
            f"{ASKED_VALUES}.{circle}.state.>",
            f"{ASKED_VALUES}.{circle}.presence.{user}",
            f"{ASKED_READS}.{circle}.>",
        ),
        subscribe=(f"{MESSAGES}.{circle}.>", f"{CHANGES}.{circle}.>", f"{INBOXES}.{{{{subject()}}}}.>"),
    )


def operator_claims(operator: str) -> dict[str, Any]:
    """Return the claims of the token that makes `operator` (a public key) the one whom the servers trust."""
    return {"iss": operator, "sub": operator, "name": "sacred-council", "nats": {"type": "operator", "version": 2}}


def account_claims(settings: WebSocketSettings, *, operator: str, account: str, services: str) -> dict[str, Any]:
    """Return the claims of the account of all browsers. The names are public keys; `services` signs users' tokens."""
    allowed = rights()
    template = {
        "pub": {"allow": list(allowed.publish)},
        "sub": {"allow": list(allowed.subscribe)},
        "subs": SUBSCRIPTIONS,
        "data": UNLIMITED,
        "payload": bytes_of(settings.max_message),
        "allowed_connection_types": ["WEBSOCKET"],
    }
    limits = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), UNLIMITED)
    return {
        "iss": operator,
        "sub": account,
        "name": "live",
        "nats": {
            "type": "account",
            "version": 2,
            # Without `disallow_bearer`, a token could be used by whoever has seen it.
            "limits": {**limits, "wildcards": True, "disallow_bearer": True},
            "signing_keys": [{"kind": "user_scope", "key": services, "role": "browser", "template": template}],
            "default_permissions": {"pub": {}, "sub": {}},
        },
    }


@dataclass(frozen=True, kw_only=True)
class ServerTokens:
    """What servers need to know of the keys. Nothing of it is secret."""

    operator: str
    """Token of the operator, whom the servers trust."""
    account: str
    """Token of the account of all browsers."""
    account_key: str
    """Public key of that account."""


def server_tokens(settings: WebSocketSettings, private_keys_pem: Mapping[str, str]) -> ServerTokens:
    """Return the servers' tokens, by the private keys of `operator`, `account` and `services`."""
    operator = nkeys.public_key(private_keys_pem["operator"], "operator")
    account = nkeys.public_key(private_keys_pem["account"], "account")
    services = nkeys.public_key(private_keys_pem["services"], "account")
    claims = account_claims(settings, operator=operator, account=account, services=services)
    return ServerTokens(
        operator=nkeys.token(operator_claims(operator), private_keys_pem["operator"]),
        account=nkeys.token(claims, private_keys_pem["operator"]),
        account_key=account,
    )
