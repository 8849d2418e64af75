"""Jaeger: where traces are kept and looked at."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components.metadata import object_meta
from components.monitoring import names
from components.monitoring.tracing_config import JAEGER_CLAIM, jaeger_values
from components.releases import chart_release
from components.versions import JAEGER


@dataclass(frozen=True, kw_only=True)
class JaegerArgs:
    """`storage` is the size of the traces' volume; `storage_class` None is the cluster's default.

    `monitored_by` brings the monitoring CRDs.
    """

    region: str
    namespace: pulumi.Input[str]
    storage: str
    storage_class: str | None
    monitored_by: pulumi.Resource


class Jaeger(pulumi.ComponentResource):
    """Jaeger in one pod that keeps its traces over a restart.

    Outputs: `host` (takes OTLP/gRPC), `port_forward` (a command).
    """

    host: pulumi.Output[str]
    port_forward: pulumi.Output[str]

    def __init__(self, name: str, args: JaegerArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:monitoring:Jaeger", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        claim = self._claim(name, args)
        release = chart_release(
            f"{name}-release",
            JAEGER,
            name=names.JAEGER,
            namespace=args.namespace,
            values=jaeger_values(),
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[claim])),
        )
        k8s.apiextensions.CustomResource(
            f"{name}-monitor",
            api_version="monitoring.coreos.com/v1",
            kind="ServiceMonitor",
            metadata=object_meta(names.JAEGER, app=names.JAEGER, region=args.region, namespace=args.namespace),
            spec={
                "selector": {"matchLabels": {"app.kubernetes.io/name": "jaeger"}},
                "endpoints": [{"port": "internal-metrics", "interval": "30s"}],
            },
            opts=pulumi.ResourceOptions.merge(child, pulumi.ResourceOptions(depends_on=[args.monitored_by])),
        )
        self.host = pulumi.Output.all(args.namespace, release.name).apply(
            lambda known: f"{names.JAEGER}.{known[0]}.svc.cluster.local"
        )
        forward = f" port-forward service/{names.JAEGER} {names.JAEGER_QUERY_PORT}"
        self.port_forward = pulumi.Output.concat("kubectl -n ", args.namespace, forward)
        self.register_outputs({"host": self.host, "port_forward": self.port_forward})

    def _claim(self, name: str, args: JaegerArgs) -> k8s.core.v1.PersistentVolumeClaim:
        return k8s.core.v1.PersistentVolumeClaim(
            f"{name}-claim",
            metadata=object_meta(
                JAEGER_CLAIM,
                app=names.JAEGER,
                region=args.region,
                namespace=args.namespace,
                # Many storage classes bind a claim when its first pod is scheduled, and that comes after the claim.
                annotations={"pulumi.com/skipAwait": "true"},
            ),
            spec=k8s.core.v1.PersistentVolumeClaimSpecArgs(
                access_modes=["ReadWriteOnce"],
                storage_class_name=args.storage_class,
                resources=k8s.core.v1.VolumeResourceRequirementsArgs(requests={"storage": args.storage}),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
