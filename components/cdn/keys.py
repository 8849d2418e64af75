"""The keys that join an edge and its regions: made once, before either."""

from typing import Literal

import pulumi
import pulumi_tls as tls

from components.cdn.acme import account_thumbprint
from components.cdn.token import edge_token, key_set

Colour = Literal["blue", "green"]
COLOURS: tuple[Colour, ...] = ("blue", "green")


class EdgeKeys(pulumi.ComponentResource):
    """Two keys for the edge's token, so that one can be replaced while the other is in use, and the ACME account's.

    The account is the same in all regions: then each can answer for a host that leads to any of them.

    Outputs: `token` (secret, signed with the key called `signing`), `key_set` (public keys, JSON), `account_key`
    (secret, PEM), `account_thumbprint`.
    """

    token: pulumi.Output[str]
    key_set: pulumi.Output[str]
    account_key: pulumi.Output[str]
    account_thumbprint: pulumi.Output[str]

    def __init__(self, name: str, domain: str, signing: Colour, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:cdn:EdgeKeys", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        pairs = {colour: tls.PrivateKey(f"{name}-{colour}", algorithm="ED25519", opts=child) for colour in COLOURS}
        self.token = pulumi.Output.secret(
            pairs[signing].private_key_pem.apply(lambda pem: edge_token(pem, audience=domain, key_id=signing))
        )
        self.key_set = pulumi.Output.all(**{colour: pair.public_key_pem for colour, pair in pairs.items()}).apply(
            key_set
        )
        account = tls.PrivateKey(f"{name}-account", algorithm="ECDSA", ecdsa_curve="P256", opts=child)
        self.account_key = pulumi.Output.secret(account.private_key_pem_pkcs8)
        self.account_thumbprint = account.public_key_pem.apply(account_thumbprint)
        self.register_outputs({"key_set": self.key_set, "account_thumbprint": self.account_thumbprint})
