"""Values of the chart kube-prometheus-stack. Pure: no resources."""

from typing import Any

from components.cluster import DnsServer
from components.monitoring import names
from components.monitoring.alertmanager import RECEIVER_SECRET, alertmanager_config
from components.monitoring.sizes import Memory
from components.monitoring.thanos_config import global_datasource, sidecar_values
from components.namespaces import SYSTEM
from components.quantities import quantity_bytes

ALERTMANAGER_STORAGE = "1Gi"
SCRAPE_INTERVAL = "30s"
EXEMPLARS_KEPT = 100_000
NODE_LABELS = ["node.kubernetes.io/instance-type", "topology.kubernetes.io/zone"]
READER = "grafana-reader"
"""The Role of what Grafana's sidecars read: dashboards and data sources."""
FOLDER_ANNOTATION = "grafana_folder"
"""Grafana's sidecar puts a dashboard into the folder that this annotation of its ConfigMap names."""
TRACE_LABEL = "trace_id"
"""The label of an exemplar that names its trace, as OpenTelemetry and OpenMetrics have it."""
MEBIBYTE = 2**20
# Blocks are deleted when a new one is written, so the volume needs room for that and for the write-ahead log.
RETAINED_SHARE = 0.8


def stack_values(
    *,
    region: str,
    namespace: object,
    retention: str,
    storage: str,
    storage_class: str | None,
    memory: Memory,
    dns_server: DnsServer,
    node_exporter: bool,
    receiver: bool = False,
    receiver_token: bool = False,
    across: bool = False,
) -> dict[str, Any]:
    """All values. `namespace` is the release's, `retention` a Prometheus duration, `storage` a Kubernetes quantity.

    `receiver` says that there is a Secret with where alerts go, `receiver_token` that it has a token, too. `across`
    lets Thanos read the metrics here, and Grafana those of all regions.
    """
    return {
        "fullnameOverride": names.STACK,
        **_unreachable_components(),
        **_scraped_components(dns_server),
        "defaultRules": _default_rules(),
        "prometheusOperator": _operator(),
        "prometheus": {
            "prometheusSpec": {
                **_prometheus(region, retention, storage, storage_class, memory.prometheus),
                **(sidecar_values(memory.thanos_sidecar) if across else {}),
            },
            **({name: {"enabled": True} for name in ("thanosService", "thanosServiceMonitor")} if across else {}),
        },
        "alertmanager": {
            "config": alertmanager_config(receiver=receiver, token=receiver_token),
            "alertmanagerSpec": _alertmanager(storage_class, receiver),
        },
        "grafana": _grafana(across, namespace, memory.grafana),
        "kube-state-metrics": {
            "fullnameOverride": "kube-state-metrics",
            "resources": _resources(cpu="20m", cpu_limit="200m", memory=memory.kube_state_metrics),
            # What a node costs depends on its type.
            "metricLabelsAllowlist": [f"nodes=[{','.join(NODE_LABELS)}]"],
        },
        "nodeExporter": {"enabled": node_exporter},
        # It needs the node's network, processes and files, which our restricted namespace rightly refuses.
        "prometheus-node-exporter": {
            "fullnameOverride": "node-exporter",
            "namespaceOverride": SYSTEM,
            "resources": _resources(cpu="20m", cpu_limit="200m", memory="64Mi"),
        },
    }


def retention_size(storage: str) -> str:
    """How much Prometheus keeps on a volume of the size `storage`, in the units of its operator."""
    return f"{int(quantity_bytes('storage', storage) * RETAINED_SHARE) // MEBIBYTE}MiB"


def _unreachable_components() -> dict[str, Any]:
    """What managed clusters hide and kind binds to the node's loopback: it would only ever be reported as down."""
    hidden = ("kubeControllerManager", "kubeEtcd", "kubeScheduler", "kubeProxy")
    return {component: {"enabled": False} for component in hidden}


