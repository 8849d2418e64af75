"""Building blocks that workloads share: pods, StatefulSets, certificates, Services, accounts and monitors."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.metadata import labels, object_meta, selector
from components.offers.gpus import RESOURCE
from components.pod_security import restricted_pod
from components.trust import Certificate, CertificateArgs, RegionAuthority, Usage

USER: Final = 10001
"""User ID of the containers. The group with the same number owns mounted volumes."""
SECRET_MODE: Final = 0o440
"""Mode of mounted Secrets. CockroachDB refuses keys that anyone but root and the process's group can read."""
PREFERRED = 100
CHECKSUM_ANNOTATION = "sacred-council.love/checksum"
JOB_SPARE_SECONDS = 300
"""Pulumi waits this much longer than the Job may run, so that the user sees the Job's own failure."""

METRICS_LABEL = "sacred-council.love/metrics"
"""Marks the one Service of an application that Prometheus scrapes, so that Prometheus scrapes no pod twice."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Resources of one container. Requests equal limits, so that Kubernetes never takes resources back."""

    cpu: str
    memory: str
    scratch: str = "128Mi"
    """Ephemeral storage: logs, and files outside a claim."""
    gpus: int = 0
    """GPUs of NVIDIA, each for this container alone."""

    def requirements(self) -> k8s.core.v1.ResourceRequirementsArgs:
        """Return the requests and limits of one container."""
        amounts = {"cpu": self.cpu, "memory": self.memory, "ephemeral-storage": self.scratch}
        if self.gpus:
            amounts[RESOURCE] = str(self.gpus)
        return k8s.core.v1.ResourceRequirementsArgs(requests=amounts, limits=amounts)


@dataclass(frozen=True, kw_only=True)
class AppMetadata:
    """The metadata that all objects of one application in one region share."""

    app: str
    region: str
    namespace: pulumi.Input[str]

    def meta(
        self,
        name: str,
        annotations: Mapping[str, pulumi.Input[str]] | None = None,
        extra_labels: Mapping[str, str] | None = None,
    ) -> k8s.meta.v1.ObjectMetaArgs:
        """Return the metadata of an object called `name`."""
        return object_meta(
            name,
            app=self.app,
            region=self.region,
            namespace=self.namespace,
            extra_labels=extra_labels,
            annotations=annotations,
        )

    def labels(self) -> dict[str, str]:
        """Return the labels of the application's objects and pods."""
        return labels(self.app, region=self.region)

    def selecting(self) -> k8s.meta.v1.LabelSelectorArgs:
        """Return the selector of the application's pods."""
        return k8s.meta.v1.LabelSelectorArgs(match_labels=selector(self.app))

    def host_of(self, service: str) -> pulumi.Output[str]:
        """Return the DNS name of a Service of the application, as `<service>.<namespace>.svc`."""
        return pulumi.Output.concat(service, ".", self.namespace, ".svc")

    def network_policy(
        self,
        resource_name: str,
        *,
        opts: pulumi.ResourceOptions,
        name: str | None = None,
        pods: Mapping[str, str] | None = None,
        ingress: Sequence[k8s.networking.v1.NetworkPolicyIngressRuleArgs] = (),
        egress: Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs] = (),
    ) -> k8s.networking.v1.NetworkPolicy:
        """Create the policy `name` (None: the application's name) for the pods with labels `pods` (None: its own)."""
        return network.policy(
            resource_name,
            name=name or self.app,
            app=self.app,
            region=self.region,
            namespace=self.namespace,
            pods=selector(self.app) if pods is None else pods,
            ingress=ingress,
            egress=egress,
            opts=opts,
        )


def digest(*texts: str) -> str:
    """Return a checksum of `texts`. As an annotation it restarts pods, or reruns Jobs, when their input changes."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def job_timeouts(deadline: int) -> pulumi.ResourceOptions:
    """Return the options of a Job that may run for `deadline` seconds. The provider's default wait is ten minutes."""
    seconds = f"{deadline + JOB_SPARE_SECONDS}s"
    return pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create=seconds, update=seconds))


def zone_spread(app: AppMetadata) -> list[k8s.core.v1.TopologySpreadConstraintArgs]:
    """Spread the pods over zones as evenly as possible. A cluster without zones still runs them."""
    return [
        k8s.core.v1.TopologySpreadConstraintArgs(
            max_skew=1,
            topology_key="topology.kubernetes.io/zone",
            when_unsatisfiable="ScheduleAnyway",
            label_selector=app.selecting(),
        )
    ]


