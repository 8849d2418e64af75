"""Values of the chart kube-prometheus-stack, with the configuration of Alertmanager. Pure."""

from typing import Any, Final

import pulumi

from components.cluster import DnsServer
from components.monitoring import names
from components.monitoring.settings import MonitoringSettings
from components.monitoring.sizes import Memory
from components.monitoring.thanos import global_datasource, sidecar_values
from components.namespaces import SYSTEM
from components.quantities import quantity_bytes

ALERTMANAGER_STORAGE = "1Gi"
SCRAPE_INTERVAL = "30s"
EXEMPLARS_KEPT = 100_000
NODE_LABELS = ["node.kubernetes.io/instance-type", "topology.kubernetes.io/zone"]
READER = "grafana-reader"
"""The Role with which Grafana's sidecars read dashboards and data sources."""
FOLDER_ANNOTATION = "grafana_folder"
"""Annotation of a dashboard's ConfigMap with the folder into which Grafana's sidecar puts the dashboard."""
TRACE_LABEL = "trace_id"
"""The label of an exemplar that names its trace, in OpenTelemetry and OpenMetrics."""
COLLECTORS: Final = (
    *("certificatesigningrequests", "cronjobs", "daemonsets", "deployments", "endpointslices"),
    *("horizontalpodautoscalers", "ingresses", "jobs", "leases", "limitranges", "mutatingwebhookconfigurations"),
    *("namespaces", "networkpolicies", "nodes", "persistentvolumeclaims", "persistentvolumes", "poddisruptionbudgets"),
    *("pods", "replicasets", "replicationcontrollers", "resourcequotas", "services", "statefulsets", "storageclasses"),
    *("validatingwebhookconfigurations", "volumeattachments"),
)
"""What kube-state-metrics lists and watches: the default of its chart, without Secrets and ConfigMaps.

No rule and no dashboard uses metrics of these two, and the right to list a Secret is the right to read it.
"""
MEBIBYTE = 2**20
# Prometheus deletes blocks when it writes a new one, so the volume needs room for that and the write-ahead log.
RETAINED_SHARE = 0.8

RECEIVER_SECRET: Final = "alert-receiver"  # noqa: S105 - the name of a Secret
URL_KEY: Final = "url"
TOKEN_KEY: Final = "token"  # noqa: S105 - the name of a key
MOUNTED: Final = f"/etc/alertmanager/secrets/{RECEIVER_SECRET}"
"""Path where the operator mounts the Secret."""

NOBODY: Final = "null"
PEOPLE: Final = "people"
HEARTBEATS: Final = "Watchdog|InfoInhibitor"
"""Alerts of the chart that always fire, or exist only to silence others."""


def stack_values(
    *,
    region: str,
    namespace: pulumi.Input[str],
    settings: MonitoringSettings,
    storage_class: pulumi.Input[str] | None,
    memory: Memory,
    dns_server: DnsServer | None,
    receiver: bool = False,
    receiver_token: bool = False,
    across: bool = False,
) -> dict[str, Any]:
    """Return all values. `namespace` is the release's. `storage_class` None: the cluster's default.

    `receiver`: a Secret contains the receiver's URL. `receiver_token`: the Secret also contains a token.
    `across`: Thanos reads this region's metrics, and Grafana those of all regions.
    """
    return {
        "fullnameOverride": names.STACK,
        **_unreachable_components(),
        **_scraped_components(dns_server),
        "defaultRules": _default_rules(),
        "prometheusOperator": _operator(),
        "prometheus": {
            "prometheusSpec": {
                **_prometheus(region, settings, storage_class, memory.prometheus),
                **(sidecar_values(memory.thanos_sidecar) if across else {}),
            },
            **({name: {"enabled": True} for name in ("thanosService", "thanosServiceMonitor")} if across else {}),
        },
        "alertmanager": {
            "config": alertmanager_config(receiver=receiver, token=receiver_token),
            "alertmanagerSpec": _alertmanager(storage_class, receiver),
        },
        "grafana": _grafana(across, namespace, memory.grafana),
        "kube-state-metrics": _state_metrics(memory.kube_state_metrics),
        "nodeExporter": {"enabled": True},
        "prometheus-node-exporter": _node_exporter(),
    }


def retention_size(storage: str) -> str:
    """Return the limit of stored data for a volume of size `storage`, in the units of Prometheus' operator."""
    return f"{int(quantity_bytes('storage', storage) * RETAINED_SHARE) // MEBIBYTE}MiB"


def _state_metrics(memory: str) -> dict[str, Any]:
    return {
        "fullnameOverride": "kube-state-metrics",
        # The chart's ClusterRole has exactly these.
        "collectors": list(COLLECTORS),
        "resources": _resources(cpu="20m", cpu_limit="200m", memory=memory),
        # The price of a machine depends on its type.
        "metricLabelsAllowlist": [f"nodes=[{','.join(NODE_LABELS)}]"],
    }


def _node_exporter() -> dict[str, Any]:
    """Return the values of the node exporter.

    It needs the node's network, processes and files, which our restricted namespace refuses.
    """
    return {
        "fullnameOverride": "node-exporter",
        "namespaceOverride": SYSTEM,
        "service": {"port": names.NODE_EXPORTER_PORT, "targetPort": names.NODE_EXPORTER_PORT},
        "resources": _resources(cpu="20m", cpu_limit="200m", memory="64Mi"),
    }


