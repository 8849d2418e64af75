"""Metrics of the mesh's proxies."""

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import object_meta


def proxy_monitor(
    resource_name: str, *, app: str, region: str, namespace: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> k8s.apiextensions.CustomResource:
    """Let Prometheus scrape the proxies of all pods in `namespace`: only they have a port of this name."""
    return k8s.apiextensions.CustomResource(
        resource_name,
        api_version="monitoring.coreos.com/v1",
        kind="PodMonitor",
        metadata=object_meta("proxies", app=app, region=region, namespace=namespace),
        spec={
            "selector": {},
            "jobLabel": "app.kubernetes.io/name",
            "podMetricsEndpoints": [{"port": "http-envoy-prom", "path": "/stats/prometheus", "interval": "30s"}],
        },
        opts=opts,
    )
