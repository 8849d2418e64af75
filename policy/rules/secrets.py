"""Secrets in plain text: ConfigMaps, environment variables and chart values. Messages never show the secret."""

import re
from collections.abc import Iterator
from typing import Any, Final

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.pods import POD_SPECS, RELEASE, called, containers, maps_in
from policy.rule import Config, Rule, Table, apply
from policy.values import UNKNOWN, Props, elements, mapping

_NATS: Final = "eyJhbGciOiJlZDI1NTE5LW5rZXkiLCJ0eXAiOiJKV1QifQ"
"""Header of NATS' tokens of operators and accounts. They are public: nobody gets in without the key that they name."""
_TEXTS: Final = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a key of AWS": re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{36}\b"),
    "a signed token": re.compile(rf"\b(?!{_NATS}\.)eyJ[\w-]{{10,}}\.eyJ[\w-]{{10,}}\.[\w-]{{10,}}"),
    "a URL with a password": re.compile(r"\w+://[^\s:/@${<]+:[^\s:/@${<]+@"),
}
_NAMES: Final = re.compile(r"(password|passwd|secret[_-]?key|api[_-]?key|access[_-]?key|private[_-]?key|token)$", re.I)


def in_text(text: Any) -> Iterator[str]:
    """The kinds of secrets in a text."""
    if isinstance(text, str):
        yield from (kind for kind, pattern in _TEXTS.items() if pattern.search(text))


def _config_map(props: Props, _config: Config) -> Iterator[str]:
    for key, text in mapping(props, "data").items():
        for kind in in_text(text):
            yield f"data.{key} holds {kind}: put it into a Secret"
        if _is_literal(key, text):
            yield f"data.{key} is called like a secret: put it into a Secret"


def _pods(props: Props, _config: Config) -> Iterator[str]:
    for container in containers(props):
        for variable in elements(container, "env"):
            name, value = str(variable.get("name")), variable.get("value")
            if _is_literal(name, value) or any(in_text(value)):
                yield f"{called(container)} has {name} in plain: take it from a Secret"
        for argument in (*elements(container, "command"), *elements(container, "args")):
            for kind in in_text(argument):
                yield f"{called(container)} is started with {kind}: take it from a Secret"


def _chart(props: Props, _config: Config) -> Iterator[str]:
    for values in maps_in(mapping(props, "values")):
        for key, value in values.items():
            if _is_literal(key, value) or any(in_text(value)):
                yield f"the chart's value {key} is a secret in plain: name a Secret instead"


def _is_literal(name: str, value: Any) -> bool:
    """Whether a value with a secret's name is written out. References, such as $(NAME) or a path, are not."""
    written = isinstance(value, str) and value is not UNKNOWN and value != "" and not value.startswith(("$", "/"))
    return written and _NAMES.search(name) is not None


TABLE: Final[Table] = {
    "kubernetes:core/v1:ConfigMap": (_config_map,),
    **dict.fromkeys(POD_SPECS, (_pods,)),
    RELEASE: (_chart,),
}


def secrets(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """No secret is in plain text."""
    apply(TABLE, args, report)


RULE: Final = Rule(
    name="no-plaintext-secrets",
    description="Secrets must be in Secrets, not in ConfigMaps, environment variables or chart values.",
    remedy="Put the value into a Secret and refer to that.",
    validate=secrets,
)
