"""Resources and chart values of a mesh of several regions, against Istio's definitions and chart."""

import json

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from components.versions import ISTIO_VERSION
from tests.mesh.test_mesh_regions import FIVE, PROGRAM
from tests.platform.test_custom_resources import Loader, closed
from tests.support.reference_data import reference
from tests.support.rendering import Rendered, Resource, render_program

pytestmark = pytest.mark.conformance


@pytest.fixture(scope="module")
def mesh() -> Rendered:
    return render_program("test", {"mesh:regions": list(FIVE)}, PROGRAM)


@pytest.fixture(scope="module")
def releases(mesh: Rendered) -> list[Resource]:
    return mesh.of_type("kubernetes:helm.sh/v3:Release")


@pytest.mark.parametrize("kind", ["DestinationRule", "Gateway", "VirtualService"])
def test_what_lists_regions_satisfies_its_definition(mesh: Rendered, kind: str) -> None:
    definitions = yaml.load_all(reference("crds", f"istio-{ISTIO_VERSION}.yaml").read_text(), Loader)
    (definition,) = [d for d in definitions if d and d["spec"]["names"]["kind"] == kind]
    (version,) = [v for v in definition["spec"]["versions"] if v["name"] == "v1"]
    validator = jsonschema.Draft202012Validator(closed(version["schema"]["openAPIV3Schema"]["properties"]["spec"]))
    found = mesh.objects(kind)
    assert len(found) >= len(FIVE)
    assert [error.message for r in found for error in validator.iter_errors(r.inputs["spec"])] == []


def test_the_chart_takes_the_values_of_the_gateway_between_networks(releases: list[Resource]) -> None:
    schema = json.loads(reference("charts", f"istio-gateway-{ISTIO_VERSION}", "values.schema.json").read_text())
    validator = jsonschema.Draft202012Validator(schema)
    assert len(releases) == len(FIVE)
    assert [error.message for r in releases for error in validator.iter_errors(r.inputs["values"])] == []


def test_the_gateway_has_those_of_the_chart_s_network_ports_that_something_listens_on(releases: list[Resource]) -> None:
    values = yaml.safe_load(reference("charts", f"istio-gateway-{ISTIO_VERSION}", "values.yaml").read_text())
    chart = {
        (name, port["port"], port["targetPort"])
        for name, port in values["_internal_defaults_do_not_set"]["networkGatewayPorts"].items()
    }
    assert releases
    for release in releases:
        ports = release.inputs["values"]["service"]["ports"]
        ours = {(port["name"], port["port"], port["targetPort"]) for port in ports}
        assert chart - ours == {("tls-istiod", 15012, 15012), ("tls-webhook", 15017, 15017)}
        assert ours < chart
