"""When volumes, claims, quotas, token Secrets and definitions are ready."""

from __future__ import annotations

from typing import Final

from sandbox.providers.kubernetes.awaits import pods
from sandbox.providers.kubernetes.awaits.subject import Goal, Simple, Subject, Verdict, conditions
from sandbox.providers.kubernetes.objects import Kind, Obj, condition, mapping, text

_VOLUME_SECONDS: Final = 300.0


class PersistentVolume(Simple):
    """Ready when it can be, or is, claimed."""

    goal = Goal("it did not become available", "Check the volume's source.", _VOLUME_SECONDS, checked_on_read=False)

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        phase = text(live, "status", "phase")
        return Verdict(phase in ("Available", "Bound"), f"Waiting for the volume: {phase or 'new'}")


class PersistentVolumeClaim:
    """Ready when bound; where the storage class waits for a first consumer, when it exists."""

    goal = Goal(
        "it was not bound to a volume",
        "Check that its storage class exists and has a provisioner, or that a fitting volume is available.",
        _VOLUME_SECONDS,
        checked_on_read=False,
    )

    def __init__(self) -> None:
        self._binding = ""

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        phase = text(live, "status", "phase")
        if phase == "Bound":
            return Verdict(True)
        if not self._binding:
            self._binding = await self._binding_mode(subject, live)
        is_expected = self._binding == "WaitForFirstConsumer" and phase == "Pending"
        return Verdict(is_expected, f"Waiting for the claim to be bound: {phase or 'new'}")

    async def _binding_mode(self, subject: Subject, live: Obj) -> str:
        wanted = text(live, "spec", "storageClassName")
        if not wanted:
            return ""
        storage_class = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": wanted}}
        return text(await subject.session.live(storage_class) or {}, "volumeBindingMode")

    async def explain(self, subject: Subject, live: Obj) -> list[str]:
        """See `Waiter`."""
        wanted = text(live, "spec", "storageClassName")
        missing = [] if self._binding or not wanted else [f"there is no storage class {wanted!r}"]
        return [*missing, *conditions(live), *await pods.warning_events(subject, live)]


class ResourceQuota(Simple):
    """Ready when the controller enforces the limits that were set."""

    goal = Goal("its limits are not enforced yet", "", 60.0, checked_on_read=False)

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        enforced = mapping(live, "spec", "hard") == mapping(live, "status", "hard")
        return Verdict(enforced, "Waiting for the quota controller")


class TokenSecret(Simple):
    """A service account's token Secret is ready when it holds the token; other Secrets are at once."""

    goal = Goal(
        "its token was not filled in",
        "Check that the service account named in kubernetes.io/service-account.name exists.",
        5.0,
        checked_on_read=False,
    )

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        is_token = text(live, "type") == "kubernetes.io/service-account-token"
        return Verdict(not is_token or bool(mapping(live, "data")), "Waiting for the token")


class CustomResourceDefinition(Simple):
    """Ready when the API server serves the new kind."""

    goal = Goal("the API server does not serve its kind", "", 60.0, checked_on_read=False)

    async def look(self, subject: Subject, live: Obj) -> Verdict:
        """See `Waiter`."""
        established = text(condition(live, "Established"), "status") == "True"
        kind = Kind(text(live, "spec", "group"), "", text(live, "spec", "names", "kind"))
        return Verdict(established, f"Waiting for the API server to serve {kind.kind}")
