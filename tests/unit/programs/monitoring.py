"""A program of the monitoring alone, for tests."""

import pulumi

from components.monitoring import AlertReceiver, Here, Monitoring, MonitoringArgs, Watched

config = pulumi.Config()
URL, TOKEN = config.get("url"), config.get("token")

monitoring = Monitoring(
    "here-monitoring",
    MonitoringArgs(
        here=Here(region="here", city="Here", latitude=50.85, longitude=4.35),
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
        receiver=AlertReceiver(url=pulumi.Output.secret(URL), token=pulumi.Output.secret(TOKEN or "")) if URL else None,
    ),
)
pulumi.export("traceEndpoint", monitoring.trace_endpoint)
pulumi.export("grafanaSecret", monitoring.grafana_secret_name)
pulumi.export("grafana", monitoring.grafana_port_forward)
pulumi.export("jaeger", monitoring.jaeger_port_forward)
