"""What the unit tests ask of the local stack is asked of all others: the same tests, collected here again."""

import inspect

from tests.unit import (
    test_contracts,
    test_pictures,
    test_policy_pack,
    test_references,
    test_report_cost,
    test_report_document,
    test_urns,
)
from tests.unit.test_report_document import report

__all__ = ["report"]

OF_EACH_STACK = {"stack", "stack_name", "report"}
"""What such a test asks for."""

MODULES = (
    test_contracts,
    test_pictures,
    test_policy_pack,
    test_references,
    test_report_cost,
    test_report_document,
    test_urns,
)

for module in MODULES:
    functions = inspect.getmembers(module, inspect.isfunction)
    found = {name: test for name, test in functions if OF_EACH_STACK & inspect.signature(test).parameters.keys()}
    globals().update({name: test for name, test in found.items() if name.startswith("test_")})
