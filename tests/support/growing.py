"""A stack whose list of regions changes: the plans, the updates, and the contract of growth."""

from collections.abc import Callable, Set
from dataclasses import dataclass

from components.services.settings import MATCHING_SERVICE
from sandbox.compare.changes import Operation, Preview
from tests.support.regions import (
    COMPLETE,
    FIVE,
    IOWA,
    KNOWS_PEERS,
    MUMBAI,
    PRIMARY_REGION_KNOWS_PEERS,
    SITE,
    Where,
    complete,
    configured,
)
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

STREAMING_KNOWS_PEERS = {
    "kafka-peer-0-service",
    "kafka-peers-endpoints",
    "streaming-mirror",
    "streaming-network-policy-mirror",
    "streaming-network-policy-nodes",
    "streaming-user-mirror",
    "streaming-user-peers",
    "streaming-user-sacred-council",
}
LEDGER_KNOWS_PEERS = {
    "ledger-members",
    "ledger-network-policy",
    "ledger-peer-0-service",
    "ledger-peers-endpoints",
}
MATCHING_KNOWS_PEERS = {f"mesh-routing-{rule}-{MATCHING_SERVICE}" for rule in ("destinationrule", "gateways")}
CIRCLES_KNOW_PEERS = {"circles-connection"}
"""For services: where the other regions' servers answer."""

MIRROR = ("streaming-mirror", "streaming-peer-certificate", "streaming-user-mirror")
"""Beginnings of what a region has while it has a peer: what brings the peers' records. The first peer brings it, and
the last one takes it away."""


@dataclass(frozen=True, kw_only=True)
class Growing:
    """A stack whose list of regions changes, and which resources may change with it. Names are the rests of names."""

    given: Callable[..., dict[str, object]]
    """The settings for a list of regions."""
    primary: Where
    everywhere: tuple[Where, ...]
    """All that the list may have, with what else begins a name, such as an edge site."""
    knows: Set[str]
    """What knows the other regions, in every region."""
    primary_knows: Set[str]
    """What knows the other regions in the primary region alone."""
    edge_knows: Set[str] = frozenset()
    """What knows the regions in the CDN."""
    with_peers: tuple[str, ...] = ()
    """Beginnings of what a region has while it has a peer."""

    def brought(self, rest: str) -> bool:
        """Whether a resource comes with a region's first peer."""
        return rest.startswith(self.with_peers) if self.with_peers else False


def settings(*regions: Where) -> dict[str, object]:
    """The whole platform in these regions, with monitoring, and one small node wherever possible."""
    return {**configured(*regions), "database": {"primaryRegion": IOWA[0]}, "monitoring": {}}


def everything(*regions: Where) -> dict[str, object]:
    """The settings of a stack with all that stages 3 and 4 have, behind a CDN and with an edge site."""
    return complete(*regions, primary=MUMBAI)


PLATFORM = Growing(given=settings, primary=IOWA, everywhere=FIVE, knows=KNOWS, primary_knows=PRIMARY_REGION_KNOWS_PEERS)
"""The platform without what only stages 3 and 4 have."""

EDGE, EDGE_SITE = ("edge", "gcp"), (str(SITE["name"]), "existing")
EVERYTHING = Growing(
    given=everything,
    primary=MUMBAI,
    everywhere=(*COMPLETE, EDGE, EDGE_SITE),
    knows=KNOWS | STREAMING_KNOWS_PEERS | LEDGER_KNOWS_PEERS | MATCHING_KNOWS_PEERS | CIRCLES_KNOW_PEERS,
    primary_knows=PRIMARY_REGION_KNOWS_PEERS | {"ledger-remove-job", "ledger-remove-settings"},
    edge_knows={"origins", "routes"},
    with_peers=MIRROR,
)
"""The platform with all of that."""


def planned(sandbox: Sandbox, *regions: Where, growing: Growing = PLATFORM) -> Preview:
    """The plan after the list of regions becomes this one."""
    sandbox.configure(growing.given(*regions))
    preview = sandbox.preview()
    assert preview.errors == ()
    return preview


def becomes(sandbox: Sandbox, *regions: Where, growing: Growing = PLATFORM) -> Preview:
    """Plan and apply the change to these regions, check that nothing is left to change, and return the plan."""
    sandbox.configure(growing.given(*regions))
    sandbox.run("start", sandbox.stack)
    preview = planned(sandbox, *regions, growing=growing)
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


def require_only_additions(preview: Preview, known: tuple[Where, ...], growing: Growing = PLATFORM) -> None:
    """No resource of an existing region is replaced or deleted; only those that know the peers are updated.

    Nothing is created there, but for what comes with a region's first peer.
    """
    assert preview.of(Operation.CREATE)
    assert [change.urn for change in preview.of(Operation.REPLACE) if change.type != JOB] == []
    assert preview.of(Operation.DELETE) == []
    names = {name for name, _ in known}
    created = rests(preview, Operation.CREATE, growing.everywhere)
    assert {name: [rest for rest in created.get(name, ()) if not growing.brought(rest)] for name in names} == {
        name: [] for name in names
    }
    assert created.keys() & {EDGE[0], EDGE_SITE[0]} == set()
    updated = rests(preview, Operation.UPDATE, growing.everywhere)
    assert updated.pop(EDGE[0], set()) == growing.edge_knows
    assert updated.keys() == names
    for region, rest in updated.items():
        assert rest <= growing.knows | (growing.primary_knows if region == growing.primary[0] else set())
    restarted = [c.name for c in preview.of(Operation.UPDATE) if c.type.endswith((":StatefulSet", ":Deployment"))]
    assert restarted == []


def require_only_removals(preview: Preview, left: tuple[Where, ...], growing: Growing = PLATFORM) -> None:
    """Only resources of removed regions are deleted; in the others, only those that know the peers are updated.

    What came with the first peer goes with the last one.
    """
    names = {name for name, _ in left}
    removed = rests(preview, Operation.DELETE, growing.everywhere)
    assert removed.keys() - names
    kept = {name: [rest for rest in removed.get(name, ()) if not growing.brought(rest)] for name in names}
    assert kept == {name: [] for name in names}
    assert removed.keys() & {EDGE[0], EDGE_SITE[0]} == set()
    assert [change.urn for change in preview.of(Operation.REPLACE) if change.type != JOB] == []
    updated = rests(preview, Operation.UPDATE, growing.everywhere)
    assert updated.pop(EDGE[0], set()) == growing.edge_knows
    assert updated.keys() <= names
