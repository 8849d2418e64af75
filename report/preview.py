"""The engine's plan as plain values: the resources with their inputs, and the configuration. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

PLATFORM: Final = "platform"
"""Stands for the region of resources that belong to none."""

UNKNOWN_VALUES: Final = frozenset(
    {
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
        "030794c1-ac77-496b-92df-f27374a8bd58",
        "e48ece36-62e2-4504-bad9-02848725956a",
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
    }
)
"""Texts that the engine writes for values that are not known before the deployment."""

UNKNOWN_CLOUD: Final = "unknown"
"""Stands for the cloud of resources whose region the plan does not have."""

_OURS: Final = "sacred-council:"
_REGION: Final = "sacred-council:stack:Region"
_CLOUDS: Final = {
    "sacred-council:cluster:GkeCluster": "gcp",
    "sacred-council:cluster:EksCluster": "aws",
    "sacred-council:cluster:AksCluster": "azure",
    "sacred-council:cluster:ExistingCluster": "existing",
}
_CLOUD_OF_PACKAGE: Final = {"gcp": "gcp", "aws": "aws", "azure-native": "azure"}


@dataclass(frozen=True, kw_only=True)
class Planned:
    """One planned resource."""

    urn: str
    type: str
    inputs: Mapping[str, Any]
    parent: str = ""
    waits_for: frozenset[str] = frozenset()
    """URNs of its dependencies and of its provider."""

    @property
    def name(self) -> str:
        """Its logical name."""
        return self.urn.rpartition("::")[2]

    @property
    def component(self) -> str:
        """The component it belongs to, such as `cache:Redis`; `program` if it has none."""
        chain = self.urn.split("::")[2].split("$") if self.urn.count("::") >= 3 else []
        ours = [link for link in chain if link.startswith(_OURS)]
        return ours[-1].removeprefix(_OURS) if ours else "program"

    @property
    def part(self) -> str:
        """The part of the platform it belongs to: the component's first word, such as `cache`."""
        return self.component.partition(":")[0]


@dataclass(frozen=True)
class Plan:
    """All resources of a stack."""

    resources: tuple[Planned, ...]

    @cached_property
    def regions(self) -> tuple[str, ...]:
        """The names of the regions, sorted."""
        return tuple(sorted(one.name for one in self.resources if one.type == _REGION))

    @cached_property
    def clouds(self) -> Mapping[str, str]:
        """The cloud of each region: gcp, aws, azure or existing."""
        clusters = (one for one in self.resources if one.type in _CLOUDS)
        return {self.region_of(one): _CLOUDS[one.type] for one in clusters}

    def region_of(self, resource: Planned) -> str:
        """The region whose name is a prefix of the resource's name, else `platform`."""
        fits = [name for name in self.regions if resource.name == name or resource.name.startswith(f"{name}-")]
        return max(fits, key=len, default=PLATFORM)

    def cloud_of(self, resource: Planned) -> str:
        """The cloud that charges for the resource: its own, else its region's, else `UNKNOWN_CLOUD`."""
        package = resource.type.partition(":")[0]
        return _CLOUD_OF_PACKAGE.get(package) or self.clouds.get(self.region_of(resource), UNKNOWN_CLOUD)

    def beside(self, resource: Planned, kind: str) -> tuple[Planned, ...]:
        """The resources of type `kind` in the same region."""
        region = self.region_of(resource)
        return tuple(one for one in self.resources if one.type == kind and self.region_of(one) == region)


@dataclass(frozen=True)
class Preview:
    """The output of `pulumi preview --json`: the stack's name, its plan, and the project's configuration."""

    stack: str
    plan: Plan
    settings: Mapping[str, object]


def read_preview(document: Mapping[str, Any]) -> Preview:
    """Read the output of `pulumi preview --json`. Raises ValueError for other text and for a failed preview."""
    if "steps" not in document:
        raise ValueError("this is not the output of `pulumi preview --json`: it has no steps")
    errors = [one.get("message", "") for one in document.get("diagnostics") or () if one.get("severity") == "error"]
    if errors:
        raise ValueError(f"the preview failed: {errors[0].strip()}")
    resources = tuple(_planned(document["steps"]))
    stack = resources[0].urn.split(":")[2] if resources else ""
    return Preview(stack=stack, plan=Plan(resources), settings=dict(_settings(document.get("config") or {})))


def _planned(steps: Iterable[Mapping[str, Any]]) -> Iterator[Planned]:
    states = {step["urn"]: step["newState"] for step in steps if "delete" not in step["op"] and step.get("newState")}
    for urn, state in states.items():
        yield Planned(
            urn=urn,
            type=state["type"],
            inputs=state.get("inputs") or {},
            parent=state.get("parent") or "",
            waits_for=waits_for(state.get("dependencies") or (), state.get("provider") or ""),
        )


def waits_for(dependencies: Iterable[str], provider: str) -> frozenset[str]:
    """URNs of the dependencies and of the provider. `provider` is `urn::id`, or empty."""
    return frozenset({*dependencies, provider.rpartition("::")[0]} - {""})


def _settings(config: Mapping[str, str]) -> Iterator[tuple[str, object]]:
    for key, text in config.items():
        if key.startswith(_OURS) and text not in ("", "[secret]"):
            yield key.removeprefix(_OURS), _value(text)


def _value(text: str) -> object:
    # The engine passes maps and lists as JSON, and text unquoted.
    return json.loads(text) if re.match(r"[\[{]", text) else text


def at(values: object, path: str) -> Any:
    """The value at a dotted path such as `spec.replicas`; None if it is missing or not known yet."""
    for step in path.split("."):
        values = values.get(step) if isinstance(values, Mapping) else None
    return None if isinstance(values, str) and values in UNKNOWN_VALUES else values


def items(values: object, path: str) -> list[Any]:
    """The list at a dotted path; empty if there is none."""
    found = at(values, path)
    return list(found) if isinstance(found, list | tuple) else []
