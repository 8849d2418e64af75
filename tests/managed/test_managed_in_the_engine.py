"""Data services that a simulated cloud runs for a region: created, protected, exchanged, grown, removed.

The simulated clouds refuse what the real ones are known to refuse (missing grants, sizes that a region lacks), and
remember the last backups of deleted databases. The tests of a cloud build on each other.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.compare.changes import Operation, Preview
from sandbox.providers.cloud.store import Store
from tests.support.managed import REGIONS, settings
from tests.support.sandboxes import Sandbox, wait_until_gone
from tests.support.servers import eventually

pytestmark = [pytest.mark.engine, pytest.mark.campaign, pytest.mark.timeout(1800)]

STACK = "regional"
PREFIX = "sacred-council:"
POSTGRESQL, MANAGED, REDIS = {"engine": "postgresql"}, {"engine": "managed"}, {"engine": "redis"}
COCKROACHDB = {"engine": "cockroachdb"}
KEYS = {
    "cache": {"url", "host", "port", "username", "password", "ca.crt"},
    "database": {"url", "host", "port", "database", "username", "password", "ca.crt"},
}
HOLDS_DATA = {
    "gcp": {"database": "gcp:sql/databaseInstance:DatabaseInstance", "cache": "gcp:redis/instance:Instance"},
    "aws": {"database": "aws:rds/instance:Instance", "cache": "aws:elasticache/replicationGroup:ReplicationGroup"},
    "azure": {
        "database": "azure-native:dbforpostgresql:Server",
        "cache": "azure-native:redisenterprise:RedisEnterprise",
    },
}
OUTLIVES = {
    # A project keeps Google's service agents.
    "gcp": {
        "gcp:projects/serviceIdentity:ServiceIdentity",
        "gcp:storage/bucket:Bucket",
        "gcp:kms/cryptoKey:CryptoKey",
        "gcp:kms/cryptoKeyIAMMember:CryptoKeyIAMMember",
        "gcp:kms/keyRing:KeyRing",
    },
    "aws": {"aws:kms/key:Key"},
    "azure": {
        "azure-native:resources:ResourceGroup",
        "azure-native:managedidentity:UserAssignedIdentity",
        "azure-native:keyvault:Vault",
        "azure-native:keyvault:Key",
        "azure-native:authorization:RoleAssignment",
    },
}
"""Backups that outlive a stack, and what reading them needs (docs/adr/0024)."""
CLOUDS = ["gcp", "aws", "azure"]
PLUGINS = {"gcp": "gcp", "aws": "aws", "azure": "azure-native"}
"""The names of the clouds' providers."""
ONE_CLOUD = pytest.mark.parametrize("box", ["gcp"], indirect=True)
"""For slow tests whose result is the same on every cloud."""

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class There:
    """The services' objects and the cloud's resources at one time."""

    secrets: Mapping[str, Object]
    """The services' Secrets, by name."""
    deployments: Mapping[str, tuple[str, Object]]
    """Uid and pod template of the services' Deployments, by name. Another template restarts the pods."""
    cloud: Mapping[str, Object]
    """Records of the simulated cloud, by URN."""

    def told(self, data_service: str) -> dict[str, str]:
        """Return the decoded connection Secret of a data service."""
        data = self.secrets[f"{data_service}-connection"]["data"]
        return {key: base64.b64decode(value).decode() for key, value in data.items()}

    def uid(self, data_service: str) -> str:
        """Return the uid of a data service's connection Secret."""
        return str(self.secrets[f"{data_service}-connection"]["metadata"]["uid"])

    def without(self, prefix: str) -> dict[str, Object]:
        """Return the cloud's records, except those whose resource name begins with `prefix`."""
        return {urn: one for urn, one in self.cloud.items() if not urn.rpartition("::")[2].startswith(prefix)}


@dataclass(frozen=True, kw_only=True)
class Step:
    """A planned change that the engine has carried out."""

    plan: Preview
    said: str
    """Output of `up`."""
    before: There
    after: There

    def names(self, operation: Operation) -> set[str]:
        return {change.name for change in self.plan.of(operation)}

    def types(self, operation: Operation) -> set[str]:
        return {change.type for change in self.plan.of(operation)}


