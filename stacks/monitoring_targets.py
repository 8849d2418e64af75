"""Inputs of a region's monitoring: its workloads, its place, its prices, and the receiver of alerts."""

from collections.abc import Mapping
from typing import Final

import pulumi

from components import offers
from components.cluster.settings import AzureRegion, ExistingRegion, RegionSettings, aks_system_nodes
from components.context import RegionLabels
from components.monitoring import AlertReceiver, MonitoringTargets, RegionSize
from components.namespaces import INGRESS, ISTIO, KEDA, LIVE, MONITORING, SERVICES, SYSTEM
from components.streaming.mirrors import mirror_workers
from stacks import topology
from stacks.data_services import data_namespaces, managed
from stacks.region_base import namespace_labels
from stacks.settings import Settings
from stacks.topology import RegionPlan

KAFKA_HELPERS: Final = 3
"""Strimzi's cluster operator, its entity operator, and the exporter of consumer groups."""

ASSUMED_NODES: Final = 3
"""Nodes of an existing cluster, whose number the settings do not have."""


def region_size(settings: Settings, region: str) -> RegionSize:
    """How large the region called `region` may become."""
    services = sum(service.max_replicas for service in settings.running_services.by_name().values())
    embedding = settings.matching.max_replicas if settings.matching.enabled else 0
    validators = settings.ledger.validators if settings.ledger.enabled else 0
    circles = settings.circles.servers if settings.circles.enabled else 0
    pods = services + embedding + _kafka_pods(settings) + _live_pods(settings) + validators + circles
    return RegionSize(nodes=_most_nodes(settings.region(region)), pods=pods)


def _most_nodes(region: RegionSettings) -> int:
    """The most nodes of the region, those with GPUs among them. AKS has some for its own pods besides."""
    if isinstance(region, ExistingRegion):
        return ASSUMED_NODES
    zones = len(region.zones) if isinstance(region, AzureRegion) else 0
    gpus = region.nodes.gpu.max if region.nodes.gpu is not None else 0
    return region.nodes.max + gpus + (zones * aks_system_nodes(zones)[1] if zones else 0)


def _kafka_pods(settings: Settings) -> int:
    """The most pods of Kafka in a region: its nodes, the mirror's workers, and the operators with the exporter."""
    streaming = settings.streaming
    if not streaming.enabled:
        return 0
    return streaming.brokers + streaming.controllers + mirror_workers(streaming.brokers) + KAFKA_HELPERS


def _live_pods(settings: Settings) -> int:
    """The pods of the servers for browsers in a region."""
    live = settings.messaging.websocket
    return live.servers if live.enabled else 0


def of_region(settings: Settings, region: str) -> MonitoringTargets:
    """The namespaces that the settings deploy in the region called `region`."""
    (plan,) = (each for each in topology.plan(settings) if each.name == region)
    meshed = settings.mesh.enabled
    # A managed data service has no exporter in the cluster: the cloud has its metrics and alerts.
    measured = {name: space for name, space in data_namespaces(settings).items() if name not in managed(settings)}
    return MonitoringTargets(
        services=SERVICES,
        monitoring=MONITORING,
        ingress=INGRESS if meshed else None,
        control_plane=ISTIO if meshed else None,
        database=measured.get("database"),
        cache=measured.get("cache"),
        messaging=measured["messaging"],
        streaming=measured.get("streaming"),
        live=LIVE if settings.messaging.websocket.enabled else None,
        matching=measured.get("matching"),
        ledger=measured.get("ledger"),
        circles=measured.get("circles"),
        scaling=KEDA if settings.scaling.enabled else None,
        others=(SYSTEM, *sorted(namespace_labels(plan, settings))),
        sites=tuple(site.name for site in settings.sites_of(region)),
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
