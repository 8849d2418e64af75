"""The rules and dashboards of a region, for tests."""

import json
from dataclasses import replace
from typing import Any

from components.context import RegionLabels
from components.monitoring import MonitoringTargets
from components.monitoring.dashboards import ALL_REGIONS, ONE_REGION, Scope, shown
from components.monitoring.rules import rules_file
from stacks.monitoring_targets import of_region
from stacks.settings import parse

SETTINGS = {"stage": "local", "regions": [{"name": "local", "cloud": "existing"}]}
LOCAL = of_region(parse(SETTINGS), "local")
"""The local stack's targets: everything except backups, because it has no storage for them, and Kafka."""
TARGETS = replace(of_region(parse({**SETTINGS, "streaming": {"enabled": True}}), "local"), backups=True)
"""The targets of a region with everything."""
BARE = MonitoringTargets(services=TARGETS.services, monitoring=TARGETS.monitoring)
"""The targets of a region with managed data services and without a mesh."""
PLACE = RegionLabels(region="us-central1", city="Council Bluffs", latitude=41.26, longitude=-95.86, country="US")
PRICES = {"e2-standard-4": 97.84}
OTHERS = ("asia-east1", "europe-west1")
RULES = rules_file(TARGETS, PLACE, runbooks="docs/runbooks", machine_prices=PRICES, others=OTHERS)
GROUPS: list[dict[str, Any]] = json.loads(RULES)["groups"]
ALERTS = sorted(rule["alert"] for group in GROUPS for rule in group["rules"] if "alert" in rule)


def dashboard_queries(
    about: MonitoringTargets = TARGETS, scopes: tuple[Scope, ...] = (ONE_REGION, ALL_REGIONS)
) -> dict[str, str]:
    """Every query of every dashboard, by view, dashboard, panel and legend."""
    return {
        f"{scope.name}/{name}/{chart.title}/{legend}": query
        for scope in scopes
        for name, rows in shown(about, scope).items()
        for row in rows
        for chart in row.charts
        for legend, query in chart.queries.items()
    }


def rule_queries() -> dict[str, str]:
    """The expression of every rule, by the rule's name."""
    rules = [rule for group in GROUPS for rule in group["rules"]]
    return {f"{rule.get('alert') or rule['record']} {rule.get('labels', '')}": rule["expr"] for rule in rules}
