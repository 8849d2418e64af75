"""Rules between matching, the services, and the nodes. Pure."""

from collections.abc import Iterator
from typing import Final

from components import offers
from components.cluster.settings import ExistingRegion
from components.services.settings import MATCHING_SERVICE
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules.paths import regions_by_path


def the_source_has_addresses(settings: Settings) -> Iterator[Mistake]:
    """Network policies know no names, so the settings say where the model's source is."""
    matching = settings.matching
    if matching.enabled and not matching.source_networks:
        yield Mistake(
            path="matching.sourceNetworks",
            rule="must name the addresses of the model's source: network policies let the servers reach nothing else",
            remedy="write the ranges of a server of yours, or those that the source publishes",
            reads=("matching.enabled",),
        )


def the_service_has_matching(settings: Settings) -> Iterator[Mistake]:
    """A stack without matching has no service that needs it."""
    if settings.services.sacred_matching is not None and not settings.matching.enabled:
        yield Mistake(
            path=f"services.{MATCHING_SERVICE}",
            rule="has no effect without matching",
            remedy=f"write matching.enabled: true, or remove services.{MATCHING_SERVICE}",
            reads=("matching.enabled",),
        )


def embedding_servers_have_nodes(settings: Settings) -> Iterator[Mistake]:
    """The image of the embedding servers is for x86-64 processors only. With GPUs they have machines of their own."""
    if not settings.matching.enabled:
        return
    for path, region in regions_by_path(settings):
        if isinstance(region, ExistingRegion) or region.nodes.gpu is not None:
            continue
        if offers.is_arm(region.cloud, region.nodes.type):
            yield Mistake(
                path=f"{path}.nodes.type",
                value=shown(region.nodes.type),
                rule="has Arm processors, and the embedding servers of matching run on x86-64 processors only",
                remedy="choose a machine with x86-64 processors, or write matching.enabled: false",
                reads=("matching.enabled",),
            )


def every_server_has_a_gpu(settings: Settings) -> Iterator[Mistake]:
    """Where servers run on GPUs, each has one, and so has the one that an update starts before it stops another."""
    servers = settings.matching.max_replicas
    for path, region in regions_by_path(settings):
        if not settings.matching.enabled or isinstance(region, ExistingRegion) or region.nodes.gpu is None:
            continue
        machines = region.nodes.gpu
        gpus = offers.gpus_of(region.cloud, machines.type)
        if gpus is not None and machines.max * gpus.count <= servers:
            least = servers // gpus.count + 1
            yield Mistake(
                path=f"{path}.nodes.gpu.max",
                value=shown(machines.max),
                rule=f"gives {machines.max * gpus.count} GPUs, too few for matching.maxReplicas: {servers}: "
                "each server needs one, and updates one more",
                remedy=f"write {least} or more, or fewer matching.maxReplicas",
                reads=("matching.enabled", "matching.maxReplicas", f"{path}.nodes.gpu.type"),
            )


RULES: Final = (
    the_source_has_addresses,
    the_service_has_matching,
    embedding_servers_have_nodes,
    every_server_has_a_gpu,
)
