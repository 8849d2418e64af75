"""A program of the monitoring alone, for tests."""

import pulumi

from components.monitoring import Monitoring, MonitoringArgs, Watched

monitoring = Monitoring(
    "here-monitoring",
    MonitoringArgs(
        region="here",
        namespace="monitoring",
        retention="7d",
        storage="5Gi",
        watched=Watched(
            services="sacred-council",
            ingress="istio-ingress",
            control_plane="istio-system",
            database="cockroachdb",
            cache="redis",
            messaging="nats",
            monitoring="monitoring",
        ),
        trace_clients=["sacred-council", "istio-ingress"],
    ),
)
pulumi.export("traceEndpoint", monitoring.trace_endpoint)
pulumi.export("grafanaSecret", monitoring.grafana_secret_name)
pulumi.export("grafana", monitoring.grafana_port_forward)
pulumi.export("jaeger", monitoring.jaeger_port_forward)
