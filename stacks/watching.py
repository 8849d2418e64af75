"""What of a region is watched. Pure."""

from components.monitoring import Watched
from stacks.foundation import CACHES, DATABASES, MESSAGING
from stacks.managed_stores import managed
from stacks.region_mesh import CONTROL_PLANE, INGRESS, MONITORING, SERVICES
from stacks.settings import Settings


def watched(settings: Settings) -> Watched:
    """The namespaces that are watched. A store that the cloud runs has none: its metrics and alerts are the cloud's."""
    return Watched(
        services=SERVICES,
        ingress=INGRESS,
        control_plane=CONTROL_PLANE,
        database=None if "database" in managed(settings) else DATABASES["cockroachdb"],
        cache=None if "cache" in managed(settings) else CACHES["redis"],
        messaging=MESSAGING,
        monitoring=MONITORING,
    )