def anti_affinity(app: AppMetadata) -> k8s.core.v1.AffinityArgs:
    """Prefer a separate node for each pod. A single node still runs them all."""
    term = k8s.core.v1.PodAffinityTermArgs(label_selector=app.selecting(), topology_key="kubernetes.io/hostname")
    return k8s.core.v1.AffinityArgs(
        pod_anti_affinity=k8s.core.v1.PodAntiAffinityArgs(
            preferred_during_scheduling_ignored_during_execution=[
                k8s.core.v1.WeightedPodAffinityTermArgs(weight=PREFERRED, pod_affinity_term=term)
            ]
        )
    )


def service_account(
    name: str,
    app: AppMetadata,
    opts: pulumi.ResourceOptions,
    annotations: Mapping[str, pulumi.Input[str]] | None = None,
) -> k8s.core.v1.ServiceAccount:
    """Create the application's account, without a token. `annotations` can link it to a cloud identity."""
    return k8s.core.v1.ServiceAccount(
        f"{name}-account",
        metadata=app.meta(app.app, annotations),
        automount_service_account_token=False,
        opts=opts,
    )


def disruption_budget(name: str, app: AppMetadata, opts: pulumi.ResourceOptions) -> k8s.policy.v1.PodDisruptionBudget:
    """Allow voluntary evictions of one pod at a time."""
    return k8s.policy.v1.PodDisruptionBudget(
        f"{name}-disruption-budget",
        metadata=app.meta(app.app),
        spec=k8s.policy.v1.PodDisruptionBudgetSpecArgs(max_unavailable=1, selector=app.selecting()),
        opts=opts,
    )


def pod_template(
    app: AppMetadata,
    *,
    containers: Sequence[k8s.core.v1.ContainerArgs],
    volumes: Sequence[k8s.core.v1.VolumeArgs],
    annotations: Mapping[str, pulumi.Input[str]],
    extra_labels: Mapping[str, str] | None = None,
    grace_seconds: int | None = None,
    tolerations: Sequence[k8s.core.v1.TolerationArgs] = (),
) -> k8s.core.v1.PodTemplateSpecArgs:
    """Pods under the application's account, without a token or privileges, spread over nodes and zones.

    A change of `annotations` restarts the pods.
    `grace_seconds` is the time they have to stop. None: Kubernetes' default.
    `tolerations` let them run on nodes that others stay off.
    """
    return k8s.core.v1.PodTemplateSpecArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(
            labels={**app.labels(), **(extra_labels or {})}, annotations=dict(annotations)
        ),
        spec=k8s.core.v1.PodSpecArgs(
            service_account_name=app.app,
            automount_service_account_token=False,
            enable_service_links=False,
            security_context=restricted_pod(user=USER),
            termination_grace_period_seconds=grace_seconds,
            affinity=anti_affinity(app),
            topology_spread_constraints=zone_spread(app),
            tolerations=list(tolerations) or None,
            containers=list(containers),
            volumes=list(volumes),
        ),
    )


