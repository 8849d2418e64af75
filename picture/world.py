"""The content of a map of a stack: regions, links between them, and failover order. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from components.namespaces import COCKROACHDB, KAFKA, LEDGER, MONITORING, NATS
from components.settings.values import ALL
from components.sites.settings import EdgeSite
from report.preview import Plan, Preview
from stacks import topology
from stacks.geography import NOWHERE
from stacks.settings import Settings
from stacks.settings.parsing import check
from stacks.sites import plan_of, settings_of

_PEERS: Final = "sacred-council:peering:PeerNames"
_PEER_ENDPOINT: Final = "sacred-council:peering:PeerEndpoint"
_REMOTE: Final = "sacred-council:mesh:RemoteRegions"
_GATEWAYS: Final = {"public": "sacred-council:mesh:IngressGateway", "east-west": "sacred-council:mesh:EastWestGateway"}
_DATA_SERVICES: Final = {
    COCKROACHDB: "database",
    NATS: "messaging",
    KAFKA: "streaming",
    LEDGER: "ledger",
    MONITORING: "metrics",
}
"""What is linked, by the namespace of the peers."""
_MESH: Final = "mesh"
PEERINGS: Final = (*_DATA_SERVICES.values(), _MESH)
"""What may link two regions, in the order in which maps name it."""


@dataclass(frozen=True, kw_only=True)
class Marker:
    """A region or an edge site. `longitude` and `latitude` are None if its place is unknown."""

    name: str
    cloud: str
    city: str
    longitude: float | None
    latitude: float | None
    failover: tuple[str, ...]
    """The other regions, nearest first."""
    peerings: tuple[str, ...]
    """Links to the other regions, some of `PEERINGS`."""
    gateways: tuple[str, ...]
    endpoints: int
    notes: tuple[str, ...]
    home: str | None = None
    """The home region of an edge site. None: a region."""


@dataclass(frozen=True, kw_only=True)
class World:
    """The content of a map."""

    stack: str
    stage: str
    cdn: str
    markers: tuple[Marker, ...]


def world(preview: Preview) -> World:
    """The content of the stack's map. Raises ValueError if its settings are not valid."""
    settings, mistakes = check(preview.settings)
    if settings is None or mistakes:
        raise ValueError(f"the settings of stack {preview.stack} are not valid: {mistakes}")
    regions = (_marker(plan, settings, preview.plan) for plan in topology.plan(settings))
    sites = (_site(site, settings, preview.plan) for site in sorted(settings.edge_sites, key=lambda site: site.name))
    markers = (*regions, *sites)
    return World(stack=preview.stack, stage=settings.stage, cdn=settings.edge.cdn, markers=markers)


def _marker(region: topology.RegionPlan, settings: Settings, plan: Plan) -> Marker:
    mine = [one for one in plan.resources if plan.region_of(one) == region.name]
    types = {one.type for one in mine}
    peers = {one.name.removeprefix(f"{region.name}-").removesuffix("-peers") for one in mine if one.type == _PEERS}
    somewhere = region.place != NOWHERE
    return Marker(
        name=region.name,
        cloud=region.cloud,
        city=region.place.city,
        longitude=region.place.longitude if somewhere else None,
        latitude=region.place.latitude if somewhere else None,
        failover=region.failover,
        peerings=_peerings(peers, mesh=_REMOTE in types),
        gateways=tuple(name for name, kind in _GATEWAYS.items() if kind in types),
        endpoints=sum(one.type == _PEER_ENDPOINT for one in mine),
        notes=_notes(region.name, settings),
    )


def _site(site: EdgeSite, settings: Settings, plan: Plan) -> Marker:
    marker = _marker(plan_of(site, settings), settings_of(site, settings), plan)
    return replace(marker, home=site.home, notes=(f"edge site of {site.home}",))


def _peerings(peers: set[str], *, mesh: bool) -> tuple[str, ...]:
    return (
        *(words for data_service, words in _DATA_SERVICES.items() if data_service in peers),
        *([_MESH] if mesh else []),
    )


def _notes(region: str, settings: Settings) -> tuple[str, ...]:
    several = len(settings.regions) > 1
    parts: Mapping[str, bool] = {
        "primary region": several and region == settings.primary_region,
        "backups": region in settings.backup_regions,
        "Argo CD": region == settings.gitops_hub,
        "Rancher": region == settings.rancher_hub,
    }
    streams = [
        f"stream {stream.name}{'' if region == (stream.home or settings.primary_region) else ' (mirror)'}"
        for stream in settings.messaging.streams
        if {region, ALL} & {stream.home or settings.primary_region, *stream.mirrored_in}
    ]
    live = settings.messaging.websocket
    home = region == (live.home or settings.primary_region)
    circles = [f"state of circles{'' if home else ' (mirror)'}"] if live.enabled else []
    servers = settings.circles.servers
    calls = [f"{servers} server{'s' if servers > 1 else ''} for circles' voice and video"]
    return (
        *(name for name, holds in parts.items() if holds),
        *streams,
        *circles,
        *(calls if settings.circles.enabled else []),
    )
