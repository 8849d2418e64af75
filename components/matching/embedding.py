"""The embedding servers of a region: text-embeddings-inference with a pinned model, scaled on its queue."""

import math
from typing import Any, Final
from urllib.parse import urlsplit

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.cluster.gpu import toleration
from components.context import RegionContext
from components.matching import proxy
from components.matching.index import VectorIndex
from components.matching.settings import MatchingSettings
from components.metadata import CERTIFICATE_ANNOTATION, DONE_AT_ONCE, selector
from components.monitoring.names import prometheus_url
from components.monitoring.rules.embedding import JOB, QUEUE
from components.namespaces import MATCHING, MONITORING, SERVICES
from components.passwords import random_password
from components.pod_security import restricted_container
from components.quantities import cpus, quantity_bytes
from components.scaling import scaled_services as scaling
from components.services.settings import MATCHING_SERVICE
from components.trust import Certificate
from components.versions import HAPROXY_IMAGE, TEXT_EMBEDDINGS_GPU_IMAGE, TEXT_EMBEDDINGS_IMAGE
from components.workload import (
    CHECKSUM_ANNOTATION,
    AppMetadata,
    Resources,
    config_volume,
    custom_object,
    digest,
    disruption_budget,
    http_probe,
    metrics_service,
    pod_template,
    read_only,
    scratch_volume,
    secret_value,
    secret_volume,
    server_certificate,
    service_account,
    service_monitor,
    service_port,
)

APP: Final = "embedding"
CERTIFICATE_SECRET: Final = "embedding-certificate"  # noqa: S105 - the name of a Secret
CACHE: Final = "/data"
DEFAULT_PORT: Final = 443
"""Port of a source whose address names none."""