def stateful_set(
    name: str,
    app: AppMetadata,
    *,
    replicas: int,
    headless: str,
    pods: k8s.core.v1.PodTemplateSpecArgs,
    opts: pulumi.ResourceOptions,
    storage: str | None = None,
    storage_class: pulumi.Input[str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> k8s.apps.v1.StatefulSet:
    """Create pods that keep their names. The Service `headless` gives them their names.

    All pods start at once, because none becomes ready before it finds the others.
    Each pod has a claim `data` of size `storage`; None: the pods keep nothing.
    A change of the claim replaces the StatefulSet but keeps existing claims.
    """
    return k8s.apps.v1.StatefulSet(
        f"{name}-statefulset",
        metadata=app.meta(app.app, annotations),
        spec=k8s.apps.v1.StatefulSetSpecArgs(
            replicas=replicas,
            service_name=headless,
            pod_management_policy="Parallel",
            selector=app.selecting(),
            template=pods,
            volume_claim_templates=None if storage is None else [_data_claim(app, storage, storage_class)],
        ),
        opts=opts,
    )


def _data_claim(
    app: AppMetadata, storage: str, storage_class: pulumi.Input[str] | None
) -> k8s.core.v1.PersistentVolumeClaimArgs:
    return k8s.core.v1.PersistentVolumeClaimArgs(
        metadata=k8s.meta.v1.ObjectMetaArgs(name="data", labels=selector(app.app)),
        spec=k8s.core.v1.PersistentVolumeClaimSpecArgs(
            access_modes=["ReadWriteOnce"],
            storage_class_name=storage_class,
            resources=k8s.core.v1.VolumeResourceRequirementsArgs(requests={"storage": storage}),
        ),
    )


def server_names(service: str, headless: str) -> tuple[str, ...]:
    """Return the DNS names of servers behind `service`, each with a `headless` name. {0} stands for the namespace."""
    suffixes = ("", ".{0}", ".{0}.svc", ".{0}.svc.cluster.local")
    return ("localhost", *(service + suffix for suffix in suffixes), *(f"*.{headless}" + suffix for suffix in suffixes))


def server_certificate(
    resource_name: str,
    app: AppMetadata,
    authority: RegionAuthority,
    *,
    secret: str,
    dns_names: Sequence[str],
    opts: pulumi.ResourceOptions,
    common_name: str | None = None,
    usages: Sequence[Usage] = ("server", "client"),
) -> Certificate:
    """Issue a certificate in the Secret `secret` for servers. By default they are also clients of each other.

    In `dns_names`, {0} stands for the namespace.
    `common_name` defaults to the application's name.
    """
    return Certificate(
        resource_name,
        CertificateArgs(
            authority=authority,
            common_name=common_name or app.app,
            app=app.app,
            region=app.region,
            namespace=app.namespace,
            secret_name=secret,
            usages=usages,
            dns_names=[pulumi.Output.format(pattern, app.namespace) for pattern in dns_names],
            ip_addresses=["127.0.0.1"],
        ),
        opts=opts,
    )


def config_volume(name: str, config_map: k8s.core.v1.ConfigMap) -> k8s.core.v1.VolumeArgs:
    """Return a volume with the files of a ConfigMap."""
    source = k8s.core.v1.ConfigMapVolumeSourceArgs(name=config_map.metadata.name)
    return k8s.core.v1.VolumeArgs(name=name, config_map=source)


def secret_volume(
    name: str, secret: pulumi.Input[str], files: Mapping[str, str] | None = None
) -> k8s.core.v1.VolumeArgs:
    """Return a volume with the keys of a Secret as files. `files` selects keys and maps each to a file name."""
    items = [k8s.core.v1.KeyToPathArgs(key=key, path=path) for key, path in files.items()] if files else None
    source = k8s.core.v1.SecretVolumeSourceArgs(secret_name=secret, default_mode=SECRET_MODE, items=items)
    return k8s.core.v1.VolumeArgs(name=name, secret=source)


def scratch_volume(name: str) -> k8s.core.v1.VolumeArgs:
    """Return an empty volume that lives as long as the pod."""
    return k8s.core.v1.VolumeArgs(name=name, empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs())


def read_only(volumes: Mapping[str, str]) -> list[k8s.core.v1.VolumeMountArgs]:
    """Return read-only mounts: path by volume name."""
    return [k8s.core.v1.VolumeMountArgs(name=name, mount_path=path, read_only=True) for name, path in volumes.items()]


def service_port(name: str, number: int, protocol: str = "tcp") -> k8s.core.v1.ServicePortArgs:
    """Return a Service port that targets the pods' port of the same name. The mesh reads `protocol` from it."""
    return k8s.core.v1.ServicePortArgs(name=name, port=number, target_port=name, protocol="TCP", app_protocol=protocol)


def pod_field(variable: str, path: str) -> k8s.core.v1.EnvVarArgs:
    """Return an environment variable with a field of the pod, such as metadata.name."""
    return k8s.core.v1.EnvVarArgs(
        name=variable,
        value_from=k8s.core.v1.EnvVarSourceArgs(field_ref=k8s.core.v1.ObjectFieldSelectorArgs(field_path=path)),
    )


def secret_value(variable: str, secret: pulumi.Input[str], key: str) -> k8s.core.v1.EnvVarArgs:
    """Return an environment variable with one key of a Secret."""
    return k8s.core.v1.EnvVarArgs(
        name=variable,
        value_from=k8s.core.v1.EnvVarSourceArgs(secret_key_ref=k8s.core.v1.SecretKeySelectorArgs(name=secret, key=key)),
    )


def http_probe(
    path: str,
    *,
    port: str | int,
    period: int,
    failures: int | None = None,
    timeout: int | None = None,
    scheme: Literal["HTTP", "HTTPS"] | None = None,
) -> k8s.core.v1.ProbeArgs:
    """Return a probe that asks for `path` at the container's port of this name, or at a number.

    `period` and `timeout` are seconds; it fails after `failures` in a row. None: Kubernetes' default.
    """
    return k8s.core.v1.ProbeArgs(
        http_get=k8s.core.v1.HTTPGetActionArgs(path=path, port=port, scheme=scheme),
        period_seconds=period,
        timeout_seconds=timeout,
        failure_threshold=failures,
    )


def custom_object(
    resource_name: str,
    app: AppMetadata,
    *,
    api_version: str,
    kind: str,
    name: str,
    spec: pulumi.Input[Mapping[str, Any]],
    opts: pulumi.ResourceOptions,
    extra_labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
) -> k8s.apiextensions.CustomResource:
    """Create the object `name` of a kind that another program brings."""
    return k8s.apiextensions.CustomResource(
        resource_name,
        api_version=api_version,
        kind=kind,
        metadata=app.meta(name, annotations, extra_labels),
        spec=spec,
        opts=opts,
    )


def service_monitor(
    name: str,
    app: AppMetadata,
    *,
    endpoint: Mapping[str, Any],
    monitored_by: pulumi.Resource | None,
    opts: pulumi.ResourceOptions,
    more: Sequence[Mapping[str, Any]] = (),
    services: Mapping[str, str] | None = None,
) -> None:
    """Let Prometheus scrape `endpoint` and `more` of the Services with labels `services`.

    `services` None: the application's metrics Service.
    `monitored_by` installs the ServiceMonitor kind, and the monitor waits for it. None: create nothing.
    """
    found = {**selector(app.app), METRICS_LABEL: "true"} if services is None else dict(services)
    spec = {"selector": {"matchLabels": found}, "endpoints": [dict(one) for one in (endpoint, *more)]}
    _monitor(name, app, "ServiceMonitor", app.app, spec, monitored_by, opts)


def pod_monitor(
    name: str,
    app: AppMetadata,
    *,
    pods: Mapping[str, Any],
    endpoint: Mapping[str, Any],
    monitored_by: pulumi.Resource | None,
    opts: pulumi.ResourceOptions,
    monitor: str | None = None,
    job_label: str | None = None,
) -> None:
    """Let Prometheus scrape `endpoint` of the namespace's pods that the label selector `pods` matches.

    `monitor` is the object's name (None: the application's).
    `job_label` is the pods' label that becomes the metrics' label `job` (None: the monitor's namespace and name do).
    `monitored_by` installs the PodMonitor kind, and the monitor waits for it. None: create nothing.
    """
    job = {} if job_label is None else {"jobLabel": job_label}
    spec = {"selector": dict(pods), **job, "podMetricsEndpoints": [dict(endpoint)]}
    _monitor(name, app, "PodMonitor", monitor or app.app, spec, monitored_by, opts)


def _monitor(
    name: str,
    app: AppMetadata,
    kind: str,
    monitor: str,
    spec: Mapping[str, Any],
    monitored_by: pulumi.Resource | None,
    opts: pulumi.ResourceOptions,
) -> None:
    if monitored_by is None:
        return
    custom_object(
        f"{name}-monitor",
        app,
        api_version="monitoring.coreos.com/v1",
        kind=kind,
        name=monitor,
        spec=spec,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[monitored_by])),
    )


