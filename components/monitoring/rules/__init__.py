"""All recording rules and alerts of Prometheus. Pure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from components.context import RegionLabels
from components.monitoring.names import MonitoringTargets
from components.monitoring.rules.alerts import alerts
from components.monitoring.rules.embedding import embedding_rules
from components.monitoring.rules.emergence import emergence_rules
from components.monitoring.rules.model import Rules
from components.monitoring.rules.objectives import objective_rules
from components.monitoring.rules.places import place_rules
from components.monitoring.rules.prices import price_rules
from components.monitoring.rules.regions import region_rules
from components.monitoring.rules.scaling import ScalingPlan, scaling_rules
from components.monitoring.rules.sites import site_rules


def rule_groups(
    targets: MonitoringTargets,
    labels: RegionLabels,
    *,
    runbooks: str,
    machine_prices: Mapping[str, float] | None = None,
    others: Sequence[str] = (),
    scaling: ScalingPlan | None = None,
) -> list[dict[str, Any]]:
    """Return the groups of a PrometheusRule.

    `runbooks` is the URL or path of the runbooks.
    `machine_prices` are US dollars per month by machine type.
    `others` are the other regions that can be asked.
    `scaling` says what the services' replicas follow. None: they follow CPU and memory alone.
    """
    groups: dict[str, Rules] = {
        **alerts(targets),
        "objectives": objective_rules(targets),
        "places": place_rules(targets, labels),
        "emergence": emergence_rules(targets),
        "prices": price_rules(machine_prices or {}),
        "regions": region_rules(targets, others),
        "sites": site_rules(targets),
        **embedding_rules(targets),
        **scaling_rules(targets, scaling),
    }
    return [
        {"name": f"sacred-council-{name}", "rules": [rule.rule(runbooks) for rule in rules]}
        for name, rules in groups.items()
        if rules
    ]


def rules_file(
    targets: MonitoringTargets,
    labels: RegionLabels,
    *,
    runbooks: str,
    machine_prices: Mapping[str, float] | None = None,
    others: Sequence[str] = (),
    scaling: ScalingPlan | None = None,
) -> str:
    """Return a rules file for Prometheus and promtool (JSON, which is also YAML)."""
    groups = rule_groups(
        targets, labels, runbooks=runbooks, machine_prices=machine_prices, others=others, scaling=scaling
    )
    return json.dumps({"groups": groups}, indent=2) + "\n"


__all__ = ["rule_groups", "rules_file"]
