"""The functions of AWS's provider that this repository's programs call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from sandbox.providers.aws.make import ACCOUNT, ADDONS, CALLER, zone_ids
from sandbox.providers.base import CheckFailedError, ProviderError, Values
from sandbox.providers.cloud.provider import CloudStandIn, Function

ADDON_VERSION: Final = "aws:eks/getAddonVersion:getAddonVersion"
PARAMETER: Final = "aws:ssm/getParameter:getParameter"
ZONES: Final = "aws:index/getAvailabilityZones:getAvailabilityZones"
CALLER_IDENTITY: Final = "aws:index/getCallerIdentity:getCallerIdentity"

_MINOR: Final = re.compile(r"1\.\d{2}")
_IMAGE: Final = re.compile(
    r"/aws/service/eks/optimized-ami/(?P<version>1\.\d{2})/amazon-linux-2023/(?:x86_64|arm64)/(?:standard|nvidia)"
    r"/recommended/release_version"
)


def addon_version(args: Mapping[str, Any]) -> Values:
    """What AWS answers: a version that fits. Another version of Kubernetes has others."""
    addon, version = (_required(args, key) for key in ("addonName", "kubernetesVersion"))
    if addon not in ADDONS or not _MINOR.fullmatch(version):
        raise ProviderError(f"reading EKS Add-On version info ({addon}): Kubernetes {version} has no such add-on")
    return {**args, "id": addon, "version": f"v{version}.1-eksbuild.1"}


def parameter(args: Mapping[str, Any]) -> Values:
    """What AWS answers: the release of a machine image. There are no other public parameters here."""
    name = _required(args, "name")
    image = _IMAGE.fullmatch(name)
    if image is None:
        raise ProviderError(f"reading SSM Parameter ({name}): couldn't find resource")
    release = f"{image['version']}.1-20261112"
    return {"id": name, "name": name, "type": "String", "version": 1, "insecureValue": release, "value": release}


def caller_identity(_args: Mapping[str, Any]) -> Values:
    """What AWS answers: who has taken which role."""
    return {"id": ACCOUNT, "accountId": ACCOUNT, "arn": CALLER, "userId": "AROASANDBOX:sandbox"}


def availability_zones(args: Mapping[str, Any]) -> Values:
    """What AWS answers: the zones of the account, by name, and their ids in the same order."""
    region = _required(args, "region")
    ids = zone_ids(region)
    return {"id": region, "region": region, "names": list(ids), "zoneIds": list(ids.values()), "groupNames": [region]}


def _required(args: Mapping[str, Any], key: str) -> str:
    value = args.get(key)
    if not isinstance(value, str) or not value:
        raise CheckFailedError([(key, f"{key} is missing; set it to a string")])
    return value


async def _addon_version(_cloud: CloudStandIn, args: Values) -> Values:
    return addon_version(args)


async def _parameter(_cloud: CloudStandIn, args: Values) -> Values:
    return parameter(args)


async def _caller_identity(_cloud: CloudStandIn, args: Values) -> Values:
    return caller_identity(args)


async def _availability_zones(_cloud: CloudStandIn, args: Values) -> Values:
    return availability_zones(args)


FUNCTIONS: Final[Mapping[str, Function]] = {
    ADDON_VERSION: _addon_version,
    PARAMETER: _parameter,
    CALLER_IDENTITY: _caller_identity,
    ZONES: _availability_zones,
}
