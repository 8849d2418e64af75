"""Inputs that EKS refuses, or accepts without ever getting ready. Pure functions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from typing import Final

from components import offers
from sandbox.providers.aws.make import CALLER_ROLE, place, zone_ids
from sandbox.providers.cloud.behaviour import GRANT_MINUTES
from sandbox.providers.cloud.kinds import AMAZON, GOOGLE, MICROSOFT, Existing, Facts, Values

CLUSTER: Final = "aws:eks/cluster:Cluster"
ROLE: Final = "aws:iam/role:Role"
SUBNET: Final = "aws:ec2/subnet:Subnet"
_ADDON_VERSION: Final = re.compile(r"v\d+\.\d+\.\d+-eksbuild\.\d+")
_EVERYBODY: Final = IPv4Network("0.0.0.0/0")
_SIMULATED: Final = tuple(IPv4Network(f"{first}.0.0.0/8") for first in (GOOGLE, AMAZON, MICROSOFT))
"""Where the simulated clouds have their public addresses."""


def cluster(facts: Facts, existing: Existing) -> str | None:
    """Refuse callers or zones of a cluster."""
    return private_callers(facts, existing) or other_zones(facts, existing)


def private_callers(facts: Facts, _existing: Existing) -> str | None:
    """Refuse networks that nobody has on the internet: `not allowed in publicAccessCidrs`."""
    given = (facts.inputs.get("vpcConfig") or {}).get("publicAccessCidrs") or []
    refused = [network for network in given if not _is_public(IPv4Network(network))]
    if not refused:
        return None
    return f"InvalidParameterException: The following CIDRs are not allowed in publicAccessCidrs: {refused}"


def other_zones(facts: Facts, _existing: Existing) -> str | None:
    """Refuse zones without EKS, and in an update any zone that the cluster was not made with.

    Source: https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html
    """
    zone_of = {one.id: str(one.inputs.get("availabilityZone")) for one in facts.others(SUBNET)}
    ids = zone_ids(place(facts))
    without = [zone for zone in _zones(facts.inputs, zone_of) if zone in ids and not offers.has_eks(ids[zone])]
    if without:
        return (
            f"UnsupportedAvailabilityZoneException: Cannot create cluster because {', '.join(sorted(without))} does "
            "not currently have sufficient capacity to support the cluster"
        )
    for one in facts.others(CLUSTER):
        if one.inputs.get("name") == facts.text("name"):
            strange = _zones(facts.inputs, zone_of) - _zones(one.inputs, zone_of)
            if strange:
                return (
                    "InvalidParameterException: Provided subnets belong to the AZs "
                    f"{', '.join(sorted(strange))}, which the cluster was not created with"
                )
    return None


def _zones(inputs: Values, zone_of: Mapping[str, str]) -> set[str]:
    subnets = (inputs.get("vpcConfig") or {}).get("subnetIds") or []
    return {zone_of[subnet] for subnet in subnets if subnet in zone_of}


def _is_public(network: IPv4Network) -> bool:
    return network == _EVERYBODY or network.is_global or any(network.subnet_of(own) for own in _SIMULATED)


def creators_entry(facts: Facts, existing: Existing) -> str | None:
    """Refuse an entry for who made the cluster, where AWS has made that one itself."""
    for cluster in existing(CLUSTER):
        given = (cluster.get("accessConfig") or {}).get("bootstrapClusterCreatorAdminPermissions")
        own = cluster.get("name") == facts.text("clusterName") and given is not False
        if own and facts.text("principalArn") == CALLER_ROLE:
            return (
                "ResourceInUseException: The specified access entry resource is already in use on this cluster: "
                "its creator has one (bootstrapClusterCreatorAdminPermissions)"
            )
    return None


def young_role(facts: Facts, _existing: Existing) -> str | None:
    """Refuse machines whose role is missing, or so new that not all of AWS knows it. The provider does not retry."""
    role = facts.text("nodeRoleArn")
    ages = [one.age for one in facts.others(ROLE) if one.outputs.get("arn") == role]
    if ages and min(ages) >= GRANT_MINUTES:
        return None
    return (
        f"InvalidParameterException: The provided role {role} does not exist or is too new: it cannot be assumed by EKS"
    )


def addon(facts: Facts, _existing: Existing) -> str | None:
    """Refuse versions that no add-on has, and pods' networks whose nodes would never get ready."""
    version = facts.text("addonVersion")
    if version and not _ADDON_VERSION.fullmatch(version):
        return f"InvalidParameterException: Addon version specified is not supported: {version}"
    strange = list(_strange_zones(facts)) if facts.text("addonName") == "vpc-cni" else []
    if strange:
        return (
            f"eniConfig.subnets has {', '.join(strange)}: an ENIConfig is looked up by the node's label "
            f"topology.kubernetes.io/zone, such as {place(facts)}a; pods would get no addresses"
        )
    return None


def _strange_zones(facts: Facts) -> Iterator[str]:
    configuration = json.loads(facts.text("configurationValues") or "{}")
    zone = re.compile(re.escape(place(facts)) + "[a-z]")
    subnets = (configuration.get("eniConfig") or {}).get("subnets") or {}
    return (key for key in subnets if not zone.fullmatch(key))
