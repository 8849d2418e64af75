"""What can be configured of the services, and which services there are.

To add a service, add a field to `ServicesSettings`, an entry to `services` in `charts/sacred-council/values.yaml`, and
one to `docker-compose.local.yml`. Name it in the description of `services` in `Pulumi.yaml`. A test fails where it is
missing. Routes, network policies and autoscalers follow from the field. The metrics that dashboards and alerts expect
of it are listed in `components/monitoring/contracts/services.yaml`.
"""

from collections.abc import Mapping
from typing import Final

from pydantic import ConfigDict

from components.settings import Model
from components.settings.values import Bytes, Count, Cpu, Image
from components.versions import SAMPLE_SERVICE_IMAGE


class ServiceSettings(Model):
    """One of the platform's services in each region."""

    image: Image = SAMPLE_SERVICE_IMAGE
    min_replicas: Count = 1
    max_replicas: Count = 3
    follow_the_sun: bool = False
    """Keep half of the minimum, but two, from 23:00 to 07:00 of the region's local time."""
    cpu: Cpu = "50m"
    memory: Bytes = "64Mi"


class ServicesSettings(Model):
    """The services of the platform."""

    model_config = ConfigDict(alias_generator=lambda name: name.replace("_", "-"))

    consciousness_field: ServiceSettings = ServiceSettings()
    agent_network: ServiceSettings = ServiceSettings()
    sacred_messaging: ServiceSettings = ServiceSettings()
    work_coordination: ServiceSettings = ServiceSettings()

    def by_name(self) -> Mapping[str, ServiceSettings]:
        """The services by the name they have in Kubernetes, such as `agent-network`."""
        return {field.replace("_", "-"): getattr(self, field) for field in type(self).model_fields}

    def shifted(self) -> list[str]:
        """Names of the services that follow the sun."""
        return [name for name, service in self.by_name().items() if service.follow_the_sun]


NAMES: Final = tuple(sorted(ServicesSettings().by_name()))
"""The services of the platform, as Kubernetes names them."""
