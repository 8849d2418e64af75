"""The provider for a table of `Kind`s: `generated.py` put behind the engine's protocol."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterable

from sandbox.providers import base, generated
from sandbox.providers.base import Diff, DiffKind, PropertyDiff, ProviderError, Values
from sandbox.providers.generated import Change, Kind


class GeneratedValues(base.StandIn):
    """Serves resources that are nothing but values; a subclass names its `kinds`."""

    package: str
    kinds: Iterable[Kind]

    def _kind(self, token: str) -> Kind:
        known = {kind.name: kind for kind in self.kinds}
        if token in known:
            return known[token]
        close = difflib.get_close_matches(token, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(sorted(known))}"
        raise ProviderError(f"the sandbox's {self.package} provider has no type {token}; {hint}")

    async def check(self, request: base.CheckRequest) -> Values:
        """Refuse inputs that cannot work; mark those that are always secret."""
        kind = self._kind(request.type)
        problems = generated.check(kind, request.news)
        if problems:
            raise base.CheckFailedError([(problem.property, problem.reason) for problem in problems])
        return generated.mark_secrets(kind, request.news)

    async def diff(self, request: base.DiffRequest) -> Diff:
        """Compare the inputs, defaults filled in, with the state."""
        kind = self._kind(request.type)
        found = generated.changes(kind, request.olds, request.news)
        details = {name: _detail(change) for name, change in found.items() if name not in request.ignore_changes}
        return Diff(details=details, replaces=[name for name, detail in details.items() if detail.kind.replaces])

    async def create(self, request: base.CreateRequest) -> tuple[str, Values]:
        """Make the values; a preview leaves them unknown."""
        kind = self._kind(request.type)
        if request.preview:
            return "", generated.preview(kind, request.inputs)
        try:
            # Making a large RSA key takes seconds.
            return await asyncio.to_thread(generated.create, kind, request.inputs)
        except ValueError as error:
            raise ProviderError(f"{request.name}: {error}") from error

    async def update(self, request: base.UpdateRequest) -> Values:
        """Store the changed inputs; the values stay."""
        return generated.update(self._kind(request.type), request.olds, request.news)

    async def read(self, request: base.ReadRequest) -> tuple[str, Values, Values]:
        """The state as it is. A resource that is new to the stack cannot be read: its values are in no other place."""
        kind = self._kind(request.type)
        if request.properties and set(kind.outputs) <= set(request.properties):
            return request.id, generated.refreshed(kind, request.properties), request.inputs
        raise ProviderError(f"{request.name}: the sandbox cannot import a {kind.name}")


def _detail(change: Change) -> PropertyDiff:
    kind = DiffKind[change.verb.upper() + ("_REPLACE" if change.replace else "")]
    return PropertyDiff(kind, input_diff=change.of_input)
