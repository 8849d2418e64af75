"""The view of all regions. Thanos runs in every region, so the view depends on no single region.

A sidecar beside each region's Prometheus offers its metrics over gRPC.
Each region's querier asks its own sidecar, and the other regions' sidecars through their peer endpoints.
Thanos copies no metrics.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.context import RegionContext
from components.metadata import CERTIFICATE_ANNOTATION, DONE_AT_ONCE, object_meta, selector
from components.monitoring import names
from components.monitoring.network_policies import global_network_policies, network_policies
from components.namespaces import MONITORING
from components.peering import PEER_NAMES, StorePeers, peer_name
from components.pod_security import restricted_container, restricted_pod
from components.quantities import quantity_bytes
from components.trust import Certificate, CertificateArgs
from components.trust.certificate import Usage
from components.versions import THANOS_IMAGE

APP = names.THANOS_QUERY
GO_SHARE = 0.85
"""Share of the container's memory for Go, so that it collects garbage before the limit."""

CERTIFICATES: Final = "/etc/thanos/certificate"
ENDPOINTS: Final = "/etc/thanos/endpoints"
ENDPOINTS_FILE: Final = "endpoints.yaml"
REPLICA_LABEL: Final = "prometheus_replica"
"""Label for one of several equal Prometheus servers. The operator adds it."""

STORE_NAMES: Final = (
    "localhost",
    *(f"{names.STORE_SERVICE}{suffix}" for suffix in ("", ".{0}", ".{0}.svc", ".{0}.svc.cluster.local")),
    *PEER_NAMES,
)
"""DNS names in the sidecar's certificate. {0} stands for the namespace."""


