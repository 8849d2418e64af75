"""Configuration of Thanos, which asks the Prometheus of every region. Pure: no resources.

Beside each region's Prometheus a sidecar offers its metrics over gRPC. In each region a querier asks the sidecar of its
own region, and those of the others through their peer endpoints. Nothing is copied, and no region is needed by another.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.monitoring import names
from components.peering import PEER_NAMES, peer_name
from components.versions import THANOS_IMAGE

CERTIFICATES: Final = "/etc/thanos/certificate"
ENDPOINTS: Final = "/etc/thanos/endpoints"
ENDPOINTS_FILE: Final = "endpoints.yaml"
SECRET_MODE: Final = 0o440
REPLICA_LABEL: Final = "prometheus_replica"
"""Which of several equal Prometheus servers a series is from: the operator adds it."""

STORE_NAMES: Final = (
    "localhost",
    *(f"{names.STORE_SERVICE}{suffix}" for suffix in ("", ".{0}", ".{0}.svc", ".{0}.svc.cluster.local")),
    *PEER_NAMES,
)
"""DNS names of the sidecar's certificate; {0} is the namespace."""


def sidecar_values(memory: str) -> dict[str, Any]:
    """What the chart's `prometheusSpec` says about the sidecar. Its gRPC port takes only certificates of our root.

    `memory` is a Kubernetes quantity.
    """
    certificate = {"secret": {"secretName": names.STORE_CERTIFICATE, "defaultMode": SECRET_MODE}}
    return {
        "thanos": {
            "image": THANOS_IMAGE,
            "grpcServerTlsConfig": {
                "certFile": f"{CERTIFICATES}/tls.crt",
                "keyFile": f"{CERTIFICATES}/tls.key",
                "caFile": f"{CERTIFICATES}/ca.crt",
            },
            "volumeMounts": [{"name": "thanos-certificate", "mountPath": CERTIFICATES, "readOnly": True}],
            "resources": {
                "requests": {"cpu": "20m", "memory": memory},
                "limits": {"cpu": "500m", "memory": memory},
            },
        },
        "volumes": [{"name": "thanos-certificate", **certificate}],
    }


def endpoints(namespace: str, regions: Sequence[str]) -> str:
    """The querier's file of whom to ask: the region itself, and `regions`. It is read again when it changes.

    The names are checked against the certificates: nobody can pose as another region's peer endpoint. JSON, which is
    YAML, too.
    """
    labels = f"{names.STORE_SERVICE}.{namespace}.svc"
    others = [peer_name(region, namespace) for region in sorted(regions)]
    document = {
        "default_client_config": {
            "tls_config": {
                "enabled": True,
                "cert_file": f"{CERTIFICATES}/tls.crt",
                "key_file": f"{CERTIFICATES}/tls.key",
                "ca_file": f"{CERTIFICATES}/ca.crt",
                "min_version": "1.3",
            }
        },
        "endpoints": [{"address": f"{name}:{names.STORE_PORT}"} for name in (labels, *others)],
    }
    return json.dumps(document, indent=2) + "\n"


def query_arguments() -> list[str]:
    """Arguments of the querier. A region that does not answer is left out of an answer, and Grafana says so."""
    return [
        "query",
        f"--http-address=0.0.0.0:{names.THANOS_HTTP_PORT}",
        # Only for queriers of queriers, of which there are none.
        "--grpc-address=127.0.0.1:10901",
        f"--endpoint.sd-config-file={ENDPOINTS}/{ENDPOINTS_FILE}",
        "--endpoint.sd-config-reload-interval=1m",
        f"--query.replica-label={REPLICA_LABEL}",
        "--query.partial-response",
        "--query.timeout=1m",
        "--store.response-timeout=15s",
        "--log.format=json",
    ]


def global_datasource(traces: Mapping[str, str]) -> dict[str, Any]:
    """Grafana's data source of all regions. `traces` leads from an exemplar to its trace."""
    destination = {
        "datasourceUid": traces["datasourceUid"],
        "name": traces["traceIdLabelName"],
        "urlDisplayLabel": traces["urlDisplayLabel"],
    }
    return {
        "name": "Thanos",
        "uid": names.GLOBAL_DATASOURCE,
        "type": "prometheus",
        "access": "proxy",
        "url": f"http://{names.THANOS_QUERY}:{names.THANOS_HTTP_PORT}",
        "jsonData": {
            "prometheusType": "Thanos",
            "httpMethod": "POST",
            "timeInterval": "30s",
            "exemplarTraceIdDestinations": [destination],
        },
    }
