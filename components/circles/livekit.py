"""LiveKit's servers of one region."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import unquote, urlsplit

import pulumi
import pulumi_kubernetes as k8s

from components import network
from components.cache import Cache
from components.cdn import RegionEdge
from components.circles import configuration, proxy
from components.circles.access import CirclesAccess
from components.circles.configuration import APP, HEADLESS_SERVICE, SERVICE, ServerFile
from components.circles.endpoints import MediaEndpoint, ServerAddresses
from components.circles.public_certificate import CERTIFICATE, TurnCertificate
from components.circles.settings import CirclesSettings
from components.connection import Connection, DataServiceComponent
from components.context import RegionContext
from components.metadata import DONE_AT_ONCE, WAIT_FOR, selector
from components.namespaces import CIRCLES, INGRESS, MONITORING, REDIS, SERVICES
from components.pod_security import restricted_container
from components.public_gateway import INGRESS_PODS
from components.settings.values import bytes_of, seconds_of
from components.trust import Certificate
from components.versions import HAPROXY_IMAGE, LIVEKIT_IMAGE, REDIS_IMAGE
from components.workload import (
    CHECKSUM_ANNOTATION,
    SECRET_MODE,
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
    secret_value,
    secret_volume,
    server_certificate,
    service_account,
    service_monitor,
    service_port,
    stateful_set,
)

CERTIFICATE_SECRET: Final = "circles-certificate"  # noqa: S105 - the name of a Secret
KEYS_SECRET: Final = "circles-keys"  # noqa: S105 - the name of a Secret
CACHE_PASSWORD: Final = "cache-password"  # noqa: S105 - a key of that Secret
PROBE_SECONDS: Final = 5
STARTUP_CHECKS: Final = 60
MEMORY_SHARE: Final = 0.9
"""Share of its memory that a server uses before it looks for more that it can free."""
PROXY_RESOURCES: Final = Resources(cpu="250m", memory="256Mi", scratch="16Mi")
KEEPER_RESOURCES: Final = Resources(cpu="20m", memory="32Mi", scratch="16Mi")
A_SERVER_IS_READY: Final = {WAIT_FOR: "jsonpath={.status.readyReplicas}"}
"""Annotation: the StatefulSet is done once a server is ready.

An update is done at once. It takes as long as the calls of all servers, one after another, and nobody waits for that.
"""


@dataclass(frozen=True, kw_only=True)
class RoomCache:
    """The region's cache, in which the servers find out which call is where."""

    cache: Cache
    pods: Mapping[str, str] | None
    """Labels of the pods in Redis' namespace that take connections. None: the cloud runs the cache."""
    addresses: str | None = None
    """IPv4 range (CIDR) of the cloud's caches."""

    def __post_init__(self) -> None:
        if (self.pods is None) == (self.addresses is None):
            raise ValueError("pods: expected the cache's pods, or the addresses of the cloud's caches, and not both")


@dataclass(frozen=True, kw_only=True)
class CirclesPlace:
    """What a region's servers for circles need of the region."""

    host: str
    """Host of the region's public gateway."""
    addresses: Sequence[ServerAddresses]
    """Reserved addresses of each server."""
    annotations: Mapping[str, str]
    """The cluster's annotations for public load balancers."""
    rooms: RoomCache
    edge: RegionEdge | None = None
    """The CDN, whose account with a public authority signs the certificate for TURN. None: the region's own does."""
    certificates: pulumi.Resource | None = None
    """Installs cert-manager's kinds. Needed with `edge`."""

    def __post_init__(self) -> None:
        if self.edge is not None and self.certificates is None:
            raise ValueError("certificates: expected what installs cert-manager, because a public authority signs")


