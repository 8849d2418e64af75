"""A program with only the monitoring, for tests."""

import pulumi

from components.context import RegionContext, RegionLabels
from components.monitoring import AlertReceiver, Monitoring, MonitoringTargets, RegionSize
from components.monitoring.settings import MonitoringSettings
from components.namespaces import MONITORING
from components.peering import StorePeers
from components.trust import RegionAuthority, RegionAuthorityArgs, RootAuthority, RootAuthorityArgs

OTHERS = {"north": "203.0.113.1", "south": "203.0.113.2"}

config = pulumi.Config()
URL, TOKEN = config.get("url"), config.get("token")

authority = RegionAuthority(
    "here-authority",
    RegionAuthorityArgs(root=RootAuthority("root", RootAuthorityArgs(common_name="root")), common_name="here"),
)
peers = (
    StorePeers(
        regions=sorted(OTHERS), endpoints=list(OTHERS.values()), allowed_sources=["198.51.100.1", "198.51.100.2"]
    )
    if config.get_bool("several")
    else None
)

context = RegionContext(
    labels=RegionLabels(region="here", city="Brussels", latitude=50.85, longitude=4.35),
    domain="example.org",
    namespaces={MONITORING: pulumi.Output.from_input(MONITORING)},
    authority=authority,
    options=pulumi.ResourceOptions(),
    peers={MONITORING: peers} if peers else {},
)
monitoring = Monitoring(
    "here-monitoring",
    context,
    MonitoringSettings(),
    size=RegionSize(nodes=3, pods=12),
    targets=MonitoringTargets(
        services="sacred-council",
        ingress="istio-ingress",
        control_plane="istio-system",
        database="cockroachdb",
        cache="redis",
        messaging="nats",
        monitoring="monitoring",
    ),
    trace_clients=["sacred-council", "istio-ingress"],
    receiver=AlertReceiver(url=pulumi.Output.secret(URL), token=pulumi.Output.secret(TOKEN or "")) if URL else None,
)
pulumi.export("traceEndpoint", monitoring.trace_endpoint)
pulumi.export("grafanaSecret", monitoring.grafana_secret_name)
pulumi.export("grafana", monitoring.grafana_port_forward)
pulumi.export("jaeger", monitoring.jaeger_port_forward)
