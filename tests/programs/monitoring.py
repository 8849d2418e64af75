"""A program of the monitoring alone, for tests."""

import pulumi

from components.context import RegionLabels
from components.monitoring import (
    AlertReceiver,
    Monitoring,
    MonitoringArgs,
    MonitoringTargets,
    RegionSize,
    memory,
)
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

monitoring = Monitoring(
    "here-monitoring",
    MonitoringArgs(
        labels=RegionLabels(region="here", city="Here", latitude=50.85, longitude=4.35),
        namespace="monitoring",
        authority=authority,
        retention="7d",
        storage="5Gi",
        memory=memory(RegionSize(nodes=3, pods=12, retention="7d")),
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
        peers=peers,
        receiver=AlertReceiver(url=pulumi.Output.secret(URL), token=pulumi.Output.secret(TOKEN or "")) if URL else None,
    ),
)
pulumi.export("traceEndpoint", monitoring.trace_endpoint)
pulumi.export("grafanaSecret", monitoring.grafana_secret_name)
pulumi.export("grafana", monitoring.grafana_port_forward)
pulumi.export("jaeger", monitoring.jaeger_port_forward)
