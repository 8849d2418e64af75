"""What follows from zones, numbers and names alone. Pure functions."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from components.cluster.arguments import NodePool, ipv4_network, shares

ZONE_SLOTS: Final = 4
"""Equal parts of a range, one for each zone: a and e share the first, b and f the second."""

DEFAULT_ZONES: Final = ("a", "b", "c")
_ZONES: Final[Mapping[str, Sequence[str]]] = {"ap-northeast-1": ("a", "c", "d"), "ca-central-1": ("a", "b", "d")}

_ARM: Final = re.compile(r"[a-z]+\d+g|a1\.")


def zones(location: str) -> Sequence[str]:
    """Letters of three zones that EKS usually has in an AWS region; what a letter means differs between accounts."""
    return _ZONES.get(location, DEFAULT_ZONES)


def check_zones(zones: Sequence[str]) -> None:
    """ValueError unless there are two or more zones, each a letter, each in a slot of its own."""
    if len(zones) < 2 or any(not re.fullmatch("[a-z]", zone) for zone in zones):
        raise ValueError(f"zones: {list(zones)} are not two or more letters; write e.g. ['a', 'b', 'c']")
    slots = [zone_slot(zone) for zone in zones]
    if len(set(slots)) < len(slots):
        raise ValueError(
            f"zones: two of {list(zones)} would share their addresses (every {ZONE_SLOTS}th letter does, "
            "like a and e); choose others"
        )


def zone_slot(zone: str) -> int:
    """The slot of a zone, by its letter alone: it stays when zones are added, removed or listed in another order."""
    return (ord(zone) - ord("a")) % ZONE_SLOTS


def chosen_zones(zones: Sequence[str], only: int | None) -> Sequence[str]:
    """All zones, or number `only` of them, counted around: more zones change what a number means."""
    ordered = sorted(zones)
    return ordered if only is None else [ordered[only % len(ordered)]]


def subnets(address_range: str, zones: Sequence[str]) -> dict[str, str]:
    """A part of the range for each zone."""
    network = ipv4_network("addresses", address_range)
    parts = list(network.subnets(prefixlen_diff=(ZONE_SLOTS - 1).bit_length()))
    return {zone: str(parts[zone_slot(zone)]) for zone in sorted(zones)}


def nodes_per_zone(nodes: NodePool, zones: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Least and most nodes of each zone. They add up to the pool's; the first letters get what does not divide."""
    if nodes.max < len(zones):
        raise ValueError(f"max: {nodes.max} nodes are not enough for {len(zones)} zones; raise max or name fewer zones")
    ordered = sorted(zones)
    return dict(
        zip(ordered, zip(shares(nodes.min, len(ordered)), shares(nodes.max, len(ordered)), strict=True), strict=True)
    )


def architecture(machine_type: str) -> str:
    """The processor of a machine type: a `g` after the generation's number is ARM."""
    return "arm64" if _ARM.match(machine_type) else "x86_64"


def ami_type(machine_type: str) -> str:
    """The Amazon Linux for a machine type."""
    return {"arm64": "AL2023_ARM_64_STANDARD", "x86_64": "AL2023_x86_64_STANDARD"}[architecture(machine_type)]


def image_parameter(kubernetes_version: str, machine_type: str) -> str:
    """Where AWS says which release of that Amazon Linux is newest.

    https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html
    """
    image = f"amazon-linux-2023/{architecture(machine_type)}/standard"
    return f"/aws/service/eks/optimized-ami/{kubernetes_version}/{image}/recommended/release_version"


def pod_network(location: str, subnet_ids: Mapping[str, str], security_group: str) -> dict[str, Any]:
    """Configuration of the add-on vpc-cni: network policies enforced, pods in subnets of their own, by zone.

    `subnet_ids` are by the zone's letter. The chart calls an ENIConfig what its key is, and the plugin looks for the
    one that is called like the value of the node's label: the whole name of the zone. Without it pods get no address.
    """
    return {
        "enableNetworkPolicy": "true",
        "env": {
            "AWS_VPC_K8S_CNI_CUSTOM_NETWORK_CFG": "true",
            "ENI_CONFIG_LABEL_DEF": "topology.kubernetes.io/zone",
            "ENABLE_PREFIX_DELEGATION": "true",
            "WARM_PREFIX_TARGET": "1",
        },
        "eniConfig": {
            "create": True,
            "region": location,
            "subnets": {
                f"{location}{letter}": {"id": subnet, "securityGroups": [security_group]}
                for letter, subnet in sorted(subnet_ids.items())
            },
        },
    }


def weekly_hour(day: str, hour: int) -> str:
    """An hour (UTC) of a day of the week, as AWS's stores want their maintenance windows."""
    short = day[:3].lower()
    return f"{short}:{hour:02}:00-{short}:{hour + 1:02}:00"


def role_name(arn: str) -> str:
    """The last part of a role's or user's ARN."""
    return arn.rpartition("/")[2]


def acts_as(caller: str, principals: Sequence[str]) -> bool:
    """Whether the ARN of a login is that of one of some roles and users.

    The ARN of who has taken a role (`arn:aws:sts::<account>:assumed-role/<role>/<session>`) has not the role's path.
    """
    kind, _, name = caller.rpartition(":")[2].partition("/")
    role = name.partition("/")[0] if kind == "assumed-role" else None
    account = caller.split(":")[4:5]
    return any(
        principal == caller or (role == role_name(principal) and account == principal.split(":")[4:5])
        for principal in principals
    )
