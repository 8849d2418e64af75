"""The metric contracts: the series that each source publishes, and their labels."""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tests.support.promql import grouped
from tests.support.rendering import ROOT

DIRECTORY = ROOT / "components" / "monitoring" / "contracts"
ACROSS = {"region"}
"""Labels that Thanos adds to the metrics of each region."""

Labels = Mapping[str, frozenset[str]]


def documents() -> dict[str, dict[str, Any]]:
    """Every contract, by the name of its file."""
    return {path.stem: yaml.safe_load(path.read_text()) for path in sorted(DIRECTORY.glob("*.yaml"))}


def published() -> Labels:
    """The labels of every published series, by the series' name."""
    found = documents()
    targets = frozenset(found["targets"]["labels"]) | ACROSS
    return {
        name: frozenset(labels) | targets
        for document in found.values()
        for metric, described in document["metrics"].items()
        for name, labels in _series(metric, described)
    }


def recorded(groups: list[dict[str, Any]]) -> Labels:
    """The labels of every recorded series, by its name: those that aggregations keep, and those that the rule adds."""
    rules = [rule for group in groups for rule in group["rules"] if "record" in rule]
    labels: dict[str, frozenset[str]] = {}
    for rule in rules:
        here = grouped(rule["expr"]) | frozenset(rule.get("labels", {})) | ACROSS
        labels[rule["record"]] = labels.get(rule["record"], frozenset()) | here
    # Rules over recorded series keep those series' labels.
    for rule in rules:
        inherited = [known for name, known in list(labels.items()) if name in rule["expr"] and name != rule["record"]]
        labels[rule["record"]] = labels[rule["record"]].union(*inherited)
    return labels


def _series(metric: str, described: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    labels = list(described.get("labels", []))
    if described["type"] != "histogram":
        yield metric, labels
        return
    yield f"{metric}_bucket", [*labels, "le"]
    yield f"{metric}_sum", labels
    yield f"{metric}_count", labels
