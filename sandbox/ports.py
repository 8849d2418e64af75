"""The TCP ports of the sandbox's servers, on the loopback interface."""

from __future__ import annotations

import os
import socket

from sandbox.manifests import LOOPBACK

FIRST_PORT_VARIABLE = "SACRED_COUNCIL_FIRST_PORT"
"""First port to try. Sandboxes that start at the same time must not find the same ports."""
# Below the range of ports for outgoing connections.
_FIRST_PORT, _PORT_END = 20600, 30000
_OF_A_REGION, _OF_A_CONTROL_PLANE = 100, 40


def of_region(slot: int) -> int:
    """Offset of the region's ports, which are those of its control plane first."""
    return _OF_A_REGION * slot


def after_control_plane(slot: int) -> int:
    """Offset of the region's ports that its control plane does not use."""
    return of_region(slot) + _OF_A_CONTROL_PLANE


def free(count: int, offset: int = 0) -> list[int]:
    """`count` consecutive free ports, from the sandbox's first plus `offset`. Raises ValueError if there are none."""
    start = int(os.environ.get(FIRST_PORT_VARIABLE, _FIRST_PORT)) + offset
    for first in range(start, _PORT_END - count + 1, count):
        found = list(range(first, first + count))
        if all(is_free(port) for port in found):
            return found
    raise ValueError(f"no {count} consecutive free TCP ports between {start} and {_PORT_END}")


def is_free(port: int) -> bool:
    """Whether nothing listens on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
