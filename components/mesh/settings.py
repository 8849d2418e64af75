"""What can be configured of the mesh."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from components.settings import Model

MeshReplicas = Annotated[int, Field(ge=1, le=5)]
"""Autoscalers of the mesh go up to five."""


def _off_is_a_word(value: object) -> object:
    # YAML 1.1 readers turn an unquoted `off` into false.
    return "off" if value is False else value


class MeshSettings(Model):
    """Istio in each region."""

    enabled: bool = True
    replicas: MeshReplicas = 1
    """The least of the control plane, of the public gateway and of that for other regions: two outlive a zone."""
    post_quantum: Annotated[Literal["off", "prefer", "strict"], BeforeValidator(_off_is_a_word)] = "prefer"
    """Key exchange: `prefer` X25519MLKEM768 at the public edge, or `strict`: only that everywhere (Kubernetes 1.34)."""
