"""What browsers and agents may do: subjects, the state of circles, and the tokens that say so. Pure.

Whoever holds the services' key can sign a user's token. It names the user and the user's circles; the rights follow
from the template in the account's token, so that no token can grant more. Agents have a key and a template of their
own: which key has signed a token says whether its holder is a person or an agent.
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
"""Messages between the members of a circle: `circle.<circle>.>`."""
AGENTS: Final = "agents"
"""What agents say to a circle: `circle.<circle>.agents.<agent>.>`. No person may publish there."""
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
AGENT: Final = "a-"
"""Beginnings of the words that stand for a circle, a user and an agent in subjects. Within a word `*` and `>` are
letters, so no name in a token can stand for others."""
SUBSCRIPTIONS: Final = 64
"""Most subscriptions of a browser's connection."""
AGENTS_PART: Final = 4
"""An agent's largest message is this part of a browser's, unless the settings say otherwise."""
UNLIMITED: Final = -1


@dataclass(frozen=True, kw_only=True)
class Rights:
    """Subjects with the placeholders of a template: what a user may publish to and subscribe to."""

    publish: tuple[str, ...]
    subscribe: tuple[str, ...]
    never: tuple[str, ...] = ()
    """Where the user may not publish, although `publish` says so. Without placeholders: a server refuses a token that
    leaves one empty here."""


_CIRCLE: Final = f"{CIRCLE}{{{{tag({TAG})}}}}"
_NAME: Final = "{{name()}}"
_HEARD: Final = (f"{MESSAGES}.{_CIRCLE}.>", f"{CHANGES}.{_CIRCLE}.>", f"{INBOXES}.{{{{subject()}}}}.>")


def rights(*, agents: bool) -> Rights:
    """Return the rights of a user in the circles that the token's tags name.

    A user may change the circle's shared state, and of the presences only the user's own. With `agents`, a user may
    not say anything where agents speak.
    """
    return Rights(
        publish=(
            f"{MESSAGES}.{_CIRCLE}.>",
            f"{ASKED_VALUES}.{_CIRCLE}.state.>",
            f"{ASKED_VALUES}.{_CIRCLE}.presence.{USER}{_NAME}",
            f"{ASKED_READS}.{_CIRCLE}.>",
        ),
        subscribe=_HEARD,
        never=(f"{MESSAGES}.*.{AGENTS}.>",) if agents else (),
    )


def agent_rights() -> Rights:
    """Return the rights of an agent in the circles that the token's tags name.

    An agent hears what a user hears, and reads the circle's state without changing it. It speaks under its own name
    only, and sets no presence but its own.
    """
    return Rights(
        publish=(
            f"{MESSAGES}.{_CIRCLE}.{AGENTS}.{AGENT}{_NAME}.>",
            f"{ASKED_VALUES}.{_CIRCLE}.presence.{AGENT}{_NAME}",
            f"{ASKED_READS}.{_CIRCLE}.>",
        ),
        subscribe=_HEARD,
    )


def operator_claims(operator: str) -> dict[str, Any]:
    """Return the claims of the token that makes `operator` (a public key) the one whom the servers trust."""
    return {"iss": operator, "sub": operator, "name": "sacred-council", "nats": {"type": "operator", "version": 2}}


def largest_of_agents(settings: WebSocketSettings) -> int:
    """Return the bytes of an agent's largest message."""
    own = settings.agents.max_message
    return bytes_of(own) if own is not None else bytes_of(settings.max_message) // AGENTS_PART


def account_claims(
    settings: WebSocketSettings, *, operator: str, account: str, services: str, agents: str | None = None
) -> dict[str, Any]:
    """Return the claims of the account of all browsers and agents.

    The names are public keys: `services` signs users' tokens, and `agents` those of agents, who have no way in without.
    """
    signers = [
        _signer(
            services,
            "browser",
            rights(agents=agents is not None),
            subscriptions=SUBSCRIPTIONS,
            payload=bytes_of(settings.max_message),
        )
    ]
    if agents is not None:
        subscriptions, payload = settings.agents.subscriptions, largest_of_agents(settings)
        signers.append(_signer(agents, "agent", agent_rights(), subscriptions=subscriptions, payload=payload))
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
            "signing_keys": signers,
            "default_permissions": {"pub": {}, "sub": {}},
        },
    }


def _signer(key: str, role: str, allowed: Rights, *, subscriptions: int, payload: int) -> dict[str, Any]:
    """Return a key that signs tokens, with the template of their rights and limits."""
    never = {"deny": list(allowed.never)} if allowed.never else {}
    template = {
        "pub": {"allow": list(allowed.publish), **never},
        "sub": {"allow": list(allowed.subscribe)},
        "subs": subscriptions,
        "data": UNLIMITED,
        "payload": payload,
        "allowed_connection_types": ["WEBSOCKET"],
    }
    return {"kind": "user_scope", "key": key, "role": role, "template": template}


@dataclass(frozen=True, kw_only=True)
class ServerTokens:
    """What servers need to know of the keys. Nothing of it is secret."""

    operator: str
    """Token of the operator, whom the servers trust."""
    account: str
    """Token of the account of all browsers and agents."""
    account_key: str
    """Public key of that account."""


def server_tokens(settings: WebSocketSettings, private_keys_pem: Mapping[str, str]) -> ServerTokens:
    """Return the servers' tokens, by the private keys of `operator`, `account`, `services` and, if on, `agents`."""
    operator = nkeys.public_key(private_keys_pem["operator"], "operator")
    account = nkeys.public_key(private_keys_pem["account"], "account")
    services = nkeys.public_key(private_keys_pem["services"], "account")
    agents = nkeys.public_key(private_keys_pem["agents"], "account") if settings.agents.enabled else None
    claims = account_claims(settings, operator=operator, account=account, services=services, agents=agents)
    return ServerTokens(
        operator=nkeys.token(operator_claims(operator), private_keys_pem["operator"]),
        account=nkeys.token(claims, private_keys_pem["operator"]),
        account_key=account,
    )
