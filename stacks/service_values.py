"""What the services' chart is told in each region, by whoever deploys it: this program, or Argo CD. Pure."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, get_args

from components.connection import DataService
from components.monitoring import trace_endpoint
from components.namespaces import MONITORING
from components.services import Shift, Workload, chart_values
from components.services.settings import ServiceSettings
from stacks import topology
from stacks.settings import Settings
from stacks.topology import RegionPlan


def workloads(plan: RegionPlan, settings: Settings) -> dict[str, Workload]:
    """The services of a region, by name."""
    return {name: _workload(service, plan) for name, service in settings.services.by_name().items()}


def shifted(settings: Settings) -> list[str]:
    """The services that follow the sun, by name."""
    return [name for name, service in settings.services.by_name().items() if service.follow_the_sun]


def service_values(settings: Settings) -> Mapping[str, dict[str, Any]]:
    """The chart's values of each region that Argo CD deploys to, by name."""
    return {
        plan.name: _values(plan, settings) for plan in topology.plan(settings) if settings.managed_by_argocd(plan.name)
    }


def _values(plan: RegionPlan, settings: Settings) -> dict[str, Any]:
    monitoring = settings.monitoring
    return chart_values(
        region=plan.name,
        workloads=workloads(plan, settings),
        data_services=get_args(DataService),
        telemetry_endpoint=trace_endpoint(MONITORING) if monitoring.enabled else None,
        trace_sampling=monitoring.trace_sampling,
        monitored=monitoring.enabled,
    )


def _workload(service: ServiceSettings, plan: RegionPlan) -> Workload:
    shifts = topology.follow_the_sun(plan.place.time_zone, service.min_replicas) if service.follow_the_sun else ()
    return Workload(
        image=service.image,
        min_replicas=service.min_replicas,
        max_replicas=service.max_replicas,
        cpu=service.cpu,
        memory=service.memory,
        shifts=[Shift(**asdict(shift)) for shift in shifts],
    )
