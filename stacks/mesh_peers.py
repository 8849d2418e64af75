"""What joins the meshes of several regions: names and early resources, never workloads.

This includes which region serves which language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Final, Literal

import pulumi

from components.account_token import ApiAccess
from components.mesh import EastWest, LanguageRoute, MeshPeers, RemoteSecretAccess
from components.namespaces import ISTIO
from stacks import topology
from stacks.topology import RegionPlan, Site

if TYPE_CHECKING:
    from stacks.region_base import RegionBase

_NO_TAG_OF_ANY_PLACE: Final = "x-other"
"""A private subtag (RFC 5646). A tag with it equals no place's tag, so that only its language counts."""


def mesh_east_west(plans: Sequence[RegionPlan], bases: Mapping[str, RegionBase]) -> dict[str, EastWest]:
    """The other regions' meshes as each region sees them, by region; empty without peering.

    Creates each region's remote-secret access.
    """
    if not any(plan.peering_enabled for plan in plans):
        return {}
    kubeconfigs = {plan.name: _remote_secret_access(plan.name, bases[plan.name]).kubeconfig for plan in plans}
    closed = frozenset(plan.name for plan in plans if not plan.traffic)
    unreachable = closed | {name for name, kubeconfig in kubeconfigs.items() if kubeconfig is None}
    addresses = {name: base.cluster.egress_addresses for name, base in bases.items()}
    return {
        plan.name: EastWest(
            mesh_peers=_mesh_peers(plan, plans, unreachable),
            kubeconfigs={name: kubeconfigs[name] for name in plan.peers if name not in closed},
            allowed_sources=allowed_source_addresses(addresses, plan),
        )
        for plan in plans
    }


def _mesh_peers(plan: RegionPlan, plans: Sequence[RegionPlan], unreachable: frozenset[str]) -> MeshPeers | None:
    if not plan.failover:
        return None
    serving = [one for one in plans if one.name == plan.name or one.name not in unreachable]
    return MeshPeers(
        region=plan.name,
        failover=plan.failover,
        numbers={one.name: one.slot for one in plans},
        languages=language_routes(plan, serving),
        unreachable=unreachable,
    )


def language_routes(here: Site, sites: Sequence[Site]) -> tuple[LanguageRoute, ...]:
    """Where `here` sends languages that it does not serve: exact tags first, then all tags of a language.

    If several regions serve a language, the nearest one gets it. If none does, `here` serves it without a route.
    """
    tags = {tag for site in sites for tag in site.place.languages}
    languages = {tag.partition("-")[0] for tag in tags}
    by_tag = {tag: _elsewhere(tag, here, sites) for tag in tags | languages}
    by_language = {language: _elsewhere(f"{language}-{_NO_TAG_OF_ANY_PLACE}", here, sites) for language in languages}
    exact = {
        tag: region
        for tag, region in by_tag.items()
        if tag in languages or region != by_language[tag.partition("-")[0]]
    }
    return (*_grouped("exact", exact), *_grouped("prefix", {f"{tag}-": region for tag, region in by_language.items()}))


def allowed_source_addresses(
    addresses: Mapping[str, Sequence[pulumi.Output[str]]], plan: RegionPlan
) -> tuple[pulumi.Output[str], ...]:
    """The other regions' addresses, by region. With no peers, the region's own: an empty list would admit everyone."""
    return tuple(chain.from_iterable(addresses[name] for name in plan.peers or (plan.name,)))


def _remote_secret_access(region: str, base: RegionBase) -> RemoteSecretAccess:
    return RemoteSecretAccess(
        f"{region}-remote-secret-access",
        ApiAccess(
            region=region,
            namespace=base.namespaces[ISTIO],
            api_endpoint=base.cluster.api_endpoint,
            api_certificate_authority=base.cluster.api_certificate_authority,
        ),
        pulumi.ResourceOptions(parent=base, providers=[base.provider]),
    )


def _elsewhere(tag: str, here: Site, sites: Sequence[Site]) -> str | None:
    serving = topology.serving(tag, sites)
    if here.name in serving:
        return None
    return next(name for name in topology.failover_order(here, sites) if name in serving)


def _grouped(match: Literal["exact", "prefix"], regions: dict[str, str | None]) -> Iterable[LanguageRoute]:
    for region in sorted({region for region in regions.values() if region is not None}):
        tags = sorted(tag for tag, serving in regions.items() if serving == region)
        yield LanguageRoute(region=region, match=match, tags=tuple(tags))