class LiveKit(DataServiceComponent):
    """Servers that pass on the voice and video of circles' calls, each with an address, a proxy, and TURN.

    A call is on one server, and any server of the region leads to it. Which one it is they find in the region's cache.

    Outputs: those of `components.circles.Circles`, known once a server is ready.
    """

    def __init__(
        self,
        name: str,
        context: RegionContext,
        settings: CirclesSettings,
        *,
        access: CirclesAccess,
        place: CirclesPlace,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:circles:LiveKit", name, None, context.child(opts))
        if len(place.addresses) != settings.servers:
            raise ValueError(f"addresses: expected those of {settings.servers} servers, got {len(place.addresses)}")
        self._name, self._context, self._settings = name, context, settings
        self._access, self._place = access, place
        self._child = pulumi.ResourceOptions(parent=self)
        self._app = AppMetadata(app=APP, region=context.region, namespace=context.namespaces[CIRCLES])
        self._hosts = [configuration.turn_host(index, place.host) for index in range(settings.servers)]
        endpoints = [self._endpoint(index, addresses) for index, addresses in enumerate(place.addresses)]
        media = [endpoint.media for endpoint in endpoints]
        self._network_policies(media)
        self._services()
        service_account(name, self._app, self._child)
        disruption_budget(name, self._app, self._child)
        if place.edge is not None and place.certificates is not None:
            TurnCertificate(
                f"{name}-turn", context, place.edge, hosts=self._hosts, ready=place.certificates, opts=self._child
            )
        self._connect(self._servers(media))

    @property
    def _public(self) -> bool:
        """Whether a public authority signs the certificate for TURN."""
        return self._place.edge is not None

    def _endpoint(self, index: int, addresses: ServerAddresses) -> MediaEndpoint:
        return MediaEndpoint(
            f"{self._name}-{index}",
            self._app,
            index,
            addresses,
            annotations=self._place.annotations,
            public_authority=self._public,
            opts=self._child,
        )

    def _network_policies(self, media: Sequence[pulumi.Output[str]]) -> None:
        """Open the servers to everybody's voice and video, to the gateway and services, and to monitoring."""
        context, rooms = self._context, self._place.rooms
        gateway = network.peer(namespace=context.namespaces[INGRESS], pods=INGRESS_PODS)
        itself = network.peer(pods=selector(APP))
        everybody = [configuration.TCP_PORT, proxy.TURN_TLS_PORT, *([proxy.CHALLENGE_PORT] if self._public else [])]
        cache = (
            network.peer(namespace=context.namespaces[REDIS], pods=rooms.pods)
            if rooms.pods is not None
            else network.cidr(str(rooms.addresses))
        )
        self._app.network_policy(
            f"{self._name}-network-policy",
            ingress=[
                network.ingress([configuration.UDP_PORT, configuration.STUN_PORT], protocol="UDP"),
                network.ingress(everybody),
                network.ingress([proxy.PORT], gateway, network.peer(namespace=context.namespaces[SERVICES])),
                network.ingress([proxy.HEALTH_PORT], network.peer(namespace=MONITORING)),
            ],
            egress=[
                network.egress([rooms.cache.port], cache),
                # What TURN relays goes to the server's own address: through the load balancer, or straight to the pod
                # where the cluster sends traffic for its own load balancers there.
                network.egress(
                    [configuration.UDP_PORT],
                    itself,
                    *(network.cidr(pulumi.Output.concat(address, "/32")) for address in media),
                    protocol="UDP",
                ),
            ],
            opts=self._child,
        )
        if rooms.pods is not None:
            network.policy(
                f"{self._name}-cache",
                name=APP,
                app=APP,
                region=context.region,
                namespace=context.namespaces[REDIS],
                pods=rooms.pods,
                ingress=[network.ingress([rooms.cache.port], network.peer(namespace=context.namespaces[CIRCLES]))],
                opts=self._child,
            )

    def _services(self) -> None:
        headless_service(
            self._name,
            self._app,
            service=HEADLESS_SERVICE,
            ports=[service_port("metrics", proxy.HEALTH_PORT, protocol="http")],
            opts=self._child,
        )
        k8s.core.v1.Service(
            f"{self._name}-service",
            metadata=self._app.meta(SERVICE, annotations=DONE_AT_ONCE),
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

    def _servers(self, media: Sequence[pulumi.Output[str]]) -> k8s.apps.v1.StatefulSet:
        cache, keys = self._place.rooms.cache, self._access.keys
        password = cache.url.apply(password_of)
        shared = self._shared_files()
        # Servers are told apart by files, so that one server more restarts none of the others.
        files = {f"{configuration.pod(index)}.yaml": self._file(index, address) for index, address in enumerate(media)}
        settings = k8s.core.v1.ConfigMap(
            f"{self._name}-settings", metadata=self._app.meta(APP), data={**shared, **files}, opts=self._child
        )
        secret = k8s.core.v1.Secret(
            f"{self._name}-keys",
            metadata=self._app.meta(KEYS_SECRET),
            string_data={configuration.KEYS_FILE: keys.file, CACHE_PASSWORD: password},
            opts=self._child,
        )
        checksum = pulumi.Output.all(*shared.values(), self._file(None, ""), keys.file, password).apply(
            lambda texts: digest(*texts)
        )
        return stateful_set(
            self._name,
            self._app,
            replicas=self._settings.servers,
            headless=HEADLESS_SERVICE,
            pods=pod_template(
                self._app,
                containers=[
                    self._server(secret.metadata.name),
                    _proxy(public=self._public),
                    self._keeper(secret.metadata.name),
                ],
                volumes=[
                    config_volume("settings", settings),
                    secret_volume("keys", secret.metadata.name, {configuration.KEYS_FILE: configuration.KEYS_FILE}),
                    secret_volume("certificates", self._certificate().secret_name, _pair(proxy.CERTIFICATE)),
                    *([_public_certificate()] if self._public else []),
                ],
                # Without certificates: the proxy takes new ones by itself.
                annotations={CHECKSUM_ANNOTATION: pulumi.Output.unsecret(checksum)},
                grace_seconds=seconds_of(self._settings.drain),
            ),
            annotations=A_SERVER_IS_READY,
            opts=self._child,
        )

    def _shared_files(self) -> dict[str, pulumi.Input[str]]:
        """Return the files that all servers have, by their names."""
        thumbprint = self._place.edge.keys.account_thumbprint if self._place.edge is not None else None
        return {
            "haproxy.cfg": thumbprint.apply(lambda known: proxy.render(thumbprint=known))
            if thumbprint is not None
            else proxy.render(thumbprint=None),
            "proxy.sh": proxy.START_SCRIPT,
            "stop.sh": proxy.STOP_SCRIPT,
            "keeper.sh": configuration.KEEPER_SCRIPT,
            configuration.CACHE_AUTHORITY: self._place.rooms.cache.authority,
        }

    def _certificate(self) -> Certificate:
        return server_certificate(
            f"{self._name}-certificate",
            self._app,
            self._context.authority,
            secret=CERTIFICATE_SECRET,
            dns_names=(
                "localhost",
                *(f"{SERVICE}.{{0}}.{suffix}" for suffix in ("svc", "svc.cluster.local")),
                *([] if self._public else self._hosts),
            ),
            usages=("server",),
            opts=self._child,
        )

    def _file(self, index: int | None, address: pulumi.Input[str]) -> pulumi.Output[str]:
        """Return a server's file. None: what the files of all servers have in common."""
        cache, settings, region = self._place.rooms.cache, self._settings, self._context.region
        host = self._hosts[index] if index is not None else ""
        over_tcp = index is not None and self._place.addresses[index].one
        return pulumi.Output.all(address=address, host=cache.host, port=cache.port).apply(
            lambda known: configuration.render(
                ServerFile(
                    settings=settings,
                    region=region,
                    address=known["address"],
                    over_tcp=over_tcp,
                    turn_host=host,
                    cache=f"{known['host']}:{known['port']}",
                )
            )
        )

    def _server(self, secret: pulumi.Input[str]) -> k8s.core.v1.ContainerArgs:
        probe = partial(http_probe, port=proxy.HEALTH_PORT, timeout=5)
        memory = f"{int(bytes_of(self._settings.memory) * MEMORY_SHARE)}B"
        return k8s.core.v1.ContainerArgs(
            name="livekit",
            image=LIVEKIT_IMAGE,
            image_pull_policy="Always",
            # Kubernetes expands $(...).
            command=["/livekit-server", "--config", f"{configuration.SETTINGS}/$(POD_NAME).yaml"],
            env=[
                pod_field("POD_NAME", "metadata.name"),
                secret_value("REDIS_PASSWORD", secret, CACHE_PASSWORD),
                k8s.core.v1.EnvVarArgs(name="GOMEMLIMIT", value=memory),
            ],
            ports=[
                k8s.core.v1.ContainerPortArgs(name="media", container_port=configuration.UDP_PORT, protocol="UDP"),
                k8s.core.v1.ContainerPortArgs(name="stun", container_port=configuration.STUN_PORT, protocol="UDP"),
                k8s.core.v1.ContainerPortArgs(name="media-tcp", container_port=configuration.TCP_PORT),
            ],
            resources=Resources(cpu=self._settings.cpu, memory=self._settings.memory).requirements(),
            security_context=restricted_container(),
            # LiveKit answers in its pod only, so the probes go through the proxy.
            startup_probe=probe(proxy.HEALTH, period=PROBE_SECONDS, failures=STARTUP_CHECKS),
            # Not ready while the cache is away: nobody can join then, and calls go on.
            readiness_probe=probe(proxy.HEALTH, period=PROBE_SECONDS, failures=3),
            liveness_probe=probe(proxy.METRICS, period=20, failures=6),
            volume_mounts=read_only({"settings": configuration.SETTINGS, "keys": configuration.KEYS}),
        )

    def _keeper(self, secret: pulumi.Input[str]) -> k8s.core.v1.ContainerArgs:
        cache = self._place.rooms.cache
        return k8s.core.v1.ContainerArgs(
            name="keeper",
            image=REDIS_IMAGE,
            image_pull_policy="Always",
            command=["/bin/sh", f"{configuration.SETTINGS}/keeper.sh"],
            env=[
                k8s.core.v1.EnvVarArgs(name="REDIS_HOST", value=cache.host),
                k8s.core.v1.EnvVarArgs(name="REDIS_PORT", value=cache.port.apply(str)),
                secret_value("REDISCLI_AUTH", secret, CACHE_PASSWORD),
            ],
            resources=KEEPER_RESOURCES.requirements(),
            security_context=restricted_container(),
            volume_mounts=read_only({"settings": configuration.SETTINGS}),
        )

    def _connect(self, servers: pulumi.Resource) -> None:
        host = self._app.host_of(SERVICE)
        self.offer(
            Connection.publish(
                self._name,
                "circles",
                region=self._context.region,
                namespace=self._context.namespaces[SERVICES],
                url=pulumi.Output.concat("https://", host, f":{proxy.PORT}"),
                host=host,
                port=proxy.PORT,
                settings={
                    "region": self._context.region,
                    "max.participants": str(self._settings.max_participants),
                    "ca.crt": self._context.authority.root_pem,
                    **self._access.connection(),
                },
                after=[servers],
                opts=self._child,
            )
        )


def _proxy(*, public: bool) -> k8s.core.v1.ContainerArgs:
    return k8s.core.v1.ContainerArgs(
        name="proxy",
        image=HAPROXY_IMAGE,
        image_pull_policy="Always",
        command=["/bin/sh", f"{proxy.SETTINGS}/proxy.sh"],
        lifecycle=k8s.core.v1.LifecycleArgs(
            pre_stop=k8s.core.v1.LifecycleHandlerArgs(
                exec_=k8s.core.v1.ExecActionArgs(command=["/bin/sh", f"{proxy.SETTINGS}/stop.sh"])
            )
        ),
        ports=[
            k8s.core.v1.ContainerPortArgs(name="https", container_port=proxy.PORT),
            k8s.core.v1.ContainerPortArgs(name="turn", container_port=proxy.TURN_TLS_PORT),
            k8s.core.v1.ContainerPortArgs(name="metrics", container_port=proxy.HEALTH_PORT),
            *(
                [k8s.core.v1.ContainerPortArgs(name="challenges", container_port=proxy.CHALLENGE_PORT)]
                if public
                else []
            ),
        ],
        resources=PROXY_RESOURCES.requirements(),
        security_context=restricted_container(),
        liveness_probe=k8s.core.v1.ProbeArgs(
            tcp_socket=k8s.core.v1.TCPSocketActionArgs(port="https"), period_seconds=10, failure_threshold=6
        ),
        volume_mounts=read_only(
            {
                "settings": proxy.SETTINGS,
                "certificates": proxy.CERTIFICATES,
                **({"public": proxy.PUBLIC_CERTIFICATES} if public else {}),
            }
        ),
    )


def _pair(file: str) -> dict[str, str]:
    return {"tls.crt": file, "tls.key": f"{file}.key"}


def _public_certificate() -> k8s.core.v1.VolumeArgs:
    """Return the volume of the authority's certificate: empty at first, because the servers answer its questions."""
    items = [k8s.core.v1.KeyToPathArgs(key=key, path=path) for key, path in _pair("turn.pem").items()]
    source = k8s.core.v1.SecretVolumeSourceArgs(
        secret_name=CERTIFICATE, default_mode=SECRET_MODE, items=items, optional=True
    )
    return k8s.core.v1.VolumeArgs(name="public", secret=source)


def password_of(url: str) -> str:
    """Return the password in a cache's URL."""
    password = urlsplit(url).password
    if not password:
        raise ValueError("url: expected a password in the cache's URL, got none")
    return unquote(password)
