"""Here are all stacks but the local one, which the unit tests have, and what needs the SDK of a cloud: seconds each."""

import pytest

from tests.conftest import STACKS


@pytest.fixture(scope="session", params=[stack for stack in STACKS if stack != "local"])
def stack_name(request: pytest.FixtureRequest) -> str:
    """The name of each other stack in turn."""
    return str(request.param)
