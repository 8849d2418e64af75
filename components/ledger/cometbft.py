"""CometBFT's validators of one region."""

from functools import partial
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.connection import Connection, DataServiceComponent
from components.context import RegionContext
from components.ledger import configuration, identities, proxy
from components.ledger.identities import APP, HEADLESS_SERVICE, PEER_PORT
from components.ledger.ledger_keys import LedgerMembers
from components.ledger.settings import LedgerSettings
from components.ledger.votes import ADMIT_APP, REMOVE_APP, LedgerVotes, added
from components.metadata import CERTIFICATE_ANNOTATION, DONE_AT_ONCE, selector
from components.namespaces import LEDGER, MONITORING, SERVICES
from components.peering import PEER_NAMES
from components.pod_security import restricted_container
from components.trust import Certificate, CertificateArgs
from components.versions import COMETBFT_IMAGE, HAPROXY_IMAGE
from components.workload import (
    CHECKSUM_ANNOTATION,
    AppMetadata,
    Resources,
    config_volume,
    digest,
    disruption_budget,
    headless_service,
    http_probe,
    pod_field,
    pod_template,
    read_only,
    scratch_volume,
    secret_volume,
    server_certificate,
    server_names,
    service_account,
    service_monitor,
    service_port,
    stateful_set,
)

CERTIFICATE_SECRET: Final = "ledger-certificate"  # noqa: S105 - the name of a Secret
VOTES_SECRET: Final = "ledger-votes"  # noqa: S105 - the name of a Secret
KEYS_SECRET: Final = "ledger-keys"  # noqa: S105 - the name of a Secret
STARTUP_CHECKS: Final = 90
PROBE_SECONDS: Final = 10
PROXY_RESOURCES: Final = Resources(cpu="50m", memory="64Mi", scratch="16Mi")


