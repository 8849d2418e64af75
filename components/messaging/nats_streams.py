"""The Job that makes a region's streams and mirrors."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.messaging import config, streams
from components.metadata import selector
from components.pod_security import restricted_container, restricted_pod
from components.versions import NATS_BOX_IMAGE
from components.workload import (
    CHECKSUM_ANNOTATION,
    AppMetadata,
    Resources,
    digest,
    job_timeouts,
    secret_value,
    service_account,
)

USER = 10001
DEADLINE_SECONDS = 900
RETRIES = 6
RESOURCES = Resources(cpu="100m", memory="128Mi", scratch="16Mi")
SECRET_MODE = 0o440


@dataclass(frozen=True, kw_only=True)
class NatsStreamsArgs:
    """The `streams` that `region` holds, itself or as mirrors, and the `password` of the application's user.

    `certificate_secret` has the `ca.crt` that the certificate of the `servers`, which are waited for, goes back to.
    """

    region: str
    namespace: pulumi.Input[str]
    streams: Sequence[streams.Stream]
    password: pulumi.Input[str]
    certificate_secret: pulumi.Input[str]
    servers: pulumi.Resource

    def __post_init__(self) -> None:
        if not self.streams:
            raise ValueError("streams: expected at least one, got none")


class NatsStreams(pulumi.ComponentResource):
    """A Job that can run any number of times; it runs again whenever something that it reads has changed."""

    def __init__(self, name: str, args: NatsStreamsArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:messaging:NatsStreams", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._app = AppMetadata(app=streams.APP, region=args.region, namespace=args.namespace)
        account = service_account(name, self._app, self._child)
        opened = self._network_policy(name)
        k8s.batch.v1.Job(
            f"{name}-job",
            metadata=self._app.meta(streams.APP),
            spec=k8s.batch.v1.JobSpecArgs(
                active_deadline_seconds=DEADLINE_SECONDS, backoff_limit=RETRIES, template=self._template(name, args)
            ),
            opts=pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions.merge(self._child, job_timeouts(DEADLINE_SECONDS)),
                pulumi.ResourceOptions(depends_on=[account, opened, args.servers]),
            ),
        )
        self.register_outputs({})

    def _network_policy(self, name: str) -> k8s.networking.v1.NetworkPolicy:
        return network.policy(
            f"{name}-network-policy",
            name=streams.APP,
            app=streams.APP,
            region=self._app.region,
            namespace=self._app.namespace,
            pods=selector(streams.APP),
            egress=[network.egress([config.CLIENT_PORT], network.peer(pods=selector(config.APP)))],
            opts=self._child,
        )

    def _template(self, name: str, args: NatsStreamsArgs) -> k8s.core.v1.PodTemplateSpecArgs:
        files = streams.files(args.region, args.streams)
        settings = k8s.core.v1.ConfigMap(
            f"{name}-settings", metadata=self._app.meta(streams.APP), data=files, opts=self._child
        )
        credentials = k8s.core.v1.Secret(
            f"{name}-credentials",
            metadata=self._app.meta(streams.APP),
            string_data={"password": args.password},
            opts=self._child,
        )
        checksum = pulumi.Output.from_input(args.password).apply(lambda password: digest(*files.values(), password))
        return k8s.core.v1.PodTemplateSpecArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(
                labels=self._app.labels(),
                annotations={CHECKSUM_ANNOTATION: pulumi.Output.unsecret(checksum)},
            ),
            spec=k8s.core.v1.PodSpecArgs(
                service_account_name=streams.APP,
                automount_service_account_token=False,
                enable_service_links=False,
                restart_policy="OnFailure",
                security_context=restricted_pod(user=USER),
                containers=[_container(credentials)],
                volumes=_volumes(settings, args.certificate_secret),
            ),
        )


def _container(credentials: k8s.core.v1.Secret) -> k8s.core.v1.ContainerArgs:
    environment = {
        "NATS_URL": streams.SERVER,
        "NATS_CA": f"{streams.CERTIFICATES}/ca.crt",
        "NATS_USER": config.APPLICATION_USER,
        "HOME": streams.SCRATCH,
        "XDG_CONFIG_HOME": streams.SCRATCH,
    }
    mounts = {"settings": streams.SETTINGS, "certificates": streams.CERTIFICATES, "scratch": streams.SCRATCH}
    return k8s.core.v1.ContainerArgs(
        name="streams",
        image=NATS_BOX_IMAGE,
        image_pull_policy="Always",
        command=["/bin/sh", f"{streams.SETTINGS}/streams.sh"],
        env=[
            *(k8s.core.v1.EnvVarArgs(name=name, value=value) for name, value in environment.items()),
            secret_value("NATS_PASSWORD", credentials.metadata.name, "password"),
        ],
        resources=RESOURCES.requirements(),
        security_context=restricted_container(),
        volume_mounts=[
            k8s.core.v1.VolumeMountArgs(name=volume, mount_path=path, read_only=volume != "scratch")
            for volume, path in mounts.items()
        ],
    )


def _volumes(settings: k8s.core.v1.ConfigMap, certificate_secret: pulumi.Input[str]) -> list[k8s.core.v1.VolumeArgs]:
    # The root certificate alone: the servers' key is none of the Job's business.
    root = [k8s.core.v1.KeyToPathArgs(key="ca.crt", path="ca.crt")]
    return [
        k8s.core.v1.VolumeArgs(
            name="settings", config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=settings.metadata.name)
        ),
        k8s.core.v1.VolumeArgs(
            name="certificates",
            secret=k8s.core.v1.SecretVolumeSourceArgs(
                secret_name=certificate_secret, items=root, default_mode=SECRET_MODE
            ),
        ),
        k8s.core.v1.VolumeArgs(name="scratch", empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs()),
    ]
