"""The link between an edge site's NATS and that of its home region, as each of the two sees it."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.messaging import configuration, live_configuration
from components.peering import peer_name


@dataclass(frozen=True, kw_only=True)
class SiteLink:
    """An edge site, as its home region sees it."""

    site: str
    password_hash: pulumi.Output[str]
    """bcrypt hash of the password that the site logs in with."""
    egress_addresses: Sequence[str]
    """IPv4 addresses that the site connects from."""

    def ingress(self) -> k8s.networking.v1.NetworkPolicyIngressRuleArgs:
        """Let the site reach the region's servers."""
        addresses = (network.cidr(f"{address}/32") for address in self.egress_addresses)
        return network.ingress([configuration.LEAF_PORT], *addresses)


@dataclass(frozen=True, kw_only=True)
class HomeLink:
    """The home region, as an edge site sees it."""

    region: str
    password: pulumi.Output[str]
    addresses: Sequence[pulumi.Output[str]]
    """IPv4 addresses of the region's peer endpoint for sites."""

    def egress(self) -> k8s.networking.v1.NetworkPolicyEgressRuleArgs:
        """Let the site's servers reach the region's."""
        targets = (network.cidr(pulumi.Output.concat(address, "/32")) for address in self.addresses)
        return network.egress([configuration.LEAF_PORT], *targets)


def render_home(*, site: str, home: str, namespace: str, password: str) -> str:
    """Return the text of home.conf, with which the servers of `site` connect to those of `home`. It is secret.

    `namespace` is where the servers run. The pings find a link that has gone without a word.
    """
    links = live_configuration.render_links(
        host=peer_name(home, namespace),
        account_key=configuration.APPLICATION_ACCOUNT,
        passwords={configuration.site_user(site): password},
        handshake=configuration.SITE_HANDSHAKE_SECONDS,
    )
    return f"""\
ping_interval: "{configuration.SITE_PING_SECONDS}s"
ping_max: 2
{links}"""
