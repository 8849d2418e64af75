"""The rules and dashboards of a region, for tests."""

import json
from dataclasses import replace
from typing import Any

from components.context import RegionLabels
from components.monitoring import MonitoringTargets
from components.monitoring.dashboards import ALL_REGIONS, ONE_REGION, Scope, shown
from components.monitoring.rules import rules_file
from components.monitoring.rules.scaling import ScalingPlan, TimedEvent
from stacks.monitoring_targets import of_region
from stacks.scaling import scaling_plan
from stacks.settings import parse

SETTINGS = {"stage": "local", "regions": [{"name": "local", "cloud": "existing"}]}
LOCAL = of_region(parse(SETTINGS), "local")
"""The local stack's targets: no backups, because it has no storage for them, and nothing that is off by default."""
TARGETS = replace(
    of_region(parse({**SETTINGS, "streaming": {"enabled": True}}), "local"),
    backups=True,
    scaling="keda",
    matching="matching",
    ledger="ledger",
    circles="circles",
    live="nats-live",
    sites=("lisbon", "oulu"),
)
"""The targets of a region with everything."""
BARE = MonitoringTargets(services=TARGETS.services, monitoring=TARGETS.monitoring)
"""The targets of a region with managed data services and without a mesh."""
PLACE = RegionLabels(region="us-central1", city="Council Bluffs", latitude=41.26, longitude=-95.86, country="US")
PRICES = {"e2-standard-4": 97.84}
OTHERS = ("asia-east1", "europe-west1")
HOUR = 3600
EVENT = TimedEvent(name="new-year", begins=2 * HOUR, ends=5 * HOUR, users=20_000)
"""From the third to the fifth hour of promtool's clock. Promtool starts at 0 seconds since 1970."""


def _scaling() -> ScalingPlan:
    enabled = {**SETTINGS, "monitoring": {"retention": "4w"}, "scaling": {"enabled": True}}
    plan = scaling_plan(parse(enabled), "Etc/UTC")
    assert plan is not None
    return replace(plan, events=[EVENT])


SCALING = _scaling()
"""What the services' replicas follow: the load, three weeks, and an event."""
RULES = rules_file(TARGETS, PLACE, runbooks="docs/runbooks", machine_prices=PRICES, others=OTHERS, scaling=SCALING)
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