BATCH_TOKENS: Final = 4096
"""Tokens that the server computes at a time. Its memory grows with them."""
GPU_BATCH_TOKENS: Final = 16384
"""The same on a GPU: the server's own default."""
SERVER: Final = "text-embeddings-router"
GPU_PATHS: Final = {
    "LD_LIBRARY_PATH": "/usr/local/nvidia/lib64:/usr/local/cuda/lib64",
    "PATH": "/usr/local/nvidia/bin:/usr/local/cuda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}
"""GKE mounts the driver's libraries and programs at /usr/local/nvidia, and the image's start program calls nvidia-smi.

Elsewhere the container runtime puts both where every program looks.
"""
TEXTS_AT_ONCE: Final = 32
"""Most texts in one request."""
START_SECONDS: Final = 900
"""Time to fetch and load the model."""
ROOM_SECONDS: Final = 300
"""Time for the cluster to make room for a pod and to pull its images."""
WAIT_SECONDS: Final = START_SECONDS + 2 * ROOM_SECONDS
"""How long a deployment waits for the servers."""
PROBE_SECONDS: Final = 10
DRAIN_SECONDS: Final = 5
"""How long a stopping pod still answers while others take it out of their lists."""
GRACE_SECONDS: Final = 60
CPU_PERCENT: Final = 70
"""Without KEDA: mean use of the server's container in percent of its request. Nothing but its processors makes texts
wait."""
SPARE_BYTES: Final = 256 * 2**20
"""Room on the node beside the model's files, for logs and temporary files."""
PROXY_RESOURCES: Final = Resources(cpu="100m", memory="64Mi", scratch="16Mi")


class EmbeddingServer(pulumi.ComponentResource):
    """A Deployment of servers that turn texts into embeddings, for the service `sacred-matching` alone.

    Beside each server is a proxy that ends TLS and asks for a token.
    With `keda` (its release) the servers follow their queue. None: they follow their use of processors.
    With `gpus` each server has a GPU of the region. Otherwise the servers use processors.

    Outputs: `host`, `token` (secret) and `deployment`. The port is `proxy.PORT`.
    """

    host: pulumi.Output[str]
    token: pulumi.Output[str]
    deployment: k8s.apps.v1.Deployment

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: MatchingSettings,
        *,
        keda: pulumi.Resource | None,
        gpus: bool = False,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:matching:EmbeddingServer", name, None, opts)
        self._name = name
        self._context = context
        self._settings = settings
        self._gpus = gpus
        self._child = pulumi.ResourceOptions(parent=self)
        self._app = AppMetadata(app=APP, region=context.region, namespace=context.namespaces[MATCHING])
        self.host = self._app.host_of(APP)
        self.token = random_password(f"{name}-token", self._child).result
        account = service_account(name, self._app, self._child)
        disruption_budget(name, self._app, self._child)
        opened = self._network_policy()
        self.deployment = k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=self._app.meta(APP),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                # No number of replicas: the autoscaler alone decides it.
                selector=self._app.selecting(),
                progress_deadline_seconds=START_SECONDS + ROOM_SECONDS,
                # A new server is there before an old one goes.
                strategy=k8s.apps.v1.DeploymentStrategyArgs(
                    type="RollingUpdate",
                    rolling_update=k8s.apps.v1.RollingUpdateDeploymentArgs(max_surge=1, max_unavailable=0),
                ),
                template=self._template(),
            ),
            opts=pulumi.ResourceOptions.merge(
                self._child,
                pulumi.ResourceOptions(
                    depends_on=[account, opened],
                    custom_timeouts=pulumi.CustomTimeouts(create=f"{WAIT_SECONDS}s", update=f"{WAIT_SECONDS}s"),
                ),
            ),
        )
        self._services()
        self._scale(keda)
        self.register_outputs({})

    def _network_policy(self) -> k8s.networking.v1.NetworkPolicy:
        client = network.peer(namespace=self._context.namespaces[SERVICES], pods=selector(MATCHING_SERVICE))
        sources = [network.cidr(block) for block in self._settings.source_networks]
        return self._app.network_policy(
            f"{self._name}-network-policy",
            ingress=[
                network.ingress([proxy.PORT], client),
                network.ingress([proxy.METRICS_PORT], network.peer(namespace=MONITORING)),
            ],
            # A rule without targets would open its port to every address.
            egress=[network.egress([source_port(self._settings.source)], *sources)] if sources else [],
            opts=self._child,
        )

    def _services(self) -> None:
        k8s.core.v1.Service(
            f"{self._name}-service",
            metadata=self._app.meta(APP, annotations=DONE_AT_ONCE),
            spec=k8s.core.v1.ServiceSpecArgs(
                selector=selector(APP), ports=[service_port("https", proxy.PORT, protocol="https")]
            ),
            opts=self._child,
        )
        metrics_service(self._name, self._app, service=JOB, port=proxy.METRICS_PORT, opts=self._child)
        service_monitor(
            self._name,
            self._app,
            endpoint={"port": "metrics", "path": proxy.METRICS},
            monitored_by=self._context.monitored_by,
            opts=self._child,
        )

    def _template(self) -> k8s.core.v1.PodTemplateSpecArgs:
        certificate = self._certificate()
        text = proxy.render()
        files = k8s.core.v1.ConfigMap(
            f"{self._name}-settings",
            metadata=self._app.meta(APP),
            data={"haproxy.cfg": text},
            opts=self._child,
        )
        credentials = k8s.core.v1.Secret(
            f"{self._name}-credentials",
            metadata=self._app.meta("embedding-credentials"),
            string_data={"token": self.token},
            opts=self._child,
        )
        return pod_template(
            self._app,
            containers=[_server(self._settings, gpus=self._gpus), _proxy(credentials)],
            volumes=[
                k8s.core.v1.VolumeArgs(
                    name="cache", empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs(size_limit=self._settings.cache)
                ),
                scratch_volume("scratch"),
                config_volume("settings", files),
                secret_volume(
                    "certificates",
                    certificate.secret_name,
                    {"tls.crt": proxy.CERTIFICATE, "tls.key": f"{proxy.CERTIFICATE}.key"},
                ),
            ],
            annotations={
                CERTIFICATE_ANNOTATION: certificate.fingerprint,
                CHECKSUM_ANNOTATION: pulumi.Output.unsecret(self.token.apply(lambda token: digest(text, token))),
            },
            grace_seconds=GRACE_SECONDS,
            tolerations=[toleration()] if self._gpus else (),
        )

    def _certificate(self) -> Certificate:
        suffixes = ("", ".{0}", ".{0}.svc", ".{0}.svc.cluster.local")
        return server_certificate(
            f"{self._name}-certificate",
            self._app,
            self._context.authority,
            secret=CERTIFICATE_SECRET,
            dns_names=("localhost", *(f"{APP}{suffix}" for suffix in suffixes)),
            usages=("server",),
            opts=self._child,
        )

    def _scale(self, keda: pulumi.Resource | None) -> None:
        if keda is None:
            k8s.autoscaling.v2.HorizontalPodAutoscaler(
                f"{self._name}-autoscaler",
                metadata=self._app.meta(APP),
                spec=autoscaler(self._settings),
                opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=[self.deployment])),
            )
            return
        custom_object(
            f"{self._name}-scaled",
            self._app,
            api_version=scaling.API_VERSION,
            kind=scaling.KIND,
            name=APP,
            spec=scaled_object(self._settings),
            annotations={scaling.TAKES_OVER: "true"},
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=[keda, self.deployment])),
        )


