"""Fixtures of conformance tests."""

import os
import subprocess

import pytest

PRIVATE_HOSTS = 'mount --bind "$HOSTS" /etc/hosts && exec "$@"'


@pytest.fixture(scope="session")
def private_hosts() -> list[str]:
    """The start of a command whose process sees the hosts file in HOSTS."""
    prefix = ["unshare", "--map-root-user", "--mount", "sh", "-c", PRIVATE_HOSTS, "-"]
    try:
        subprocess.run([*prefix, "true"], env={**os.environ, "HOSTS": "/etc/hosts"}, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no mount namespace can be made here, so the nodes cannot have their names: {error}")
    return prefix
