"""PromQL that several groups of rules share. Pure."""

from typing import Final

FOUR_SCRAPES: Final = "2m"
"""A range with four scrapes."""


def no_pod_answers(selector: str) -> str:
    """Return the deployments without a ready pod. `selector` are label matchers."""
    return f"kube_deployment_status_replicas_available{{{selector}}} == 0"


def zero_once_seen(selector: str) -> str:
    """Return 0 once Prometheus scrapes a pod, and nothing before. `selector` are label matchers."""
    return f"count(up{{{selector}}} == 1) * 0"
