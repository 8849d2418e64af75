"""How NATS servers are reached, and by whom."""

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.messaging import config, streams
from components.metadata import selector
from components.namespaces import MONITORING
from components.peering import StorePeers
from components.workload import AppMetadata, headless_service, service_monitor


def network_policies(
    name: str,
    app: AppMetadata,
    *,
    client_namespace: pulumi.Input[str],
    peers: StorePeers | None,
    with_streams: bool,
    opts: pulumi.ResourceOptions,
) -> None:
    """Let clients, the Job for streams (`with_streams`), each other, Prometheus and other regions reach the servers."""
    servers = network.peer(pods=selector(config.APP))
    clients = [network.peer(namespace=client_namespace)]
    if with_streams:
        clients.append(network.peer(pods=selector(streams.APP)))
    network.policy(
        f"{name}-network-policy",
        name=config.APP,
        app=config.APP,
        region=app.region,
        namespace=app.namespace,
        pods=selector(config.APP),
        ingress=[
            network.ingress([config.CLIENT_PORT], *clients),
            network.ingress([config.CLUSTER_PORT], servers),
            network.ingress([config.EXPORTER_PORT], network.peer(namespace=MONITORING)),
            *([peers.ingress(config.GATEWAY_PORT)] if peers else []),
        ],
        egress=[
            network.egress([config.CLUSTER_PORT], servers),
            *([peers.egress(config.GATEWAY_PORT)] if peers else []),
        ],
        opts=opts,
    )


def services(
    name: str, app: AppMetadata, *, monitored_by: pulumi.Resource | None, opts: pulumi.ResourceOptions
) -> None:
    """The Services that servers and clients use, and the monitor."""
    headless_service(
        name,
        app,
        service=config.HEADLESS_SERVICE,
        ports=[
            _port("client", config.CLIENT_PORT),
            _port("cluster", config.CLUSTER_PORT),
            _port("metrics", config.EXPORTER_PORT, protocol="http"),
        ],
        opts=opts,
    )
    k8s.core.v1.Service(
        f"{name}-service",
        metadata=app.meta(config.SERVICE),
        spec=k8s.core.v1.ServiceSpecArgs(selector=selector(config.APP), ports=[_port("client", config.CLIENT_PORT)]),
        opts=opts,
    )
    service_monitor(name, app, endpoint={"port": "metrics"}, monitored_by=monitored_by, opts=opts)


def _port(name: str, number: int, protocol: str = "tcp") -> k8s.core.v1.ServicePortArgs:
    return k8s.core.v1.ServicePortArgs(name=name, port=number, target_port=name, protocol="TCP", app_protocol=protocol)
