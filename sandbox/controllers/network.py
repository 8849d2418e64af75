"""The networks of the regions: nodes and routers as network namespaces, and what lies between the regions.

    pod --- node (kube-proxy) --- router of the region --- internet --- router of another region
                                                              |
                                                           clients

Each line is a pair of virtual interfaces; there are no bridges, so that every packet of a pod passes its node's rules.
Nothing is put into the machine's own network. Pods of different regions reach each other by load balancer addresses
only: between the regions, nothing else has a route. What leaves a region has the region's egress address as source.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from pathlib import Path

from sandbox import manifests
from sandbox.addresses import RegionAddresses
from sandbox.controllers import netns
from sandbox.controllers.forwards import Address, Forwards
from sandbox.layout import Layout, SandboxError

_PREFIX = "sc"
_INTERNET_ADDRESS = "192.88.99.1"
"""Deprecated by RFC 7526, and so free for something that has no real counterpart."""
_NETFILTER = Path("/proc/sys/net/netfilter")
_POD_GATEWAY = "169.254.1.1"
CLIENT_ADDRESS = "203.0.113.200"
"""Where the requests of a person at this machine seem to come from."""


def prefix_of(layout: Layout, stack: str) -> str:
    """The start of the names of all namespaces of a stack's controllers; differs between sandboxes."""
    return _PREFIX + hashlib.sha256(f"{layout.home}\n{stack}".encode()).hexdigest()[:6]


class Internet:
    """What lies between the regions, and the clients outside of them."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.namespace = f"{prefix}-net"
        self.forwards = Forwards()
        self._clients: dict[str, str] = {}

    def create(self) -> None:
        """Make the network. Removes what an earlier run with the same prefix left."""
        netns.remove(netns.listed(self.prefix))
        netns.create(self.namespace, forwards=True)
        netns.ip(self.namespace, [f"address add {_INTERNET_ADDRESS}/32 dev lo", "route add unreachable default"])

    def client(self, address: str = CLIENT_ADDRESS) -> str:
        """The namespace of a machine outside of the regions with this address."""
        if address not in self._clients:
            link = f"u{len(self._clients)}"
            namespace = f"{self.prefix}-{link}"
            netns.create(namespace)
            netns.ip(
                namespace,
                [
                    f"link add uplink type veth peer name {link} netns {self.namespace}",
                    f"address add {address}/32 dev uplink",
                    "link set uplink up",
                    f"route add default via {_INTERNET_ADDRESS} dev uplink onlink",
                ],
            )
            netns.ip(self.namespace, [f"link set {link} up", f"route add {address}/32 dev {link}"])
            self._clients[address] = namespace
        return self._clients[address]

    def publish(self, target: Address, port: int = 0) -> int:
        """Let a port of the machine's loopback interface (0: any) lead to `target`; return the port."""
        return self.forwards.out_of(self.client(), target, port)

    def remove(self) -> None:
        """Remove all networks with the prefix, with everything that runs in them."""
        self.forwards.close()
        netns.remove(netns.listed(self.prefix))


@dataclass(frozen=True, kw_only=True)
class PodNetwork:
    """A pod's place in the network."""

    namespace: str
    address: str
    node: str
    """Namespace of its node."""


