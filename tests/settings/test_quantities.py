"""Kubernetes quantities as numbers."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.quantities import quantity_bytes
from tests.support.rendering import render

pytestmark = pytest.mark.unit

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


@given(st.integers(1, 10**6), st.sampled_from(sorted(UNITS)))
def test_units_are_multiplied_out(number: int, unit: str) -> None:
    assert quantity_bytes("storage", f"{number}{unit}") == number * UNITS[unit]


@pytest.mark.parametrize(
    ("quantity", "size"), [("1.5Gi", 1610612736), ("0.5k", 500), ("0.1Ki", 103), ("0.0001k", 1), ("1.1", 2)]
)
def test_parts_of_a_unit_are_counted_exactly_and_parts_of_a_byte_as_one(quantity: str, size: int) -> None:
    assert quantity_bytes("storage", quantity) == size


@pytest.mark.parametrize(
    "quantity", ["", "0", "0Gi", "-1Gi", "0.0Gi", "1.Gi", ".5Gi", "Gi", "1GB", "1 Gi", "1Gi\n", "\u0661Gi"]
)
def test_anything_else_is_refused_with_the_field_the_value_and_an_example(quantity: str) -> None:
    with pytest.raises(ValueError, match=rf"storage: expected .* got {re.escape(repr(quantity))}; .* 20Gi"):
        quantity_bytes("storage", quantity)


def test_a_stack_may_have_parts_of_a_unit_in_every_size() -> None:
    sizes = {
        "database": {"storage": "10.5Gi", "cpu": 1.5, "memory": "1.5Gi"},
        "cache": {"storage": "1.5Gi", "maxMemory": "0.3Gi", "cpu": 0.25, "memory": "0.7Gi"},
        "messaging": {"storage": "2.5Gi", "cpu": "0.1", "memory": "0.5Gi"},
        "monitoring": {"storage": "5.5Gi"},
        "services": {"agent-network": {"cpu": "0.1", "memory": "64.5Mi"}},
    }
    stack = render("local", {f"sacred-council:{section}": values for section, values in sizes.items()})
    claims = {
        claim["spec"]["resources"]["requests"]["storage"]
        for stateful in stack.objects("StatefulSet")
        for claim in stateful.inputs["spec"]["volumeClaimTemplates"]
    }
    assert {"10.5Gi", "1.5Gi", "2.5Gi"} <= claims
    assert "maxmemory 322122548\n" in str(stack.named("local-cache-settings").inputs["data"]["redis.conf"])
