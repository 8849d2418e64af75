"""What a CockroachDB cluster runs with: names, join list and start command. Pure: no resources."""

import re
from typing import Final

from components.peering.names import PEER_NAMES, host, peer_name

APP: Final = "cockroachdb"
HEADLESS_SERVICE: Final = "cockroachdb"
PUBLIC_SERVICE: Final = "cockroachdb-public"
SQL_PORT: Final = 26257
HTTP_PORT: Final = 8080
CERTIFICATES: Final = "/cockroach/certs"
DATA: Final = "/cockroach/data"
SETTINGS: Final = "/cockroach/settings"
CREDENTIALS: Final = "/cockroach/credentials"
SCRATCH: Final = "/tmp"  # noqa: S108 - an empty volume of the pod's own
SEEDS: Final = 3
NAMESPACE_VARIABLE: Final = "${POD_NAMESPACE}"
ZONE_LABEL: Final = "topology.kubernetes.io/zone"

NODE_NAMES: Final = (
    "localhost",
    *(PUBLIC_SERVICE + suffix for suffix in ("", ".{0}", ".{0}.svc", ".{0}.svc.cluster.local")),
    *(f"*.{HEADLESS_SERVICE}" + suffix for suffix in ("", ".{0}", ".{0}.svc", ".{0}.svc.cluster.local")),
    *PEER_NAMES,
)
"""DNS names of a node's certificate; {0} is the namespace."""

_IDENTIFIER = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def check_identifier(field: str, value: str) -> None:
    """Raise ValueError, naming `field`, unless `value` is a plain SQL name."""
    if not _IDENTIFIER.fullmatch(value):
        raise ValueError(
            f"{field}: expected lower-case letters, digits and underscores, at most 63, not starting with a digit,"
            f" got {value!r}"
        )


def join_list(region: str, primary_region: str) -> str:
    """Where a node of `region` asks to join: its own region's first three nodes, then those of the `primary_region`.

    Names of nodes that are not there do no harm, so a node restarts neither when its region grows nor when another
    region comes or goes.
    """
    own = [f"{APP}-{index}.{HEADLESS_SERVICE}" for index in range(SEEDS)]
    primaries = (
        [peer_name(primary_region, NAMESPACE_VARIABLE, index) for index in range(SEEDS)]
        if primary_region != region
        else []
    )
    return ",".join(f"{seed}:{SQL_PORT}" for seed in [*own, *primaries])


def advertised(region: str, *, alone: bool) -> tuple[str, ...]:
    """Flags that say where a node is reached: in its region at its pod's name, from others at its peer endpoint's."""
    pod = f"${{POD_NAME}}.{HEADLESS_SERVICE}.{NAMESPACE_VARIABLE}:{SQL_PORT}"
    if alone:
        return (f'--advertise-addr="{pod}"',)
    # The number at the end of the pod's name is also the peer endpoint's.
    endpoint = peer_name(region, NAMESPACE_VARIABLE).replace(host(region), f"{region}-${{POD_NAME##*-}}")
    return (f'--advertise-addr="{endpoint}:{SQL_PORT}"', f'--locality-advertise-addr="region={region}@{pod}"')


def start_command(region: str, *, primary_region: str, alone: bool) -> str:
    """The shell command that starts a node of `region`. It reads POD_NAME, POD_NAMESPACE and ZONE.

    ZONE is the pod's zone label, which Kubernetes copies from the node since 1.35. Older clusters have no such label:
    their nodes all say `zone=unknown`, so that every node of every region has the same tiers. Replicas are then not
    placed by zone, though the scheduler still spreads the pods.
    """
    flags = (
        f"--certs-dir={CERTIFICATES}",
        f"--store={DATA}",
        f"--listen-addr=:{SQL_PORT}",
        f"--http-addr=:{HTTP_PORT}",
        *advertised(region, alone=alone),
        f'--locality="region={region},zone=${{ZONE:-unknown}}"',
        f'--join="{join_list(region, primary_region)}"',
        "--cache=25%",
        "--max-sql-memory=25%",
        "--logtostderr=INFO",
    )
    return " ".join(("exec /cockroach/cockroach start", *flags))


def connection_url(*, username: str, password: str, host: str, database: str, authority_file: str) -> str:
    """The URL that the application connects with. The password needs no escaping: it is letters and digits."""
    address = f"{username}:{password}@{host}:{SQL_PORT}/{database}"
    return f"postgresql://{address}?sslmode=verify-full&sslrootcert={authority_file}"
