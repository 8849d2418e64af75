"""cert-manager: keeps certificates of public authorities, and renews them while nobody deploys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.namespaces import CERT_MANAGER as CERT_MANAGER_NAMESPACE
from components.releases import chart_release
from components.versions import CERT_MANAGER

APP: Final = "cert-manager"
WEBHOOK_PORT: Final = 10250
METRICS_PORT: Final = 9402
_CONTROLLER: Final = {"app.kubernetes.io/name": "cert-manager", "app.kubernetes.io/component": "controller"}
_WEBHOOK: Final = {"app.kubernetes.io/name": "webhook", "app.kubernetes.io/component": "webhook"}


@dataclass(frozen=True, kw_only=True)
class ChallengedGateway:
    """The pods that answer a public authority's challenges, and their `ports`. cert-manager asks them first."""

    namespace: pulumi.Input[str]
    pods: Mapping[str, str]
    ports: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class CertManagerArgs:
    """`namespace` is cert-manager's own. `monitored_by` brings the monitoring CRDs (None: no monitor).

    `gateway` answers the challenges of a public authority (None: no such authority is asked).
    """

    region: str
    namespace: pulumi.Input[str]
    monitoring_namespace: str
    gateway: ChallengedGateway | None = None
    monitored_by: pulumi.Resource | None = None


class CertManager(pulumi.ComponentResource):
    """cert-manager and its kinds, in a namespace of its own that is closed but for what it needs.

    Outputs: `release` (what must exist before issuers and certificates).
    """

    release: pulumi.Resource

    def __init__(self, name: str, args: CertManagerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:certificates:CertManager", name, None, opts)
        policies = self._network_policies(name, args)
        monitoring = [args.monitored_by] if args.monitored_by is not None else []
        self.release = chart_release(
            f"{name}-release",
            CERT_MANAGER,
            name=APP,
            namespace=args.namespace,
            values=_values(monitored=bool(monitoring)),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[*policies, *monitoring]),
        )
        self.register_outputs({})

    def _network_policies(self, name: str, args: CertManagerArgs) -> list[k8s.networking.v1.NetworkPolicy]:
        child = pulumi.ResourceOptions(parent=self)
        where: dict[str, Any] = {"app": APP, "region": args.region, "namespace": args.namespace, "opts": child}
        monitoring = network.peer(namespace=args.monitoring_namespace)
        everyone = network.policy(
            f"{name}-policy",
            name="kubernetes-api",
            # Each of its pods has metrics, and the chart's one monitor reads them all.
            ingress=[network.ingress([METRICS_PORT], monitoring)],
            egress=[network.api_server_egress()],
            **where,
        )
        controller = network.policy(
            f"{name}-controller-policy",
            name="controller",
            pods=_CONTROLLER,
            egress=_challenges(args.gateway) if args.gateway else [],
            **where,
        )
        webhook = network.policy(
            f"{name}-webhook-policy",
            name="webhook",
            pods=_WEBHOOK,
            # The API server calls it from an address that differs with every cluster.
            ingress=[network.ingress([WEBHOOK_PORT])],
            **where,
        )
        return [everyone, controller, webhook]


def _challenges(gateway: ChallengedGateway) -> list[k8s.networking.v1.NetworkPolicyEgressRuleArgs]:
    """The controller asks the authority and, by its public name, the gateway: the region's own, or another region's.

    Cilium (also on GKE and AKS) and Calico send a request to the cluster's own load balancer straight to a pod, and
    judge the pod and its port. Other addresses are not known beforehand.
    """
    own = network.peer(namespace=gateway.namespace, pods=gateway.pods)
    return [network.egress([80, 443]), network.egress(gateway.ports, own)]


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
