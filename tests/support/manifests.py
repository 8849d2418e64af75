"""Kubernetes objects as the API server would get them: the program's and the chart's."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import yaml

from components.local_chart import FUNCTION
from tests.support.binaries import run
from tests.support.rendering import ROOT, Rendered

CHART = ROOT / "charts" / "sacred-council"
CHART_TYPE = "sacred-council:helm:LocalChart"

Manifest = dict[str, Any]


def program_objects(rendered: Rendered) -> list[Manifest]:
    """Every object of a rendered program, with those of this repository's charts as Helm renders them."""
    charts = {resource.urn for resource in rendered.of_type(CHART_TYPE)}
    own = [resource.inputs for resource in rendered.objects() if resource.parent not in charts]
    return own + [manifest for call in chart_calls(rendered) for manifest in chart_of(call)]


def chart_calls(rendered: Rendered) -> list[dict[str, Any]]:
    """The options of the program's calls that render charts."""
    return [json.loads(arguments["jsonOpts"]) for token, arguments in rendered.calls if token == FUNCTION]


def chart_of(call: Mapping[str, Any]) -> list[Manifest]:
    """The objects of a chart that the program deploys, with the program's values."""
    assert (ROOT / call["path"]).samefile(CHART)
    return template(call["values"], namespace=call["namespace"], release=call["release_name"])


def template(values: Mapping[str, Any], *, namespace: str = "default", release: str = "alone") -> list[Manifest]:
    """The objects of the chart with `values`. Raises AssertionError with Helm's message when Helm refuses them."""
    result = helm("template", release, str(CHART), "--namespace", namespace, values=values)
    assert result.returncode == 0, result.stderr
    return [manifest for manifest in yaml.load_all(result.stdout, Loader=yaml.CSafeLoader) if manifest]


def helm(*arguments: str | Path, values: Mapping[str, Any] | None = None) -> CompletedProcess[str]:
    """Run Helm with `values` on top of the chart's own."""
    return run("helm", *arguments, "--values", "-", stdin=json.dumps(dict(values or {})))


def stream(manifests: list[Manifest]) -> str:
    """The objects as one stream of documents. JSON, because YAML readers disagree on words such as `y` and `off`."""
    return "\n---\n".join(json.dumps(manifest) for manifest in manifests)


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    """The objects of `kind`."""
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def identity(manifest: Manifest) -> str:
    """Kind, namespace and name, such as Deployment/redis/redis."""
    metadata = manifest["metadata"]
    return "/".join(filter(None, [manifest["kind"], metadata.get("namespace"), metadata["name"]]))


def pod_templates(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """The identity of every object that makes pods, and the pods' template."""
    for manifest in manifests:
        spec = manifest.get("spec", {})
        if manifest["kind"] == "Pod":
            yield identity(manifest), manifest
        elif manifest["kind"] == "CronJob":
            yield identity(manifest), spec["jobTemplate"]["spec"]["template"]
        elif manifest["kind"] in {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"}:
            yield identity(manifest), spec["template"]
