"""The base of all settings."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """Base of all settings: frozen, no unknown keys, camelCase in YAML and snake_case in Python.

    The docstring below a field is its description wherever people read it, see `components.settings`. The package
    `reference` reads it from the source; pydantic would do so at each start of the program.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
    )
