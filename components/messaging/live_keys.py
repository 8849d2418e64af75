"""The keys of live collaboration. All regions have the same, so that a browser may connect to any of them."""

from typing import Final

import pulumi
import pulumi_tls as tls

from components.messaging import nkeys
from components.messaging.live_rights import ServerTokens, server_tokens
from components.messaging.settings import WebSocketSettings

HOLDERS: Final = ("operator", "account", "services")
AGENTS: Final = "agents"
"""Holder of the key that signs agents' tokens."""


class LiveKeys(pulumi.ComponentResource):
    """The keys of the operator, of the browsers' account and of the services, and the tokens that follow from them.

    The servers trust the operator, whose key signs the account's token. That token admits users' tokens that the
    services' key has signed and, where agents are on, agents' tokens that a second key has signed. Only these two leave
    the state, as a Secret for the services.

    Outputs: `tokens` (for the servers; not secret), `services_seed` (secret: signs users' tokens), `agents_seed`
    (secret: signs agents' tokens; None where agents are off).
    """

    tokens: pulumi.Output[ServerTokens]
    services_seed: pulumi.Output[str]
    agents_seed: pulumi.Output[str] | None

    def __init__(self, name: str, settings: WebSocketSettings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:messaging:LiveKeys", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        keys = {
            holder: tls.PrivateKey(f"{name}-{holder}", algorithm="ED25519", opts=child).private_key_pem
            for holder in (*HOLDERS, *([AGENTS] if settings.agents.enabled else []))
        }
        self.tokens = pulumi.Output.unsecret(
            pulumi.Output.all(**keys).apply(lambda known: server_tokens(settings, known))
        )
        self.services_seed = _seed(keys["services"])
        self.agents_seed = _seed(keys[AGENTS]) if settings.agents.enabled else None
        self.register_outputs({"account": self.tokens.apply(lambda tokens: tokens.account_key)})


def _seed(private_key_pem: pulumi.Output[str]) -> pulumi.Output[str]:
    return pulumi.Output.secret(private_key_pem.apply(lambda pem: nkeys.seed(pem, "account")))
