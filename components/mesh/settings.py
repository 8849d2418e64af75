"""Settings of the mesh."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from components.settings import Model
from components.settings.values import Bytes

MeshReplicas = Annotated[int, Field(ge=1, le=5)]
"""Autoscalers of the mesh go up to five."""

PostQuantum = Literal["off", "prefer", "strict"]


def _off_is_a_word(value: object) -> object:
    # YAML 1.1 readers turn an unquoted `off` into false.
    return "off" if value is False else value


class MeshSettings(Model):
    """Istio in each region."""

    enabled: bool = True
    """Whether the regions have Istio. `edge.cdn` and `rancher` need it."""
    replicas: MeshReplicas = 1
    """Fewest replicas of the control plane and of each gateway. 1 has no disruption budget; 2 or more survive the loss
    of a node or a zone."""
    post_quantum: Annotated[
        PostQuantum,
        BeforeValidator(_off_is_a_word, json_schema_input_type=Literal["off", "prefer", "strict", False]),
    ] = "prefer"
    """Post-quantum key exchange (X25519MLKEM768): `off`, `prefer` at the public edge, or `strict`, which accepts
    nothing else anywhere in the mesh. `strict` needs Kubernetes 1.34 or later, and excludes `edge.cdn`."""
    memory: Bytes | None = None
    """Memory of a replica of the control plane. None: it follows from the region's size, as docs/monitoring.md says."""
