"""Run the whole program under Pulumi mocks and record the resources that it registers.

`render(stack)` executes `__main__.py` with the values of the real stack file and returns a `Rendered`.
Secrets are unwrapped in `inputs`; `secret_paths` has their places.

Results are kept for the whole session and shared by all callers with the same program and values: rendering again costs
nothing, so tests need no fixture for it. Read the result, never change it.
"""

import asyncio
import base64
import gc
import hashlib
import json
import runpy
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
import yaml
from google.protobuf import json_format, struct_pb2
from pulumi.runtime import mocks, rpc, set_all_config, settings
from pulumi.runtime.proto import resource_pb2, source_pb2
from pulumi.runtime.stack import Stack

from tests.support import charts, clouds, keys

ROOT = Path(__file__).resolve().parents[2]
_SIGNATURE = rpc._special_sig_key
_SECRET = rpc._special_secret_sig
_TOKEN = ("ca.crt", "token")


@dataclass(frozen=True)
class Resource:
    """One registered resource."""

    urn: str
    type: str
    name: str
    parent: str
    """URN."""
    custom: bool
    provider: str
    """`urn::id`, or '' for the default provider."""
    inputs: dict[str, Any]
    secret_paths: frozenset[str]
    dependencies: frozenset[str]
    ignored: tuple[str, ...]
    protected: bool
    timeouts: dict[str, str]
    retained: bool
    deleted_first: bool
    """Whether the old resource is deleted before its replacement is created."""
    former_types: frozenset[str]
    """Earlier types of the resource, by its own aliases."""

    @property
    def is_kubernetes_object(self) -> bool:
        """Whether this is an object of the Kubernetes API (not a chart, not a provider)."""
        return self.type.startswith("kubernetes:") and not self.type.startswith("kubernetes:helm.sh/")


@dataclass
class Rendered:
    """The program's resources, the stack's outputs, and each component's outputs by URN."""

    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    registered_outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """The program's calls of providers while it ran: token and arguments."""

    # Stacks have thousands of resources, and some tests ask for each of them.
    @cached_property
    def _by_name(self) -> dict[str, list[Resource]]:
        by_name: dict[str, list[Resource]] = {}
        for resource in self.resources:
            by_name.setdefault(resource.name, []).append(resource)
        return by_name

    @cached_property
    def parents(self) -> dict[str, str]:
        """The URN of each resource's parent, by URN."""
        return {resource.urn: resource.parent for resource in self.resources}

    def of_type(self, type_: str) -> list[Resource]:
        """All resources with the type token `type_`."""
        return [resource for resource in self.resources if resource.type == type_]

    def named(self, name: str) -> Resource:
        """The only resource with the logical name `name`. Raises AssertionError unless there is exactly one."""
        found = self._by_name.get(name, [])
        assert len(found) == 1, f"{len(found)} resources are called {name!r}: {sorted(self._by_name)}"
        return found[0]

    def objects(self, kind: str | None = None) -> list[Resource]:
        """All Kubernetes objects, or those of `kind`."""
        return [r for r in self.resources if r.is_kubernetes_object and kind in (None, r.inputs["kind"])]

    def some_objects(self, kind: str | None = None) -> list[Resource]:
        """The same as `objects`. Raises AssertionError if there are none, so that a test cannot pass on nothing."""
        found = self.objects(kind)
        assert found, f"there is no {kind or 'object'}"
        return found


