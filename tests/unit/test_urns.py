"""A URN that changes replaces its resource: the lists are kept in tests/golden."""

from tests.golden.urns import path, urns
from tests.rendering import Rendered


def test_urns_are_those_of_the_golden_list(stack: Rendered, stack_name: str) -> None:
    golden = path(stack_name).read_text().splitlines()
    remedy = "a rename needs an alias and a changelog line; then run: python -m tests.golden"
    assert urns(stack) == golden, remedy
