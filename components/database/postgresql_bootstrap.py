"""The Job that makes the application's database and user in a PostgreSQL server of a cloud."""

from dataclasses import dataclass

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components import network
from components.database import postgresql_plan as plan
from components.database.credentials import DatabaseCredentials
from components.metadata import selector
from components.pod_security import restricted_container, restricted_pod
from components.versions import POSTGRESQL_IMAGE
from components.workload import CHECKSUM_ANNOTATION, AppMetadata, Resources, digest, job_timeouts, service_account

USER = 10001
DEADLINE_SECONDS = 900
RETRIES = 6
RESOURCES = Resources(cpu="100m", memory="64Mi")
KEY_MODE = 0o440
SALT_LENGTH = 16


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server of a cloud: where it is, who signs its certificate (PEM), and its administrator.

    `host` is known once the server answers; its address is one of `addresses` (CIDR).
    """

    host: pulumi.Output[str]
    authority: pulumi.Input[str]
    administrator_password: pulumi.Output[str]
    addresses: str
    administrator: str = plan.ADMINISTRATOR


@dataclass(frozen=True, kw_only=True)
class PostgresBootstrapArgs:
    """Whose `server`, where the Job runs, and what the application gets."""

    region: str
    namespace: pulumi.Input[str]
    server: Server
    credentials: DatabaseCredentials


class PostgresBootstrap(pulumi.ComponentResource):
    """A Job that can run any number of times; it runs again whenever something that it reads has changed.

    It does so because no cloud can make a user with fewer rights than an administrator's. The server never sees the
    application's password, only what it needs to check it.

    Outputs: `job`.
    """

    job: k8s.batch.v1.Job

    def __init__(self, name: str, args: PostgresBootstrapArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:database:PostgresBootstrap", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        self._app = AppMetadata(app=plan.APP, region=args.region, namespace=args.namespace)
        service_account(name, self._app, self._child)
        opened = network.policy(
            f"{name}-network-policy",
            name=plan.APP,
            app=plan.APP,
            region=args.region,
            namespace=args.namespace,
            pods=selector(plan.APP),
            egress=[network.egress([plan.PORT], network.cidr(args.server.addresses))],
            opts=self._child,
        )
        self.job = k8s.batch.v1.Job(
            f"{name}-job",
            metadata=self._app.meta(plan.APP),
            spec=k8s.batch.v1.JobSpecArgs(
                active_deadline_seconds=DEADLINE_SECONDS, backoff_limit=RETRIES, template=self._template(name, args)
            ),
            opts=pulumi.ResourceOptions.merge(
                pulumi.ResourceOptions.merge(self._child, job_timeouts(DEADLINE_SECONDS)),
                pulumi.ResourceOptions(depends_on=[opened]),
            ),
        )
        self.register_outputs({})

    def _template(self, name: str, args: PostgresBootstrapArgs) -> k8s.core.v1.PodTemplateSpecArgs:
        files: dict[str, pulumi.Input[str]] = {
            "bootstrap.sh": plan.BOOTSTRAP_SCRIPT,
            "application.sql": plan.APPLICATION_SQL,
            "ca.crt": args.server.authority,
        }
        secrets = {"password": args.server.administrator_password, "verifier": self._verifier(name, args.credentials)}
        settings = k8s.core.v1.ConfigMap(
            f"{name}-settings", metadata=self._app.meta(plan.APP), data=files, opts=self._child
        )
        credentials = k8s.core.v1.Secret(
            f"{name}-credentials", metadata=self._app.meta(plan.APP), string_data=secrets, opts=self._child
        )
        checksum = pulumi.Output.all(*files.values(), *secrets.values()).apply(lambda texts: digest(*texts))
        return k8s.core.v1.PodTemplateSpecArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(
                labels=self._app.labels(),
                annotations={CHECKSUM_ANNOTATION: pulumi.Output.unsecret(checksum)},
            ),
            spec=k8s.core.v1.PodSpecArgs(
                service_account_name=plan.APP,
                automount_service_account_token=False,
                enable_service_links=False,
                restart_policy="OnFailure",
                security_context=restricted_pod(user=USER),
                containers=[_container(args)],
                volumes=_volumes(settings, credentials),
            ),
        )

    def _verifier(self, name: str, credentials: DatabaseCredentials) -> pulumi.Output[str]:
        salt = random.RandomPassword(f"{name}-salt", length=SALT_LENGTH, special=False, opts=self._child).result
        return pulumi.Output.all(credentials.password, salt).apply(
            lambda known: plan.scram_verifier(known[0], known[1])
        )


def _container(args: PostgresBootstrapArgs) -> k8s.core.v1.ContainerArgs:
    environment: dict[str, pulumi.Input[str]] = {
        "PGHOST": args.server.host,
        "PGPORT": str(plan.PORT),
        "PGUSER": args.server.administrator,
        "APP_DATABASE": args.credentials.database,
        "APP_USERNAME": args.credentials.username,
    }
    return k8s.core.v1.ContainerArgs(
        name="bootstrap",
        image=POSTGRESQL_IMAGE,
        image_pull_policy="Always",
        command=["/bin/sh", f"{plan.SETTINGS}/bootstrap.sh"],
        env=[k8s.core.v1.EnvVarArgs(name=name, value=value) for name, value in environment.items()],
        resources=RESOURCES.requirements(),
        security_context=restricted_container(),
        volume_mounts=[
            k8s.core.v1.VolumeMountArgs(name="settings", mount_path=plan.SETTINGS, read_only=True),
            k8s.core.v1.VolumeMountArgs(name="credentials", mount_path=plan.CREDENTIALS, read_only=True),
        ],
    )


def _volumes(settings: k8s.core.v1.ConfigMap, credentials: k8s.core.v1.Secret) -> list[k8s.core.v1.VolumeArgs]:
    return [
        k8s.core.v1.VolumeArgs(
            name="settings", config_map=k8s.core.v1.ConfigMapVolumeSourceArgs(name=settings.metadata.name)
        ),
        k8s.core.v1.VolumeArgs(
            name="credentials",
            secret=k8s.core.v1.SecretVolumeSourceArgs(secret_name=credentials.metadata.name, default_mode=KEY_MODE),
        ),
    ]
