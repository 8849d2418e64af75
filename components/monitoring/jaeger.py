"""Jaeger stores and shows traces."""

import json
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.context import RegionContext
from components.metadata import DONE_AT_ONCE, object_meta
from components.monitoring import names
from components.monitoring.collector import self_telemetry
from components.namespaces import MONITORING
from components.ports import OTLP_GRPC_PORT
from components.releases import chart_release
from components.versions import JAEGER
from components.workload import AppMetadata, digest, service_monitor

STORAGE = "5Gi"
JAEGER_USER = 10001
JAEGER_CLAIM = "jaeger-badger"
BADGER = "/badger"
TRACES_KEPT = "72h"


class Jaeger(pulumi.ComponentResource):
    """Jaeger in one pod, with traces that survive a restart.

    Outputs: `host` (takes OTLP/gRPC), `port_forward` (a command).
    """

    host: pulumi.Output[str]
    port_forward: pulumi.Output[str]

    def __init__(self, name: str, context: RegionContext, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:monitoring:Jaeger", name, None, opts)
        namespace = context.namespaces[MONITORING]
        claim = self._claim(name, context)
        release = chart_release(
            f"{name}-release",
            JAEGER,
            name=names.JAEGER,
            namespace=namespace,
            values=jaeger_values(),
            opts=pulumi.ResourceOptions(parent=self, depends_on=[claim]),
        )
        service_monitor(
            name,
            AppMetadata(app=names.JAEGER, region=context.region, namespace=namespace),
            services={"app.kubernetes.io/name": "jaeger"},
            endpoint={"port": "internal-metrics", "interval": "30s"},
            monitored_by=context.monitored_by,
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.host = pulumi.Output.all(namespace, release.name).apply(
            lambda known: f"{names.JAEGER}.{known[0]}.svc.cluster.local"
        )
        forward = f" port-forward service/{names.JAEGER} {names.JAEGER_QUERY_PORT}"
        self.port_forward = pulumi.Output.concat("kubectl -n ", namespace, forward)
        self.register_outputs({"host": self.host, "port_forward": self.port_forward})

    def _claim(self, name: str, context: RegionContext) -> k8s.core.v1.PersistentVolumeClaim:
        return k8s.core.v1.PersistentVolumeClaim(
            f"{name}-claim",
            metadata=object_meta(
                JAEGER_CLAIM,
                app=names.JAEGER,
                region=context.region,
                namespace=context.namespaces[MONITORING],
                # Many storage classes bind a claim only when its first pod is scheduled, which happens later.
                annotations=DONE_AT_ONCE,
            ),
            spec=k8s.core.v1.PersistentVolumeClaimSpecArgs(
                access_modes=["ReadWriteOnce"],
                storage_class_name=context.storage_class,
                resources=k8s.core.v1.VolumeResourceRequirementsArgs(requests={"storage": STORAGE}),
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )


def jaeger_values() -> dict[str, Any]:
    """Return values of chart `jaeger`: one process, with its spans in Badger on a volume."""
    config = jaeger_config()
    return {
        "fullnameOverride": names.JAEGER,
        "userconfig": config,
        "jaeger": {
            "podSecurityContext": {
                "runAsNonRoot": True,
                "runAsUser": JAEGER_USER,
                "runAsGroup": JAEGER_USER,
                "fsGroup": JAEGER_USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
            "serviceAccount": {"automountServiceAccountToken": False},
            "resources": {
                "requests": {"cpu": "50m", "memory": "768Mi"},
                "limits": {"cpu": "1", "memory": "768Mi"},
            },
            "extraEnv": [
                # Badger's caches alone may take half a gibibyte, so Go must collect garbage before the limit.
                {"name": "GOMEMLIMIT", "value": "650MiB"},
                # A changed variable restarts the pod. A file that is mounted by `subPath`, as this one, never changes.
                {"name": "CONFIG_CHECKSUM", "value": digest(json.dumps(config, sort_keys=True))},
            ],
            "extraVolumes": [{"name": "badger", "persistentVolumeClaim": {"claimName": JAEGER_CLAIM}}],
            "extraVolumeMounts": [{"name": "badger", "mountPath": BADGER}],
        },
    }


def jaeger_config() -> dict[str, Any]:
    """Return Jaeger's configuration: OTLP input, Badger storage, and the user interface with its API."""
    return {
        "service": {
            "extensions": ["jaeger_storage", "jaeger_query", "healthcheckv2"],
            "pipelines": {
                "traces": {
                    "receivers": ["otlp"],
                    "processors": ["batch"],
                    "exporters": ["jaeger_storage_exporter"],
                }
            },
            "telemetry": self_telemetry(),
        },
        "extensions": {
            "healthcheckv2": {"use_v2": True, "http": {"endpoint": f"0.0.0.0:{names.HEALTH_PORT}"}},
            "jaeger_query": {"storage": {"traces": "badger"}},
            "jaeger_storage": {
                "backends": {
                    "badger": {
                        "badger": {
                            "directories": {"keys": f"{BADGER}/keys", "values": f"{BADGER}/values"},
                            "ephemeral": False,
                            "ttl": {"spans": TRACES_KEPT},
                        }
                    }
                }
            },
        },
        "receivers": {"otlp": {"protocols": {"grpc": {"endpoint": f"0.0.0.0:{OTLP_GRPC_PORT}"}}}},
        "processors": {"batch": {}},
        "exporters": {"jaeger_storage_exporter": {"trace_storage": "badger"}},
    }