def outputs_of(resource_type: str, name: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs, and the outputs that a provider would add to them. Other types have only their inputs."""
    table: dict[str, dict[str, Any]] = {
        "tls:index/selfSignedCert:SelfSignedCert": {"certPem": f"certificate of {name}\n"},
        "tls:index/certRequest:CertRequest": {"certRequestPem": f"request of {name}\n"},
        "tls:index/locallySignedCert:LocallySignedCert": {"certPem": f"certificate of {name}\n"},
        "random:index/randomString:RandomString": {"result": "x7k2p9"},
        # The engine keeps the first input; under mocks there is no second one.
        "pulumi:index:Stash": {"output": inputs.get("input")},
        "random:index/randomPassword:RandomPassword": {
            "result": _secret(f"password-of-{name}"),
            "bcryptHash": _secret(f"hash-of-{name}"),
        },
    }
    if resource_type == "tls:index/privateKey:PrivateKey":
        table[resource_type] = _key_outputs(name, inputs["algorithm"])
    if inputs.get("type") == "kubernetes.io/service-account-token":
        table[resource_type] = {"data": {key: base64.b64encode(f"{key} of {name}".encode()).decode() for key in _TOKEN}}
    if resource_type == "kubernetes:core/v1:Service" and inputs.get("spec", {}).get("type") == "LoadBalancer":
        address = f"198.51.100.{hashlib.sha256(name.encode()).digest()[0]}"
        table[resource_type] = {"status": {"loadBalancer": {"ingress": [{"ip": address}]}}}
    return {**inputs, **clouds.outputs_of(resource_type, name, inputs), **table.get(resource_type, {})}


def _key_outputs(name: str, algorithm: str) -> dict[str, Any]:
    key = keys.private_key(name, algorithm)
    # Only the signer of tokens parses the key; all others just pass it on.
    pem = keys.private_pem(key) if algorithm == "ED25519" else f"key of {name}\n"
    return {
        "privateKeyPem": _secret(pem),
        "privateKeyPemPkcs8": _secret(f"pkcs8 key of {name}\n"),
        "publicKeyPem": keys.public_pem(key),
    }


def _secret(value: str) -> dict[str, str]:
    return {_SIGNATURE: _SECRET, "value": value}


class _Recorder(mocks.MockMonitor):
    """The SDK's monitor under mocks, on plain dictionaries, because the SDK's own conversions are slower."""

    def __init__(self) -> None:
        super().__init__(_NoMocks())
        self.rendered = Rendered()

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        urn = self.make_urn(request.parent, request.type, request.name)
        if request.type == "pulumi:pulumi:Stack":
            return resource_pb2.RegisterResourceResponse(urn=urn)
        inputs = json_format.MessageToDict(request.object)
        self.rendered.resources.append(_recorded(request, urn, inputs))
        outputs = _struct(outputs_of(request.type, request.name, inputs))
        id_ = clouds.id_of(request.type, request.name)
        return resource_pb2.RegisterResourceResponse(urn=urn, id=id_, object=outputs)

    def Invoke(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        arguments = json_format.MessageToDict(request.args)
        self.rendered.calls.append((request.tok, arguments))
        answer = charts.answer(request.tok, arguments) or clouds.answer(request.tok, arguments)
        assert answer is not None, f"the program must not look things up while it runs: {request.tok}"
        response = resource_pb2.ResourceInvokeResponse()
        getattr(response, "return").CopyFrom(_struct(answer))
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        outputs = json_format.MessageToDict(request.outputs)
        self.rendered.registered_outputs[request.urn] = outputs
        if "::pulumi:pulumi:Stack::" in request.urn:
            self.rendered.outputs = outputs
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


class _NoMocks(mocks.Mocks):
    """Mocks that refuse every request: the recorder answers all those that the program may make."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        raise AssertionError(f"the program must not read what it did not make: {args.typ} {args.name}")

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"the program must not call methods of resources: {args.token}")


