"""Every version that the platform deploys. All charts and images are derived from here."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ChartVersion:
    """A Helm chart: `repository` (URL), `name` and pinned `version`."""

    repository: str
    name: str
    version: str


# renovate: datasource=helm depName=istiod registryUrl=https://istio-release.storage.googleapis.com/charts
ISTIO_VERSION = "1.30.3"
"""Version of all Istio charts, because a mesh runs one version."""
_ISTIO = "https://istio-release.storage.googleapis.com/charts"

ISTIO_BASE = ChartVersion(repository=_ISTIO, name="base", version=ISTIO_VERSION)
ISTIOD = ChartVersion(repository=_ISTIO, name="istiod", version=ISTIO_VERSION)
ISTIO_CNI = ChartVersion(repository=_ISTIO, name="cni", version=ISTIO_VERSION)
ISTIO_GATEWAY = ChartVersion(repository=_ISTIO, name="gateway", version=ISTIO_VERSION)
KUBE_PROMETHEUS_STACK = ChartVersion(
    repository="https://prometheus-community.github.io/helm-charts", name="kube-prometheus-stack", version="88.5.3"
)
JAEGER = ChartVersion(repository="https://jaegertracing.github.io/helm-charts", name="jaeger", version="4.11.1")
CERT_MANAGER = ChartVersion(repository="https://charts.jetstack.io", name="cert-manager", version="v1.21.1")
ARGO_CD = ChartVersion(repository="https://argoproj.github.io/argo-helm", name="argo-cd", version="10.1.1")
RANCHER = ChartVersion(repository="https://releases.rancher.com/server-charts/stable", name="rancher", version="2.15.0")
CLUSTER_AUTOSCALER = ChartVersion(
    repository="https://kubernetes.github.io/autoscaler", name="cluster-autoscaler", version="9.56.0"
)
KEDA = ChartVersion(repository="https://kedacore.github.io/charts", name="keda", version="2.20.2")

STRIMZI = ChartVersion(repository="https://strimzi.io/charts", name="strimzi-kafka-operator", version="1.2.0")
# renovate: datasource=maven depName=org.apache.kafka:kafka_2.13
KAFKA_VERSION = "4.3.1"
"""One of the versions that the operator knows. The tests run the same."""

# renovate: datasource=docker depName=registry.k8s.io/kubectl
KUBECTL_VERSION = "1.35.8"
"""The only place with Kubernetes' minor version. The sandbox's API server follows it (tools/sandbox/go.mod)."""
KUBERNETES_VERSION = KUBECTL_VERSION.rpartition(".")[0]
"""Minor version of clusters without a release channel, and of the pod security standards."""

POSTGRESQL_VERSION = "18"
"""Major version of managed PostgreSQL. The clouds install minor versions themselves."""

COCKROACHDB_IMAGE = "docker.io/cockroachdb/cockroach:v26.2.5"
POSTGRESQL_IMAGE = "docker.io/library/postgres:18.6-alpine"
"""Used only for its client."""
REDIS_IMAGE = "docker.io/library/redis:8.10.1"
REDIS_EXPORTER_IMAGE = "docker.io/oliver006/redis_exporter:v1.90.0"
HAPROXY_IMAGE = "docker.io/library/haproxy:3.2.22-alpine"
NATS_IMAGE = "docker.io/library/nats:2.14.5-alpine"
NATS_BOX_IMAGE = "docker.io/natsio/nats-box:0.19.7"
NATS_EXPORTER_IMAGE = "docker.io/natsio/prometheus-nats-exporter:0.20.1"
OPENTELEMETRY_COLLECTOR_IMAGE = "docker.io/otel/opentelemetry-collector-contrib:0.154.0"
KUBECTL_IMAGE = f"registry.k8s.io/kubectl:v{KUBECTL_VERSION}"
THANOS_IMAGE = "quay.io/thanos/thanos:v0.42.4"
COMETBFT_IMAGE = "docker.io/cometbft/cometbft:v0.38.26"
LIVEKIT_IMAGE = "docker.io/livekit/livekit-server:v1.13.5"
"""The tests run the same version, built from tools/livekit/go.mod: 1.13.11 does not build from its Go module."""
TEXT_EMBEDDINGS_IMAGE = "ghcr.io/huggingface/text-embeddings-inference:cpu-1.9.3"
"""The one for x86-64 processors, without a GPU."""
TEXT_EMBEDDINGS_GPU_IMAGE = "ghcr.io/huggingface/text-embeddings-inference:cuda-1.9.3"
"""The same version for GPUs of NVIDIA since Turing (T4, A100, A10, L4). Its start program chooses the server."""
NVIDIA_DEVICE_PLUGIN_IMAGE = "nvcr.io/nvidia/k8s-device-plugin:v0.20.0"
SAMPLE_SERVICE_IMAGE = "ghcr.io/stefanprodan/podinfo:6.9.2"
