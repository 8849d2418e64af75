"""What can be configured of the services."""

from collections.abc import Mapping
from typing import Final

from pydantic import ConfigDict

from components.settings import Model
from components.settings.values import Bytes, Count, Cpu, Image
from components.versions import SAMPLE_SERVICE_IMAGE

REPLICAS_TO_HALVE: Final = 3
"""Fewest replicas of a service that become fewer at night."""


class ServiceSettings(Model):
    """One of the four services in each region."""

    image: Image = SAMPLE_SERVICE_IMAGE
    min_replicas: Count = 1
    max_replicas: Count = 3
    follow_the_sun: bool = False
    """Keep half of the minimum, but two, from 23:00 to 07:00 of the region's local time."""
    cpu: Cpu = "50m"
    memory: Bytes = "64Mi"


class ServicesSettings(Model):
    """The four services of the platform."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    consciousness_field: ServiceSettings = ServiceSettings()
    agent_network: ServiceSettings = ServiceSettings()
    sacred_messaging: ServiceSettings = ServiceSettings()
    work_coordination: ServiceSettings = ServiceSettings()

    def by_name(self) -> Mapping[str, ServiceSettings]:
        """The services by the name they have in Kubernetes, such as `agent-network`."""
        return {field.replace("_", "-"): getattr(self, field) for field in type(self).model_fields}