class CometBFT(DataServiceComponent):
    """The region's validators, each with a proxy, and the Jobs that admit them and remove those that left.

    A region's validators know all others by `members`, whose keys exist before any region.
    In the `home` region a Job removes validators that belong to no region any more. Regions that leave go after it.

    Outputs: those of `components.ledger.Ledger`, known once the region's validators vote.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: LedgerSettings,
        *,
        members: LedgerMembers,
        home: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:ledger:CometBFT", name, None, context.child(opts))
        self._name = name
        self._context = context
        self._settings = settings
        self._members = members
        self._child = pulumi.ResourceOptions(parent=self)
        self._app = AppMetadata(app=APP, region=context.region, namespace=context.namespaces[LEDGER])
        self._sync = configuration.syncs(settings)
        self._chain = members.genesis_regions.apply(identities.chain_id)
        self._network_policy(home=home)
        self._services()
        service_account(name, self._app, self._child)
        disruption_budget(name, self._app, self._child)
        nodes = self._nodes()
        admit = self._votes(nodes, home=home)
        self._connect([nodes, admit])

    def _network_policy(self, *, home: bool) -> None:
        """Open the validators to each other, to clients, the region's Jobs and monitoring, and to other regions."""
        peers = self._context.peers.get(LEDGER)
        itself = network.peer(pods=selector(APP))
        jobs = [network.peer(pods=selector(job)) for job in (ADMIT_APP, *([REMOVE_APP] if home else []))]
        self._app.network_policy(
            f"{self._name}-network-policy",
            ingress=[
                network.ingress([proxy.PORT], network.peer(namespace=self._context.namespaces[SERVICES]), *jobs),
                network.ingress([PEER_PORT], itself),
                network.ingress([configuration.METRICS_PORT], network.peer(namespace=MONITORING)),
                *([peers.ingress(PEER_PORT)] if peers else []),
            ],
            egress=[
                network.egress([PEER_PORT], itself),
                *([peers.egress(PEER_PORT)] if peers else []),
            ],
            opts=self._child,
        )

    def _services(self) -> None:
        headless_service(
            self._name,
            self._app,
            service=HEADLESS_SERVICE,
            ports=[
                service_port("peers", PEER_PORT),
                service_port("https", proxy.PORT, protocol="https"),
                service_port("metrics", configuration.METRICS_PORT, protocol="http"),
            ],
            opts=self._child,
        )
        k8s.core.v1.Service(
            f"{self._name}-service",
            metadata=self._app.meta(configuration.SERVICE, annotations=DONE_AT_ONCE),
            spec=k8s.core.v1.ServiceSpecArgs(
                selector=selector(APP), ports=[service_port("https", proxy.PORT, protocol="https")]
            ),
            opts=self._child,
        )
        service_monitor(
            self._name,
            self._app,
            endpoint={"port": "metrics"},
            monitored_by=self._context.monitored_by,
            opts=self._child,
        )

    def _nodes(self) -> k8s.apps.v1.StatefulSet:
        files = {
            "config.toml": configuration.config(self._settings),
            "start.sh": configuration.START_SCRIPT,
            "haproxy.cfg": proxy.render(self._context.region, sync=self._sync),
        }
        settings = k8s.core.v1.ConfigMap(
            f"{self._name}-settings", metadata=self._app.meta(APP), data=files, opts=self._child
        )
        certificate = self._server_certificate()
        return stateful_set(
            self._name,
            self._app,
            replicas=self._settings.validators,
            headless=HEADLESS_SERVICE,
            pods=pod_template(
                self._app,
                containers=self._containers(),
                volumes=self._volumes(settings, certificate),
                annotations={
                    CERTIFICATE_ANNOTATION: certificate.fingerprint,
                    # Without the members: validators learn of others while they run.
                    CHECKSUM_ANNOTATION: digest(*files.values()),
                },
                grace_seconds=configuration.GRACE_SECONDS,
            ),
            storage=self._settings.storage,
            storage_class=self._context.storage_class,
            opts=self._child,
        )

    def _server_certificate(self) -> Certificate:
        return server_certificate(
            f"{self._name}-certificate",
            self._app,
            self._context.authority,
            secret=CERTIFICATE_SECRET,
            dns_names=(*server_names(configuration.SERVICE, HEADLESS_SERVICE), *PEER_NAMES),
            usages=("server",),
            opts=self._child,
        )

    def _volumes(self, settings: k8s.core.v1.ConfigMap, certificate: Certificate) -> list[k8s.core.v1.VolumeArgs]:
        names = {"tls.crt": proxy.CERTIFICATE, "tls.key": f"{proxy.CERTIFICATE}.key", "ca.crt": proxy.AUTHORITY}
        return [
            config_volume("settings", settings),
            config_volume("members", self._members_file()),
            secret_volume("keys", self._key_files().metadata.name),
            secret_volume("certificates", certificate.secret_name, names),
            *([scratch_volume("run")] if self._settings.application.image is not None else []),
            *([self._sync_certificate()] if self._sync else []),
        ]

    def _key_files(self) -> k8s.core.v1.Secret:
        return k8s.core.v1.Secret(
            f"{self._name}-key-files",
            metadata=self._app.meta(KEYS_SECRET),
            string_data=self._members.files[self._context.region],
            opts=self._child,
        )

    def _members_file(self) -> k8s.core.v1.ConfigMap:
        region = self._context.region
        known = pulumi.Output.all(self._members.validators, self._app.namespace)
        files = {
            "genesis.json": self._members.genesis_regions.apply(identities.genesis),
            "peers": known.apply(lambda both: identities.peers(region, both[0], both[1])),
        }
        if self._sync:
            files["others.cfg"] = known.apply(lambda both: proxy.others(identities.witnesses(region, both[0], both[1])))
        return k8s.core.v1.ConfigMap(
            f"{self._name}-members",
            metadata=self._app.meta("ledger-members"),
            data=files,
            opts=self._child,
        )

    def _containers(self) -> list[k8s.core.v1.ContainerArgs]:
        application = self._settings.application
        own = [] if application.image is None else [_application(self._settings, application.image)]
        return [self._node(), _proxy(sync=self._sync), *own]

    def _node(self) -> k8s.core.v1.ContainerArgs:
        health = partial(http_probe, proxy.HEALTH, port=proxy.HEALTH_PORT, period=PROBE_SECONDS, timeout=5)
        own = self._settings.application.image is not None
        return k8s.core.v1.ContainerArgs(
            name=APP,
            image=COMETBFT_IMAGE,
            image_pull_policy="Always",
            command=["/bin/sh", f"{configuration.SETTINGS}/start.sh"],
            env=[
                pod_field("POD_NAME", "metadata.name"),
                k8s.core.v1.EnvVarArgs(name="REGION", value=self._context.region),
                k8s.core.v1.EnvVarArgs(name="SYNC", value="true" if self._sync else "false"),
            ],
            ports=[
                *([] if self._sync else [_peers_port()]),
                k8s.core.v1.ContainerPortArgs(name="metrics", container_port=configuration.METRICS_PORT),
            ],
            resources=Resources(cpu=self._settings.cpu, memory=self._settings.memory).requirements(),
            security_context=restricted_container(),
            # CometBFT answers in its pod only, so the probes go through the proxy.
            startup_probe=health(failures=STARTUP_CHECKS),
            liveness_probe=health(failures=6),
            volume_mounts=[
                k8s.core.v1.VolumeMountArgs(name="data", mount_path=configuration.DATA, sub_path="node"),
                *read_only(
                    {
                        "settings": configuration.SETTINGS,
                        "members": configuration.MEMBERS,
                        "keys": configuration.KEYS,
                    }
                ),
                *([k8s.core.v1.VolumeMountArgs(name="run", mount_path=configuration.RUN)] if own else []),
            ],
        )

    def _votes(self, nodes: pulumi.Resource, *, home: bool) -> pulumi.Resource:
        certificate = self._client_certificate("votes", VOTES_SECRET, proxy.voter(self._context.region), LEDGER)
        admit = LedgerVotes(
            f"{self._name}-admit",
            self._context,
            task="admit",
            chain=self._chain,
            lines=self._members.by_region[self._context.region].apply(
                lambda known: added({one.index: one.public_key for one in known})
            ),
            certificate=certificate,
            after=nodes,
            opts=self._child,
        ).job
        if home:
            LedgerVotes(
                f"{self._name}-remove",
                self._context,
                task="remove",
                chain=self._chain,
                lines=self._members.validators.apply(
                    lambda known: "".join(f"{key}\n" for key in identities.keys_of(known))
                ),
                certificate=certificate,
                after=admit,
                opts=self._child,
            )
        return admit

    def _sync_certificate(self) -> k8s.core.v1.VolumeArgs:
        name = proxy.newcomer(self._context.region)
        certificate = self._client_certificate("sync", "ledger-sync", name, LEDGER)
        files = {
            "tls.crt": proxy.SYNC_CERTIFICATE,
            "tls.key": f"{proxy.SYNC_CERTIFICATE}.key",
            "ca.crt": proxy.AUTHORITY,
        }
        return secret_volume("sync", certificate.secret_name, files)

    def _client_certificate(self, purpose: str, secret: str, common_name: str, namespace: str) -> Certificate:
        return Certificate(
            f"{self._name}-{purpose}-certificate",
            CertificateArgs(
                authority=self._context.authority,
                common_name=common_name,
                app=APP,
                region=self._context.region,
                namespace=self._context.namespaces[namespace],
                secret_name=secret,
                usages=("client",),
            ),
            self._child,
        )

    def _connect(self, after: list[pulumi.Resource]) -> None:
        region, host = self._context.region, self._app.host_of(configuration.SERVICE)
        certificate = self._client_certificate("client", "ledger-client", proxy.client(region), SERVICES)
        self.offer(
            Connection.publish(
                self._name,
                "ledger",
                region=region,
                namespace=self._context.namespaces[SERVICES],
                url=pulumi.Output.concat("https://", host, f":{proxy.PORT}"),
                host=host,
                port=proxy.PORT,
                settings={
                    "chain.id": self._chain,
                    "region": region,
                    "ca.crt": self._context.authority.root_pem,
                    "tls.crt": certificate.chain_pem,
                    "tls.key": certificate.private_key_pem,
                },
                after=after,
                opts=self._child,
            )
        )


