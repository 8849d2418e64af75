"""Machines that have networks of their own, with the addresses and ports of the real ones.

All are in one private namespace of users, networks and mounts: nothing is put into this machine's network, and root is
not needed where the kernel lets everybody make such namespaces.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_NAMESPACES = "/run/netns"
_HOLD = f"""set -e
mount -t tmpfs tmpfs /run
mkdir {_NAMESPACES}
ip link set lo up
ip link add internet type bridge
ip link set internet up
echo ready
exec cat
"""
_ADD = f"""set -e
ip netns add "$1"
ip link add name "$1" type veth peer name eth0 netns "$1"
ip link set dev "$1" master internet up
nsenter --net={_NAMESPACES}/"$1" sh -c '
  ip link set lo up
  ip address add "$1/32" dev eth0
  ip link set eth0 up
  ip route add default dev eth0
' - "$2"
"""
_HOSTS = 'mount --bind "$HOSTS" /etc/hosts && exec "$@"'


@dataclass
class PrivateNetwork:
    """Machines that reach each other by any address, like on the internet."""

    _holder: "subprocess.Popen[str]"
    _hosts: Path

    def add(self, machine: str, address: str) -> None:
        """Make a machine with one public address. Names have at most 15 letters."""
        made = subprocess.run(
            [*self._inside(), "sh", "-c", _ADD, "-", machine, address], capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr

    def on(self, machine: str) -> list[str]:
        """The start of a command that runs on a machine, with this network's hosts file."""
        mounted = ["unshare", "--mount", "env", f"HOSTS={self._hosts}", "sh", "-c", _HOSTS, "-"]
        return [*self._inside(), *self._in_network(machine), *mounted]

    def run(self, machine: str, *command: str) -> None:
        """Run a command on a machine to its end; it must succeed."""
        done = subprocess.run([*self.on(machine), *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def name(self, address: str, *names: str) -> None:
        """Give an address names. Who runs already sees them, too."""
        with self._hosts.open("a") as file:
            file.write(f"{' '.join((address, *names))}\n")

    def only_tls_leaves(self, machine: str) -> None:
        """Let connections from a machine leave to port 443 of others only, like a strict firewall.

        Its connections to ports from 7880 to 7880 are left alone: here, those stand for what the gateway takes at 443.
        """
        for protocol, ports in (("udp", "1-65534"), ("tcp", "1-442"), ("tcp", "444-7879"), ("tcp", "7881-65534")):
            rule = ["ip", "rule", "add", "pref", "100", "ipproto", protocol, "dport", ports, "prohibit"]
            self.run(machine, *rule)

    def _inside(self) -> list[str]:
        return ["nsenter", "--preserve-credentials", "--user", "--mount", "--net", f"--target={self._holder.pid}", "--"]

    @staticmethod
    def _in_network(machine: str) -> list[str]:
        return ["nsenter", f"--net={_NAMESPACES}/{machine}", "--"]


@contextmanager
def private_network(directory: Path) -> Iterator[PrivateNetwork]:
    """A network without machines, for the length of the block. Skips the test where none can be made."""
    missing = sorted(name for name in ("ip", "nsenter", "unshare") if not shutil.which(name))
    if missing:
        pytest.skip(f"not on PATH: {', '.join(missing)} (Debian packages iproute2 and util-linux)")
    directory.mkdir(parents=True, exist_ok=True)
    hosts = directory / "hosts"
    hosts.write_text("127.0.0.1 localhost\n")
    command: Sequence[str] = ["unshare", "--map-root-user", "--net", "--mount", "sh", "-c", _HOLD]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stderr is not None
        try:
            if holder.stdout.readline() != "ready\n":
                pytest.skip(f"no private network can be made here: {holder.stderr.read().strip()}")
            yield PrivateNetwork(holder, hosts)
        finally:
            holder.stdin.close()
            holder.wait(timeout=20)
