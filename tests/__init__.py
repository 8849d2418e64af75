"""Tests by subject (docs/adr/0028)."""

import pytest

# So that a check in a helper says what differs.
pytest.register_assert_rewrite("tests.support")
