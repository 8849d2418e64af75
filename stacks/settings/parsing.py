"""From plain values to checked settings, and from pydantic's errors to mistakes people can read. Pure."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from components.cluster.settings import CLOUDS
from components.settings.words import closest, did_you_mean
from stacks.settings.errors import Mistake, SettingsError, path_of, shown
from stacks.settings.inheritance import inherit
from stacks.settings.models import SECRETS, Settings
from stacks.settings.rules import broken_rules

Step = str | int

_TYPE_RULES: Final = {
    "bool_type": ("must be true or false", "write true or false, without quotes"),
    "int_type": ("must be a whole number", "write it without quotes, e.g. 3"),
    "float_type": ("must be a number", "write it without quotes, e.g. 0.5"),
    "finite_number": ("must be a number", "write it without quotes, e.g. 0.5"),
    "string_type": ("must be text", "put it in quotes"),
    "tuple_type": ("must be a list", "begin each entry on a line of its own with a hyphen"),
    "model_type": ("must be a map of settings", "write one `key: value` a line below it, indented"),
}
"""Rule and remedy by the type of pydantic's error."""

_EXAMPLES: Final = {
    "stage": "stage: local",
    "regions": "regions: [{name: local, cloud: existing}]",
    "name": "name: us-central1",
    "cloud": "cloud: existing",
    "latitude": "latitude: 50.85",
    "longitude": "longitude: 4.35",
    "timeZone": "timeZone: Europe/Brussels",
    "languages": "languages: [nl, fr]",
    "project": "project: my-project, here or for all regions below clouds.gcp",
    "adminGroups": "adminGroups: [11111111-2222-3333-4444-555555555555], here or for all regions below clouds.azure",
    "administrators": (
        "administrators: [arn:aws:iam::123456789012:role/administrators], here or for all regions below clouds.aws"
    ),
    "gcp.nodes": "nodes: {type: e2-standard-4, min: 3, max: 9}",
    "aws.nodes": "nodes: {type: m7i.xlarge, min: 3, max: 9}",
    "azure.nodes": "nodes: {type: Standard_D4s_v5, min: 3, max: 9}",
    "gcp.type": "type: e2-standard-4",
    "aws.type": "type: m7i.xlarge",
    "azure.type": "type: Standard_D4s_v5",
    "streams.name": "name: council-decisions",
    "subjects": "subjects: [councils.>]",
    "min": "min: 3",
    "max": "max: 9",
}
"""How a required setting is written, by its key (and its cloud or what it belongs to, where that matters)."""


def parse(values: Mapping[str, object]) -> Settings:
    """The settings in `values` (as read from YAML, keys without the project); SettingsError with all mistakes."""
    settings, mistakes = check(values)
    if settings is None or mistakes:
        raise SettingsError(mistakes)
    return settings


def check(values: Mapping[str, object], ignored: Collection[str] = ()) -> tuple[Settings | None, list[Mistake]]:
    """The settings (None when they are not valid) and all mistakes but those below the `ignored` keys."""
    inherited = inherit(values)
    mistakes: list[Mistake] = []
    settings = None
    try:
        settings = Settings.model_validate(dict(inherited.values))
    except ValidationError as error:
        mistakes += [
            _mistake(detail)
            for detail in error.errors()
            # What a region has from its cloud is reported there, once.
            if detail["loc"][0] not in ignored and _path(detail)[1:3] not in inherited.taken
        ]
    return settings, mistakes + list(broken_rules(inherited.values))


def _path(detail: ErrorDetails) -> tuple[Step, ...]:
    """Where the mistake is, as the user wrote it: pydantic also says which model of a region it took."""
    loc = detail["loc"]
    return (*loc[:2], *loc[3:]) if _cloud(loc) and loc[0] == "regions" else loc


def _cloud(loc: tuple[Step, ...]) -> str:
    """The cloud whose settings these are, or nothing."""
    place = {"regions": 2, "clouds": 1}.get(str(loc[0]))
    step = loc[place] if place is not None and len(loc) > place else None
    return str(step) if step in CLOUDS else ""


def _mistake(detail: ErrorDetails) -> Mistake:
    describe = _DESCRIBED.get(detail["type"], _any_other)
    rule, remedy = describe(detail)
    # What is missing has no value, and an unknown key's value could be a secret in the wrong place.
    value = "" if detail["type"] in ("missing", "extra_forbidden") else shown(detail["input"])
    return Mistake(path=path_of(*_path(detail)), value=value, rule=rule, remedy=remedy)


def _missing(detail: ErrorDetails) -> tuple[str, str]:
    key = str(detail["loc"][-1])
    kind = "streams" if "streams" in detail["loc"] else _cloud(detail["loc"])
    example = _EXAMPLES.get(f"{kind}.{key}") or _EXAMPLES[key]
    return "is missing", f"add e.g. {example}"


def _unknown(detail: ErrorDetails) -> tuple[str, str]:
    *parents, key = detail["loc"]
    return "is not a setting", did_you_mean(str(key), _known_keys(parents))


def _not_a_choice(detail: ErrorDetails) -> tuple[str, str]:
    expected = detail["ctx"]["expected"].replace("'", "")
    meant = closest(str(detail["input"]), expected.replace(" or ", ", ").split(", "))
    return f"must be {expected}", f"did you mean {meant}?" if meant else f"write {expected}"


def _setting(detail: ErrorDetails) -> tuple[str, str]:
    return detail["ctx"]["rule"], detail["ctx"]["remedy"]


def _too_low(detail: ErrorDetails) -> tuple[str, str]:
    least = f"{detail['ctx']['ge']:g}"
    return f"must be at least {least}", f"write {least} or more"


def _too_high(detail: ErrorDetails) -> tuple[str, str]:
    most = f"{detail['ctx']['le']:g}"
    return f"must be at most {most}", f"write {most} or less"


def _any_other(detail: ErrorDetails) -> tuple[str, str]:
    return _TYPE_RULES.get(detail["type"], (f"is not valid ({detail['msg']})", "correct it"))


_DESCRIBED: Final[dict[str, Callable[[ErrorDetails], tuple[str, str]]]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "literal_error": _not_a_choice,
    "setting": _setting,
    "greater_than_equal": _too_low,
    "less_than_equal": _too_high,
}


def _known_keys(parents: list[Step]) -> list[str]:
    models: list[type[BaseModel]] = [Settings]
    for step in parents:
        if step in CLOUDS and parents[0] == "regions":
            models = [model for model in models if step in get_args(model.model_fields["cloud"].annotation)]
        elif isinstance(step, str):
            fields = [field for model in models for field in model.model_fields.values() if field.alias == step]
            models = [model for field in fields for model in _models_in(field.annotation)]
    keys = [field.alias or name for model in models for name, field in model.model_fields.items()]
    return list(dict.fromkeys(keys)) if parents else [*keys, *SECRETS]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
