"""Inputs of a region's monitoring: its workloads, its place, its prices, and the receiver of alerts."""

from collections.abc import Mapping
from typing import Final

import pulumi

from components import offers
from components.cluster.settings import ExistingRegion
from components.context import RegionLabels
from components.monitoring import AlertReceiver, MonitoringTargets, RegionSize
from components.namespaces import INGRESS, ISTIO, KAFKA, KEDA, MONITORING, NATS, SERVICES, SYSTEM
from stacks import topology
from stacks.managed_data_services import managed
from stacks.region_base import CACHES, DATABASES, namespace_labels
from stacks.settings import Settings
from stacks.topology import RegionPlan

ASSUMED_NODES: Final = 3
"""Nodes of an existing cluster, whose number the settings do not have."""


def region_size(settings: Settings, region: str) -> RegionSize:
    """How large the region called `region` may become."""
    here = settings.region(region)
    return RegionSize(
        nodes=ASSUMED_NODES if isinstance(here, ExistingRegion) else here.nodes.max,
        pods=sum(service.max_replicas for service in settings.services.by_name().values()),
    )


def of_region(settings: Settings, region: str) -> MonitoringTargets:
    """The namespaces that the settings deploy in the region called `region`."""
    (plan,) = (each for each in topology.plan(settings) if each.name == region)
    meshed = settings.mesh.enabled
    return MonitoringTargets(
        services=SERVICES,
        monitoring=MONITORING,
        ingress=INGRESS if meshed else None,
        control_plane=ISTIO if meshed else None,
        # Managed data services have no exporter in the cluster: the cloud has their metrics and alerts.
        database=None if "database" in managed(settings) else DATABASES["cockroachdb"],
        cache=None if "cache" in managed(settings) else CACHES["redis"],
        messaging=NATS,
        streaming=KAFKA if settings.streaming.enabled else None,
        scaling=KEDA if settings.scaling.enabled else None,
        others=(SYSTEM, *sorted(namespace_labels(plan, settings))),
        backups=region in settings.backup_regions,
    )


def trace_clients(settings: Settings) -> list[str]:
    """The namespaces that send traces."""
    return [SERVICES, INGRESS] if settings.mesh.enabled else [SERVICES]


def region_labels(plan: RegionPlan) -> RegionLabels:
    """The region's place, for maps."""
    place = plan.place
    return RegionLabels(
        region=plan.name,
        city=place.city,
        latitude=place.latitude,
        longitude=place.longitude,
        country=place.country or "",
    )


def machine_prices(settings: Settings, region: str) -> Mapping[str, float]:
    """USD a month by machine type, from the price table for `region`. Prices in the settings override it."""
    return {**offers.monthly_prices(settings.region(region).cloud, region), **settings.monitoring.machine_prices}


def alert_receiver(secrets: Mapping[str, pulumi.Output[str] | None]) -> AlertReceiver | None:
    """The receiver of alerts; None if no address is configured."""
    url = secrets["alertWebhookUrl"]
    return None if url is None else AlertReceiver(url=url, token=secrets["alertWebhookToken"])
