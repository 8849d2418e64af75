"""Real servers on loopback: free ports, certificates like the program's, and processes that end with the test."""

import contextlib
import itertools
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TypeVar

import psutil
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sandbox.ports import is_free

Found = TypeVar("Found")


# These ports are below the system's range for outgoing connections, where another connection could take a port before
# the server starts. Each process starts at a different port.
_FIRST_PORT, _PORTS = 10000, 10000
_NEXT_PORT = itertools.count(os.getpid() * 500)


def free_ports(count: int) -> list[int]:
    """Distinct ports on loopback that nobody listens on and that were not returned recently."""
    candidates = (_FIRST_PORT + number % _PORTS for number in itertools.islice(_NEXT_PORT, _PORTS))
    ports = list(itertools.islice(filter(is_free, candidates), count))
    assert len(ports) == count, f"no {count} free ports"
    return ports


def eventually(attempt: Callable[[], Found], *, seconds: float, what: str) -> Found:
    """The first truthy result of `attempt`. After `seconds`, fails with `what` and the last error."""
    deadline, last = time.monotonic() + seconds, "nothing yet"
    while time.monotonic() < deadline:
        try:
            if found := attempt():
                return found
        except Exception as error:
            last = repr(error)
        time.sleep(0.1)
    raise AssertionError(f"{what}: not within {seconds} seconds; last: {last}")


class Processes:
    """Processes of one test. Their output goes to files named after them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start `command` under `name`, which a stopped process may have used before."""
        with (self.directory / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                list(command), stdout=log, stderr=subprocess.STDOUT, env=dict(environment) if environment else None
            )

    def log(self, name: str) -> str:
        """The whole output of the process."""
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def stop(self, name: str, *, kill: bool = False) -> None:
        """End one process; with `kill`, at once."""
        process = self._running.pop(name)
        process.kill() if kill else process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def runs(self, name: str) -> bool:
        """Whether a process of this name was started, and neither stopped nor ended by itself."""
        return name in self._running and self._running[name].poll() is None

    def family(self, name: str) -> list[psutil.Process]:
        """The process, and those that it started, directly or not."""
        first = psutil.Process(self._running[name].pid)
        return [first, *first.children(recursive=True)]

    def kill_family(self, name: str) -> None:
        """End a process and those that it started at once. One that never ran or has ended is fine."""
        if self.runs(name):
            family = self.family(name)
            for process in family:
                process.kill()
            psutil.wait_procs(family, timeout=10)
        if name in self._running:
            self.stop(name, kill=True)

    def wait(self, name: str, *, seconds: float) -> int:
        """The exit status of a process that ends by itself."""
        return self._running.pop(name).wait(timeout=seconds)

    def stop_all(self) -> None:
        """Kill all processes that still run."""
        for name in list(self._running):
            self.stop(name, kill=True)


@contextlib.contextmanager
def processes(directory: Path) -> Iterator[Processes]:
    """`Processes` for the length of the block."""
    directory.mkdir(parents=True, exist_ok=True)
    running = Processes(directory)
    try:
        yield running
    finally:
        running.stop_all()


@dataclass(frozen=True)
class Authority:
    """A certificate and its key, to sign others."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def root_authority() -> Authority:
    """A root that can sign one level of intermediates, like the program's."""
    return _signed("root", None, _authority(1))


def region_authority(name: str, root: Authority) -> Authority:
    """An intermediate below `root` that signs servers and clients."""
    return _signed(name, root, _authority(0))


def write_leaf(
    directory: Path,
    issuer: Authority,
    root: Authority,
    *,
    name: str,
    organization: str | None = None,
    dns_names: Sequence[str] = (),
) -> Path:
    """Write a certificate with this subject, signed by `issuer` below `root`, and return `directory`.

    The files are tls.crt (with the issuer's certificate), tls.key and ca.crt.
    """
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    named = x509.SubjectAlternativeName([x509.DNSName(one) for one in dns_names])
    extensions: list[tuple[x509.ExtensionType, bool]] = [(uses, False), *([(named, False)] if dns_names else [])]
    leaf = _signed(name, issuer, extensions, organization)
    return _write(directory, [leaf.certificate, issuer.certificate], leaf.key, root)


def _signed(
    name: str,
    issuer: Authority | None,
    extensions: Sequence[tuple[x509.ExtensionType, bool]],
    organization: str | None = None,
) -> Authority:
    key = ec.generate_private_key(ec.SECP256R1())
    parts = {NameOID.ORGANIZATION_NAME: organization, NameOID.COMMON_NAME: name}
    subject = x509.Name([x509.NameAttribute(part, value) for part, value in parts.items() if value])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Authority(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def _authority(path_length: int) -> list[tuple[x509.ExtensionType, bool]]:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return [(x509.BasicConstraints(ca=True, path_length=path_length), True), (usage, True)]


def write_certificate(
    directory: Path, *addresses: str, names: Sequence[str] = (), root: Authority | None = None
) -> Path:
    """Write a certificate like the program's, a leaf below an intermediate, and return `directory`.

    The certificate is for this machine, the loopback `addresses` and the DNS `names`. `root` (default: a new one) signs
    the intermediate. The files are tls.crt, tls.key and ca.crt.
    """
    root = root or root_authority()
    region = _signed("region", root, _authority(0))
    numbers = [x509.IPAddress(ip_address(address)) for address in ("127.0.0.1", *addresses)]
    dns_names = [x509.DNSName(name) for name in dict.fromkeys(("localhost", *names))]
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    alternatives = x509.SubjectAlternativeName([*dns_names, *numbers])
    leaf = _signed("server", region, [(alternatives, False), (uses, False)])
    return _write(directory, [leaf.certificate, region.certificate], leaf.key, root)


def _write(
    directory: Path, chain: Sequence[x509.Certificate], key: ec.EllipticCurvePrivateKey, root: Authority
) -> Path:
    directory.mkdir(parents=True)
    (directory / "tls.crt").write_bytes(b"".join(c.public_bytes(serialization.Encoding.PEM) for c in chain))
    (directory / "ca.crt").write_bytes(root.certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "tls.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return directory
