"""Values of the services' chart in each region, whether this program or Argo CD deploys it. Pure."""

from collections.abc import Mapping
from typing import Any

from components.monitoring import trace_endpoint
from components.namespaces import MONITORING
from components.services import chart_values
from stacks import dns, topology
from stacks.data_services import data_services
from stacks.settings import Settings
from stacks.topology import RegionPlan


def shifted(settings: Settings) -> list[str]:
    """The services whose smallest number of replicas is set by schedules, by name. With KEDA none is."""
    return [] if settings.scaling.enabled else settings.running_services.shifted()


def values_of(settings: Settings, plan: RegionPlan, *, traced: bool = False) -> dict[str, Any]:
    """Values of the chart in the region. `traced`: there is a collector, also without `monitoring.enabled`."""
    monitoring = settings.monitoring
    return chart_values(
        settings.running_services,
        region=plan.name,
        time_zone=plan.place.time_zone,
        dns_caches=dns.caches_of(settings.region(plan.name)),
        data_services=data_services(settings),
        telemetry_endpoint=trace_endpoint(MONITORING) if monitoring.enabled or traced else None,
        trace_sampling=monitoring.trace_sampling,
        monitored=monitoring.enabled,
        scaled_by_keda=settings.scaling.enabled,
    )


def service_values(settings: Settings) -> Mapping[str, dict[str, Any]]:
    """Values of the chart for each region that Argo CD deploys to, by region."""
    plans = (plan for plan in topology.plan(settings) if settings.managed_by_argocd(plan.name))
    return {plan.name: values_of(settings, plan) for plan in plans}