class RegionNetwork:
    """The network of one region. `egress`: the source addresses of what leaves it, shared out over its nodes."""

    def __init__(self, internet: Internet, region: str, slot: int, egress: Sequence[str] = ()) -> None:
        self.internet = internet
        self.region = region
        self.addresses = RegionAddresses(slot)
        self.egress = tuple(egress) or (self.addresses.egress,)
        self.namespace = f"{internet.prefix}-r{slot}"
        """The router's."""
        self.nodes: Mapping[str, str] = {f"{region}-{zone}": f"{self.namespace}-{zone}" for zone in manifests.ZONES}
        """The namespaces of the nodes, by the names of the Node objects."""
        self._is_cut = False

    @property
    def _routes(self) -> list[str]:
        """The addresses at which others see the region."""
        return [str(self.addresses.load_balancers), *dict.fromkeys(f"{address}/32" for address in self.egress)]

    def create(self) -> None:
        """Make the router and the nodes, and connect them to each other and to the internet, which must be there.

        Raises `SandboxError` with what `ip` says, also if the region has a network already.
        """
        netns.create(self.namespace, forwards=True)
        uplink = f"r{self.addresses.slot}"
        internet = self.internet.namespace
        netns.ip(
            self.namespace,
            [
                f"address add {self.addresses.router}/32 dev lo",
                f"link add uplink type veth peer name {uplink} netns {internet}",
                "link set uplink up",
                f"route add default via {_INTERNET_ADDRESS} dev uplink onlink",
                f"route add unreachable {self.addresses.pods}",
            ],
        )
        netns.ip(
            internet,
            [
                f"link set {uplink} up",
                *(f"route replace {route} via {self.addresses.router} dev {uplink} onlink" for route in self._routes),
            ],
        )
        for zone, (node, namespace) in enumerate(self.nodes.items()):
            self._create_node(zone, node, namespace)
        self._route_load_balancers()
        self._translate_sources()

    def _create_node(self, zone: int, node: str, namespace: str) -> None:
        addresses, link = self.addresses, _link(node)
        own, pods = addresses.node(zone), addresses.pods_of(zone)
        netns.create(namespace, forwards=True)
        netns.ip(
            namespace,
            [
                f"link add uplink type veth peer name {link} netns {self.namespace}",
                f"address add {own}/32 dev uplink",
                f"address add {_POD_GATEWAY}/32 dev lo scope link",
                "link set uplink up",
                f"route add default via {addresses.router} dev uplink onlink",
                # Pods that are simulated, and addresses of load balancers without a rule, refuse at once.
                f"route add unreachable {pods}",
                f"route add unreachable {addresses.load_balancers}",
                f"route add unreachable {manifests.SERVICE_CIDR}",
            ],
        )
        netns.ip(
            self.namespace,
            [
                f"link set {link} up",
                f"route add {own}/32 dev {link}",
                f"route add {pods} via {own} dev {link} onlink",
            ],
        )

    def _route_load_balancers(self) -> None:
        netns.ip(self.namespace, [f"route replace {self._spread(str(self.addresses.load_balancers), self.nodes)}"])

    def _spread(self, destination: str, nodes: Iterable[str]) -> str:
        """A route that shares connections to the destination out over the nodes; without nodes it refuses them."""
        hops = [
            f"nexthop via {self.addresses.node(zone)} dev {_link(node)} onlink"
            for zone, node in enumerate(self.nodes)
            if node in set(nodes)
        ]
        return " ".join([destination, *hops]) if hops else f"unreachable {destination}"

    def _translate_sources(self) -> None:
        rules = ["*nat"]
        for zone in range(len(self.nodes)):
            address = self.egress[zone % len(self.egress)]
            for source in (str(self.addresses.pods_of(zone)), f"{self.addresses.node(zone)}/32"):
                rules.append(f"-A POSTROUTING -o uplink -s {source} -j SNAT --to-source {address}")
        rules.append(f"-A POSTROUTING -o uplink -s {self.addresses.router}/32 -j SNAT --to-source {self.egress[0]}")
        netns.run([*netns.entering(self.namespace), "iptables-restore", "--noflush"], [*rules, "COMMIT"])

    def forget_idle(self, seconds: int) -> None:
        """Let the router forget connections that were idle for longer, and then drop their packets silently.

        That is what the NAT gateways and load balancers of clouds do, after minutes.
        """
        netns.call_in(self.namespace, lambda: _set_idle_seconds(seconds))
        rules = ["*filter", "-F FORWARD", "-A FORWARD -m conntrack --ctstate INVALID -j DROP", "COMMIT"]
        netns.run([*netns.entering(self.namespace), "iptables-restore", "--noflush"], rules)

    def cut(self) -> None:
        """Cut the region off: what is sent to it, or by it, is lost without an answer, also after `remove`."""
        self._is_cut = True
        losses = [f"route replace blackhole {route}" for route in self._routes]
        netns.ip(self.internet.namespace, [f"link set r{self.addresses.slot} down", *losses])

    def route(self, address: str, nodes: Iterable[str] | None) -> None:
        """Send connections to a load balancer's address to these nodes only, by name. None: to all nodes again."""
        everywhere = f"route flush exact {address}/32"
        command = everywhere if nodes is None else f"route replace {self._spread(f'{address}/32', list(nodes))}"
        if _is_one_of(self.addresses.load_balancers, address):
            netns.ip(self.namespace, [command])

    def expose(self, port: int, host_port: int, host: str = manifests.LOOPBACK) -> None:
        """Let `port` of the router's address lead to `host_port` of a loopback address of this machine."""
        self.internet.forwards.into_machine(self.namespace, (self.addresses.router, port), (host, host_port))

    def add_pod(self, name: str, node: str, address: str) -> PodNetwork:
        """Make the namespace of a pod on `node` (name of the Node object). Replaces one with the same name or address.

        Raises `SandboxError` for an unknown node or an address that is not the node's.
        """
        if node not in self.nodes:
            raise SandboxError(f"Region {self.region} has no node {node!r} on this machine.")
        place = PodNetwork(namespace=f"{self.namespace}-{name}", address=address, node=self.nodes[node])
        link = f"p{netns.short(name)}"
        netns.remove([place.namespace])
        netns.create(place.namespace)
        netns.ip(
            place.namespace,
            [
                f"link add eth0 type veth peer name {link} netns {place.node}",
                f"address add {address}/32 dev eth0",
                "link set eth0 up",
                f"route add {_POD_GATEWAY} dev eth0 scope link",
                f"route add default via {_POD_GATEWAY} dev eth0",
            ],
        )
        netns.ip(place.node, [f"link set {link} up", f"route replace {address}/32 dev {link}"])
        return place

    def remove_pod(self, place: PodNetwork) -> None:
        """End everything that runs in the pod's namespace and delete it."""
        self.internet.forwards.forget(place.namespace)
        netns.remove([place.namespace])

    def remove(self) -> None:
        """Remove the region's network, with everything that runs in it."""
        namespaces = netns.listed(f"{self.namespace}-")
        for namespace in [self.namespace, *namespaces]:
            self.internet.forwards.forget(namespace)
        netns.remove([*namespaces, self.namespace])
        for route in () if self._is_cut else self._routes:
            with suppress(SandboxError):
                netns.ip(self.internet.namespace, [f"route delete {route}"])


def _set_idle_seconds(seconds: int) -> None:
    # Without this, a packet of a forgotten connection would begin it anew.
    (_NETFILTER / "nf_conntrack_tcp_loose").write_text("0")
    (_NETFILTER / "nf_conntrack_tcp_timeout_established").write_text(str(seconds))


def _link(node: str) -> str:
    """The router's interface to a node."""
    return f"node-{node.rpartition('-')[2]}"


def _is_one_of(network: IPv4Network, address: str) -> bool:
    try:
        return IPv4Address(address) in network
    except AddressValueError:
        return False
