"""A load balancer through which the other regions reach one data service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

from components.cluster import PublicAddress
from components.metadata import WAIT_FOR, object_meta
from components.workload import CHECKSUM_ANNOTATION, digest


@dataclass(frozen=True, kw_only=True)
class PeerEndpointArgs:
    """The pods behind a peer endpoint, and who may connect."""

    region: str
    app: str
    """The application that the Service belongs to."""
    namespace: pulumi.Input[str]
    service: str
    """The Service's name."""
    port: int
    """TCP port of the pods."""
    pods: Mapping[str, str]
    """Labels of the pods."""
    allowed_sources: Sequence[pulumi.Input[str]]
    """IPv4 addresses that may connect."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """The cluster's annotations for public load balancers."""
    address: PublicAddress | None = None
    """The reserved address. None: the cluster assigns one."""

    def __post_init__(self) -> None:
        if not self.pods:
            raise ValueError(
                "pods: expected labels, got none; the peer endpoint would lead to every pod of the namespace"
            )
        if not self.allowed_sources:
            raise ValueError("allowed_sources: expected addresses, got none; the peer endpoint would be open to anyone")


class PeerEndpoint(pulumi.ComponentResource):
    """A load balancer for other regions. The region base creates it early, before any pod exists.

    Outputs: `addresses` (IPv4). Reserved addresses are known before the cluster is.
    """

    addresses: Sequence[pulumi.Output[str]]

    def __init__(self, name: str, args: PeerEndpointArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:peering:PeerEndpoint", name, None, opts)
        reserved = args.address
        service = k8s.core.v1.Service(
            f"{name}-service",
            metadata=object_meta(
                args.service,
                app=args.app,
                region=args.region,
                namespace=args.namespace,
                annotations=_annotations(args),
            ),
            spec=_spec(args),
            opts=pulumi.ResourceOptions(parent=self),
        )
        self.addresses = reserved.addresses if reserved else [service.status.apply(given_address)]
        self.register_outputs({"addresses": self.addresses})


def _annotations(args: PeerEndpointArgs) -> dict[str, pulumi.Input[str]]:
    """Return the load balancer's annotations, and those that call the Service ready once it has an address.

    Pods come much later, so the Service cannot wait for them.
    A Service has no generation: after an update the provider may still see the old object, which also has an address,
    and would store it in the state. So the condition also waits for the checksum of the new object.
    """
    given = {**args.annotations, **(args.address.annotations if args.address else {})}
    address = args.address.load_balancer_ip if args.address else None
    return done_with_an_address(given, [address, list(args.allowed_sources), dict(args.pods), args.port])


def done_with_an_address(given: Mapping[str, pulumi.Input[str]], rest: Sequence[Any]) -> dict[str, pulumi.Input[str]]:
    """Return the annotations `given`, and those with which the provider waits for the Service's address.

    `rest` is what else decides about the Service.
    """
    checksum = pulumi.Output.json_dumps([dict(given), *rest]).apply(digest)
    seen = pulumi.Output.concat("jsonpath={.metadata.annotations['", CHECKSUM_ANNOTATION, "']}=", checksum)
    wait_for = pulumi.Output.json_dumps(["jsonpath={.status.loadBalancer.ingress}", seen])
    return {**given, CHECKSUM_ANNOTATION: checksum, WAIT_FOR: wait_for}


def _spec(args: PeerEndpointArgs) -> k8s.core.v1.ServiceSpecArgs:
    return k8s.core.v1.ServiceSpecArgs(
        type="LoadBalancer",
        load_balancer_ip=args.address.load_balancer_ip if args.address else None,
        load_balancer_source_ranges=[pulumi.Output.concat(address, "/32") for address in args.allowed_sources],
        # Callers keep their address, which network policies match, and traffic takes no detour over another node.
        external_traffic_policy="Local",
        # Data services find each other before they are ready, and some become ready only afterwards.
        publish_not_ready_addresses=True,
        selector=dict(args.pods),
        ports=[
            k8s.core.v1.ServicePortArgs(
                name="peers", port=args.port, target_port=args.port, protocol="TCP", app_protocol="tcp"
            )
        ],
    )


def given_address(status: Any) -> str:
    """Return the address in a Service's status. Raise ValueError when the load balancer has only a host name."""
    balancer = getattr(status, "load_balancer", None)
    entries = getattr(balancer, "ingress", None) or []
    for entry in entries:
        if entry.ip:
            return str(entry.ip)
    names = ", ".join(str(entry.hostname) for entry in entries) or "nothing"
    raise ValueError(
        f"the region's load balancer has no IPv4 address but {names}; other regions can only use addresses: "
        "let the cluster's load balancers have one, or make the region's cloud gcp, aws or azure"
    )
