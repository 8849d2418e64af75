"""The metrics in a PromQL query, and the labels that it expects of each, from the parsed query."""

from collections.abc import Iterator
from dataclasses import dataclass

import promql_parser as promql

FLOATING = {"le", "quantile"}
"""Labels whose values are floating-point numbers."""


@dataclass(frozen=True)
class Use:
    """A metric in a query, and the labels that the query selects, groups or joins it by."""

    metric: str
    labels: frozenset[str]


def uses(query: str) -> list[Use]:
    """Every metric of `query`. Raises ValueError when the query does not parse."""
    return list(_uses(promql.parse(query), frozenset()))


def whole_limits(query: str) -> list[str]:
    """Matchers of `query` that write a bucket or quantile as a whole number: Prometheus 3 writes `1` as `1.0`."""
    found: list[str] = []
    promql.walk(promql.parse(query), lambda node: found.extend(_whole_limits(node)))
    return found


def grouped(query: str) -> frozenset[str]:
    """All labels that aggregations in `query` keep or joins add."""
    found: set[str] = set()
    promql.walk(promql.parse(query), lambda node: found.update(_kept(node)))
    return frozenset(found)


def _uses(node: promql.Expr, wanted: frozenset[str]) -> Iterator[Use]:
    match node:
        case promql.VectorSelector():
            yield Use(str(node.name), wanted | {matcher.name for matcher in node.matchers.matchers})
        case promql.MatrixSelector():
            yield from _uses(node.vector_selector, wanted)
        case promql.AggregateExpr():
            yield from _uses(node.expr, frozenset(_kept(node)))
        case promql.BinaryExpr():
            join_labels = wanted | _join_labels(node)
            yield from _uses(node.lhs, join_labels)
            yield from _uses(node.rhs, join_labels | _added(node))
        case promql.Call() if node.func.name == "label_replace":
            # The function makes one label from another.
            made, source = (str(node.args[index].val) for index in (1, 3))
            yield from _uses(node.args[0], (wanted - {made}) | {source})
        case promql.Call():
            for argument in node.args:
                yield from _uses(argument, wanted)
        case promql.SubqueryExpr() | promql.ParenExpr() | promql.UnaryExpr():
            yield from _uses(node.expr, wanted)


def _whole_limits(node: promql.Expr) -> list[str]:
    if not isinstance(node, promql.VectorSelector):
        return []
    return [
        f"{matcher.name}: {matcher.value}"
        for matcher in node.matchers.matchers
        if matcher.name in FLOATING and any(part.strip("()").isdigit() for part in matcher.value.split("|"))
    ]


def _kept(node: promql.Expr) -> set[str]:
    if isinstance(node, promql.BinaryExpr):
        return _join_labels(node) | _added(node)
    modifier = node.modifier if isinstance(node, promql.AggregateExpr) else None
    return set(modifier.labels) if modifier is not None and modifier.type == promql.AggModifierType.By else set()


def _join_labels(node: promql.BinaryExpr) -> set[str]:
    """The labels that match both sides of a join."""
    matching = node.modifier.matching if node.modifier is not None else None
    return set(matching.labels) if matching is not None and matching.type == promql.LabelModifierType.Include else set()


def _added(node: promql.BinaryExpr) -> set[str]:
    """The labels that a join adds from its right side."""
    return set(node.modifier.group_labels or ()) if node.modifier is not None else set()
