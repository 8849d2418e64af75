"""What can be configured of Rancher."""

from typing import Annotated

from components.settings import Model
from components.settings.values import Domain, RegionName, pattern

IngressClass = Annotated[
    str,
    pattern(
        r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?",
        "must be the name of an IngressClass",
        "`kubectl get ingressclasses` lists them",
    ),
]


class RancherSettings(Model):
    """Rancher, in one region, with all regions' clusters."""

    enabled: bool = False
    hub: RegionName | None = None
    """The region that Rancher is in. None: the primary region."""
    hostname: Domain | None = None
    """The name under which people and clusters reach it. Needed with Rancher."""
    ingress_class: IngressClass | None = None
    """Who serves that name in the hub's cluster. None: its default IngressClass."""
