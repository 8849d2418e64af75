"""NATS with JetStream in the cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import pulumi
import pulumi_kubernetes as k8s
import pulumi_random as random

from components import network
from components.connection import Connection, DataServiceComponent
from components.context import RegionContext
from components.messaging import configuration, live_configuration, streams
from components.messaging.live import LiveServers, live_connection
from components.messaging.live_keys import LiveKeys
from components.messaging.pods import exporter, leave_gently, settings_volume
from components.messaging.settings import MessagingSettings
from components.messaging.site_links import HomeLink, SiteLink, render_home
from components.metadata import CERTIFICATE_ANNOTATION, DONE_AT_ONCE, selector
from components.namespaces import LIVE, MONITORING, NATS, SERVICES
from components.passwords import random_password
from components.peering import PEER_NAMES, PeerNames, PeerNamesArgs, host
from components.pod_security import restricted_container
from components.settings.values import bytes_of
from components.trust import Certificate
from components.versions import NATS_IMAGE
from components.workload import (
    CHECKSUM_ANNOTATION,
    AppMetadata,
    Resources,
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

STARTUP_CHECKS: Final = 90


class Nats(DataServiceComponent):
    """NATS with JetStream, TLS everywhere, and an account for the application.

    A single server does not replicate its streams. Growing from 1 to 3 servers needs a backup of them, and the pods
    refuse to start rather than lose them. So a stack that will grow into several regions should start with 3.

    With peers, the servers form a super-cluster and meet the other regions at the regions `seeds`.
    There must be fewer seeds than servers. A region that others meet first needs no seeds.

    With `live`, which goes with `messaging.websocket`, browsers reach the servers through `LiveServers`.

    `sites` are the edge sites whose home the region is. With `home`, these are the servers of an edge site: they keep
    copies of the streams of the home region, and outboxes of what it has not taken yet (docs/edge-sites.md).

    Outputs: those of `components.messaging.Messaging`, known once the servers are ready.
    The Secret `nats-system` in the servers' namespace holds the password of the user `system`, who belongs to the
    region's system account.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: MessagingSettings,
        *,
        seeds: Sequence[str] = (),
        live: LiveKeys | None = None,
        sites: Sequence[SiteLink] = (),
        home: HomeLink | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:messaging:Nats", name, None, context.child(opts))
        self._child = pulumi.ResourceOptions(parent=self)
        self._context = context
        self._peers = context.peers.get(NATS)
        self._app = AppMetadata(app=configuration.APP, region=context.region, namespace=context.namespaces[NATS])
        self._password = random_password(f"{name}-application-password", self._child)
        if settings.websocket.enabled != (live is not None):
            raise ValueError("live: expected a value if, and only if, messaging.websocket is enabled")
        self._live = live
        self._sites = sites
        self._home = home
        region_streams = streams.files(
            context.region,
            settings,
            sites=[link.site for link in sites],
            home=home.region if home else None,
        )
        self._network_policy(name, with_streams=bool(region_streams))
        self._services(name)
        service_account(name, self._app, self._child)
        disruption_budget(name, self._app, self._child)
        certificate = self._certificate(name)
        links = self._link_passwords(name)
        servers = self._servers(name, settings, certificate, seeds, links)
        if home is not None:
            self._name_home(name, home)
        if region_streams:
            self._make_streams(name, region_streams, certificate, servers)
        if live is not None:
            LiveServers(
                f"{name}-live",
                context,
                settings.websocket,
                keys=live,
                passwords={user: password.result for user, password in links.items()},
                opts=self._child,
            )
        self._connect(name, servers)

    def _certificate(self, name: str) -> Certificate:
        return server_certificate(
            f"{name}-certificate",
            self._app,
            self._context.authority,
            secret="nats-certificate",  # noqa: S106 - the name of a Secret
            dns_names=(*server_names(configuration.SERVICE, configuration.HEADLESS_SERVICE), *PEER_NAMES),
            opts=self._child,
        )

    def _make_streams(
        self, name: str, files: Mapping[str, str], certificate: Certificate, servers: pulumi.Resource
    ) -> None:
        streams.NatsStreams(
            f"{name}-streams",
            self._context,
            files,
            password=self._password.result,
            certificate=certificate,
            servers=servers,
            opts=self._child,
        )

    def _name_home(self, name: str, home: HomeLink) -> None:
        """Give the home region's peer endpoint its name, which the certificates of its servers have."""
        PeerNames(
            f"{name}-peers",
            PeerNamesArgs(
                region=self._context.region,
                app=configuration.APP,
                namespace=self._context.namespaces[NATS],
                port=configuration.LEAF_PORT,
                hosts={host(home.region): home.addresses},
            ),
            self._child,
        )

    def _link_passwords(self, name: str) -> Mapping[str, random.RandomPassword]:
        """Make the passwords of the servers for browsers, by user. None without such servers."""
        users = () if self._live is None else (configuration.CIRCLES_USER, configuration.STATE_USER)
        return {user: random_password(f"{name}-{user}-password", self._child) for user in users}

    def _network_policy(self, name: str, *, with_streams: bool) -> None:
        """Let clients, the streams' Job, each other, Prometheus, other regions and edge sites reach the servers."""
        servers = network.peer(pods=selector(configuration.APP))
        clients = [network.peer(namespace=self._context.namespaces[SERVICES])]
        if with_streams:
            clients.append(network.peer(pods=selector(streams.APP)))
        peers = self._peers
        self._app.network_policy(
            f"{name}-network-policy",
            ingress=[
                network.ingress([configuration.CLIENT_PORT], *clients),
                network.ingress([configuration.CLUSTER_PORT], servers),
                *self._links(),
                network.ingress([configuration.EXPORTER_PORT], network.peer(namespace=MONITORING)),
                *([peers.ingress(configuration.GATEWAY_PORT)] if peers else []),
            ],
            egress=[
                *([self._home.egress()] if self._home else []),
                network.egress([configuration.CLUSTER_PORT], servers),
                *([peers.egress(configuration.GATEWAY_PORT)] if peers else []),
            ],
            opts=self._child,
        )

    def _links(self) -> list[k8s.networking.v1.NetworkPolicyIngressRuleArgs]:
        return [
            *([network.ingress([configuration.LEAF_PORT], self._servers_for_browsers())] if self._live else []),
            *(link.ingress() for link in self._sites),
        ]

    def _servers_for_browsers(self) -> k8s.networking.v1.NetworkPolicyPeerArgs:
        return network.peer(namespace=self._context.namespaces[LIVE], pods=selector(live_configuration.APP))

    def _services(self, name: str) -> None:
        headless_service(
            name,
            self._app,
            service=configuration.HEADLESS_SERVICE,
            ports=[
                service_port("client", configuration.CLIENT_PORT),
                service_port("cluster", configuration.CLUSTER_PORT),
                service_port("metrics", configuration.EXPORTER_PORT, protocol="http"),
            ],
            opts=self._child,
        )
        k8s.core.v1.Service(
            f"{name}-service",
            metadata=self._app.meta(configuration.SERVICE, annotations=DONE_AT_ONCE),
            spec=k8s.core.v1.ServiceSpecArgs(
                selector=selector(configuration.APP),
                ports=[
                    service_port("client", configuration.CLIENT_PORT),
                    *([service_port("leaf", configuration.LEAF_PORT)] if self._live is not None else []),
                ],
            ),
            opts=self._child,
        )
        service_monitor(
            name,
            self._app,
            endpoint={"port": "metrics"},
            monitored_by=self._context.monitored_by,
            opts=self._child,
        )

    def _servers(
        self,
        name: str,
        settings: MessagingSettings,
        certificate: Certificate,
        seeds: Sequence[str],
        links: Mapping[str, random.RandomPassword],
    ) -> k8s.apps.v1.StatefulSet:
        files = self._files(settings, seeds)
        secrets = {"users.conf": self._users(name, links), **self._home_file()}
        checksum = pulumi.Output.all(files, *secrets.values()).apply(
            lambda texts: digest(*texts[0].values(), *texts[1:])
        )
        pods = ServerPods(
            app=self._app,
            resources=Resources(cpu=settings.cpu, memory=settings.memory),
            certificate=certificate,
            settings=k8s.core.v1.ConfigMap(
                f"{name}-settings", metadata=self._app.meta(configuration.APP), data=files, opts=self._child
            ),
            users=k8s.core.v1.Secret(
                f"{name}-users",
                metadata=self._app.meta("nats-users"),
                string_data=secrets,
                opts=self._child,
            ),
            checksum=pulumi.Output.unsecret(checksum),
            gateway=self._peers is not None,
            leaves=self._live is not None or bool(self._sites),
            linked=bool(self._sites),
        )
        return stateful_set(
            name,
            self._app,
            replicas=settings.servers,
            headless=configuration.HEADLESS_SERVICE,
            pods=pods.template(),
            storage=settings.storage,
            storage_class=self._context.storage_class,
            opts=self._child,
        )

    def _files(self, settings: MessagingSettings, seeds: Sequence[str]) -> pulumi.Output[dict[str, str]]:
        region, together = self._context.region, self._peers is not None
        return self._context.namespaces[NATS].apply(
            lambda namespace: configuration.files(
                configuration.RegionServers(
                    region=region,
                    settings=settings,
                    gateway=configuration.gateway(region, namespace, seeds) if together else None,
                    mirrored=[] if self._home else streams.mirrored(region, settings),
                    sites=[link.site for link in self._sites],
                    copied=[stream.name for stream in streams.held(region, settings.streams)],
                    is_site=self._home is not None,
                )
            )
        )

    def _home_file(self) -> dict[str, pulumi.Output[str]]:
        home, site = self._home, self._context.region
        if home is None:
            return {}
        known = pulumi.Output.all(namespace=self._context.namespaces[NATS], password=home.password)
        return {"home.conf": known.apply(lambda values: render_home(site=site, home=home.region, **values))}

    def _users(self, name: str, links: Mapping[str, random.RandomPassword]) -> pulumi.Output[str]:
        system = random_password(f"{name}-system-password", self._child)
        k8s.core.v1.Secret(
            f"{name}-system",
            metadata=self._app.meta("nats-system"),
            string_data={"username": configuration.SYSTEM_USER, "password": system.result},
            opts=self._child,
        )
        hashes = {
            configuration.APPLICATION_USER: self._password.bcrypt_hash,
            configuration.SYSTEM_USER: system.bcrypt_hash,
            **{user: password.bcrypt_hash for user, password in links.items()},
            **{configuration.site_user(link.site): link.password_hash for link in self._sites},
        }
        return pulumi.Output.all(**hashes).apply(configuration.render_users)

    def _connect(self, name: str, servers: pulumi.Resource) -> None:
        host = self._app.host_of(configuration.SERVICE)
        user, password, port = configuration.APPLICATION_USER, self._password.result, configuration.CLIENT_PORT
        self.offer(
            Connection.publish(
                name,
                "messaging",
                region=self._app.region,
                namespace=self._context.namespaces[SERVICES],
                url=pulumi.Output.format("tls://{0}:{1}@{2}:{3}", user, password, host, port),
                host=host,
                port=port,
                settings={
                    "username": user,
                    "password": password,
                    "domain": self._app.region,
                    "ca.crt": self._context.authority.root_pem,
                    **(live_connection(self._live, self._context.domain) if self._live is not None else {}),
                },
                after=[servers],
                opts=self._child,
            )
        )


