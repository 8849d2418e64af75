"""Serves the Kubernetes stand-in: prints its port, then waits for the engine."""

from sandbox.providers.kubernetes.provider import KubernetesStandIn
from sandbox.providers.server import serve

serve(KubernetesStandIn)
