"""Contexts of regions without the rest of the platform."""

from collections.abc import Iterable

import pulumi

from components.context import RegionContext, RegionLabels
from components.trust import RegionAuthority, RegionAuthorityArgs, RootAuthority, RootAuthorityArgs


def context_of(
    region: str,
    namespaces: Iterable[str],
    options: pulumi.ResourceOptions | None = None,
    monitored_by: pulumi.Resource | None = None,
) -> RegionContext:
    """The context of a region with these namespaces and its own authority."""
    return RegionContext(
        labels=RegionLabels(region=region, city="Brussels", latitude=50.85, longitude=4.35),
        domain="example.org",
        namespaces={namespace: pulumi.Output.from_input(namespace) for namespace in namespaces},
        authority=RegionAuthority(
            f"authority-of-{region}",
            RegionAuthorityArgs(
                root=RootAuthority(f"root-of-{region}", RootAuthorityArgs(common_name="root")), common_name=region
            ),
        ),
        options=options or pulumi.ResourceOptions(),
        monitored_by=monitored_by,
    )
