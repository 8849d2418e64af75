"""Every custom resource of the program as a real API server takes it, with the rules of its definition in CEL."""

import json
from collections.abc import Iterator
from subprocess import CompletedProcess
from typing import Any

import pytest

from sandbox.controlplane import Cluster
from sandbox.layout import Layout
from sandbox.regions import ControlPlane
from tests.platform.test_custom_resources import FILES, KINDS
from tests.support.binaries import binary
from tests.support.hubs import LOCAL as HUB
from tests.support.manifests import Manifest, identity, program_objects
from tests.support.reference_data import reference
from tests.support.regions import everything
from tests.support.rendering import render

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kwok", "kwokctl")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane with the definitions of the pinned charts."""
    for program in PROGRAMS:
        binary(program)
    files = [reference("crds", name) for name in FILES]
    home = tmp_path_factory.mktemp("definitions")
    layout = Layout(project=home, home=home, binaries=Layout.from_environment().binaries)
    made = Cluster(layout, ControlPlane(name="one", context="one", slot=0, stacks=("local",)))
    made.start()
    try:
        for file in files:
            run = made.kubectl("apply", "--server-side", "--filename", str(file))
            assert run.returncode == 0, run.stderr
        run = made.kubectl("wait", "--for=condition=Established", "crds", "--all", "--timeout=60s")
        assert run.returncode == 0, run.stderr
        yield made
    finally:
        made.remove()


def created(cluster: Cluster, *manifests: Manifest) -> CompletedProcess[str]:
    """What the API server says to these objects; none is kept. All are put into one namespace."""
    items = [{**one, "metadata": {**one["metadata"], "namespace": "default"}} for one in manifests]
    listed = {"apiVersion": "v1", "kind": "List", "items": items}
    return cluster.kubectl("create", "--dry-run=server", "--filename=-", stdin=json.dumps(listed))


def test_an_api_server_takes_every_custom_resource_of_a_stack_with_everything(cluster: Cluster) -> None:
    rendered = (everything(), render("local", HUB))
    own = [one for each in rendered for one in program_objects(each) if is_custom(one)]
    assert {one["kind"] for one in own} == KINDS
    run = created(cluster, *own)
    assert run.stderr == ""
    assert run.returncode == 0
    assert len(run.stdout.splitlines()) == len(own), [identity(one) for one in own]


def is_custom(manifest: Manifest) -> bool:
    """Whether a chart defines the object's kind."""
    group, _, _ = str(manifest["apiVersion"]).rpartition("/")
    return "." in group and not group.endswith(".k8s.io")


@pytest.mark.parametrize(
    ("kind", "spec", "said"),
    [
        ("VirtualService", {"hosts": ["a"], "http": [{"timeout": "0s"}]}, "must be a valid duration greater than 1ms"),
        ("VirtualService", {"hosts": ["a"], "httpx": []}, 'unknown field "httpx"'),
    ],
)
def test_it_refuses_what_breaks_a_rule(cluster: Cluster, kind: str, spec: dict[str, Any], said: str) -> None:
    broken = {"apiVersion": "networking.istio.io/v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    run = created(cluster, broken)
    assert run.returncode != 0
    assert said in run.stderr