def headless_service(
    name: str,
    app: AppMetadata,
    *,
    service: str,
    ports: Sequence[k8s.core.v1.ServicePortArgs],
    opts: pulumi.ResourceOptions,
) -> k8s.core.v1.Service:
    """Create the Service that names each pod, ready or not, because peers find each other before any is ready.

    Prometheus scrapes this Service too.
    """
    return k8s.core.v1.Service(
        f"{name}-nodes",
        metadata=app.meta(service, extra_labels={METRICS_LABEL: "true"}),
        spec=k8s.core.v1.ServiceSpecArgs(
            cluster_ip="None",
            publish_not_ready_addresses=True,
            selector=selector(app.app),
            ports=list(ports),
        ),
        opts=opts,
    )


def metrics_service(
    name: str, app: AppMetadata, *, service: str, port: int, opts: pulumi.ResourceOptions
) -> k8s.core.v1.Service:
    """Create a Service for Prometheus alone. It leads to the pods' port called metrics."""
    return k8s.core.v1.Service(
        f"{name}-metrics",
        metadata=app.meta(service, extra_labels={METRICS_LABEL: "true"}),
        spec=k8s.core.v1.ServiceSpecArgs(
            cluster_ip="None",
            selector=selector(app.app),
            ports=[
                k8s.core.v1.ServicePortArgs(
                    name="metrics", port=port, target_port="metrics", protocol="TCP", app_protocol="http"
                )
            ],
        ),
        opts=opts,
    )
