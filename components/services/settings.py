"""Settings of the services, and which services there are.

CONTRIBUTING.md says how to add a service. Routes, network policies and autoscalers follow from its field in
`ServicesSettings`.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import ConfigDict

from components.settings import Model
from components.settings.values import Bytes, Count, Cpu, Image
from components.versions import SAMPLE_SERVICE_IMAGE

REPLICAS_TO_HALVE: Final = 3
"""Fewest replicas of a service that become fewer at night."""


class ServiceSettings(Model):
    """One of the platform's services in each region."""

    image: Image = SAMPLE_SERVICE_IMAGE
    """Container image, with a tag other than `latest`, or with a digest. The default is a public sample."""
    min_replicas: Count = 1
    """Fewest replicas in each region."""
    max_replicas: Count = 3
    """Most replicas in each region."""
    follow_the_sun: bool = False
    """Whether the minimum is halved, to no fewer than two, from 23:00 to 07:00 of the region's local time. It needs a
    `minReplicas` of 3 or more."""
    cpu: Cpu = "50m"
    """Processor time that a replica requests."""
    memory: Bytes = "64Mi"
    """Memory of a replica."""
    users_per_replica: Count = 5_000
    """Users whom a replica serves at the same time. With `scaling.enabled` there are so many replicas that each has
    four fifths of them. Measure it; the default is the assumption of docs/report.md."""
    requests_per_replica: Count = 100
    """Requests that a replica answers per second. With `scaling.enabled` there are so many replicas that each gets four
    fifths of them. Measure it; the default is an assumption."""


class ServicesSettings(Model):
    """The services of the platform."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    consciousness_field: ServiceSettings = ServiceSettings()
    """The service `consciousness-field`."""
    agent_network: ServiceSettings = ServiceSettings()
    """The service `agent-network`."""
    sacred_messaging: ServiceSettings = ServiceSettings()
    """The service `sacred-messaging`, which holds the users' connections."""
    work_coordination: ServiceSettings = ServiceSettings()
    """The service `work-coordination`."""
    sacred_matching: ServiceSettings | None = None
    """The service `sacred-matching`, which only stacks with `matching.enabled` have. None: the defaults."""

    def by_name(self) -> Mapping[str, ServiceSettings]:
        """The services that have settings, by the name they have in Kubernetes, such as `agent-network`."""
        found = {field.replace("_", "-"): getattr(self, field) for field in type(self).model_fields}
        return {name: service for name, service in found.items() if service is not None}

    def shifted(self) -> list[str]:
        """Names of the services that follow the sun."""
        return [name for name, service in self.by_name().items() if service.follow_the_sun]


USERS_METRIC: Final[Mapping[str, str | None]] = {
    "agent-network": "sacred_agents_connected",
    "consciousness-field": "sacred_field_participants",
    "sacred-matching": None,
    "sacred-messaging": "sacred_websocket_connections",
    "work-coordination": None,
}
"""The gauge with a pod's users, by service. None: the service has only requests.

`components/monitoring/contracts/services.yaml` lists what the services publish."""

NAMES: Final = tuple(sorted(ServicesSettings().by_name()))
"""The services of every stack, as Kubernetes names them."""

MATCHING_SERVICE: Final = "sacred-matching"
"""The service that only stacks with matching have."""
