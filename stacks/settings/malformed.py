"""Translates pydantic's errors into readable mistakes, with examples of missing settings. Pure."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from components.cluster.settings import CLOUDS
from components.settings.words import closest, did_you_mean
from stacks.settings.errors import Mistake, path_of, shown
from stacks.settings.models import SECRETS, Settings

Step = str | int
Path = tuple[Step, ...]

_TYPE_RULES: Final = {
    "bool_type": ("must be true or false", "write true or false, without quotes"),
    "int_type": ("must be a whole number", "write it without quotes, e.g. 3"),
    "float_type": ("must be a number", "write it without quotes, e.g. 0.5"),
    "finite_number": ("must be a number", "write it without quotes, e.g. 0.5"),
    "string_type": ("must be text", "put it in quotes"),
    "tuple_type": ("must be a list", "write each entry on its own line, after a hyphen"),
    "model_type": ("must be a map of settings", "write one indented `key: value` per line below it"),
}
"""Rule and remedy by the type of pydantic's error."""

_COMMON: Final = ("project", "adminGroups", "administrators")
"""Required settings of regions that may also stand below `clouds`."""


def path_in(error: ErrorDetails) -> Path:
    """The error's path as the user wrote it, without pydantic's name of the region's model."""
    loc = error["loc"]
    return (*loc[:2], *loc[3:]) if _cloud(loc) and loc[0] == "regions" else loc


def example_of(error: ErrorDetails) -> object:
    """A valid value of the missing setting, from the `examples` of its field."""
    *parents, key = error["loc"]
    fields = [field for model in _models_at(parents) for field in model.model_fields.values() if field.alias == key]
    return _example(fields[0])


def _example(field: FieldInfo) -> object:
    """The field's first example. A field whose type is a model needs none."""
    if field.examples:
        return field.examples[0]
    return examples(next(_models_in(field.annotation)))


def examples(model: type[BaseModel]) -> dict[str, object]:
    """A map with an example of each key that the model requires."""
    required = (field for field in model.model_fields.values() if field.is_required())
    return {field.alias or "": _example(field) for field in required}


def described(error: ErrorDetails) -> Mistake:
    """The error as a mistake, with rule and remedy."""
    describe = _DESCRIBED.get(error["type"], _any_other)
    rule, remedy = describe(error)
    # A missing setting has no value, and the value of an unknown key may be a misplaced secret.
    value = "" if error["type"] in ("missing", "extra_forbidden") else shown(error["input"])
    return Mistake(path=path_of(*path_in(error)), value=value, rule=rule, remedy=remedy)


def _cloud(loc: Path) -> str:
    """The cloud of these settings; empty if there is none."""
    place = {"regions": 2, "clouds": 1}.get(str(loc[0]))
    step = loc[place] if place is not None and len(loc) > place else None
    return str(step) if step in CLOUDS else ""


def _missing(error: ErrorDetails) -> tuple[str, str]:
    key = str(error["loc"][-1])
    elsewhere = f", here or for all regions below clouds.{_cloud(error['loc'])}" if key in _COMMON else ""
    return "is missing", f"add e.g. {key}: {_written(example_of(error))}{elsewhere}"


def _written(value: object) -> str:
    """Format a value as one line of YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_written(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_written, value)) + "]"
    return str(value)


def _unknown(error: ErrorDetails) -> tuple[str, str]:
    *parents, key = error["loc"]
    return "is not a setting", did_you_mean(str(key), _known_keys(parents))


def _not_a_choice(error: ErrorDetails) -> tuple[str, str]:
    expected = error["ctx"]["expected"].replace("'", "")
    meant = closest(str(error["input"]), expected.replace(" or ", ", ").split(", "))
    return f"must be {expected}", f"did you mean {meant}?" if meant else f"write {expected}"


def _setting(error: ErrorDetails) -> tuple[str, str]:
    return error["ctx"]["rule"], error["ctx"]["remedy"]


def _too_low(error: ErrorDetails) -> tuple[str, str]:
    least = f"{error['ctx']['ge']:g}"
    return f"must be at least {least}", f"write {least} or more"


def _too_high(error: ErrorDetails) -> tuple[str, str]:
    most = f"{error['ctx']['le']:g}"
    return f"must be at most {most}", f"write {most} or less"


def _any_other(error: ErrorDetails) -> tuple[str, str]:
    return _TYPE_RULES.get(error["type"], (f"is not valid ({error['msg']})", "docs/configuration.md describes it"))


_DESCRIBED: Final[dict[str, Callable[[ErrorDetails], tuple[str, str]]]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "literal_error": _not_a_choice,
    "setting": _setting,
    "greater_than_equal": _too_low,
    "less_than_equal": _too_high,
}


def _known_keys(parents: Sequence[Step]) -> list[str]:
    keys = [field.alias or name for model in _models_at(parents) for name, field in model.model_fields.items()]
    return list(dict.fromkeys(keys)) if parents else [*keys, *SECRETS]


def _models_at(parents: Sequence[Step]) -> list[type[BaseModel]]:
    """The models that the map at this path may have. More than one, if a region's cloud is not known."""
    models: list[type[BaseModel]] = [Settings]
    for step in parents:
        if step in CLOUDS and parents[0] == "regions":
            models = [model for model in models if step in get_args(model.model_fields["cloud"].annotation)]
        elif isinstance(step, str):
            fields = [field for model in models for field in model.model_fields.values() if field.alias == step]
            models = [model for field in fields for model in _models_in(field.annotation)]
    return models


def lists_of_maps(model: type[BaseModel] = Settings) -> Iterator[str]:
    """The keys of all lists whose entries are maps, such as `regions`."""
    for field in model.model_fields.values():
        for inner in _models_in(field.annotation):
            if get_origin(field.annotation) is tuple:
                yield field.alias or ""
            yield from lists_of_maps(inner)


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
