"""The check of the restricted Pod Security Standard finds what each of its controls forbids."""

import copy
from typing import Any

import pytest

from tests.support.pod_standard import violations

pytestmark = pytest.mark.conformance

GOOD: dict[str, Any] = {
    "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
    "containers": [
        {
            "name": "main",
            "ports": [{"containerPort": 8080}],
            "livenessProbe": {"httpGet": {"path": "/", "port": 8080}},
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }
    ],
    "volumes": [{"name": "tmp", "emptyDir": {}}],
}
POD: list[tuple[dict[str, Any], str]] = [
    ({"hostNetwork": True}, "hostNetwork is true"),
    ({"hostPID": True}, "hostPID is true"),
    ({"hostIPC": True}, "hostIPC is true"),
    ({"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}, "volume v is of type hostPath"),
]
POD_CONTEXT: list[tuple[dict[str, Any], str]] = [
    ({"sysctls": [{"name": "kernel.msgmax"}]}, "sysctl kernel.msgmax is not safe"),
    ({"runAsUser": 0}, "pod: runAsUser is 0"),
    ({"runAsNonRoot": False}, "container main: runAsNonRoot is not true"),
    ({"seccompProfile": {"type": "Unconfined"}}, "pod: seccompProfile is not RuntimeDefault or Localhost"),
    ({"windowsOptions": {"hostProcess": True}}, "pod: hostProcess is true"),
    ({"appArmorProfile": {"type": "Unconfined"}}, "pod: appArmorProfile is not a confining one"),
    ({"seLinuxOptions": {"type": "spc_t"}}, "pod: seLinuxOptions has a type, user or role of its own"),
]
CONTAINER_CONTEXT: list[tuple[dict[str, Any], str]] = [
    ({"privileged": True}, "privileged is true"),
    ({"allowPrivilegeEscalation": True}, "allowPrivilegeEscalation is not false"),
    ({"capabilities": {}}, "capabilities do not drop ALL"),
    ({"capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]}}, "capabilities add NET_ADMIN"),
    ({"procMount": "Unmasked"}, "procMount is not Default"),
    ({"runAsUser": 0}, "runAsUser is 0"),
    ({"runAsNonRoot": False}, "runAsNonRoot is not true"),
    ({"seccompProfile": {"type": "Unconfined"}}, "seccompProfile is not RuntimeDefault or Localhost"),
]
CONTAINER: list[tuple[dict[str, Any], str]] = [
    ({"ports": [{"containerPort": 80, "hostPort": 80}]}, "a port has a hostPort"),
    ({"livenessProbe": {"httpGet": {"host": "example.org", "port": 80}}}, "a probe or lifecycle handler names a host"),
    ({"lifecycle": {"preStop": {"tcpSocket": {"host": "x"}}}}, "a probe or lifecycle handler names a host"),
]


def changed(*path: Any, **changes: Any) -> dict[str, Any]:
    """Return GOOD with `changes` at `path`."""
    spec = copy.deepcopy(GOOD)
    target = spec
    for step in path:
        target = target[step]
    target.update(changes)
    return spec


def test_a_good_pod_passes() -> None:
    assert violations(GOOD) == []


def test_binding_low_ports_is_allowed() -> None:
    capabilities = {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}
    assert violations(changed("containers", 0, "securityContext", capabilities=capabilities)) == []


@pytest.mark.parametrize(("changes", "sentence"), POD, ids=lambda value: str(value))
def test_the_pod_is_checked(changes: dict[str, Any], sentence: str) -> None:
    assert violations(changed(**changes)) == [sentence]


@pytest.mark.parametrize(("changes", "sentence"), POD_CONTEXT, ids=lambda value: str(value))
def test_the_context_of_the_pod_is_checked(changes: dict[str, Any], sentence: str) -> None:
    assert violations(changed("securityContext", **changes)) == [sentence]


@pytest.mark.parametrize(("changes", "sentence"), CONTAINER_CONTEXT, ids=lambda value: str(value))
def test_the_context_of_each_container_is_checked(changes: dict[str, Any], sentence: str) -> None:
    spec = changed("containers", 0, "securityContext", **changes)
    assert violations(spec) == [f"container main: {sentence}"]


@pytest.mark.parametrize(("changes", "sentence"), CONTAINER, ids=lambda value: str(value))
def test_access_of_a_container_to_the_host_is_checked(changes: dict[str, Any], sentence: str) -> None:
    assert violations(changed("containers", 0, **changes)) == [f"container main: {sentence}"]


def test_init_containers_are_checked_like_the_others() -> None:
    spec = changed(initContainers=[{"name": "first"}])
    assert violations(spec) == [
        "container first: allowPrivilegeEscalation is not false",
        "container first: capabilities do not drop ALL",
    ]


def test_a_pod_without_any_context_is_refused_for_each_thing_that_must_be_set() -> None:
    assert violations({"containers": [{"name": "bare"}]}) == [
        "container bare: runAsNonRoot is not true",
        "container bare: seccompProfile is not set",
        "container bare: allowPrivilegeEscalation is not false",
        "container bare: capabilities do not drop ALL",
    ]
