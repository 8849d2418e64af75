"""Here the local stack stands for all: it is rendered in a second. `tests/stacks` asks the same of the others."""

import pytest


@pytest.fixture(scope="session", params=["local"])
def stack_name(request: pytest.FixtureRequest) -> str:
    """The name of the local stack."""
    return str(request.param)
