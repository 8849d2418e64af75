"""Resources that are only values (random, tls): made once and kept in the stack's state, without a system behind them.

A provider of such resources is a table of `Kind`s. What they have in common is here and free of gRPC: checking inputs,
filling in defaults, deciding between same, update and replace, making the state. All dicts hold plain values
(`values.py`): an input may be `UNKNOWN` or wrapped in `Secret`.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sandbox.providers.values import UNKNOWN, Secret, has_unknown, plain

State = dict[str, Any]
"""The stored properties of one resource: its inputs with defaults, and what was computed."""

_TYPE_NAMES: Mapping[type, str] = {
    str: "a string",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "a map",
}


@dataclass(frozen=True)
class Problem:
    """A problem of an input: its property and a sentence for the user."""

    property: str
    reason: str


@dataclass(frozen=True)
class Change:
    """One property that differs from the state. `verb` is `add`, `update` or `delete`."""

    verb: str
    replace: bool
    of_input: bool = True


def always(_old: Any, _new: Any) -> bool:
    """Every change of the property replaces the resource."""
    return True


def never(_old: Any, _new: Any) -> bool:
    """No change of the property replaces the resource."""
    return False


@dataclass(frozen=True, kw_only=True)
class Input:
    """One input property: its type, its default, and what a change of it does.

    `accepts` returns the problem of a known value, or None.
    """

    type: type
    required: bool = False
    default: Any = None
    secret: bool = False
    replaces: Callable[[Any, Any], bool] = always
    accepts: Callable[[Any], str | None] = lambda _value: None


@dataclass(frozen=True)
class Made:
    """The result of creating a resource: its id and the computed properties."""

    id: str
    properties: State


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One resource type."""

    name: str
    """Type token, such as `random:index/randomPassword:RandomPassword`."""
    inputs: Mapping[str, Input]
    outputs: Mapping[str, bool]
    """Computed properties; true for secret ones."""
    make: Callable[[State], Made]
    """Makes the resource from its planned inputs, which are known and unwrapped."""
    problems: Callable[[State], Iterable[Problem]] = lambda _inputs: ()
    """Checks inputs against each other."""
    due: Callable[[State], str | None] = lambda _state: None
    """Names a computed boolean property that has become true with time and requires a replacement."""
    defaults: State = field(init=False)

    def __post_init__(self) -> None:
        defaults = {name: spec.default for name, spec in self.inputs.items() if spec.default is not None}
        object.__setattr__(self, "defaults", defaults)


def check(kind: Kind, inputs: State) -> list[Problem]:
    """Everything that is wrong with the inputs, each with its property; values not known yet pass."""
    known = {name: plain(value) for name, value in inputs.items() if value is not None}
    found = [Problem(name, _unexpected(kind, name)) for name in known if _is_foreign(kind, name)]
    for name, spec in kind.inputs.items():
        if name not in known:
            if spec.required:
                found.append(Problem(name, f"{name} is missing; set it to {_TYPE_NAMES[spec.type]}"))
        elif (reason := _wrong(spec, known[name])) is not None:
            found.append(Problem(name, f"{name} {reason}"))
    return found or list(kind.problems(kind.defaults | known))


def _is_foreign(kind: Kind, name: str) -> bool:
    return name not in kind.inputs and not name.startswith("__")


def _unexpected(kind: Kind, name: str) -> str:
    close = difflib.get_close_matches(name, kind.inputs, n=1)
    hint = f"did you mean {close[0]}?" if close else f"it has {', '.join(sorted(kind.inputs))}"
    return f"{kind.name} has no input {name}; {hint}"


def _wrong(spec: Input, value: Any) -> str | None:
    if value is UNKNOWN:
        return None
    # In Python, a bool is an int; for users it is not.
    fits = isinstance(value, spec.type) and isinstance(value, bool) == (spec.type is bool)
    if not fits:
        shown = "a secret" if spec.secret else repr(value)
        return f"is {shown}; it must be {_TYPE_NAMES[spec.type]}"
    return None if has_unknown(value) else spec.accepts(value)


def mark_secrets(kind: Kind, inputs: State) -> State:
    """The inputs with those that are always secret wrapped in `Secret`."""
    return {name: _sealed(value, name in kind.inputs and kind.inputs[name].secret) for name, value in inputs.items()}


def _sealed(value: Any, secret: bool) -> Any:
    return Secret(value) if secret and value is not None and not isinstance(value, Secret) else value


def planned(kind: Kind, inputs: State) -> State:
    """The inputs as they will be stored: with defaults, without null."""
    given = {name: value for name, value in inputs.items() if value is not None and name in kind.inputs}
    return kind.defaults | given


def preview(kind: Kind, inputs: State) -> State:
    """The state to expect from creating the resource: computed properties are unknown, secret ones marked."""
    computed = {name: _sealed(UNKNOWN, secret) for name, secret in kind.outputs.items()}
    return mark_secrets(kind, planned(kind, inputs)) | computed


def create(kind: Kind, inputs: State) -> tuple[str, State]:
    """Make the resource: its id and its state. Raises `ValueError` when the inputs turn out not to work together."""
    stored = planned(kind, inputs)
    made = kind.make(plain(stored))
    return made.id, mark_secrets(kind, stored) | _computed(kind, made.properties)


def _computed(kind: Kind, properties: State) -> State:
    return {
        name: _sealed(value, kind.outputs.get(name, False))
        for name, value in properties.items()
        if name not in kind.inputs
    }


def update(kind: Kind, state: State, inputs: State) -> State:
    """The state after changes that do not replace: new inputs, old computed properties."""
    return mark_secrets(kind, planned(kind, inputs)) | _computed(kind, state)


def changes(kind: Kind, state: State, inputs: State) -> dict[str, Change]:
    """The properties that differ between the state and the new inputs, and whether each replaces the resource."""
    old, new = plain(state), plain(planned(kind, inputs))
    found: dict[str, Change] = {}
    for name, spec in kind.inputs.items():
        before, after = old.get(name), new.get(name)
        if before != after:
            verb = "add" if before is None else "delete" if after is None else "update"
            found[name] = Change(verb, spec.replaces(before, after))
    due = kind.due(old | new)
    if due is not None:
        found[due] = Change("update", replace=True, of_input=False)
    return found


def refreshed(kind: Kind, state: State) -> State:
    """The state as time has changed it: the property that calls for a replacement is true."""
    due = kind.due(plain(state))
    return state if due is None else state | {due: True}
