"""The state tracks exactly the objects in Kubernetes and in the simulated clouds, each once."""

import json
from typing import Any

from sandbox.regions import Region, read_regions
from tests.support.sandboxes import Sandbox

KINDS = (
    "deployments,statefulsets,jobs,services,configmaps,secrets,networkpolicies,horizontalpodautoscalers,"
    "serviceaccounts,roles,rolebindings,poddisruptionbudgets,cronjobs"
)
OURS = ("-A", "-l", "app.kubernetes.io/part-of=sacred-council")
CLOUDS = ("gcp:", "aws:", "azure-native:")
RELEASE = "kubernetes:helm.sh/v3:Release"
SERVICE_AGENT = "gcp:projects/serviceIdentity:ServiceIdentity"
"""A project has one for each service. All regions of the project find it, and it outlives them."""

Identity = tuple[str, str, str, str]
"""Region, kind, namespace and name of an object."""


def regions(sandbox: Sandbox) -> list[str]:
    """The names of the stack's regions."""
    return [region.name for region in _regions(sandbox)]


def _regions(sandbox: Sandbox) -> list[Region]:
    return read_regions(sandbox.folder / f"Pulumi.{sandbox.stack}.yaml")


def objects(sandbox: Sandbox, region: str, kinds: str, *arguments: str) -> list[dict[str, Any]]:
    """The objects of `kinds` that kubectl finds in a region."""
    return sandbox.objects(kinds, *arguments, "--context", region)


def identity(region: str, item: dict[str, Any]) -> Identity:
    return region, item["kind"], item["metadata"].get("namespace", ""), item["metadata"]["name"]


def present_objects(sandbox: Sandbox, among: list[str] | None = None) -> set[Identity]:
    """The objects of `KINDS` on the regions' API servers that carry our label."""
    found = {identity(r, item) for r in among or regions(sandbox) for item in objects(sandbox, r, KINDS, *OURS)}
    assert found
    return found


def tracked_objects(sandbox: Sandbox) -> list[Identity]:
    """The objects of `KINDS` that the state tracks."""
    wanted = {kind.removesuffix("s") for kind in KINDS.replace("policies", "policys").split(",")}
    # The longest name first: a region's name could be the beginning of another's.
    names = sorted(regions(sandbox), key=len, reverse=True)
    found = []
    for resource in sandbox.resources():
        item = resource.get("outputs", {})
        if resource["type"].startswith("kubernetes:") and item.get("kind", "").lower() in wanted:
            name = resource["urn"].rpartition("::")[2]
            found.append(identity(next(region for region in names if name.startswith(region)), item))
    return found


def tracked_releases(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Namespace and name of the Helm releases that the state tracks, once for each region."""
    outputs = [resource["outputs"] for resource in sandbox.resources() if resource["type"] == RELEASE]
    return sorted((one["namespace"], one["name"]) for one in outputs)


def present_releases(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Namespace and name of the deployed Helm releases, once for each region."""
    selector = ("-A", "-l", "owner=helm,status=deployed")
    found = [item["metadata"] for region in regions(sandbox) for item in objects(sandbox, region, "secrets", *selector)]
    return sorted((one["namespace"], one["labels"]["name"]) for one in found)


def half_done_releases(sandbox: Sandbox) -> list[tuple[str, str, str]]:
    """Namespace, name and status of the releases whose last revision is not deployed.

    Helm decides by the last revision: after a rollback, the revision that was interrupted keeps its status.
    """
    revisions = []
    for region in regions(sandbox):
        for item in objects(sandbox, region, "secrets", "-A", "-l", "owner=helm"):
            labels = item["metadata"]["labels"]
            key = (region, item["metadata"]["namespace"], labels["name"])
            revisions.append((key, int(labels["version"]), labels["status"]))
    last = {key: status for key, _, status in sorted(revisions)}
    return [(namespace, name, status) for (_, namespace, name), status in last.items() if status != "deployed"]


def in_clouds(sandbox: Sandbox) -> set[tuple[str, str]]:
    """Type and URN of every resource in the simulated clouds, except service agents."""
    folder = sandbox.folder / ".sandbox" / "clouds" / sandbox.stack
    records = [json.loads(path.read_text()) for path in folder.rglob("*.json")]
    return {(record["type"], record["urn"]) for record in records if record["type"] != SERVICE_AGENT}


def tracked_in_clouds(sandbox: Sandbox) -> list[tuple[str, str]]:
    """Type and URN of every resource of a cloud in the state, except service agents."""
    found = [(r["type"], r["urn"]) for r in sandbox.resources() if r["type"].startswith(CLOUDS)]
    return [(type_, urn) for type_, urn in found if type_ != SERVICE_AGENT]


def require_the_same(sandbox: Sandbox) -> None:
    """Every existing object is tracked, every tracked object exists, and nothing is tracked twice.

    Every stack has objects and releases; it has resources of clouds unless all its clusters exist without it.
    """
    tracked, in_state = tracked_objects(sandbox), tracked_in_clouds(sandbox)
    releases = tracked_releases(sandbox)
    assert tracked
    assert len(tracked) == len(set(tracked))
    assert set(tracked) == present_objects(sandbox)
    assert bool(in_state) == any(region.cloud != "existing" for region in _regions(sandbox))
    assert len(in_state) == len(set(in_state))
    assert set(in_state) == in_clouds(sandbox)
    assert releases
    assert releases == present_releases(sandbox)
    assert half_done_releases(sandbox) == []
