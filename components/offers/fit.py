"""Machine types that a region offers but that cannot be nodes of the platform. Pure.

Sources: hyperdisk-only series: cloud.google.com/compute/docs/disks/hyperdisks and hashicorp/terraform-provider-google
issue 20247; Xen and prefixes: aws/amazon-vpc-cni-k8s pull requests 1483 and 1526; names of Azure's sizes:
learn.microsoft.com/azure/virtual-machines/vm-naming-conventions.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

_HYPERDISK_ONLY: Final = re.compile(r"(a4|a4x|c4|c4a|c4d|c4n|g4|h4d|m4|m4n|n4|n4a|n4d|x4)-.*")
_XEN: Final = re.compile(
    r"(c1|c3|c4|cc2|cr1|d2|f1|g2|g3|g3s|h1|hs1|i2|i3|m1|m2|m3|m4|p2|p3|r3|r4|t1|t2|x1|x1e)\.(?!metal).*"
)
_PREMIUM: Final = re.compile(r"Standard_([A-Z]+S[0-9].*|[A-Z]+[0-9]+(-[0-9]+)?[a-z]*s[a-z]*(_.*)?)")

_UNFIT: Final[Mapping[str, tuple[Callable[[str], object], str]]] = {
    "gcp": (
        _HYPERDISK_ONLY.fullmatch,
        "takes Hyperdisks only, and the disks of nodes and data services are Persistent Disks",
    ),
    "aws": (
        _XEN.fullmatch,
        "is not on Nitro: it has no address prefixes, and so too few addresses for its pods",
    ),
    "azure": (
        lambda name: not _PREMIUM.fullmatch(name),
        "takes no premium disks (no s in its name), and those of the data services are premium",
    ),
}
"""What no node can be (true for the type's name), and why not, by cloud."""


def unfit(cloud: str, name: str) -> str | None:
    """Return why a machine type of `cloud` (gcp, aws, azure) cannot be a node. None: no reason is known."""
    is_unfit, reason = _UNFIT[cloud]
    return reason if is_unfit(name) else None
