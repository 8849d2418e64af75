"""Kubernetes objects of a region whose cloud runs the data services, against the same validators as all others."""

from typing import Any

import pytest

from components.pod_security import POD_SECURITY_VERSION
from tests.platform.test_custom_resources import definitions, mistakes
from tests.platform.test_objects import DELIBERATE, group_of, kubeconform
from tests.support import schemas
from tests.support.kube_score import critical_findings
from tests.support.managed import managed
from tests.support.manifests import Manifest, identity, pod_templates, program_objects
from tests.support.pod_standard import violations

pytestmark = pytest.mark.conformance

JOB = "Job/postgresql/postgresql-bootstrap"


@pytest.fixture(scope="module")
def objects() -> list[Manifest]:
    """All objects of a region on Google Cloud; the other clouds' are the same."""
    return program_objects(managed("gcp"))


@pytest.fixture(scope="module")
def core_objects(objects: list[Manifest]) -> list[Manifest]:
    """The objects whose kinds Kubernetes itself has."""
    served = schemas.groups()
    return [m for m in objects if group_of(m) in served]


def test_every_core_object_satisfies_the_schema_of_its_kind(core_objects: list[Manifest]) -> None:
    assert JOB in {identity(m) for m in core_objects}
    assert kubeconform(core_objects) == []


def test_kube_score_finds_nothing_critical_but_what_is_deliberate(core_objects: list[Manifest]) -> None:
    findings = critical_findings(core_objects, POD_SECURITY_VERSION)
    assert [str(f) for f in findings if (f.target, f.test) not in DELIBERATE] == []


def test_every_pod_template_passes_the_restricted_standard(objects: list[Manifest]) -> None:
    templates = dict(pod_templates(objects))
    assert JOB in templates
    broken = {name: violations(template["spec"]) for name, template in templates.items()}
    assert {name: found for name, found in broken.items() if found} == {}


def test_the_mesh_s_entries_satisfy_the_schema_of_their_definition(objects: list[Manifest]) -> None:
    entries: list[dict[str, Any]] = [m for m in objects if m["kind"] == "ServiceEntry"]
    assert {m["metadata"]["name"] for m in entries} == {"managed-database", "managed-cache"}
    known = definitions()
    assert [mistakes(m, known) for m in entries] == [[], []]
