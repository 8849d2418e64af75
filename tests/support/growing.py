"""A stack whose list of regions changes: the plans, the updates, and the contract of growth."""

from sandbox.compare.changes import Operation, Preview
from tests.support.regions import FIVE, IOWA, KNOWS_PEERS, PRIMARY_REGION_KNOWS_PEERS, Where, configured
from tests.support.sandboxes import Sandbox

MONITORING_KNOWS_PEERS = {
    "monitoring-alerts-rules",
    "monitoring-peer-0-service",
    "monitoring-peers-endpoints",
    "monitoring-thanos-query-endpoints",
    "monitoring-thanos-query-policy-thanos-query",
    "monitoring-thanos-query-policy-thanos-store",
}
KNOWS = KNOWS_PEERS | MONITORING_KNOWS_PEERS
JOB = "kubernetes:batch/v1:Job"


def settings(*regions: Where) -> dict[str, object]:
    """The whole platform in these regions, with monitoring, and one small node wherever possible."""
    return {**configured(*regions), "database": {"primaryRegion": IOWA[0]}, "monitoring": {}}


def planned(sandbox: Sandbox, *regions: Where) -> Preview:
    """The plan after the list of regions becomes this one."""
    sandbox.configure(settings(*regions))
    preview = sandbox.preview()
    assert preview.errors == ()
    return preview


def becomes(sandbox: Sandbox, *regions: Where) -> Preview:
    """Plan and apply the change to these regions, check that nothing is left to change, and return the plan."""
    sandbox.configure(settings(*regions))
    sandbox.run("start", sandbox.stack)
    preview = planned(sandbox, *regions)
    if preview.of(Operation.DELETE):
        # `up` also stops the control planes of removed regions.
        sandbox.run("up", sandbox.stack)
    else:
        sandbox.pulumi("up", "--yes", "--skip-preview")
    again = sandbox.preview()
    assert (again.errors, again.changes) == ((), ())
    return preview


def rests(preview: Preview, operation: Operation, regions: tuple[Where, ...] = FIVE) -> dict[str, set[str]]:
    """The rests of the changed resources' names, by region."""
    found: dict[str, set[str]] = {}
    for change in preview.of(operation):
        # The longest name first: a region's name could be the beginning of another's.
        region = next(name for name, _ in sorted(regions, reverse=True) if change.name.startswith(name))
        found.setdefault(region, set()).add(change.name.removeprefix(region).lstrip("-"))
    return found


def require_only_additions(preview: Preview, known: tuple[Where, ...]) -> None:
    """No resource of an existing region is created, replaced or deleted; only those that know the peers are updated."""
    assert preview.of(Operation.CREATE)
    assert [change.urn for change in preview.of(Operation.REPLACE) if change.type != JOB] == []
    assert preview.of(Operation.DELETE) == []
    names = tuple(name for name, _ in known)
    assert [change.name for change in preview.of(Operation.CREATE) if change.name.startswith(names)] == []
    updated = rests(preview, Operation.UPDATE)
    assert updated.keys() == set(names)
    for region, rest in updated.items():
        assert rest <= KNOWS | (PRIMARY_REGION_KNOWS_PEERS if region == IOWA[0] else set())
    restarted = [c.name for c in preview.of(Operation.UPDATE) if c.type.endswith((":StatefulSet", ":Deployment"))]
    assert restarted == []


def require_only_removals(preview: Preview, left: tuple[Where, ...]) -> None:
    """Only resources of removed regions are deleted; in the others, only those that know the peers are updated."""
    removed = rests(preview, Operation.DELETE)
    assert removed
    names = {name for name, _ in left}
    assert removed.keys() & names == set()
    assert [change.urn for change in preview.of(Operation.REPLACE) if change.type != JOB] == []
    assert rests(preview, Operation.UPDATE).keys() <= names
