"""What the clusters of all clouds are told in tests."""

from typing import Final

from components.cluster import AddressRanges, NodePool
from components.cluster.arguments import MaintenanceWindow

ADDRESSES: Final = AddressRanges(
    nodes="10.7.0.0/17",
    services="10.7.128.0/18",
    managed="10.7.192.0/19",
    public="10.7.224.0/20",
    control_plane="10.7.240.0/28",
    pods="100.65.192.0/18",
)
NODES: Final = NodePool(machine_type="small.machine", min=4, max=9)
MAINTENANCE: Final = MaintenanceWindow(day="Tuesday")
