"""Plans for tests of the report and of the policies: small ones by hand, and the real stacks' under mocks."""

import json
from collections.abc import Mapping
from typing import Any

from report.preview import Plan, Planned, Preview, waits_for
from tests.support.rendering import Rendered, stack_config

PREFIX = "sacred-council:"
PLATFORM = "sacred-council:stack:Platform"
CLUSTERS = {"gcp": "GkeCluster", "aws": "EksCluster", "azure": "AksCluster", "existing": "ExistingCluster"}


def planned(kind: str, name: str, inputs: Mapping[str, Any] | None = None, within: str = PLATFORM) -> Planned:
    """A resource of type `kind`, below the component type `within`."""
    return Planned(urn=f"urn:pulumi:local::sacred-council::{within}${kind}::{name}", type=kind, inputs=inputs or {})


def region(name: str, cloud: str) -> list[Planned]:
    """The components that identify a region and its cloud."""
    cluster = f"sacred-council:cluster:{CLUSTERS[cloud]}"
    return [planned("sacred-council:stack:Region", name), planned(cluster, f"{name}-cluster")]


def plan_of(rendered: Rendered) -> Plan:
    """The plan of a rendered stack."""
    return Plan(
        tuple(
            Planned(
                urn=one.urn,
                type=one.type,
                inputs=one.inputs,
                parent=one.parent,
                waits_for=waits_for(one.dependencies, one.provider),
            )
            for one in rendered.resources
        )
    )


def preview_of(stack: str, rendered: Rendered) -> Preview:
    """The engine's preview of a rendered stack."""
    settings = {key.removeprefix(PREFIX): value for key, value in stack_config(stack).items() if key.startswith(PREFIX)}
    return Preview(stack=stack, plan=plan_of(rendered), settings=settings)


def engine_says(stack: str, rendered: Rendered) -> dict[str, Any]:
    """The output of `pulumi preview --json` for a rendered stack."""
    config = {key: v if isinstance(v, str) else json.dumps(v) for key, v in stack_config(stack).items()}
    steps = [
        {"op": "create", "urn": one.urn, "newState": {"urn": one.urn, "type": one.type, "inputs": one.inputs}}
        for one in rendered.resources
    ]
    return {"config": {**config, f"{PREFIX}cockroachdbLicense": "[secret]"}, "steps": steps}
