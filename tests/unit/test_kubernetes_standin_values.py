"""Quantities, property paths and the values on the wire."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.providers import values
from sandbox.providers.kubernetes import paths, quantities

SCALARS = st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text(max_size=10)
VALUES = st.recursive(
    SCALARS | st.just(values.UNKNOWN),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3) | inner.map(values.Secret)
    ),
    max_leaves=8,
)
STEPS = st.text(min_size=1, max_size=6).filter(lambda text: text != "*" and "\\" not in text) | st.integers(0, 9)


@given(st.dictionaries(st.text(max_size=5), VALUES, max_size=4))
def test_values_come_back_from_the_wire_as_they_went(original: dict[str, Any]) -> None:
    assert values.decode(values.encode(original)) == original


def test_a_number_that_is_whole_arrives_as_an_integer() -> None:
    decoded = values.decode(values.encode({"whole": 80.0, "half": 0.5}))
    assert type(decoded["whole"]) is int
    assert decoded["half"] == 0.5


def test_what_cannot_be_sent_is_refused() -> None:
    with pytest.raises(TypeError, match="cannot send a set"):
        values.encode({"a": {1, 2}})


def test_plain_takes_secrets_off_at_every_depth() -> None:
    assert values.plain({"a": [values.Secret({"b": values.Secret(1)})]}) == {"a": [{"b": 1}]}


def test_a_secret_does_not_print_its_value() -> None:
    assert "hunter2" not in repr(values.Secret("hunter2"))


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("1000m", "1"),
        ("0.5", "500m"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1000Mi", "1000Mi"),
        ("1000", "1k"),
        ("2000k", "2M"),
        ("1e3", "1e3"),
        ("0.1Gi", "107374182400m"),
        ("512Ki", "512Ki"),
        ("0", "0"),
        ("-1500m", "-1500m"),
        (0.25, "250m"),
        (2, "2"),
    ],
)
def test_quantities_are_spelled_as_the_api_server_does(written: str | float, stored: str) -> None:
    assert quantities.canonical(written) == stored


@pytest.mark.parametrize("wrong", ["", "lots", "1 Gi", "1GiB", "--1", "1.2.3"])
def test_what_is_no_quantity_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="quantity"):
        quantities.canonical(wrong)


@given(st.integers(0, 10**15), st.sampled_from(["", "m", "k", "M", "Ki", "Mi", "Gi"]))
def test_the_canonical_spelling_is_stable_and_means_the_same(amount: int, suffix: str) -> None:
    spelled = quantities.canonical(f"{amount}{suffix}")
    assert quantities.canonical(spelled) == spelled
    assert _amount(spelled) == _amount(f"{amount}{suffix}")


def _amount(quantity: str) -> Fraction:
    for index, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), start=1):
        if quantity.endswith(suffix):
            return Fraction(quantity[:-2]) * int(1024**index)
    for suffix, power in {"m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}.items():
        if quantity.endswith(suffix):
            return Fraction(f"{quantity[:-1]}e{power}")
    return Fraction(quantity)


@given(st.lists(STEPS, min_size=1, max_size=5))
def test_a_written_path_is_read_as_the_same_path(steps: list[str | int]) -> None:
    assert paths.parse(paths.write(steps)) == tuple(steps)


@pytest.mark.parametrize(
    ("path", "spelled"),
    [
        (("spec", "ports", 0, "name"), "spec.ports[0].name"),
        (("metadata", "annotations", "example.com/a"), 'metadata.annotations["example.com/a"]'),
        (("data", 'say "x"'), 'data["say \\"x\\""]'),
    ],
)
def test_paths_are_spelled_as_the_engine_does(path: paths.Path, spelled: str) -> None:
    assert paths.write(path) == spelled


def test_a_broken_path_is_refused_with_an_example() -> None:
    with pytest.raises(ValueError, match="such as spec"):
        paths.parse("spec.ports[")


@pytest.mark.parametrize(
    ("changed", "value", "pattern", "touches"),
    [
        ("data.a", "x", "data", True),
        ("data", {"a": 1}, "data.a", True),
        ("spec", None, "spec.selector", False),
        ("spec.selector", None, "spec.selector", True),
        ("spec.containers[1].image", "x", "spec.containers[*].image", True),
        ("spec.containers[1]", {"image": "x"}, "spec.containers[*].image", True),
        ("spec.containers[1]", {"name": "x"}, "spec.containers[*].image", False),
        ("spec.containers", [{"image": "x"}], "spec.containers[*].image", True),
        ("database", "x", "data", False),
    ],
)
def test_a_change_touches_a_pattern_inside_or_around_it(changed: str, value: Any, pattern: str, touches: bool) -> None:
    assert paths.touches(paths.parse(changed), value, paths.parse(pattern)) is touches
