"""What settings are made of: the base of all models, and the kinds of value that they can have.

A new key touches three files: the model of its section (`components/<part>/settings.py`), the code that uses the key,
and the test of that code. The field says everything about the key: its name, its type, its default, and in the
docstring below it what the key means, in which unit, what None stands for, and the runbook when a change needs one.

`make docs` writes the rest from the fields: docs/configuration.md, the descriptions in Pulumi.yaml, and
docs/stack.schema.json, with which editors check the stack files. A test fails while one of them is stale.
"""

from components.settings.model import Model

__all__ = ["Model"]
