"""When Deployments, StatefulSets, DaemonSets, Jobs, Pods and ReplicationControllers are ready."""

from __future__ import annotations

from typing import Final

from sandbox.providers.kubernetes.awaits import pods
from sandbox.providers.kubernetes.awaits.subject import Goal, Subject, Verdict, conditions
from sandbox.providers.kubernetes.objects import (
    Kind,
    Obj,
    annotation,
    condition,
    generation,
    get,
    items,
    name,
    namespace,
    number,
    text,
)

_REVISION: Final = "deployment.kubernetes.io/revision"
_LOOK_AT_PODS: Final = (
    "Look at the pods (kubectl describe pods, kubectl logs), correct the program and run the update again. To allow "
    "more time set custom_timeouts or the annotation pulumi.com/timeoutSeconds; not to wait, pulumi.com/skipAwait."
)


def _observed(live: Obj, subject: Subject) -> bool:
    """Whether the controller has seen the specification that was written."""
    return generation(live) >= generation(subject.live) and number(live, "status", "observedGeneration") >= generation(
        live
    )


class Deployment:
    """Ready when the current ReplicaSet has all its pods ready and the claims of its volumes are bound."""

    goal = Goal("its pods did not get ready", _LOOK_AT_PODS)

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        revision = annotation(live, _REVISION)
        if not revision or not _observed(live, subject):
            return Verdict(False, "Waiting for the Deployment controller")
        wanted, ready = number(live, "spec", "replicas", default=1), number(live, "status", "readyReplicas")
        status = f"Waiting for the rollout: {min(ready, number(live, 'status', 'updatedReplicas'))}/{wanted} pods ready"
        progressing = condition(live, "Progressing")
        if text(condition(live, "Available"), "status") != "True":
            return Verdict(False, status)
        is_rolled_out = text(progressing, "reason") == "NewReplicaSetAvailable"
        if revision != "1" and not (is_rolled_out and text(progressing, "status") == "True"):
            return Verdict(False, status)
        if not await self._replicas_ready(subject, live, revision):
            return Verdict(False, status)
        unbound = await self._unbound_claims(subject, live)
        return Verdict(not unbound, f"Waiting for volume claims: {', '.join(unbound)}")

    async def _replicas_ready(self, subject: Subject, live: Obj, revision: str) -> bool:
        for replica_set in await pods.replica_sets(subject, live):
            if annotation(replica_set, _REVISION) == revision:
                wanted = number(replica_set, "spec", "replicas", default=1)
                return number(replica_set, "status", "readyReplicas") >= wanted
        return False

    async def _unbound_claims(self, subject: Subject, live: Obj) -> list[str]:
        volumes = items(live, "spec", "template", "spec", "volumes")
        wanted = {text(volume, "persistentVolumeClaim", "claimName") for volume in volumes} - {""}
        if not wanted:
            return []
        claims = await subject.session.listing(Kind("", "v1", "PersistentVolumeClaim"), namespace(live))
        return sorted(name(claim) for claim in claims if name(claim) in wanted and _phase(claim) != "Bound")

    async def explain(self, subject: Subject, live: Obj) -> list[str]:
        """See `Waiter`."""
        paused = ["spec.paused is true: nothing is rolled out"] if get(live, "spec", "paused") else []
        owners = await pods.replica_sets(subject, live)
        current = [item for item in owners if annotation(item, _REVISION) == annotation(live, _REVISION)]
        return [*paused, *conditions(live), *await pods.problems(subject, live, current)]


def _phase(obj: Obj) -> str:
    return text(obj, "status", "phase")