def _peers_port() -> k8s.core.v1.ContainerPortArgs:
    return k8s.core.v1.ContainerPortArgs(name="peers", container_port=PEER_PORT)


def _proxy(*, sync: bool) -> k8s.core.v1.ContainerArgs:
    """Return the proxy's container. With `sync` it also takes peers, and leads to the others."""
    files = [f"{proxy.SETTINGS}/haproxy.cfg", *([f"{proxy.MEMBERS}/others.cfg"] if sync else [])]
    more = {"members": proxy.MEMBERS, "sync": proxy.SYNC_CERTIFICATES} if sync else {}
    return k8s.core.v1.ContainerArgs(
        name="proxy",
        image=HAPROXY_IMAGE,
        image_pull_policy="Always",
        command=["haproxy", "-W", "-db", *(word for file in files for word in ("-f", file))],
        ports=[
            k8s.core.v1.ContainerPortArgs(name="https", container_port=proxy.PORT),
            k8s.core.v1.ContainerPortArgs(name="health", container_port=proxy.HEALTH_PORT),
            *([_peers_port()] if sync else []),
        ],
        resources=PROXY_RESOURCES.requirements(),
        security_context=restricted_container(),
        readiness_probe=http_probe(proxy.HEALTH, port="health", period=5, failures=3, timeout=5),
        liveness_probe=k8s.core.v1.ProbeArgs(
            tcp_socket=k8s.core.v1.TCPSocketActionArgs(port="https"), period_seconds=PROBE_SECONDS
        ),
        volume_mounts=read_only({"settings": proxy.SETTINGS, "certificates": proxy.CERTIFICATES, **more}),
    )


def _application(settings: LedgerSettings, image: str) -> k8s.core.v1.ContainerArgs:
    numbers = {"LEDGER_SNAPSHOT_INTERVAL": settings.snapshot_interval, "LEDGER_RETAIN_BLOCKS": settings.retain_blocks}
    variables = {
        "LEDGER_SOCKET": configuration.SOCKET,
        "LEDGER_DATA": configuration.APPLICATION_DATA,
        **{name: str(number) for name, number in numbers.items() if number is not None},
    }
    return k8s.core.v1.ContainerArgs(
        name="application",
        image=image,
        image_pull_policy="Always",
        env=[k8s.core.v1.EnvVarArgs(name=name, value=value) for name, value in variables.items()],
        resources=Resources(cpu=settings.application.cpu, memory=settings.application.memory).requirements(),
        security_context=restricted_container(),
        volume_mounts=[
            k8s.core.v1.VolumeMountArgs(name="data", mount_path=configuration.APPLICATION_DATA, sub_path="application"),
            k8s.core.v1.VolumeMountArgs(name="run", mount_path=configuration.RUN),
        ],
    )
