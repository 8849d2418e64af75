"""Network policies of the monitoring namespace."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.monitoring import names
from components.peering import StorePeers
from components.ports import HTTPS_PORT, OTLP_GRPC_PORT
from components.public_gateway import own_gateway_egress

Ingress = k8s.networking.v1.NetworkPolicyIngressRuleArgs
Egress = k8s.networking.v1.NetworkPolicyEgressRuleArgs

PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}
ALERTMANAGER = {"app.kubernetes.io/name": "alertmanager"}
GRAFANA = {"app.kubernetes.io/name": "grafana"}
STATE_METRICS = {"app.kubernetes.io/name": "kube-state-metrics"}
OPERATOR = {"app": f"{names.STACK}-operator"}
JAEGER = {"app.kubernetes.io/name": "jaeger"}
THANOS_QUERY = {"app.kubernetes.io/name": names.THANOS_QUERY}
COLLECTOR = {"app.kubernetes.io/name": names.COLLECTOR}

OPERATOR_PORT = 10250
KUBELET_PORT = 10250
GRAFANA_PORT = 3000
STATE_METRICS_PORTS = (8080, 8081)
RELOADER_PORT = 8080
GOSSIP_PORT = 9094


@dataclass(frozen=True, kw_only=True)
class PolicyRules:
    """Permitted connections to and from the pods with labels `pods`."""

    pods: Mapping[str, str]
    ingress: Sequence[Ingress] = field(default_factory=tuple)
    egress: Sequence[Egress] = field(default_factory=tuple)


def stack_network_policies(
    *, receiver: bool = False, gateway: pulumi.Input[str] | None = None
) -> dict[str, PolicyRules]:
    """Return the network policies of kube-prometheus-stack, by policy name.

    With a `receiver` Alertmanager may call any HTTPS address, because policies need addresses and it has only a name.
    The name may be the stack's own, so Alertmanager also reaches the public gateway, in the namespace `gateway` (None:
    the region has none).
    """
    prometheus = network.peer(pods=PROMETHEUS)
    grafana = network.peer(pods=GRAFANA)
    alertmanager = network.peer(pods=ALERTMANAGER)
    api = network.api_server_egress()
    return {
        "prometheus": PolicyRules(
            pods=PROMETHEUS,
            ingress=[
                network.ingress([names.PROMETHEUS_PORT], grafana, prometheus),
                network.ingress([RELOADER_PORT], prometheus),
            ],
            egress=[_any_pod(), network.egress([KUBELET_PORT, names.NODE_EXPORTER_PORT]), api],
        ),
        "alertmanager": _alertmanager(receiver=receiver, gateway=gateway),
        "grafana": PolicyRules(
            pods=GRAFANA,
            ingress=[network.ingress([GRAFANA_PORT], prometheus)],
            egress=[
                network.egress([names.PROMETHEUS_PORT], prometheus),
                network.egress([names.ALERTMANAGER_PORT], alertmanager),
                network.egress([names.JAEGER_QUERY_PORT], network.peer(pods=JAEGER)),
                api,
            ],
        ),
        "kube-state-metrics": PolicyRules(
            pods=STATE_METRICS, ingress=[network.ingress(STATE_METRICS_PORTS, prometheus)], egress=[api]
        ),
        # The API server calls the operator's webhook from an address that differs between clusters.
        "operator": PolicyRules(pods=OPERATOR, ingress=[network.ingress([OPERATOR_PORT])], egress=[api]),
        **{
            f"admission-{job}": PolicyRules(pods={"app": f"{names.STACK}-admission-{job}"}, egress=[api])
            for job in ("create", "patch")
        },
    }


def _alertmanager(*, receiver: bool, gateway: pulumi.Input[str] | None) -> PolicyRules:
    prometheus, grafana = network.peer(pods=PROMETHEUS), network.peer(pods=GRAFANA)
    replicas = network.peer(pods=ALERTMANAGER)
    return PolicyRules(
        pods=ALERTMANAGER,
        ingress=[
            network.ingress([names.ALERTMANAGER_PORT], prometheus, grafana),
            network.ingress([RELOADER_PORT], prometheus),
            network.ingress([GOSSIP_PORT], replicas),
        ],
        egress=[
            network.egress([GOSSIP_PORT], replicas),
            *([network.egress([HTTPS_PORT])] if receiver else []),
            *([own_gateway_egress(gateway, HTTPS_PORT)] if receiver and gateway is not None else []),
        ],
    )


def tracing_network_policies(clients: Sequence[str], sites: Sequence[str] = ()) -> dict[str, PolicyRules]:
    """Return the network policies of Jaeger and the collector.

    `clients` are the namespaces that send traces, `sites` the IPv4 addresses from which edge sites send theirs.
    """
    prometheus = network.peer(pods=PROMETHEUS)
    collector = network.peer(pods=COLLECTOR)
    jaeger = network.peer(pods=JAEGER)
    senders = [network.peer(namespace=namespace) for namespace in clients]
    far = [network.cidr(f"{address}/32") for address in sites]
    return {
        "jaeger": PolicyRules(
            pods=JAEGER,
            ingress=[
                network.ingress([OTLP_GRPC_PORT], collector),
                network.ingress([names.JAEGER_QUERY_PORT], network.peer(pods=GRAFANA)),
                network.ingress([names.SELF_METRICS_PORT], prometheus),
            ],
        ),
        names.COLLECTOR: PolicyRules(
            pods=COLLECTOR,
            ingress=[
                network.ingress([OTLP_GRPC_PORT, names.OTLP_HTTP_PORT], *senders),
                *([network.ingress([names.SITES_PORT], *far)] if far else []),
                network.ingress([names.SELF_METRICS_PORT, names.SPAN_METRICS_PORT], prometheus),
            ],
            egress=[network.egress([OTLP_GRPC_PORT], jaeger)],
        ),
    }


def global_network_policies(peers: StorePeers) -> dict[str, PolicyRules]:
    """Return the policies for asking all regions: those of Thanos, and additions for Prometheus and Grafana.

    The additions are separate policies, because policies for the same pods add up. So the region's own ones stay.
    """
    prometheus, query = network.peer(pods=PROMETHEUS), network.peer(pods=THANOS_QUERY)
    return {
        names.THANOS_QUERY: PolicyRules(
            pods=THANOS_QUERY,
            ingress=[network.ingress([names.THANOS_HTTP_PORT], network.peer(pods=GRAFANA), prometheus)],
            egress=[network.egress([names.STORE_PORT], prometheus), peers.egress(names.STORE_PORT)],
        ),
        "thanos-store": PolicyRules(
            pods=PROMETHEUS,
            ingress=[
                network.ingress([names.STORE_PORT], query),
                peers.ingress(names.STORE_PORT),
                network.ingress([names.THANOS_HTTP_PORT], prometheus),
            ],
        ),
        "thanos-clients": PolicyRules(pods=GRAFANA, egress=[network.egress([names.THANOS_HTTP_PORT], query)]),
    }


def network_policies(
    policies: Mapping[str, PolicyRules],
    *,
    name: str,
    region: str,
    namespace: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    """Create one NetworkPolicy for each entry of `policies`."""
    return [
        network.policy(
            f"{name}-policy-{policy}",
            name=policy,
            app=policy,
            region=region,
            namespace=namespace,
            pods=rules.pods,
            ingress=rules.ingress,
            egress=rules.egress,
            opts=opts,
        )
        for policy, rules in policies.items()
    ]


def _any_pod() -> Egress:
    """Allow all pods as targets. The policy of a scraped namespace decides what Prometheus reaches."""
    return Egress(to=[k8s.networking.v1.NetworkPolicyPeerArgs(namespace_selector=k8s.meta.v1.LabelSelectorArgs())])