class StatefulSet:
    """Ready when all replicas are ready and run the current revision."""

    goal = Goal("its pods did not get ready", _LOOK_AT_PODS)

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        if not generation(live) or not _observed(live, subject):
            return Verdict(False, "Waiting for the StatefulSet controller")
        wanted = number(live, "spec", "replicas")
        total, ready = number(live, "status", "replicas"), number(live, "status", "readyReplicas")
        revision, target = text(live, "status", "currentRevision"), text(live, "status", "updateRevision")
        if generation(live) > 1 and text(live, "spec", "updateStrategy", "type") == "OnDelete":
            return Verdict(wanted == total == ready, f"Waiting for the pods: {ready}/{wanted} ready")
        if not wanted == total == ready == number(live, "status", "currentReplicas"):
            done = ready if revision == target else min(ready, number(live, "status", "updatedReplicas"))
            return Verdict(False, f"Waiting for the rollout: {done}/{wanted} pods ready")
        return Verdict(revision != "" and revision == target, "Waiting for the new revision to become the current one")

    async def explain(self, subject: Subject, live: Obj) -> list[str]:
        """See `Waiter`."""
        ready, wanted = number(live, "status", "readyReplicas"), number(live, "spec", "replicas")
        counts = [f"{ready} of {wanted} pods are ready"] if ready != wanted else []
        return [*counts, *conditions(live), *await pods.problems(subject, live)]


class DaemonSet:
    """Ready when every chosen node runs the current pod and it is available."""

    goal = Goal("its pods did not get ready on every node", _LOOK_AT_PODS)

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        if not _observed(live, subject) or get(live, "status", "desiredNumberScheduled") is None:
            return Verdict(False, "Waiting for the DaemonSet controller")
        wanted = number(live, "status", "desiredNumberScheduled")
        counts = ("currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady")
        reached = min(number(live, "status", count) for count in counts)
        return Verdict(reached >= wanted, f"Waiting for the pods: ready on {reached}/{wanted} nodes")

    async def explain(self, subject: Subject, live: Obj) -> list[str]:
        """See `Waiter`."""
        return [*conditions(live), *await pods.problems(subject, live)]


class Job:
    """Ready when it has completed; a failed one fails at once."""

    goal = Goal("did not complete", _LOOK_AT_PODS)

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        failed = condition(live, "Failed")
        if text(failed, "status") == "True":
            return Verdict(False, failed=f"{text(failed, 'reason')}: {text(failed, 'message')}")
        counts = ", ".join(f"{number(live, 'status', count)} {count}" for count in ("active", "succeeded", "failed"))
        return Verdict(text(condition(live, "Complete"), "status") == "True", f"Waiting for the Job: {counts}")

    async def explain(self, subject: Subject, live: Obj) -> list[str]:
        """See `Waiter`."""
        suspended = ["spec.suspend is true: the Job does not start"] if get(live, "spec", "suspend") else []
        return [*suspended, *await pods.problems(subject, live)]

    async def gone(self, subject: Subject, last: Obj) -> Obj | None:
        """A Job that its time to live removed between two looks: completed, if its events say so."""
        uid = text(last, "metadata", "uid")
        query = {"fieldSelector": f"involvedObject.uid={uid},reason=Completed"}
        completed = await subject.session.listing(Kind("", "v1", "Event"), namespace(last), **query)
        if not completed:
            return None
        status = {**last.get("status", {}), "conditions": [{"type": "Complete", "status": "True"}]}
        return {**last, "status": status}


class Pod:
    """Ready when its containers are, or when it has succeeded."""

    goal = Goal("did not get ready", _LOOK_AT_PODS)

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        phase = _phase(live)
        if phase == "Failed" and text(live, "spec", "restartPolicy") == "Never":
            return Verdict(False, failed=text(live, "status", "message") or "the pod failed and is not started again")
        for kind, state in (("PodScheduled", "scheduled"), ("Initialized", "initialized"), ("Ready", "ready")):
            if text(condition(live, kind), "status") != "True" and phase != "Succeeded":
                return Verdict(False, f"Waiting for the pod to be {state}")
        return Verdict(True)

    async def explain(self, subject: Subject, live: Obj) -> list[str]:
        """See `Waiter`."""
        return pods.pod_problems(live) or await pods.warning_events(subject, live)


class ReplicationController:
    """Ready when all replicas are available."""

    goal = Goal("its pods did not get ready", _LOOK_AT_PODS, checked_on_read=False)

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        wanted, available = number(live, "spec", "replicas"), number(live, "status", "availableReplicas")
        return Verdict(wanted == available, f"Waiting for the pods: {available}/{wanted} available")

    async def explain(self, subject: Subject, live: Obj) -> list[str]:
        """See `Waiter`."""
        return [*conditions(live), *await pods.warning_events(subject, live)]
