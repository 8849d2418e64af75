"""The building blocks of settings: the base of all models, and the types of their values.

A new key touches three files: the model of its section (`components/<part>/settings.py`), the code that uses the key,
and the test of that code.
The field defines the key's name, type and default. The docstring below it describes the meaning, the unit, the meaning
of None, and the runbook when a change needs one.

`make docs` generates the rest from the fields: docs/configuration.md, the descriptions in Pulumi.yaml, and
docs/stack.schema.json, with which editors check the stack files. A test fails while one of them is stale.
"""

from components.settings.model import Model

__all__ = ["Model"]