def _scraped_components(dns_server: DnsServer) -> dict[str, Any]:
    return {
        "coreDns": {"enabled": dns_server == "coredns"},
        "kubeDns": {"enabled": dns_server == "kube-dns"},
        # The chart's 10 s would be most of what a node is asked for.
        "kubelet": {"serviceMonitor": {"cAdvisorInterval": SCRAPE_INTERVAL}},
    }


def _default_rules() -> dict[str, Any]:
    # Ours watch the same with a runbook of their own. Rules of components that are off go with these.
    return {"disabled": {"KubePodCrashLooping": True, "KubePersistentVolumeFillingUp": True}}


def _operator() -> dict[str, Any]:
    return {
        "resources": _resources(cpu="20m", cpu_limit="500m", memory="128Mi"),
        "prometheusConfigReloader": {"resources": _resources(cpu="10m", cpu_limit="100m", memory="64Mi")},
        "admissionWebhooks": {"patch": {"resources": _resources(cpu="10m", cpu_limit="200m", memory="64Mi")}},
    }


def _prometheus(region: str, retention: str, storage: str, storage_class: str | None, memory: str) -> dict[str, Any]:
    kinds = ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")
    return {
        "retention": retention,
        "retentionSize": retention_size(storage),
        "storageSpec": _claim(storage, storage_class),
        "externalLabels": {"region": region},
        "scrapeInterval": SCRAPE_INTERVAL,
        "evaluationInterval": SCRAPE_INTERVAL,
        "enableFeatures": ["exemplar-storage"],
        "exemplars": {"maxSize": EXEMPLARS_KEPT},
        "resources": _resources(cpu="100m", cpu_limit="2", memory=memory),
        # Else only objects with this release's label are found; with it, those of every namespace are.
        **{f"{kind}SelectorNilUsesHelmValues": False for kind in kinds},
    }


def _alertmanager(storage_class: str | None, receiver: bool) -> dict[str, Any]:
    return {
        # Mounted, never copied into the configuration.
        "secrets": [RECEIVER_SECRET] if receiver else [],
        "storage": _claim(ALERTMANAGER_STORAGE, storage_class),
        "resources": _resources(cpu="10m", cpu_limit="200m", memory="64Mi"),
    }


def _grafana(across: bool, namespace: object, memory: str) -> dict[str, Any]:
    return {
        "fullnameOverride": names.GRAFANA,
        "admin": {
            "existingSecret": names.GRAFANA_SECRET,
            "userKey": "admin-user",
            "passwordKey": "admin-password",
        },
        "rbac": {"namespaced": True, "useExistingRole": READER},
        "resources": _resources(cpu="50m", cpu_limit="1", memory=memory),
        "sidecar": {
            "resources": _resources(cpu="10m", cpu_limit="200m", memory="128Mi"),
            "dashboards": {
                "folderAnnotation": FOLDER_ANNOTATION,
                "provider": {"foldersFromFilesStructure": True},
                "resource": "configmap",
                "searchNamespace": namespace,
            },
            "datasources": {
                "exemplarTraceIdDestinations": _traces(),
                "resource": "configmap",
                "searchNamespace": namespace,
            },
        },
        "grafana.ini": {
            # Its compression keeps memory that it never gives back.
            "server": {"enable_gzip": False},
            "analytics": {"check_for_updates": False, "reporting_enabled": False},
            "users": {"allow_sign_up": False},
        },
        "additionalDataSources": [
            *([global_datasource(_traces())] if across else []),
            {
                "name": "Jaeger",
                "uid": names.JAEGER,
                "type": "jaeger",
                "access": "proxy",
                "url": f"http://{names.JAEGER}:{names.JAEGER_QUERY_PORT}",
            },
        ],
    }


def _traces() -> dict[str, str]:
    """From an exemplar to its trace."""
    return {"datasourceUid": names.JAEGER, "traceIdLabelName": TRACE_LABEL, "urlDisplayLabel": "Trace"}


def _claim(storage: str, storage_class: str | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}}
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {"volumeClaimTemplate": {"spec": spec}}


def _resources(*, cpu: str, cpu_limit: str, memory: str) -> dict[str, dict[str, str]]:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu_limit, "memory": memory}}
