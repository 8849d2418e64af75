"""Types that a region offers, but that cannot be what the platform needs. Pure.

Sources for Google Cloud: cloud.google.com/compute/docs/disks/hyperdisks and hashicorp/terraform-provider-google issue
20247 (series with Hyperdisks only), cloud.google.com/compute/docs/compute-optimized-machines (H3), and
cloud.google.com/kubernetes-engine/docs/how-to/gpus (taints of nodes with accelerators).
Sources for AWS: aws/amazon-vpc-cni-k8s pull requests 1483 and 1526 (Xen and prefixes),
docs.aws.amazon.com/eks/latest/userguide/choosing-instance-type.html (images), and
docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Support.html (classes by version).
Sources for Azure: learn.microsoft.com/azure/virtual-machines/vm-naming-conventions,
learn.microsoft.com/azure/virtual-machines/trusted-launch and learn.microsoft.com/azure/aks/use-trusted-launch (secure
boot), and learn.microsoft.com/azure/aks/aks-virtual-machine-sizes (AKS's own limits).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from components.offers.machines import machine
from components.versions import POSTGRESQL_VERSION

Use = Literal["machine", "system", "gpu", "database", "cache"]
"""What a type is for: a node, a node for the cloud's own pods or with GPUs, a managed database, or a managed cache.

What fits a node with GPUs is a table of its own, `gpus.csv`.
"""

_HYPERDISK_ONLY: Final = re.compile(r"(a4|a4x|c4|c4a|c4d|c4n|g4|h4d|m4|m4n|n4|n4a|n4d|x4)-.*|.*-metal")
_NO_SSD: Final = re.compile(r"h3-.*")
_DEVICES: Final = re.compile(r"(a2|a3|g2|ct\d+[a-z]*|tpu\d+[a-z]*)-.*")
_XEN: Final = re.compile(
    r"(c1|c3|c4|cc2|cr1|d2|f1|g2|g3|g3s|h1|hs1|i2|i3|m1|m2|m3|m4|p2|p3|r3|r4|t1|t2|x1|x1e)\.(?!metal).*"
)
_NO_IMAGE: Final = re.compile(r"(a1|mac\d.*?)\..*")
_ACCELERATED: Final = re.compile(r"(g4ad|g4dn|inf\d+|p\d+[-a-z0-9]*)\..*")
_OLD_CLASSES: Final = re.compile(r"db\.(m1|m2|m3|m4|r3|r4|t1|t2)\..*")
_ARM: Final = {
    "gcp": re.compile(r"(a4x|c4a|n4a|t2a)-.*"),
    "aws": re.compile(r"(a1\.|[a-z]+\d+g).*"),
    "azure": re.compile(r"Standard_[A-Z]+\d+(-\d+)?[a-z]*p[a-z]*_.*"),
}
"""Machines with Arm processors, by cloud."""
_PREMIUM: Final = re.compile(r"Standard_([A-Z]+S[0-9].*|[A-Z]+[0-9]+(-[0-9]+)?[a-z]*s[a-z]*(_.*)?)")
_NO_SECURE_BOOT: Final = re.compile(
    r"Standard_((A|DC|EC|M|N[A-Z]*)\d.*|D\d+i?_v[23](_.*)?|[A-Z]+\d+(-\d+)?[a-z]*p[a-z]*_.*)"
)
"""A, Dv2, Dv3, confidential ones, M, those with accelerators, and Arm (`p` after the number of processors)."""
_ONE_PROCESSOR: Final = re.compile(r"Standard_[A-Z]+(\d+-)?1([a-z_].*)?")
_TINY: Final = re.compile(r"Standard_B\d+[a-z]*t[a-z]*_.*")

_SPECIAL: Final = {
    "gcp": re.compile(r"(a2|a3|a4|a4x|g2|g4|h3|h4d|ct\d+[a-z]*|tpu\d+[a-z]*)-.*"),
    "aws": re.compile(r"(dl|f|g|gr|hpc|inf|p|trn|vt)\d[-a-z0-9]*\..*"),
    "azure": re.compile(r"Standard_[HN][A-Z]*\d.*"),
}
"""Machines with accelerators and machines for high-performance computing, by cloud. Nobody is advised to take them."""
_LEAST_MEMORY: Final = 2
"""GiB. GKE refuses f1-micro for its memory, AKS takes nothing below 2 GiB."""
_SMALL: Final = f"has less than {_LEAST_MEMORY} GiB of memory, which the pods of every node need for themselves"
_WITHOUT_EKS: Final = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})
"""Zones, by their ids, in which EKS makes no cluster. An id means the same zone in every account; a letter does not.

Source: docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
"""

Reason = tuple[Callable[[str], object], str]
"""True for the names of types that are unfit, and why they are."""

_AKS: Final[Sequence[Reason]] = (
    (_NO_SECURE_BOOT.fullmatch, "has no secure boot on AKS, and every node here starts with it"),
    (_ONE_PROCESSOR.fullmatch, "has fewer than two processors, and AKS takes no such machine"),
    (_TINY.fullmatch, "has less than 2 GiB of memory, and AKS takes no such machine"),
)

_UNFIT: Final[Mapping[str, Mapping[Use, Sequence[Reason]]]] = {
    "gcp": {
        "machine": (
            (
                _HYPERDISK_ONLY.fullmatch,
                "takes Hyperdisks only, and the disks of nodes and data services are Persistent Disks",
            ),
            (_NO_SSD.fullmatch, "takes no SSD Persistent Disks, and those of the data services are SSDs"),
            (_DEVICES.fullmatch, "has accelerators: GKE keeps other pods off such nodes, or asks how to share them"),
        ),
    },
    "aws": {
        "machine": (
            (
                _XEN.fullmatch,
                "is not on Nitro: it has no address prefixes, and so too few addresses for its pods",
            ),
            (_NO_IMAGE.fullmatch, "cannot start Amazon Linux 2023, the image of all nodes"),
            (_ACCELERATED.fullmatch, "needs an image with drivers for its accelerators, and nodes have the plain one"),
        ),
        "database": (
            (_OLD_CLASSES.fullmatch, f"is of a generation that RDS does not give to PostgreSQL {POSTGRESQL_VERSION}"),
        ),
    },
    "azure": {
        "machine": (
            *_AKS,
            (
                lambda name: not _PREMIUM.fullmatch(name),
                "takes no premium disks (no s in its name), and those of the data services are premium",
            ),
        ),
        "system": _AKS,
    },
}
"""What the platform cannot use, by cloud and use. The first reason that is true of a type counts."""


def unfit(cloud: str, use: Use, name: str) -> str | None:
    """Return why a type of `cloud` (gcp, aws, azure) cannot be used for `use`. None: no reason is known."""
    reasons = _UNFIT[cloud].get(use, ())
    why = next((why for is_unfit, why in reasons if is_unfit(name)), None)
    known = machine(cloud, name) if use == "machine" else None
    return _SMALL if why is None and known is not None and known.memory < _LEAST_MEMORY else why


def is_special(cloud: str, name: str) -> bool:
    """Return whether a machine of `cloud` (gcp, aws, azure) has accelerators or is for high-performance computing."""
    return _SPECIAL[cloud].fullmatch(name) is not None


def has_eks(zone_id: str) -> bool:
    """Return whether EKS makes clusters in the zone with this id, such as `use1-az1`."""
    return zone_id not in _WITHOUT_EKS


def is_arm(cloud: str, name: str) -> bool:
    """Return whether a machine of `cloud` (gcp, aws, azure) has an Arm processor."""
    return _ARM[cloud].fullmatch(name) is not None
