"""The view of all regions: Thanos in every one of them, so that none is needed for it."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import workload
from components.metadata import CERTIFICATE_ANNOTATION, object_meta, selector
from components.monitoring import names, thanos_config
from components.monitoring.network_policies import global_network_policies, network_policies
from components.peering import StorePeers
from components.pod_security import restricted_container, restricted_pod
from components.quantities import quantity_bytes
from components.trust import Certificate, CertificateArgs, RegionAuthority
from components.trust.certificate import Usage
from components.versions import THANOS_IMAGE

APP = names.THANOS_QUERY
USER = 10001
GO_SHARE = 0.85
"""Of the container's memory: Go collects garbage before the limit, not after it."""


@dataclass(frozen=True, kw_only=True)
class StoreArgs:
    """`authority` signs the certificates with which the region's metrics are offered, and asked for."""

    region: str
    namespace: pulumi.Input[str]
    authority: RegionAuthority


class StoreCertificates(pulumi.ComponentResource):
    """Who may read metrics of a region: the certificates of Prometheus' sidecar, and of the querier.

    Outputs: `store` and `query`, the two. Their Secrets are called `names.STORE_CERTIFICATE` and
    `names.QUERY_CERTIFICATE`.
    """

    store: Certificate
    query: Certificate

    def __init__(self, name: str, args: StoreArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:monitoring:StoreCertificates", name, None, opts)
        server = [pulumi.Output.format(pattern, args.namespace) for pattern in thanos_config.STORE_NAMES]
        self.store = self._certificate(f"{name}-store", args, names.STORE_CERTIFICATE, "server", server)
        self.query = self._certificate(f"{name}-query", args, names.QUERY_CERTIFICATE, "client", [])
        self.register_outputs({"store": self.store.secret_name, "query": self.query.secret_name})

    def _certificate(
        self, name: str, args: StoreArgs, secret: str, usage: Usage, dns_names: list[pulumi.Output[str]]
    ) -> Certificate:
        return Certificate(
            name,
            CertificateArgs(
                authority=args.authority,
                common_name=f"{secret} of {args.region}",
                app=APP,
                region=args.region,
                namespace=args.namespace,
                secret_name=secret,
                usages=(usage,),
                dns_names=dns_names,
            ),
            pulumi.ResourceOptions(parent=self),
        )


@dataclass(frozen=True, kw_only=True)
class GlobalQueryArgs:
    """`peers` are the other regions' peer endpoints to their metrics; `certificate` is the querier's own.

    `memory` is a Kubernetes quantity. `monitored_by` brings the monitoring CRDs.
    """

    region: str
    namespace: pulumi.Input[str]
    peers: StorePeers
    certificate: Certificate
    memory: str
    monitored_by: pulumi.Resource


class GlobalQuery(pulumi.ComponentResource):
    """Thanos' querier: asks the Prometheus of this region, and through their peer endpoints those of all others.

    When a region comes or goes, a file and network policies change, and no pod restarts. No outputs: Grafana knows it
    by `names.THANOS_QUERY`.
    """

    def __init__(self, name: str, args: GlobalQueryArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:monitoring:GlobalQuery", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        app = workload.AppMetadata(app=APP, region=args.region, namespace=args.namespace)
        network_policies(
            global_network_policies(args.peers), name=name, region=args.region, namespace=args.namespace, opts=child
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
                        annotations={CERTIFICATE_ANNOTATION: args.certificate.fingerprint},
                    ),
                    spec=_pod(args, app, account.metadata.name, self._endpoints(name, args, app)),
                ),
            ),
            opts=child,
        )
        self._service(name, args)
        workload.disruption_budget(name, app, child)
        workload.service_monitor(name, app, endpoint={"port": "http"}, monitored_by=args.monitored_by, opts=child)
        self.register_outputs({})

    def _endpoints(self, name: str, args: GlobalQueryArgs, app: workload.AppMetadata) -> pulumi.Output[str]:
        regions = list(args.peers.regions)
        text = pulumi.Output.from_input(args.namespace).apply(lambda known: thanos_config.endpoints(known, regions))
        created = k8s.core.v1.ConfigMap(
            f"{name}-endpoints",
            metadata=app.meta("thanos-endpoints"),
            data={thanos_config.ENDPOINTS_FILE: text},
            opts=pulumi.ResourceOptions(parent=self),
        )
        return created.metadata.name

    def _service(self, name: str, args: GlobalQueryArgs) -> None:
        port = k8s.core.v1.ServicePortArgs(
            name="http", port=names.THANOS_HTTP_PORT, target_port="http", app_protocol="http"
        )
        k8s.core.v1.Service(
            f"{name}-service",
            metadata=object_meta(
                APP,
                app=APP,
                region=args.region,
                namespace=args.namespace,
                extra_labels={workload.METRICS_LABEL: "true"},
            ),
            spec=k8s.core.v1.ServiceSpecArgs(selector=selector(APP), ports=[port]),
            opts=pulumi.ResourceOptions(parent=self),
        )


def _pod(
    args: GlobalQueryArgs, app: workload.AppMetadata, account: pulumi.Input[str], endpoints: pulumi.Input[str]
) -> k8s.core.v1.PodSpecArgs:
    certificate = k8s.core.v1.SecretVolumeSourceArgs(
        secret_name=args.certificate.secret_name, default_mode=thanos_config.SECRET_MODE
    )
    return k8s.core.v1.PodSpecArgs(
        service_account_name=account,
        automount_service_account_token=False,
        security_context=restricted_pod(user=USER),
        affinity=workload.anti_affinity(app),
        topology_spread_constraints=workload.zone_spread(app),
        containers=[_container(args.memory)],
        volumes=[
            k8s.core.v1.VolumeArgs(name="certificate", secret=certificate),
            k8s.core.v1.VolumeArgs(name="endpoints", config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=endpoints)),
        ],
    )


def _container(memory: str) -> k8s.core.v1.ContainerArgs:
    return k8s.core.v1.ContainerArgs(
        name="thanos",
        image=THANOS_IMAGE,
        image_pull_policy="Always",
        args=thanos_config.query_arguments(),
        env=[k8s.core.v1.EnvVarArgs(name="GOMEMLIMIT", value=_go_limit(memory))],
        ports=[k8s.core.v1.ContainerPortArgs(name="http", container_port=names.THANOS_HTTP_PORT)],
        security_context=restricted_container(),
        readiness_probe=_probe("/-/ready", failures=3),
        liveness_probe=_probe("/-/healthy", failures=6),
        resources=workload.Resources(cpu="100m", memory=memory).requirements(),
        volume_mounts=[
            k8s.core.v1.VolumeMountArgs(name="certificate", mount_path=thanos_config.CERTIFICATES, read_only=True),
            k8s.core.v1.VolumeMountArgs(name="endpoints", mount_path=thanos_config.ENDPOINTS, read_only=True),
        ],
    )


def _go_limit(memory: str) -> str:
    return f"{int(quantity_bytes('memory', memory) * GO_SHARE) // 2**20}MiB"


def _probe(path: str, *, failures: int) -> k8s.core.v1.ProbeArgs:
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port="http"), period_seconds=10, failure_threshold=failures
    )
