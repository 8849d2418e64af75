"""The stand-ins of the random and the tls provider know the inputs that the stacks give, and no others."""

from collections import defaultdict
from functools import cache
from typing import Any

import pytest

from sandbox.providers import generated
from sandbox.providers.generated import Kind
from sandbox.providers.random.kinds import KINDS as RANDOM
from sandbox.providers.tls.keys import ALGORITHMS, CURVES
from sandbox.providers.tls.kinds import KINDS as TLS
from sandbox.providers.tls.kinds import PRIVATE_KEY
from sandbox.providers.tls.names import EXTENDED_USAGES, KEY_USAGES, SUBJECT_FIELDS
from tests.conftest import STACKS
from tests.support.rendering import render

pytestmark = pytest.mark.stack

KINDS: tuple[Kind, ...] = (*RANDOM, *TLS)


@cache
def given() -> dict[str, list[dict[str, Any]]]:
    """The inputs of every resource of the four stacks, by type token."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for stack in STACKS:
        for resource in render(stack).resources:
            found[resource.type].append(resource.inputs)
    return found


def values(name: str) -> set[Any]:
    """The values of an input of the tls provider. Of a list or a map: its items or keys."""
    found = [inputs[name] for kind in TLS for inputs in given()[kind.name] if name in inputs]
    return {item for value in found for item in (value if isinstance(value, list | dict) else [value])}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_type_has_the_inputs_that_the_stacks_give(kind: Kind) -> None:
    assert set(kind.inputs) == {name for inputs in given()[kind.name] for name in inputs}


def test_keys_and_certificates_have_the_values_that_the_stacks_give() -> None:
    assert values("algorithm") == set(ALGORITHMS)
    assert values("ecdsaCurve") == set(CURVES)
    assert values("allowedUses") == {*KEY_USAGES, *EXTENDED_USAGES}
    assert values("subject") == set(SUBJECT_FIELDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize("name", ["keepers", "minLower", "number", "uris", "setAuthorityKeyId"])
def test_an_input_that_no_stack_gives_is_refused(kind: Kind, name: str) -> None:
    found = [problem.reason for problem in generated.check(kind, {name: 1}) if problem.property == name]
    assert len(found) == 1
    assert found[0].startswith(f"{kind.name} has no input {name}; ")


@pytest.mark.parametrize("curve", ["P224", "P521"])
def test_a_curve_that_no_stack_asks_for_is_refused(curve: str) -> None:
    (problem,) = generated.check(PRIVATE_KEY, {"algorithm": "ECDSA", "ecdsaCurve": curve})
    assert problem.reason == f"ecdsaCurve is '{curve}'; it must be one of P256, P384"