@dataclass(frozen=True, kw_only=True)
class ServerPods:
    """The pods of a region's servers, each with a metrics exporter."""

    app: AppMetadata
    resources: Resources
    certificate: Certificate
    settings: k8s.core.v1.ConfigMap
    users: k8s.core.v1.Secret
    checksum: pulumi.Input[str]
    gateway: bool
    """Whether other regions reach the servers."""
    leaves: bool
    """Whether servers for browsers, or those of edge sites, reach them."""
    linked: bool
    """Whether edge sites do."""

    def template(self) -> k8s.core.v1.PodTemplateSpecArgs:
        """Return the template of the StatefulSet."""
        return pod_template(
            self.app,
            containers=[self._server(), self._exporter()],
            volumes=[
                settings_volume(self.settings, self.users),
                secret_volume("certificates", self.certificate.secret_name),
                scratch_volume("run"),
            ],
            annotations={
                CERTIFICATE_ANNOTATION: self.certificate.fingerprint,
                CHECKSUM_ANNOTATION: self.checksum,
            },
            grace_seconds=configuration.GRACE_SECONDS,
        )

    def _server(self) -> k8s.core.v1.ContainerArgs:
        region = self.app.region
        probe = partial(http_probe, port="monitor", timeout=5)
        return k8s.core.v1.ContainerArgs(
            name="nats",
            image=NATS_IMAGE,
            image_pull_policy="Always",
            command=["/bin/sh", f"{configuration.SETTINGS}/start.sh"],
            env=[
                pod_field("POD_NAME", "metadata.name"),
                k8s.core.v1.EnvVarArgs(name="SERVER_NAME", value=f"{region}-$(POD_NAME)"),
                k8s.core.v1.EnvVarArgs(name="SYSTEM_ACCOUNT", value=configuration.system_account(region)),
                k8s.core.v1.EnvVarArgs(
                    name="GOMEMLIMIT", value=configuration.memory_limit(bytes_of(self.resources.memory))
                ),
            ],
            ports=[
                k8s.core.v1.ContainerPortArgs(name="client", container_port=configuration.CLIENT_PORT),
                k8s.core.v1.ContainerPortArgs(name="cluster", container_port=configuration.CLUSTER_PORT),
                k8s.core.v1.ContainerPortArgs(name="monitor", container_port=configuration.MONITOR_PORT),
                *self._optional_ports(),
            ],
            lifecycle=leave_gently(),
            resources=self.resources.requirements(),
            security_context=restricted_container(),
            startup_probe=probe("/healthz", period=10, failures=STARTUP_CHECKS),
            liveness_probe=probe("/healthz?js-enabled-only=true", period=30, failures=3),
            readiness_probe=probe("/healthz?js-server-only=true", period=10, failures=3),
            volume_mounts=[
                k8s.core.v1.VolumeMountArgs(name="data", mount_path=configuration.DATA),
                *read_only({"settings": configuration.SETTINGS, "certificates": configuration.CERTIFICATES}),
                k8s.core.v1.VolumeMountArgs(name="run", mount_path=configuration.RUN),
            ],
        )

    def _optional_ports(self) -> list[k8s.core.v1.ContainerPortArgs]:
        ports = {
            **({"gateway": configuration.GATEWAY_PORT} if self.gateway else {}),
            **({"leaf": configuration.LEAF_PORT} if self.leaves else {}),
        }
        return [k8s.core.v1.ContainerPortArgs(name=name, container_port=port) for name, port in ports.items()]

    def _exporter(self) -> k8s.core.v1.ContainerArgs:
        gateway = ["-gatewayz"] if self.gateway else []
        links = ["-leafz"] if self.linked else []
        return exporter(["-varz", "-connz", "-routez", "-subz", "-jsz=all", *gateway, *links])
