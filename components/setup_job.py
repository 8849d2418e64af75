"""Jobs that set up a data service. Each can run any number of times, and runs again when its input changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import pulumi
import pulumi_kubernetes as k8s

from components.pod_security import restricted_container, restricted_pod
from components.workload import (
    CHECKSUM_ANNOTATION,
    USER,
    AppMetadata,
    Resources,
    config_volume,
    digest,
    job_timeouts,
    scratch_volume,
    secret_value,
    secret_volume,
    service_account,
)

RETRIES: Final = 6
Volume = Literal["certificates", "credentials", "scratch", "settings"]
"""Volumes that a Job may mount: trusted certificates, secrets, an empty writable volume, and files."""


@dataclass(frozen=True, kw_only=True)
class SetupJob:
    """The container and the input of a Job. The Job runs again when `files`, `secrets` or the container change."""

    container: str
    """The container's name."""
    image: str
    command: Sequence[str]
    resources: Resources
    deadline: int
    """Seconds for all runs together."""
    files: Mapping[str, pulumi.Input[str]]
    """Files of the volume `settings`: content by name."""
    mounts: Mapping[Volume, str]
    """Mount paths by volume. Only `scratch` is writable."""
    environment: Mapping[str, pulumi.Input[str]]
    notes: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """More files for `settings`. Changing them does not rerun the Job."""
    secrets: Mapping[str, pulumi.Input[str]] = field(default_factory=dict)
    """Files of the volume `credentials`: content by name."""
    secret_environment: Mapping[str, str] = field(default_factory=dict)
    """Environment variables with secrets: key in `secrets` by variable."""
    certificates: k8s.core.v1.VolumeArgs | None = None
    """The volume `certificates`."""
    egress: Sequence[k8s.networking.v1.NetworkPolicyEgressRuleArgs]
    """Targets that the Job may reach, besides the cluster's DNS."""

    def __post_init__(self) -> None:
        if self.deadline <= 0:
            raise ValueError(f"deadline: expected seconds above zero, got {self.deadline}")

    def register(
        self,
        name: str,
        app: AppMetadata,
        opts: pulumi.ResourceOptions,
        after: Sequence[pulumi.Resource] = (),
    ) -> k8s.batch.v1.Job:
        """Register the Job with its account, network policy, ConfigMap and Secret. The Job waits for `after`."""
        account = service_account(name, app, opts)
        opened = app.network_policy(f"{name}-network-policy", egress=self.egress, opts=opts)
        return k8s.batch.v1.Job(
            f"{name}-job",
            metadata=app.meta(app.app),
            spec=k8s.batch.v1.JobSpecArgs(
                active_deadline_seconds=self.deadline, backoff_limit=RETRIES, template=self._template(name, app, opts)
            ),
            opts=pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions.merge(opts, job_timeouts(self.deadline)),
                pulumi.ResourceOptions(depends_on=[account, opened, *after]),
            ),
        )

    def _template(self, name: str, app: AppMetadata, opts: pulumi.ResourceOptions) -> k8s.core.v1.PodTemplateSpecArgs:
        settings = k8s.core.v1.ConfigMap(
            f"{name}-settings", metadata=app.meta(app.app), data={**self.files, **self.notes}, opts=opts
        )
        credentials = self._credentials(name, app, opts)
        read = pulumi.Output.all(*self.files.values(), *self.secrets.values())
        return k8s.core.v1.PodTemplateSpecArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(
                labels=app.labels(),
                annotations={CHECKSUM_ANNOTATION: pulumi.Output.unsecret(read.apply(lambda texts: digest(*texts)))},
            ),
            spec=k8s.core.v1.PodSpecArgs(
                service_account_name=app.app,
                automount_service_account_token=False,
                enable_service_links=False,
                restart_policy="OnFailure",
                security_context=restricted_pod(user=USER),
                containers=[self._container(credentials)],
                volumes=self._volumes(settings, credentials),
            ),
        )

    def _credentials(self, name: str, app: AppMetadata, opts: pulumi.ResourceOptions) -> k8s.core.v1.Secret | None:
        if not self.secrets:
            return None
        return k8s.core.v1.Secret(
            f"{name}-credentials", metadata=app.meta(app.app), string_data=dict(self.secrets), opts=opts
        )

    def _container(self, credentials: k8s.core.v1.Secret | None) -> k8s.core.v1.ContainerArgs:
        return k8s.core.v1.ContainerArgs(
            name=self.container,
            image=self.image,
            image_pull_policy="Always",
            command=list(self.command),
            env=self._variables(credentials),
            resources=self.resources.requirements(),
            security_context=restricted_container(),
            volume_mounts=[
                k8s.core.v1.VolumeMountArgs(name=volume, mount_path=path, read_only=volume != "scratch")
                for volume, path in self.mounts.items()
            ],
        )

    def _variables(self, credentials: k8s.core.v1.Secret | None) -> list[k8s.core.v1.EnvVarArgs]:
        variables = [k8s.core.v1.EnvVarArgs(name=name, value=value) for name, value in self.environment.items()]
        if credentials is not None:
            secret = credentials.metadata.name
            variables.extend(secret_value(name, secret, key) for name, key in self.secret_environment.items())
        return variables

    def _volumes(
        self, settings: k8s.core.v1.ConfigMap, credentials: k8s.core.v1.Secret | None
    ) -> list[k8s.core.v1.VolumeArgs]:
        known: dict[Volume, k8s.core.v1.VolumeArgs] = {
            "settings": config_volume("settings", settings),
            "scratch": scratch_volume("scratch"),
        }
        if self.certificates is not None:
            known["certificates"] = self.certificates
        if credentials is not None:
            known["credentials"] = secret_volume("credentials", credentials.metadata.name)
        return [known[volume] for volume in self.mounts]