@dataclass(frozen=True)
class Box:
    """A stack with one region on `cloud`."""

    sandbox: Sandbox
    cloud: str

    @property
    def region(self) -> str:
        return REGIONS[self.cloud]

    def configure(self, database: Object, cache: Object, *, protected: bool = False, second: str = "") -> None:
        """Set the data services' engines, without mesh and monitoring. `second` is the cloud of a second region."""
        mine = settings(self.cloud, protected, database, cache)
        if second:
            more = settings(second, protected, database, cache)
            mine[f"{PREFIX}regions"] = [*mine[f"{PREFIX}regions"], *more[f"{PREFIX}regions"]]
        without = {"messaging": {"servers": 3}, "monitoring": {"enabled": False}, "mesh": {"enabled": False}}
        self.sandbox.configure({key.removeprefix(PREFIX): value for key, value in mine.items()} | without)

    def planned(self, database: Object, cache: Object, *, protected: bool = False, second: str = "") -> Preview:
        self.configure(database, cache, protected=protected, second=second)
        return self.sandbox.preview()

    def becomes(self, database: Object, cache: Object) -> Step:
        """Plan the change to these engines and carry it out."""
        before, plan = self.there(), self.planned(database, cache)
        assert plan.errors == ()
        said = self.sandbox.pulumi("up", "--yes", "--skip-preview")
        return Step(plan=plan, said=said, before=before, after=self.there())

    def there(self) -> There:
        items = self.sandbox.objects("secrets,deployments", "--namespace=sacred-council")
        known = {(item["kind"], item["metadata"]["name"]): item for item in items}
        return There(
            secrets={name: item for (kind, name), item in known.items() if kind == "Secret"},
            deployments={
                name: (item["metadata"]["uid"], item["spec"]["template"])
                for (kind, name), item in known.items()
                if kind == "Deployment"
            },
            cloud={record["urn"]: record for record in self.in_cloud()},
        )

    def is_scaled(self) -> bool:
        """Return whether each service has at least the pods that its autoscaler demands, all of them ready."""
        services = {one["metadata"]["name"]: one for one in self.sandbox.objects("deployments", "-n", "sacred-council")}
        scalers = self.sandbox.objects("horizontalpodautoscalers", "-n", "sacred-council")
        wanted = {one["spec"]["scaleTargetRef"]["name"]: one["spec"]["minReplicas"] for one in scalers}
        return all(
            services[name]["status"].get("readyReplicas", 0) == services[name]["spec"]["replicas"] >= least
            for name, least in wanted.items()
        )

    def last_backups(self) -> dict[str, list[str]]:
        """Deleted databases with a last backup, each with what reading it needs and no longer exists."""
        return Store(self.sandbox.folder / ".sandbox" / "clouds", PLUGINS[self.cloud]).last_backups(STACK)

    def in_cloud(self) -> list[Object]:
        """List the records of the resources in the simulated clouds."""
        folder = self.sandbox.folder / ".sandbox" / "clouds" / STACK
        return [json.loads(path.read_text()) for path in folder.rglob("*.json")]


