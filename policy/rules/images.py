"""Pinned images and charts: the same version runs today and tomorrow."""

import re
from collections.abc import Iterator
from typing import Final

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.pods import POD_SPECS, RELEASE, called, containers, maps_in
from policy.rule import Config, Rule, Table, apply
from policy.values import UNKNOWN, Props, mapping, shown

_VERSION: Final = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+([-+].+)?")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")


def is_pinned(image: str) -> bool:
    """Whether an image names one version: a tag other than latest, or a digest."""
    name, _, digest = image.partition("@")
    if digest:
        return _DIGEST.fullmatch(digest) is not None
    tag = name.rpartition("/")[2].partition(":")[2]
    return bool(tag) and tag != "latest"


def _pods(props: Props, _config: Config) -> Iterator[str]:
    for container in containers(props):
        image = container.get("image")
        if image is not UNKNOWN and not (isinstance(image, str) and is_pinned(image)):
            yield f"{called(container)} has image {shown(image)}: name a tag other than latest, or a digest"


def _chart(props: Props, _config: Config) -> Iterator[str]:
    chart, version = props.get("chart"), props.get("version")
    is_local = isinstance(chart, str) and chart.startswith((".", "/"))
    if not is_local and UNKNOWN not in (chart, version) and not _VERSION.fullmatch(str(version)):
        yield f"chart {shown(chart)} has version {shown(version)}: name one version of the chart"
    for values in maps_in(mapping(props, "values")):
        if values.get("tag") == "latest":
            yield "the chart's values have an image with the tag latest"


TABLE: Final[Table] = {**dict.fromkeys(POD_SPECS, (_pods,)), RELEASE: (_chart,)}


def images(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Every image and chart names one version."""
    apply(TABLE, args, report)


RULE: Final = Rule(
    name="pinned-images",
    description="Every image must name a tag other than latest, or a digest; every chart one version.",
    remedy="Take images and charts from components/versions.py.",
    validate=images,
)