def source_port(source: str) -> int:
    """Return the TCP port of the HTTPS address `source`."""
    return urlsplit(source).port or DEFAULT_PORT


def arguments(settings: MatchingSettings, *, gpus: bool = False) -> list[str]:
    """Return the options of the embedding server."""
    return [
        f"--model-id={settings.model}",
        f"--revision={settings.revision}",
        # The answers carry this name, so a client sees at once when its table belongs to another model.
        f"--served-model-name={VectorIndex.of(settings).full_name}",
        f"--huggingface-hub-cache={CACHE}",
        "--hostname=127.0.0.1",
        f"--port={proxy.SERVER_PORT}",
        f"--max-batch-tokens={GPU_BATCH_TOKENS if gpus else BATCH_TOKENS}",
        f"--max-client-batch-size={TEXTS_AT_ONCE}",
        f"--tokenization-workers={_threads(settings)}",
        # The default on processors. Regions with and without GPUs fill the same table.
        "--dtype=float32",
        "--json-output",
    ]


def environment(settings: MatchingSettings, *, gpus: bool = False) -> dict[str, str]:
    """Return the server's variables. Without those of threads it would start one for each processor of the node."""
    threads = str(_threads(settings))
    return {
        **(GPU_PATHS if gpus else {}),
        # Embeds the beginning of a text that is too long. As an option, its form differs between versions.
        "AUTO_TRUNCATE": "true",
        "HF_ENDPOINT": settings.source.rstrip("/"),
        "HF_HOME": CACHE,
        "HOME": CACHE,
        "MKL_NUM_THREADS": threads,
        "OMP_NUM_THREADS": threads,
        "RAYON_NUM_THREADS": threads,
        "MKL_DYNAMIC": "FALSE",
    }


def _threads(settings: MatchingSettings) -> int:
    return math.ceil(cpus("cpu", settings.cpu))


def _server(settings: MatchingSettings, *, gpus: bool) -> k8s.core.v1.ContainerArgs:
    scratch = quantity_bytes("cache", settings.cache) + SPARE_BYTES
    variables = environment(settings, gpus=gpus)
    return k8s.core.v1.ContainerArgs(
        name=APP,
        image=TEXT_EMBEDDINGS_GPU_IMAGE if gpus else TEXT_EMBEDDINGS_IMAGE,
        image_pull_policy="Always",
        # The image for GPUs has a server for each generation. Its own start program chooses by the GPU that it finds.
        command=None if gpus else [SERVER],
        args=arguments(settings, gpus=gpus),
        env=[k8s.core.v1.EnvVarArgs(name=name, value=value) for name, value in variables.items()],
        resources=Resources(
            cpu=settings.cpu, memory=settings.memory, scratch=str(scratch), gpus=1 if gpus else 0
        ).requirements(),
        security_context=restricted_container(),
        # The server listens in its pod only, so the probes go through the proxy.
        startup_probe=http_probe(
            proxy.HEALTH, port=proxy.METRICS_PORT, period=PROBE_SECONDS, failures=START_SECONDS // PROBE_SECONDS
        ),
        liveness_probe=http_probe(proxy.HEALTH, port=proxy.METRICS_PORT, period=PROBE_SECONDS, failures=6, timeout=10),
        lifecycle=_drain(),
        volume_mounts=[
            k8s.core.v1.VolumeMountArgs(name="cache", mount_path=CACHE),
            k8s.core.v1.VolumeMountArgs(name="scratch", mount_path="/tmp"),  # noqa: S108 - a volume of the pod
        ],
    )