def _struct(value: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(value)
    return struct


def _recorded(request: Any, urn: str, wire_inputs: dict[str, Any]) -> Resource:
    secret_paths: set[str] = set()
    inputs = _plain(wire_inputs, "", secret_paths)
    return Resource(
        urn=urn,
        type=request.type,
        name=request.name,
        parent=request.parent,
        custom=request.custom,
        provider=request.provider,
        inputs=inputs,
        secret_paths=frozenset(secret_paths),
        dependencies=frozenset(request.dependencies),
        ignored=tuple(request.ignoreChanges),
        protected=request.protect,
        retained=request.retainOnDelete,
        deleted_first=request.deleteBeforeReplace,
        former_types=frozenset(alias.spec.type for alias in request.aliases if alias.spec.type),
        timeouts=json_format.MessageToDict(request.customTimeouts),
    )


def _plain(value: Any, path: str, secret_paths: set[str]) -> Any:
    """`value` without the wire format's secret wrappers and with whole floats as ints."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            secret_paths.add(path)
            return _plain(value["value"], path, secret_paths)
        return {key: _plain(item, f"{path}.{key}".lstrip("."), secret_paths) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, f"{path}[{index}]", secret_paths) for index, item in enumerate(value)]
    return int(value) if isinstance(value, float) and value.is_integer() else value


BEHIND_A_CDN: dict[str, Any] = {
    "sacred-council:regions": [{"name": "local", "cloud": "existing", "gatewayAddress": "192.0.2.7"}],
    "sacred-council:edge": {"domain": "example.org", "cdn": "aws"},
}
"""Settings that put a CDN in front of the local stack."""


def stack_config(stack: str) -> dict[str, Any]:
    """The `config` block of the real stack file. The caller may change it."""
    return deepcopy(_stack_config(stack))


@cache
def _stack_config(stack: str) -> dict[str, Any]:
    document = yaml.safe_load((ROOT / f"Pulumi.{stack}.yaml").read_text())
    return dict(document["config"])


def stack_header(stack: str) -> str:
    """The comment at the head of the real stack file, in one line."""
    comment, _, _ = (ROOT / f"Pulumi.{stack}.yaml").read_text().partition("config:\n")
    return " ".join(line.removeprefix("#").strip() for line in comment.splitlines())


TOLD: Mapping[str, str] = {"sacred-council:alertWebhookUrl": "https://example.org/alerts"}
"""The secret that gives alerts a receiver: here one under the stack's own domain."""


def render(
    stack: str, overrides: Mapping[str, Any] | None = None, *, secrets: Mapping[str, str] | None = None
) -> Rendered:
    """Render `stack`. `overrides` replaces whole config keys (with the project's prefix); None removes a key.

    `secrets` are config keys that the engine has decrypted.
    """
    return render_program(stack, _config(stack, overrides), secrets=secrets)


def render_anew(stack: str, overrides: Mapping[str, Any] | None = None) -> Rendered:
    """The same as `render`, but run the program each time: for tests that watch it."""
    return _rendered.__wrapped__(ROOT / "__main__.py", stack, json.dumps(_config(stack, overrides)), ())


def _config(stack: str, overrides: Mapping[str, Any] | None) -> dict[str, Any]:
    config = {**stack_config(stack), **(overrides or {})}
    return {key: value for key, value in config.items() if value is not None}


def render_program(
    stack: str,
    config: Mapping[str, Any],
    program: Path = ROOT / "__main__.py",
    *,
    secrets: Mapping[str, str] | None = None,
) -> Rendered:
    """Run `program` with `config` under mocks, once per session. The program's exceptions reach the caller."""
    return _rendered(program, stack, json.dumps({**config, **(secrets or {})}), tuple(secrets or ()))


@cache
def _rendered(program: Path, stack: str, config: str, secrets: tuple[str, ...]) -> Rendered:
    recorder = _Recorder()
    # Only the engine uses the stack trace of each registration, which takes as long as everything else.
    with _fresh_runtime(), mock.patch("pulumi.runtime.resource._get_stack_trace", source_pb2.StackTrace):
        values = json.loads(config).items()
        set_all_config(
            {key: value if isinstance(value, str) else json.dumps(value) for key, value in values}, list(secrets)
        )
        mocks.set_mocks(recorder.mocks, project="sacred-council", stack=stack, monitor=recorder)

        def run() -> None:
            # Return nothing: the SDK would look for outputs in the module's globals.
            runpy.run_path(str(program), run_name="__main__")
            # The stack under mocks registers its exports before the program runs.
            stack = settings.get_root_resource()
            if isinstance(stack, Stack):
                stack.register_outputs(stack.outputs)

        pulumi.runtime.test(run)()  # type: ignore[no-untyped-call]
    return recorder.rendered


class _Loop(asyncio.SelectorEventLoop):
    """An event loop that runs the SDK's requests at once, not in threads: the recorder never waits."""

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class _fresh_runtime:  # noqa: N801 - reads as a with statement
    """Reset the SDK's globals (root stack, pending outputs) before and after a program.

    Meanwhile Python looks for no cyclic garbage, which would take a quarter of the time.
    """

    def __enter__(self) -> None:
        gc.disable()
        asyncio.set_event_loop(_Loop())
        settings.reset_options()

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_event_loop()
        settings.reset_options()
        set_all_config({}, [])
        loop.close()
        asyncio.set_event_loop(None)
        gc.enable()


def ancestors(rendered: Rendered, resource: Resource) -> Iterator[str]:
    """URNs of the resource's parents, nearest first, without the stack."""
    urn = resource.parent
    while urn in rendered.parents:
        yield urn
        urn = rendered.parents[urn]
