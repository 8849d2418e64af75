"""cert-manager: obtains certificates of public authorities and renews them between deployments."""

from functools import partial
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.context import RegionContext
from components.namespaces import CERT_MANAGER as CERT_MANAGER_NAMESPACE
from components.namespaces import INGRESS, MONITORING
from components.public_gateway import own_gateway_egress
from components.releases import chart_release
from components.versions import CERT_MANAGER

APP: Final = "cert-manager"
WEBHOOK_PORT: Final = 10250
METRICS_PORT: Final = 9402
CONTROLLER: Final = {"app.kubernetes.io/name": "cert-manager", "app.kubernetes.io/component": "controller"}
_WEBHOOK: Final = {"app.kubernetes.io/name": "webhook", "app.kubernetes.io/component": "webhook"}


class CertManager(pulumi.ComponentResource):
    """cert-manager and its kinds, in a closed namespace of its own that opens only the ports it needs.

    With `public_authority` the region's gateway answers the authority's challenges, and cert-manager checks the gateway
    first.

    Outputs: `release` (issuers and certificates wait for it).
    """

    release: pulumi.Resource

    def __init__(
        self,
        name: str,
        context: RegionContext,
        *,
        public_authority: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:certificates:CertManager", name, None, context.child(opts))
        policies = self._network_policies(name, context, public_authority)
        monitoring = [context.monitored_by] if context.monitored_by is not None else []
        self.release = chart_release(
            f"{name}-release",
            CERT_MANAGER,
            name=APP,
            namespace=context.namespaces[CERT_MANAGER_NAMESPACE],
            values=_values(monitored=bool(monitoring)),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*policies, *monitoring]),
        )
        self.register_outputs({})

    def _network_policies(
        self, name: str, context: RegionContext, public_authority: bool
    ) -> list[k8s.networking.v1.NetworkPolicy]:
        policy = partial(
            network.policy,
            app=APP,
            region=context.region,
            namespace=context.namespaces[CERT_MANAGER_NAMESPACE],
            opts=pulumi.ResourceOptions(parent=self),
        )
        everyone = policy(
            f"{name}-policy",
            name="kubernetes-api",
            # Each pod of cert-manager serves metrics, and the chart's one monitor reads them all.
            ingress=[network.ingress([METRICS_PORT], network.peer(namespace=MONITORING))],
            egress=[network.api_server_egress()],
        )
        webhook = policy(
            f"{name}-webhook-policy",
            name="webhook",
            pods=_WEBHOOK,
            # The API server calls the webhook from an address that differs between clusters.
            ingress=[network.ingress([WEBHOOK_PORT])],
        )
        if not public_authority:
            return [everyone, webhook]
        controller = policy(
            f"{name}-controller-policy",
            name="controller",
            pods=CONTROLLER,
            egress=_challenges(context.namespaces[INGRESS]),
        )
        return [everyone, webhook, controller]


def _challenges(gateway: pulumi.Input[str]) -> list[k8s.networking.v1.NetworkPolicyEgressRuleArgs]:
    """Let the controller reach the authority and, by public name, the gateway of this or another region.

    `gateway` is the namespace of the region's own gateway. The other addresses are not known in advance.
    HTTP redirects to HTTPS, and cert-manager follows.
    """
    return [network.egress([80, 443]), own_gateway_egress(gateway, 80, 443)]


def _values(*, monitored: bool) -> dict[str, Any]:
    """Values of chart `cert-manager`. Its own security contexts are restricted already."""
    return {
        "crds": {"enabled": True},
        "global": {"leaderElection": {"namespace": CERT_MANAGER_NAMESPACE}},
        "prometheus": {"enabled": True, "servicemonitor": {"enabled": monitored, "interval": "30s"}},
        "resources": _resources("64Mi"),
        "webhook": {"resources": _resources("64Mi")},
        "cainjector": {"resources": _resources("96Mi")},
        "startupapicheck": {"resources": _resources("64Mi")},
    }


def _resources(memory: str) -> dict[str, dict[str, str]]:
    return {"requests": {"cpu": "10m", "memory": memory}, "limits": {"cpu": "500m", "memory": "256Mi"}}
