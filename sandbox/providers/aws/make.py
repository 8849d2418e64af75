"""The forms of AWS's ids and names."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from components import offers
from sandbox.providers.cloud.kinds import Facts, Kind, Make, Refusal, unchangeable

ACCOUNT: Final = "123456789012"
CALLER_ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/your-administrators"
"""Who deploys: the role that the examples name."""
CALLER: Final = f"arn:aws:sts::{ACCOUNT}:assumed-role/your-administrators/sandbox"
ADDONS: Final = (
    "aws-ebs-csi-driver",
    "coredns",
    "eks-pod-identity-agent",
    "kube-proxy",
    "metrics-server",
    "vpc-cni",
)
"""Add-ons of EKS that are known here."""
_DIGITS: Final = 17
_LETTERS: Final = "abcdef"
_OTHER_NUMBERS: Final = {"us-east-1": {"c": 5, "e": 3}}
"""Each account has an order of its own. In many, `us-east-1e` is the zone that has no EKS."""


def place(facts: Facts) -> str:
    """The region that a resource is in."""
    return facts.text("region") or facts.setting("region", "us-east-1")


def zone_ids(region: str) -> dict[str, str]:
    """The ids of a region's zones in this account, by name: `us-east-1a` is `use1-az1`."""
    short = re.sub("north|south|east|west|central", lambda word: word[0][0], region).replace("-", "")
    numbers = _OTHER_NUMBERS.get(region, {})
    return {
        f"{region}{letter}": f"{short}-az{numbers.get(letter, _LETTERS.index(letter) + 1)}"
        for letter in offers.zones("aws", region) or _LETTERS
    }


def random_id(prefix: str) -> Make:
    """An id such as `vpc-` and 17 digits."""
    return lambda facts: f"{prefix}-{facts.token[:_DIGITS]}"


def arn(service: str, path: str, key: str = "name", *, worldwide: bool = False) -> Make:
    """A name such as `arn:aws:eks:<region>:<account>:cluster/<name>`; IAM's and CloudFront's have no region."""

    def make(facts: Facts) -> str:
        name = facts.text(key) if key else facts.token[:_DIGITS]
        return f"arn:aws:{service}:{'' if worldwide else place(facts)}:{ACCOUNT}:{path}{name}"

    return make


def id_from(*keys: str, by: str = ":") -> Make:
    """An id made of inputs."""
    return lambda facts: by.join(facts.text(key) for key in keys)


def plain(
    make_id: Make,
    immutable: str = "",
    *,
    minutes: float = 0.0,
    outputs: Mapping[str, Make] | None = None,
    refusal: Refusal | None = None,
) -> Kind:
    """A resource that AWS numbers, or that is known by what it connects."""
    return Kind(
        id=make_id,
        outputs={"region": place, **(outputs or {})},
        immutable=unchangeable("region", immutable),
        minutes=minutes,
        refusal=refusal,
    )


def named(
    make_id: Make,
    immutable: str = "",
    *,
    key: str = "name",
    minutes: float = 0.0,
    longest: int = 255,
    outputs: Mapping[str, Make] | None = None,
    refusal: Refusal | None = None,
    last_backup: Callable[[Facts], Sequence[str] | None] | None = None,
) -> Kind:
    """A resource in a region that Pulumi names if the program does not."""
    return Kind(
        id=make_id,
        outputs={"region": place, **(outputs or {})},
        name_input=key,
        longest=longest,
        immutable=unchangeable("region", key, immutable),
        minutes=minutes,
        refusal=refusal,
        last_backup=last_backup,
    )