def _unreachable_components() -> dict[str, Any]:
    """Disable components that managed clusters hide and kind binds to the node's loopback: they would look down."""
    hidden = ("kubeControllerManager", "kubeEtcd", "kubeScheduler", "kubeProxy")
    return {component: {"enabled": False} for component in hidden}


def _scraped_components(dns_server: DnsServer | None) -> dict[str, Any]:
    return {
        "coreDns": {"enabled": dns_server == "coredns"},
        "kubeDns": {"enabled": dns_server == "kube-dns"},
        # The chart's 10 s would cause most of a node's scrape load.
        "kubelet": {"serviceMonitor": {"cAdvisorInterval": SCRAPE_INTERVAL}},
    }


def _default_rules() -> dict[str, Any]:
    # Ours watch the same, with our own runbooks. Rules of disabled components are disabled too.
    return {"disabled": {"KubePodCrashLooping": True, "KubePersistentVolumeFillingUp": True}}


def _operator() -> dict[str, Any]:
    return {
        "resources": _resources(cpu="20m", cpu_limit="500m", memory="128Mi"),
        "prometheusConfigReloader": {"resources": _resources(cpu="10m", cpu_limit="100m", memory="64Mi")},
        "admissionWebhooks": {"patch": {"resources": _resources(cpu="10m", cpu_limit="200m", memory="64Mi")}},
    }


def _prometheus(
    region: str, settings: MonitoringSettings, storage_class: pulumi.Input[str] | None, memory: str
) -> dict[str, Any]:
    kinds = ("rule", "serviceMonitor", "podMonitor", "probe", "scrapeConfig")
    return {
        "retention": settings.retention,
        "retentionSize": retention_size(settings.storage),
        "storageSpec": _claim(settings.storage, storage_class),
        "externalLabels": {"region": region},
        "scrapeInterval": SCRAPE_INTERVAL,
        "evaluationInterval": SCRAPE_INTERVAL,
        "enableFeatures": ["exemplar-storage"],
        "exemplars": {"maxSize": EXEMPLARS_KEPT},
        "resources": _resources(cpu="100m", cpu_limit="2", memory=memory),
        # Otherwise Prometheus finds only objects with this release's label. So it finds those of every namespace.
        **{f"{kind}SelectorNilUsesHelmValues": False for kind in kinds},
    }


def _alertmanager(storage_class: pulumi.Input[str] | None, receiver: bool) -> dict[str, Any]:
    return {
        # Mounted, so that the configuration contains no secret.
        "secrets": [RECEIVER_SECRET] if receiver else [],
        "storage": _claim(ALERTMANAGER_STORAGE, storage_class),
        "resources": _resources(cpu="10m", cpu_limit="200m", memory="64Mi"),
    }


def _grafana(across: bool, namespace: pulumi.Input[str], memory: str) -> dict[str, Any]:
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
    """Link an exemplar to its trace."""
    return {"datasourceUid": names.JAEGER, "traceIdLabelName": TRACE_LABEL, "urlDisplayLabel": "Trace"}


def _claim(storage: str, storage_class: pulumi.Input[str] | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}}
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {"volumeClaimTemplate": {"spec": spec}}


def _resources(*, cpu: str, cpu_limit: str, memory: str) -> dict[str, dict[str, str]]:
    return {"requests": {"cpu": cpu, "memory": memory}, "limits": {"cpu": cpu_limit, "memory": memory}}


def alertmanager_config(*, receiver: bool, token: bool) -> dict[str, Any]:
    """Return Alertmanager's configuration. Without `receiver` alerts are only shown.

    All alerts are sent within half a minute. Critical ones are repeated every hour, warnings every 12 hours.
    With `token` Alertmanager sends a bearer token.
    """
    told = PEOPLE if receiver else NOBODY
    return {
        "global": {"resolve_timeout": "5m"},
        "route": {
            "receiver": NOBODY,
            "group_by": ["alertname", "namespace", "region"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "12h",
            "routes": [
                {"receiver": NOBODY, "matchers": [f'alertname =~ "{HEARTBEATS}"']},
                {"receiver": told, "matchers": ['severity = "critical"'], "group_wait": "10s", "repeat_interval": "1h"},
                {"receiver": told, "matchers": ['severity = "warning"']},
            ],
        },
        "receivers": [{"name": NOBODY}, *([_people(token)] if receiver else [])],
        "inhibit_rules": [
            _inhibit(["alertname = InfoInhibitor"], ["severity = info"], ["namespace"]),
            # A critical alert silences a warning of the same name: the chart has such pairs.
            _inhibit(["severity = critical"], ["severity =~ warning|info"], ["namespace", "alertname"]),
            *(
                _inhibit([f"alertname = {name}Fast"], [f"alertname = {name}Slow"], ["destination_service_name"])
                for name in ("AvailabilityBudgetBurns", "LatencyBudgetBurns")
            ),
        ],
    }


def _people(token: bool) -> dict[str, Any]:
    authorization = {"type": "Bearer", "credentials_file": f"{MOUNTED}/{TOKEN_KEY}"}
    webhook = {
        "url_file": f"{MOUNTED}/{URL_KEY}",
        "send_resolved": True,
        **({"http_config": {"authorization": authorization}} if token else {}),
    }
    return {"name": PEOPLE, "webhook_configs": [webhook]}


def _inhibit(source: list[str], target: list[str], equal: list[str]) -> dict[str, Any]:
    return {"source_matchers": source, "target_matchers": target, "equal": equal}
