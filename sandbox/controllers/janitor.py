"""Takes away what controllers leave when they are killed.

`python -m sandbox.controllers.janitor PREFIX KUBECONFIG...` waits for the end of its standard input, which comes
however its parent ends. Then it ends all processes in the network namespaces with the prefix and deletes these.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sandbox.controllers import netns
from sandbox.controllers.region import environment, forget
from sandbox.layout import PROJECT

_DONE = b"done\n"


class Janitor:
    """A process that waits for the end of this one."""

    def __init__(self, prefix: str, kubeconfigs: Sequence[Path]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.controllers.janitor", prefix, *map(str, kubeconfigs)],
            cwd=PROJECT,
            env=environment(),
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    def dismiss(self) -> None:
        """End it; there is nothing left to take away."""
        self._process.communicate(_DONE)


def main(prefix: str, kubeconfigs: Sequence[str]) -> None:
    """Wait, then clean up."""
    if sys.stdin.buffer.read() == _DONE:
        return
    namespaces = netns.listed(prefix)
    netns.remove(namespaces)
    forget([Path(path) for path in kubeconfigs])


if __name__ == "__main__":
    os.chdir("/")
    main(sys.argv[1], sys.argv[2:])
