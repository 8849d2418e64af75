"""The benchmarks' programs: the program accepts the generated stacks, and the flat program makes the same resources."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks import flat, regions
from benchmarks.workplace import stack_document
from tests.support.rendering import Rendered, Resource, render, render_program, stack_config

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("count", [1, 3])
def test_the_program_takes_the_generated_stacks(count: int) -> None:
    config = regions.document(stack_document("planetary"), "mixed", count)["config"]
    rendered = render_program("growth", config)
    names = [region["name"] for region in config["sacred-council:regions"]]
    assert {item.name for item in rendered.resources if item.type.endswith(":Region")} == set(names)


def _as_state(resource: Resource) -> dict[str, Any]:
    """The resource as in the engine's state, with the fields that the flat program reads."""
    return {
        "urn": resource.urn,
        "type": resource.type,
        "custom": resource.custom,
        "inputs": resource.inputs,
        "dependencies": sorted(resource.dependencies),
        "provider": resource.provider,
    }


def _shown(rendered: Rendered) -> dict[tuple[str, str], dict[str, Any]]:
    return {(item.type, item.name): item.inputs for item in rendered.resources if item.custom}


@pytest.mark.parametrize("stack", ["local", "planetary"])
def test_the_flat_program_registers_the_same_resources_with_the_same_inputs(stack: str, tmp_path: Path) -> None:
    program = render(stack)
    count = flat.write(tmp_path / "flat", [_as_state(resource) for resource in program.resources])
    made = render_program(stack, stack_config(stack), tmp_path / "flat" / "__main__.py")
    shown, of_program = _shown(made), _shown(program)
    assert len(made.resources) == count == len(of_program)
    assert shown.keys() == of_program.keys()
    assert [key for key, inputs in shown.items() if inputs != of_program[key]] == []


def test_a_cloud_s_resource_has_its_class_whatever_notes_its_plugin_left() -> None:
    inputs = {"name": "n", "nodes": [{"zone": "a", "__defaults": []}], "__defaults": ["name"]}
    assert flat.written(inputs) == {"name": "n", "nodes": [{"zone": "a"}]}
    state = {"urn": "urn:pulumi:s::p::gcp:compute/network:Network::n", "type": "gcp:compute/network:Network"}
    (made,) = flat.recorded([{**state, "custom": True, "inputs": {"name": "n", "__defaults": ["name"]}}])
    assert (made["module"], made["class"], made["inputs"]) == ("pulumi_gcp.compute", "Network", {"name": "n"})
