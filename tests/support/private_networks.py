"""Machines that have networks of their own, with the addresses and ports of the real ones.

All are in one private namespace of users, networks and mounts: nothing is put into this machine's network, and root is
not needed where the kernel lets everybody make such namespaces.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
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
_MOUNT_HOSTS = 'mount --bind "$HOSTS" /etc/hosts && exec "$@"'


@dataclass
class PrivateNetwork:
    """Machines that reach each other by any address, like on the internet."""

    _holder: "subprocess.Popen[str]"
    _directory: Path
    _sides: dict[str, str] = field(default_factory=dict)
    """The side of each machine."""
    _names: str = "127.0.0.1 localhost\n"
    """Lines of every hosts file."""

    def add(self, machine: str, address: str, *, side: str = "outside") -> None:
        """Make a machine with one address. It knows the names of its side. Machines' names have at most 15 letters."""
        made = subprocess.run(
            [*self._inside(), "sh", "-c", _ADD, "-", machine, address], capture_output=True, text=True, check=False
        )
        assert made.returncode == 0, made.stderr
        self._sides[machine] = side
        if not self._hosts(side).is_file():
            self._hosts(side).write_text(self._names)

    def on(self, machine: str) -> list[str]:
        """The start of a command that runs on a machine, with the hosts file of its side."""
        hosts = f"HOSTS={self._hosts(self._sides[machine])}"
        mounted = ["unshare", "--mount", "env", hosts, "sh", "-c", _MOUNT_HOSTS, "-"]
        return [*self._inside(), "nsenter", f"--net={_NAMESPACES}/{machine}", "--", *mounted]

    def name(self, address: str, *names: str, side: str = "") -> None:
        """Give an address names, on one side or on all. Who runs already sees them, too."""
        line = f"{' '.join((address, *names))}\n"
        self._names += "" if side else line
        for each in (side,) if side else set(self._sides.values()):
            with self._hosts(each).open("a") as file:
                file.write(line)

    def _hosts(self, side: str) -> Path:
        return self._directory / f"hosts-{side}"

    def run(self, machine: str, *command: str) -> None:
        """Run a command on a machine to its end; it must succeed."""
        done = subprocess.run([*self.on(machine), *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def without_private_addresses(self, machine: str) -> None:
        """Keep a machine from reaching addresses that are not public, as on the internet."""
        for block in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"):
            self.run(machine, "ip", "route", "add", "prohibit", block)

    def only_tls_leaves(self, machine: str) -> None:
        """Let connections from a machine leave to port 443 of others only, like a strict firewall."""
        self.only_tcp_leaves(machine)
        self._prohibit(machine, "tcp", "1-442", "444-65534")

    def only_tcp_leaves(self, machine: str) -> None:
        """Keep UDP in a machine."""
        self._prohibit(machine, "udp", "1-65534")

    def _prohibit(self, machine: str, protocol: str, *ports: str) -> None:
        for each in ports:
            rule = ["ip", "rule", "add", "pref", "100", "ipproto", protocol, "dport", each, "prohibit"]
            self.run(machine, *rule)

    def _inside(self) -> list[str]:
        return ["nsenter", "--preserve-credentials", "--user", "--mount", "--net", f"--target={self._holder.pid}", "--"]


@contextmanager
def private_network(directory: Path) -> Iterator[PrivateNetwork]:
    """A network without machines, for the length of the block. Skips the test where none can be made."""
    missing = sorted(name for name in ("ip", "nsenter", "unshare") if not shutil.which(name))
    if missing:
        pytest.skip(f"not on PATH: {', '.join(missing)} (Debian packages iproute2 and util-linux)")
    directory.mkdir(parents=True, exist_ok=True)
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
            yield PrivateNetwork(holder, directory)
        finally:
            _end_all_in(f"/proc/{holder.pid}/ns/user", holder.pid)
            holder.stdin.close()
            holder.wait(timeout=20)


def _end_all_in(namespace: str, holder: int) -> None:
    """Kill what still runs in a namespace of users, but for the process that holds it."""
    wanted = os.readlink(namespace)
    for process in psutil.process_iter():
        with suppress(OSError, psutil.Error):
            if process.pid != holder and os.readlink(f"/proc/{process.pid}/ns/user") == wanted:
                process.kill()
