"""A Job that talks to CockroachDB as its administrator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.database import cockroachdb_plan as plan
from components.database.cockroachdb_nodes import KEY_MODE, USER, certificates
from components.metadata import selector
from components.pod_security import restricted_container, restricted_pod
from components.trust import Certificate
from components.versions import COCKROACHDB_IMAGE
from components.workload import CHECKSUM_ANNOTATION, AppMetadata, Resources, digest, job_timeouts, service_account

RETRIES = 6
RESOURCES = Resources(cpu="100m", memory="256Mi")
SCRIPT = "run.sh"


@dataclass(frozen=True, kw_only=True)
class SqlJobArgs:
    """What the Job called `app` runs: `script`, with `files` and `secrets` beside it and `environment` around it.

    When any of these changes, the Job runs again. `notes` are files too, but only for a run that there is anyway.
    `deadline` is in seconds. `egress` is what the Job reaches besides the region's nodes.
    """

    app: str
    region: str
    namespace: pulumi.Input[str]
    certificate: Certificate
    script: str
    deadline: int
    environment: Mapping[str, str]
    files: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    notes: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    egress: Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs] = ()

    def __post_init__(self) -> None:
        if self.deadline <= 0:
            raise ValueError(f"deadline: expected seconds above zero, got {self.deadline}")


class SqlJob(pulumi.ComponentResource):
    """A Job that can run any number of times; it runs again whenever something that it reads has changed.

    Outputs: `job`.
    """

    job: k8s.batch.v1.Job

    def __init__(self, name: str, args: SqlJobArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:database:SqlJob", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._app = AppMetadata(app=args.app, region=args.region, namespace=args.namespace)
        service_account(name, self._app, self._child)
        opened = self._network_policy(name, args)
        self.job = k8s.batch.v1.Job(
            f"{name}-job",
            metadata=self._app.meta(args.app),
            spec=k8s.batch.v1.JobSpecArgs(
                active_deadline_seconds=args.deadline, backoff_limit=RETRIES, template=self._template(name, args)
            ),
            opts=pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions.merge(self._child, job_timeouts(args.deadline)),
                pulumi.ResourceOptions(depends_on=[opened]),
            ),
        )
        self.register_outputs({})

    def _network_policy(self, name: str, args: SqlJobArgs) -> k8s.networking.v1.NetworkPolicy:
        return network.policy(
            f"{name}-network-policy",
            name=args.app,
            app=args.app,
            region=args.region,
            namespace=args.namespace,
            pods=selector(args.app),
            egress=[network.egress([plan.SQL_PORT], network.peer(pods=selector(plan.APP))), *args.egress],
            opts=self._child,
        )

    def _template(self, name: str, args: SqlJobArgs) -> k8s.core.v1.PodTemplateSpecArgs:
        files = {SCRIPT: args.script, **args.files}
        settings = k8s.core.v1.ConfigMap(
            f"{name}-settings",
            metadata=self._app.meta(args.app),
            data={**files, **args.notes},
            opts=self._child,
        )
        credentials = self._credentials(name, args)
        read = [*files.values(), *args.secrets.values()]
        checksum = pulumi.Output.all(*read).apply(lambda values: digest(*values))
        return k8s.core.v1.PodTemplateSpecArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(
                labels=self._app.labels(),
                annotations={CHECKSUM_ANNOTATION: pulumi.Output.unsecret(checksum)},
            ),
            spec=k8s.core.v1.PodSpecArgs(
                service_account_name=args.app,
                automount_service_account_token=False,
                enable_service_links=False,
                restart_policy="OnFailure",
                security_context=restricted_pod(user=USER),
                containers=[_container(args)],
                volumes=_volumes(args.certificate, settings, credentials),
            ),
        )

    def _credentials(self, name: str, args: SqlJobArgs) -> k8s.core.v1.Secret | None:
        if not args.secrets:
            return None
        return k8s.core.v1.Secret(
            f"{name}-credentials",
            metadata=self._app.meta(args.app),
            string_data=dict(args.secrets),
            opts=self._child,
        )


def _container(args: SqlJobArgs) -> k8s.core.v1.ContainerArgs:
    environment = {
        "HOST": f"{plan.APP}-0.{plan.HEADLESS_SERVICE}",
        "HOME": plan.SCRATCH,
        **args.environment,
    }
    mounts = {"certificates": plan.CERTIFICATES, "settings": plan.SETTINGS, "scratch": plan.SCRATCH}
    if args.secrets:
        mounts["credentials"] = plan.CREDENTIALS
    return k8s.core.v1.ContainerArgs(
        name="sql",
        image=COCKROACHDB_IMAGE,
        image_pull_policy="Always",
        command=["/bin/bash", f"{plan.SETTINGS}/{SCRIPT}"],
        env=[k8s.core.v1.EnvVarArgs(name=name, value=value) for name, value in environment.items()],
        resources=RESOURCES.requirements(),
        security_context=restricted_container(),
        volume_mounts=[
            k8s.core.v1.VolumeMountArgs(name=volume, mount_path=path, read_only=volume != "scratch")
            for volume, path in mounts.items()
        ],
    )


def _volumes(
    certificate: Certificate, settings: k8s.core.v1.ConfigMap, credentials: k8s.core.v1.Secret | None
) -> list[k8s.core.v1.VolumeArgs]:
    volumes = [
        certificates("certificates", certificate, "client.root"),
        k8s.core.v1.VolumeArgs(
            name="settings", config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=settings.metadata.name)
        ),
        k8s.core.v1.VolumeArgs(name="scratch", empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs()),
    ]
    if credentials is not None:
        secret = k8s.core.v1.SecretVolumeSourceArgs(secret_name=credentials.metadata.name, default_mode=KEY_MODE)
        volumes.append(k8s.core.v1.VolumeArgs(name="credentials", secret=secret))
    return volumes
