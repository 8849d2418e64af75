"""Settings of Rancher."""

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
    """Whether there is a Rancher, in one region, for the clusters of all regions. Regions join by hand:
    docs/runbooks/ship-with-argo-cd.md#rancher. It needs the mesh."""
    hub: RegionName | None = None
    """Name of the region that Rancher runs in. To move it, see docs/runbooks/lose-the-hub.md#move-rancher. None: the
    primary region."""
    hostname: Domain | None = None
    """Host name at which people and clusters reach Rancher. Its DNS record is yours to make. Needed with
    `rancher.enabled`."""
    ingress_class: IngressClass | None = None
    """Name of the IngressClass in the hub's cluster that serves the host name. None: the cluster's default
    IngressClass."""
