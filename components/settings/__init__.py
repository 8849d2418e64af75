"""The building blocks of settings: the base of all models, and the types of their values.

A new key touches three files: the model of its section (`components/<part>/settings.py`), the code that uses the key,
and the test of that code.
The field defines the key's name, type and default. The docstring below it describes the meaning, the unit, the meaning
of None, and the runbook when a change needs one.

`make docs` generates the rest from the fields: docs/configuration.md, the descriptions in Pulumi.yaml, and
docs/stack.schema.json, with which editors check the stack files. A test fails while one of them is stale.
"""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

__all__ = ["Model"]


class Model(BaseModel):
    """Base of all settings: frozen, no unknown keys, camelCase in YAML and snake_case in Python.

    The docstring below a field is its description wherever people read it. The package `reference` reads it from the
    source; pydantic would do so at each start of the program.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
    )