class StoreCertificates(pulumi.ComponentResource):
    """The certificates that give access to a region's metrics: of Prometheus' sidecar, and of the querier.

    Outputs: `store` and `query`. Their Secrets are `names.STORE_CERTIFICATE` and `names.QUERY_CERTIFICATE`.
    """

    store: Certificate
    query: Certificate

    def __init__(self, name: str, context: RegionContext, *, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:monitoring:StoreCertificates", name, None, opts)
        server = [pulumi.Output.format(pattern, context.namespaces[MONITORING]) for pattern in STORE_NAMES]
        self.store = self._certificate(f"{name}-store", context, names.STORE_CERTIFICATE, "server", server)
        self.query = self._certificate(f"{name}-query", context, names.QUERY_CERTIFICATE, "client", [])
        self.register_outputs({"store": self.store.secret_name, "query": self.query.secret_name})

    def _certificate(
        self, name: str, context: RegionContext, secret: str, usage: Usage, dns_names: list[pulumi.Output[str]]
    ) -> Certificate:
        return Certificate(
            name,
            CertificateArgs(
                authority=context.authority,
                common_name=f"{secret} of {context.region}",
                app=APP,
                region=context.region,
                namespace=context.namespaces[MONITORING],
                secret_name=secret,
                usages=(usage,),
                dns_names=dns_names,
            ),
            pulumi.ResourceOptions(parent=self),
        )


class GlobalQuery(pulumi.ComponentResource):
    """Thanos' querier: it asks this region's Prometheus, and the others' through their peer endpoints.

    `peers` are the other regions' peer endpoints for metrics.
    `certificate` belongs to the querier.
    `memory` is a Kubernetes quantity.

    Adding or removing a region changes a file and network policies, and restarts no pod.
    No outputs: Grafana finds the querier by `names.THANOS_QUERY`.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        *,
        peers: StorePeers,
        certificate: Certificate,
        memory: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:monitoring:GlobalQuery", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        app = workload.AppMetadata(app=APP, region=context.region, namespace=context.namespaces[MONITORING])
        network_policies(
            global_network_policies(peers), name=name, region=app.region, namespace=app.namespace, opts=child
        )
        account = workload.service_account(name, app, child)
        k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=app.meta(APP),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=1,
                selector=app.selecting(),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(
                        labels=app.labels(),
                        annotations={CERTIFICATE_ANNOTATION: certificate.fingerprint},
                    ),
                    spec=_pod(
                        app,
                        account=account.metadata.name,
                        certificate=certificate.secret_name,
                        endpoints_file=self._endpoints(name, app, peers.regions),
                        memory=memory,
                    ),
                ),
            ),
            opts=child,
        )
        self._service(name, app)
        workload.disruption_budget(name, app, child)
        workload.service_monitor(name, app, endpoint={"port": "http"}, monitored_by=context.monitored_by, opts=child)
        self.register_outputs({})

    def _endpoints(self, name: str, app: workload.AppMetadata, regions: Sequence[str]) -> pulumi.Output[str]:
        text = pulumi.Output.from_input(app.namespace).apply(lambda known: endpoints(known, regions))
        created = k8s.core.v1.ConfigMap(
            f"{name}-endpoints",
            metadata=app.meta("thanos-endpoints"),
            data={ENDPOINTS_FILE: text},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return created.metadata.name

    def _service(self, name: str, app: workload.AppMetadata) -> None:
        port = k8s.core.v1.ServicePortArgs(
            name="http", port=names.THANOS_HTTP_PORT, target_port="http", app_protocol="http"
        )
        k8s.core.v1.Service(
            f"{name}-service",
            metadata=object_meta(
                APP,
                app=APP,
                region=app.region,
                namespace=app.namespace,
                extra_labels={workload.METRICS_LABEL: "true"},
                annotations=DONE_AT_ONCE,
            ),
            spec=k8s.core.v1.ServiceSpecArgs(selector=selector(APP), ports=[port]),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _pod(
    app: workload.AppMetadata,
    *,
    account: pulumi.Input[str],
    certificate: pulumi.Input[str],
    endpoints_file: pulumi.Input[str],
    memory: str,
) -> k8s.core.v1.PodSpecArgs:
    secret = k8s.core.v1.SecretVolumeSourceArgs(secret_name=certificate, default_mode=workload.SECRET_MODE)
    config_map = k8s.core.v1.ConfigMapVolumeSourceArgs(name=endpoints_file)
    return k8s.core.v1.PodSpecArgs(
        service_account_name=account,
        automount_service_account_token=False,
        security_context=restricted_pod(user=workload.USER),
        affinity=workload.anti_affinity(app),
        topology_spread_constraints=workload.zone_spread(app),
        containers=[_container(memory)],
        volumes=[
            k8s.core.v1.VolumeArgs(name="certificate", secret=secret),
            k8s.core.v1.VolumeArgs(name="endpoints", config_map=config_map),
        ],
    )


def _container(memory: str) -> k8s.core.v1.ContainerArgs:
    return k8s.core.v1.ContainerArgs(
        name="thanos",
        image=THANOS_IMAGE,
        image_pull_policy="Always",
        args=query_arguments(),
        env=[k8s.core.v1.EnvVarArgs(name="GOMEMLIMIT", value=_go_limit(memory))],
        ports=[k8s.core.v1.ContainerPortArgs(name="http", container_port=names.THANOS_HTTP_PORT)],
        security_context=restricted_container(),
        readiness_probe=workload.http_probe("/-/ready", port="http", period=10, failures=3),
        liveness_probe=workload.http_probe("/-/healthy", port="http", period=10, failures=6),
        resources=workload.Resources(cpu="100m", memory=memory).requirements(),
        volume_mounts=[
            k8s.core.v1.VolumeMountArgs(name="certificate", mount_path=CERTIFICATES, read_only=True),
            k8s.core.v1.VolumeMountArgs(name="endpoints", mount_path=ENDPOINTS, read_only=True),
        ],
    )


def _go_limit(memory: str) -> str:
    return f"{int(quantity_bytes('memory', memory) * GO_SHARE) // 2**20}MiB"


def sidecar_values(memory: str) -> dict[str, Any]:
    """Return the sidecar's part of the chart's `prometheusSpec`. Its gRPC port accepts only certificates of our root.

    `memory` is a Kubernetes quantity.
    """
    certificate = {"secret": {"secretName": names.STORE_CERTIFICATE, "defaultMode": workload.SECRET_MODE}}
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
    """Return the querier's file of endpoints: the region's own, and those of `regions`. Thanos rereads it on change.

    The querier checks the names against the certificates, so nobody can pose as another region.
    The format is JSON, which is also YAML.
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
    """Return the querier's arguments. Answers omit a region that does not respond, and Grafana shows a warning."""
    return [
        "query",
        f"--http-address=0.0.0.0:{names.THANOS_HTTP_PORT}",
        # Only other queriers use this port, and there are none.
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
    """Return Grafana's data source of all regions. `traces` links an exemplar to its trace."""
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
