"""The load balancers of one server. Voice and video must reach the pod that holds the call, so each has its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_kubernetes as k8s

from components.circles import configuration, proxy
from components.circles.configuration import APP, pod
from components.cluster import PublicAddress
from components.metadata import POD_NAME_LABEL, selector
from components.peering.peer_endpoint import done_with_an_address, given_address
from components.ports import HTTPS_PORT
from components.workload import AppMetadata

HTTP_PORT: Final = 80
"""Where a public authority asks its questions."""


@dataclass(frozen=True, kw_only=True)
class ServerAddresses:
    """The reserved addresses of one server. None: the cluster assigns them."""

    udp: PublicAddress | None = None
    tcp: PublicAddress | None = None
    """The same as `udp` where two Services may share an address."""

    @property
    def one(self) -> bool:
        """Whether TCP and UDP have the same address."""
        return self.udp is not None and self.udp is self.tcp


@dataclass(frozen=True, kw_only=True)
class _Port:
    name: str
    number: int
    target: int


class MediaEndpoint(pulumi.ComponentResource):
    """Two load balancers in front of one server: one for UDP, one for TCP. Everybody may connect.

    They are two because not every cloud takes a Service with both protocols: on AWS, the cluster's controller refuses
    it (kubernetes/cloud-provider-aws, `checkMixedProtocol`).
    `annotations` are those of the cluster's public load balancers. `public_authority`: an authority asks at port 80.

    Outputs: `media` (IPv4 address for voice and video), `turn` (IPv4 address for TURN over TLS).
    """

    media: pulumi.Output[str]
    turn: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        app: AppMetadata,
        index: int,
        addresses: ServerAddresses,
        *,
        annotations: Mapping[str, str],
        public_authority: bool,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("sacred-council:circles:MediaEndpoint", name, None, opts)
        self._name, self._app, self._index, self._annotations = name, app, index, annotations
        self.media = self._service("udp", udp_ports(), addresses.udp)
        self.turn = self._service("tcp", tcp_ports(addresses, public_authority=public_authority), addresses.tcp)
        self.register_outputs({"media": self.media, "turn": self.turn})

    def _service(self, protocol: str, ports: list[_Port], address: PublicAddress | None) -> pulumi.Output[str]:
        pods = {**selector(APP), POD_NAME_LABEL: pod(self._index)}
        given = {**self._annotations, **(address.annotations if address else {})}
        ip = address.load_balancer_ip if address else None
        service = k8s.core.v1.Service(
            f"{self._name}-{protocol}-service",
            metadata=self._app.meta(
                f"{pod(self._index)}-{protocol}",
                done_with_an_address(given, [ip, pods, [vars(port) for port in ports]]),
            ),
            spec=k8s.core.v1.ServiceSpecArgs(
                type="LoadBalancer",
                load_balancer_ip=ip,
                # Browsers keep their address, and traffic takes no detour over another node.
                external_traffic_policy="Local",
                # A server that stops is not ready, and its calls go on until they end. Without this, they would lose
                # their way: Kubernetes calls a terminating pod's endpoint ready only with this field.
                publish_not_ready_addresses=True,
                selector=pods,
                ports=[
                    k8s.core.v1.ServicePortArgs(
                        name=port.name, port=port.number, target_port=port.target, protocol=protocol.upper()
                    )
                    for port in ports
                ],
            ),
            opts=pulumi.ResourceOptions(parent=self),
        )
        if address is not None:
            return pulumi.Output.from_input(address.addresses[0])
        given_by_cluster: pulumi.Output[str] = service.status.apply(given_address)
        return given_by_cluster


def udp_ports() -> list[_Port]:
    """Return the ports of the load balancer for UDP."""
    numbers = {"media": configuration.UDP_PORT, "stun": configuration.STUN_PORT}
    return [_Port(name=name, number=number, target=number) for name, number in numbers.items()]


def tcp_ports(addresses: ServerAddresses, *, public_authority: bool) -> list[_Port]:
    """Return the ports of the load balancer for TCP. Closed networks let 443 through."""
    media = _Port(name="media-tcp", number=configuration.TCP_PORT, target=configuration.TCP_PORT)
    challenges = _Port(name="challenges", number=HTTP_PORT, target=proxy.CHALLENGE_PORT)
    return [
        _Port(name="turn", number=HTTPS_PORT, target=proxy.TURN_TLS_PORT),
        *([media] if addresses.one else []),
        *([challenges] if public_authority else []),
    ]
