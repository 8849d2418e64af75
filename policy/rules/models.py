"""Pinned models: an embedding server computes the same numbers today and tomorrow."""

import re
from collections.abc import Iterator
from typing import Any, Final

from pulumi_policy import ReportViolation, ResourceValidationArgs

from policy.pods import POD_SPECS, called, containers
from policy.rule import Config, Rule, Table, apply
from policy.values import UNKNOWN, Props, shown

SERVER: Final = "text-embeddings-inference"
"""Part of the image's name."""
OPTION: Final = "--revision="
_COMMIT: Final = re.compile("[0-9a-f]{40}")


def _pods(props: Props, _config: Config) -> Iterator[str]:
    for container in containers(props):
        image = container.get("image")
        if isinstance(image, str) and SERVER in image:
            yield from _server(container)


def _server(container: Props) -> Iterator[str]:
    words = [*_words(container.get("command")), *_words(container.get("args"))]
    if UNKNOWN in words:
        return
    named = [str(word).removeprefix(OPTION) for word in words if str(word).startswith(OPTION)]
    if not named:
        yield f"{called(container)} names no revision of its model: write {OPTION} with a commit"
    for revision in named:
        if not _COMMIT.fullmatch(revision):
            yield f"{called(container)} has revision {shown(revision)} of its model: name a commit of 40 digits"


def _words(value: Any) -> list[Any]:
    if value is UNKNOWN:
        return [UNKNOWN]
    return value if isinstance(value, list) else []


TABLE: Final[Table] = dict.fromkeys(POD_SPECS, (_pods,))


def models(args: ResourceValidationArgs, report: ReportViolation) -> None:
    """Every embedding server names one commit of its model."""
    apply(TABLE, args, report)


RULE: Final = Rule(
    name="pinned-models",
    description="Every embedding server must name one commit of its model.",
    remedy="Set `matching.revision` to a commit: a branch can move, and then new embeddings do not fit the old ones.",
    validate=models,
)
