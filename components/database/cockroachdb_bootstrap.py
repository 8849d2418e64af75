"""The Job that initialises a CockroachDB cluster and makes the application's database and user."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.database import cockroachdb_plan as plan
from components.database.cockroachdb_nodes import KEY_MODE, USER, certificates
from components.database.credentials import DatabaseCredentials
from components.metadata import selector
from components.pod_security import restricted_container, restricted_pod
from components.trust import Certificate, CertificateArgs, RegionAuthority
from components.versions import COCKROACHDB_IMAGE
from components.workload import CHECKSUM_ANNOTATION, Belonging, Resources, digest, service_account

APP = "cockroachdb-bootstrap"
DEADLINE_SECONDS = 900
RETRIES = 6
RESOURCES = Resources(cpu="100m", memory="256Mi")


@dataclass(frozen=True, kw_only=True)
class CockroachDBBootstrapArgs:
    """Whose cluster (`region`, `namespace`), who signs the Job's certificate, and what the application gets.

    Only the Job of the `founder` region initialises the cluster; the others wait until theirs has joined it.
    """

    region: str
    authority: RegionAuthority
    namespace: pulumi.Input[str]
    credentials: DatabaseCredentials
    license_key: pulumi.Input[str] | None
    founder: bool


class CockroachDBBootstrap(pulumi.ComponentResource):
    """A Job that can run any number of times; it runs again whenever something that it reads has changed.

    Outputs: `job`.
    """

    job: k8s.batch.v1.Job

    def __init__(self, name: str, args: CockroachDBBootstrapArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:database:CockroachDBBootstrap", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._belonging = Belonging(app=APP, region=args.region, namespace=args.namespace)
        service_account(name, self._belonging, self._child)
        opened = self._network_policy(name)
        self.job = k8s.batch.v1.Job(
            f"{name}-job",
            metadata=self._belonging.meta(APP),
            spec=k8s.batch.v1.JobSpecArgs(
                active_deadline_seconds=DEADLINE_SECONDS, backoff_limit=RETRIES, template=self._template(name, args)
            ),
            opts=pulumi.ResourceOptions.merge(self._child, pulumi.ResourceOptions(depends_on=[opened])),
        )
        self.register_outputs({})

    def _network_policy(self, name: str) -> k8s.networking.v1.NetworkPolicy:
        return network.policy(
            f"{name}-network-policy",
            name=APP,
            app=APP,
            region=self._belonging.region,
            namespace=self._belonging.namespace,
            pods=selector(APP),
            egress=[network.egress([plan.SQL_PORT], network.peer(pods=selector(plan.APP)))],
            opts=self._child,
        )

    def _template(self, name: str, args: CockroachDBBootstrapArgs) -> k8s.core.v1.PodTemplateSpecArgs:
        files = {
            "bootstrap.sh": plan.BOOTSTRAP_SCRIPT,
            "application.sql": plan.application_sql(args.credentials.database, args.credentials.username),
        }
        settings = k8s.core.v1.ConfigMap(
            f"{name}-settings", metadata=self._belonging.meta(APP), data=files, opts=self._child
        )
        secrets = {"password": args.credentials.password, "license": args.license_key or ""}
        credentials = k8s.core.v1.Secret(
            f"{name}-credentials", metadata=self._belonging.meta(APP), string_data=secrets, opts=self._child
        )
        certificate = self._root_certificate(name, args.authority)
        checksum = pulumi.Output.all(*secrets.values()).apply(lambda values: digest(*files.values(), *values))
        return k8s.core.v1.PodTemplateSpecArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(
                labels=self._belonging.labels(),
                annotations={CHECKSUM_ANNOTATION: pulumi.Output.unsecret(checksum)},
            ),
            spec=k8s.core.v1.PodSpecArgs(
                service_account_name=APP,
                automount_service_account_token=False,
                enable_service_links=False,
                restart_policy="OnFailure",
                security_context=restricted_pod(user=USER),
                containers=[_container(args)],
                volumes=_volumes(certificate, settings, credentials),
            ),
        )

    def _root_certificate(self, name: str, authority: RegionAuthority) -> Certificate:
        return Certificate(
            f"{name}-certificate",
            CertificateArgs(
                authority=authority,
                common_name="root",
                app=APP,
                region=self._belonging.region,
                namespace=self._belonging.namespace,
                secret_name="cockroachdb-client-root",  # noqa: S106 - the name of a Secret
                usages=("client",),
            ),
            opts=self._child,
        )


def _container(args: CockroachDBBootstrapArgs) -> k8s.core.v1.ContainerArgs:
    environment = {
        "HOST": f"{plan.APP}-0.{plan.HEADLESS_SERVICE}",
        "FOUNDER": "true" if args.founder else "false",
        "USERNAME": args.credentials.username,
        "HOME": plan.SCRATCH,
    }
    mounts = {
        "certificates": plan.CERTIFICATES,
        "settings": plan.SETTINGS,
        "credentials": plan.CREDENTIALS,
        "scratch": plan.SCRATCH,
    }
    return k8s.core.v1.ContainerArgs(
        name="bootstrap",
        image=COCKROACHDB_IMAGE,
        image_pull_policy="Always",
        command=["/bin/bash", f"{plan.SETTINGS}/bootstrap.sh"],
        env=[k8s.core.v1.EnvVarArgs(name=name, value=value) for name, value in environment.items()],
        resources=RESOURCES.requirements(),
        security_context=restricted_container(),
        volume_mounts=[
            k8s.core.v1.VolumeMountArgs(name=volume, mount_path=path, read_only=volume != "scratch")
            for volume, path in mounts.items()
        ],
    )


def _volumes(
    certificate: Certificate, settings: k8s.core.v1.ConfigMap, credentials: k8s.core.v1.Secret
) -> list[k8s.core.v1.VolumeArgs]:
    return [
        certificates("certificates", certificate, "client.root"),
        k8s.core.v1.VolumeArgs(
            name="settings", config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=settings.metadata.name)
        ),
        k8s.core.v1.VolumeArgs(
            name="credentials",
            secret=k8s.core.v1.SecretVolumeSourceArgs(secret_name=credentials.metadata.name, default_mode=KEY_MODE),
        ),
        k8s.core.v1.VolumeArgs(name="scratch", empty_dir=k8s.core.v1.EmptyDirVolumeSourceArgs()),
    ]
