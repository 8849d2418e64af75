"""The settings that clusters of every cloud get in tests."""

from ipaddress import IPv4Network
from typing import Any, Final

import pulumi

from components.addresses import AddressRanges
from components.cluster.maintenance import MaintenanceWindow

ADDRESSES: Final = AddressRanges(
    nodes=IPv4Network("10.7.0.0/17"),
    services=IPv4Network("10.7.128.0/18"),
    managed=IPv4Network("10.7.192.0/19"),
    public=IPv4Network("10.7.224.0/20"),
    control_plane=IPv4Network("10.7.240.0/28"),
    pods=IPv4Network("100.65.192.0/18"),
)
MAINTENANCE: Final = MaintenanceWindow(day="Tuesday")


def settings(machine: str, *, protected: bool, flow_logs: bool = False) -> dict[str, Any]:
    """A region's settings, as in a stack's configuration. The program's own may have machines with GPUs: `gpu`."""
    gpu = pulumi.Config("cluster").get_object("gpu")
    return {
        "name": "here",
        "nodes": {"type": machine, "min": 4, "max": 9, **({"gpu": gpu} if gpu else {})},
        "deletionProtection": protected,
        "flowLogs": flow_logs,
    }