@pytest.fixture(scope="module", params=CLOUDS)
def box(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    folder = tmp_path_factory.mktemp(f"data-services-{request.param}")
    made = Box(Sandbox.of(folder / "project", STACK, saves_once=True), request.param)
    yield made
    made.sandbox.take_down()


@pytest.fixture(scope="module")
def made(box: Box) -> There:
    """The cloud runs database and cache, with deletion protection."""
    box.configure(POSTGRESQL, MANAGED, protected=True)
    assert f"Stack {STACK} is up" in box.sandbox.run("up", STACK)
    return box.there()


@pytest.fixture(scope="module")
def unprotected(box: Box, made: There) -> Step:
    return box.becomes(POSTGRESQL, MANAGED)


@pytest.fixture(scope="module")
def in_cluster(box: Box, unprotected: Step) -> Step:
    """The cache moves into the cluster."""
    return box.becomes(POSTGRESQL, REDIS)


@pytest.fixture(scope="module")
def in_cloud_again(box: Box, in_cluster: Step) -> Step:
    """The cache moves back to the cloud."""
    return box.becomes(POSTGRESQL, MANAGED)


@pytest.fixture(scope="module")
def cockroachdb(box: Box, in_cloud_again: Step) -> Step:
    """The database moves into the cluster, as it must before there is a second region."""
    return box.becomes(COCKROACHDB, MANAGED)


def test_a_second_run_changes_nothing_and_neither_does_a_refresh(box: Box, made: There) -> None:
    # Without waiting, a refresh would find pods that the autoscaler has just requested and that are not ready.
    eventually(box.is_scaled, seconds=120, what="as many pods of each service as its autoscaler wants at least")
    box.sandbox.pulumi("preview", "--refresh", "--expect-no-changes")


def test_what_holds_data_is_the_cloud_s(box: Box, made: There) -> None:
    types = [record["type"] for record in made.cloud.values()]
    assert [types.count(kind) for kind in HOLDS_DATA[box.cloud].values()] == [1, 1]


def test_no_password_is_in_the_state_in_plain(box: Box, made: There) -> None:
    secrets = box.sandbox.objects("secrets", "-A", "-l", "app.kubernetes.io/part-of=sacred-council")
    hidden = [
        value
        for secret in secrets
        for key, encoded in secret["data"].items()
        if key in ("password", "url", "verifier")
        for value in (encoded, base64.b64decode(encoded).decode())
    ]
    state = box.sandbox.pulumi("stack", "export")
    # Seven values of database, cache, messaging and the database's administrator, each in two encodings.
    assert len(hidden) >= 2 * 7
    assert [value for value in hidden if value in state] == []


@pytest.mark.parametrize("data_service", KEYS)
def test_services_are_told_what_every_engine_tells(made: There, data_service: str) -> None:
    told = made.told(data_service)
    assert told.keys() == KEYS[data_service]
    assert all(told.values())
    assert f"@{told['host']}:{told['port']}/" in told["url"]
    assert told["ca.crt"].startswith("-----BEGIN CERTIFICATE-----")


def test_a_protected_cache_is_not_given_up(box: Box, made: There) -> None:
    box.configure(POSTGRESQL, REDIS, protected=True)
    said = box.sandbox.pulumi("up", "--yes", fails=True)
    assert f"::{box.region}-cache" in said
    assert "protect" in said
    assert "Traceback" not in said
    assert box.there() == made


def test_a_protected_stack_is_not_destroyed(box: Box, made: There) -> None:
    # Without its preview the engine would delete all that is not protected before it stops.
    assert "protect" in box.sandbox.pulumi("destroy", "--yes", fails=True)
    assert box.there() == made


def test_a_database_of_one_region_does_not_get_a_second(box: Box, made: There) -> None:
    second = "gcp" if box.cloud == "aws" else "aws"
    box.configure(POSTGRESQL, MANAGED, protected=True, second=second)
    said = box.sandbox.pulumi("up", "--yes", "--skip-preview", fails=True)
    assert "sacred-council:database.engine" in said
    assert "docs/runbooks/postgresql-to-cockroachdb.md" in said
    assert "Traceback" not in said
    assert box.there() == made


def test_protection_is_taken_off_in_place(box: Box, unprotected: Step) -> None:
    assert unprotected.plan.of(Operation.CREATE) == unprotected.plan.of(Operation.REPLACE) == []
    # Azure protects with locks, which are resources.
    assert all(name.endswith("-lock") for name in unprotected.names(Operation.DELETE))
    assert unprotected.after.secrets == unprotected.before.secrets
    assert unprotected.after.deployments == unprotected.before.deployments


@pytest.mark.parametrize("exchange", ["in_cluster", "in_cloud_again"])
def test_another_cache_changes_what_services_are_told_in_place(
    request: pytest.FixtureRequest, box: Box, exchange: str
) -> None:
    step: Step = request.getfixturevalue(exchange)
    assert step.after.uid("cache") == step.before.uid("cache")
    told, were = step.after.told("cache"), step.before.told("cache")
    assert told.keys() == were.keys() == KEYS["cache"]
    assert told["username"] == were["username"]
    for key in ("url", "host", "password"):
        assert told[key] != were[key]


@pytest.mark.parametrize("exchange", ["in_cluster", "in_cloud_again"])
def test_another_cache_touches_nothing_else(request: pytest.FixtureRequest, box: Box, exchange: str) -> None:
    step: Step = request.getfixturevalue(exchange)
    assert step.plan.of(Operation.REPLACE) == []
    assert step.names(Operation.UPDATE) == {f"{box.region}-cache-connection"}
    mine = (f"{box.region}-cache", f"{box.region}-redis")
    assert [change.name for change in step.plan.changes if not change.name.startswith(mine)] == []
    cache = f"{box.region}-cache"
    assert step.after.without(cache) == step.before.without(cache)
    assert step.after.secrets["database-connection"] == step.before.secrets["database-connection"]
    assert step.after.deployments == step.before.deployments


@pytest.mark.parametrize(
    ("exchange", "old", "new"),
    [("in_cluster", "cache", "cache-statefulset"), ("in_cloud_again", "cache-statefulset", "cache")],
)
def test_the_old_cache_goes_last_and_the_preview_says_so(
    request: pytest.FixtureRequest, box: Box, exchange: str, old: str, new: str
) -> None:
    step: Step = request.getfixturevalue(exchange)
    kinds = {"cache": HOLDS_DATA[box.cloud]["cache"], "cache-statefulset": "kubernetes:apps/v1:StatefulSet"}
    assert kinds[old] in step.types(Operation.DELETE)
    assert kinds[new] in step.types(Operation.CREATE)
    order = [
        f" {box.region}-{new} created",
        f" {box.region}-cache-connection updated",
        f" {box.region}-{old} deleted",
    ]
    assert [step.said.count(line) for line in order] == [1, 1, 1]
    assert [step.said.index(line) for line in order] == sorted(step.said.index(line) for line in order)


def test_nothing_is_left_to_do_after_the_exchanges(box: Box, in_cloud_again: Step) -> None:
    box.sandbox.pulumi("preview", "--refresh", "--expect-no-changes")


@ONE_CLOUD
def test_another_database_changes_what_services_are_told_in_place(cockroachdb: Step) -> None:
    assert cockroachdb.plan.of(Operation.REPLACE) == []
    assert cockroachdb.names(Operation.UPDATE) == {"us-central1-database-connection"}
    assert cockroachdb.after.uid("database") == cockroachdb.before.uid("database")
    told, were = cockroachdb.after.told("database"), cockroachdb.before.told("database")
    assert told.keys() == were.keys() == KEYS["database"]
    assert {key for key in told if told[key] == were[key]} == {"database", "username", "password"}
    assert cockroachdb.after.deployments == cockroachdb.before.deployments


@ONE_CLOUD
def test_another_database_leaves_one_last_backup_of_the_old_that_can_be_read(box: Box, cockroachdb: Step) -> None:
    assert list(box.last_backups().values()) == [[]]


@ONE_CLOUD
def test_another_database_leaves_the_cache_alone(cockroachdb: Step) -> None:
    assert cockroachdb.after.secrets["cache-connection"] == cockroachdb.before.secrets["cache-connection"]
    caches = [
        {urn: one for urn, one in there.cloud.items() if "::us-central1-cache" in urn}
        for there in (cockroachdb.before, cockroachdb.after)
    ]
    assert caches[0] == caches[1] != {}


@ONE_CLOUD
def test_a_second_region_of_another_cloud_does_not_touch_the_cache_of_the_first(box: Box, cockroachdb: Step) -> None:
    plan = box.planned({**COCKROACHDB, "primaryRegion": box.region}, MANAGED, second="aws")
    assert plan.errors == ()
    assert plan.of(Operation.DELETE) == []
    assert [change.urn for change in plan.of(Operation.REPLACE) if not change.type.endswith(":Job")] == []
    assert [change.name for change in plan.changes if change.name.startswith("us-central1-cache")] == []
    new = [change.type for change in plan.of(Operation.CREATE) if change.name.startswith("us-east-1-cache")]
    assert HOLDS_DATA["aws"]["cache"] in new


def test_nothing_is_left_after_a_destroy(box: Box, in_cloud_again: Step) -> None:
    # An earlier test may have configured a second region, which was only planned.
    box.configure(POSTGRESQL, MANAGED)
    box.sandbox.pulumi("destroy", "--yes", "--skip-preview")
    assert [one["urn"] for one in box.sandbox.resources() if not one["type"].startswith("pulumi:")] == []
    assert {record["type"] for record in box.in_cloud()} <= OUTLIVES[box.cloud]
    # One backup, of the database, for which nothing is missing. On one cloud it is of the time before CockroachDB.
    assert list(box.last_backups().values()) == [[]]


def test_nothing_runs_after_down(box: Box, made: There) -> None:
    box.sandbox.run("down", STACK)
    assert wait_until_gone(box.sandbox, 20) == []