def _proxy(credentials: k8s.core.v1.Secret) -> k8s.core.v1.ContainerArgs:
    return k8s.core.v1.ContainerArgs(
        name="proxy",
        image=HAPROXY_IMAGE,
        image_pull_policy="Always",
        command=["haproxy", "-W", "-db", "-f", f"{proxy.SETTINGS}/haproxy.cfg"],
        env=[secret_value(proxy.TOKEN, credentials.metadata.name, "token")],
        ports=[
            k8s.core.v1.ContainerPortArgs(name="https", container_port=proxy.PORT),
            k8s.core.v1.ContainerPortArgs(name="metrics", container_port=proxy.METRICS_PORT),
        ],
        resources=PROXY_RESOURCES.requirements(),
        security_context=restricted_container(),
        # The pod takes texts once its server has loaded the model.
        readiness_probe=http_probe(proxy.READY, port="metrics", period=5, failures=3, timeout=5),
        liveness_probe=k8s.core.v1.ProbeArgs(
            tcp_socket=k8s.core.v1.TCPSocketActionArgs(port="https"), period_seconds=PROBE_SECONDS
        ),
        lifecycle=_drain(),
        volume_mounts=read_only({"settings": proxy.SETTINGS, "certificates": proxy.CERTIFICATES}),
    )


def _drain() -> k8s.core.v1.LifecycleArgs:
    return k8s.core.v1.LifecycleArgs(
        pre_stop=k8s.core.v1.LifecycleHandlerArgs(sleep=k8s.core.v1.SleepActionArgs(seconds=DRAIN_SECONDS))
    )


def autoscaler(settings: MatchingSettings) -> k8s.autoscaling.v2.HorizontalPodAutoscalerSpecArgs:
    """Return the autoscaler without KEDA, on the use of the server's processors: the proxy does not count."""
    return k8s.autoscaling.v2.HorizontalPodAutoscalerSpecArgs(
        scale_target_ref=k8s.autoscaling.v2.CrossVersionObjectReferenceArgs(
            api_version="apps/v1", kind="Deployment", name=APP
        ),
        min_replicas=settings.min_replicas,
        max_replicas=settings.max_replicas,
        metrics=[
            k8s.autoscaling.v2.MetricSpecArgs(
                type="ContainerResource",
                container_resource=k8s.autoscaling.v2.ContainerResourceMetricSourceArgs(
                    name="cpu",
                    container=APP,
                    target=k8s.autoscaling.v2.MetricTargetArgs(type="Utilization", average_utilization=CPU_PERCENT),
                ),
            )
        ],
    )


def scaled_object(settings: MatchingSettings) -> dict[str, Any]:
    """Return the spec of the scaled object of KEDA: on the queue, and on the use of processors beside it.

    Without an answer of Prometheus the servers that are there stay.
    """
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": APP},
        "minReplicaCount": settings.min_replicas,
        "maxReplicaCount": settings.max_replicas,
        "advanced": {"horizontalPodAutoscalerConfig": {"name": APP, "behavior": dict(scaling.BEHAVIOR)}},
        "fallback": {
            "failureThreshold": scaling.FAILURES,
            "replicas": settings.min_replicas,
            "behavior": "currentReplicasIfHigher",
        },
        "triggers": [
            {
                "type": "cpu",
                "name": "cpu",
                "metricType": "Utilization",
                "metadata": {"value": str(CPU_PERCENT), "containerName": APP},
            },
            {
                "type": "prometheus",
                "name": "queue",
                "metricType": "AverageValue",
                "metadata": {
                    "serverAddress": prometheus_url(MONITORING),
                    "query": QUEUE,
                    "threshold": str(settings.queue_per_replica),
                    "ignoreNullValues": "false",
                },
            },
        ],
    }
