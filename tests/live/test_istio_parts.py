"""What the sandbox's istiod and proxies are started with."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from sandbox import binaries
from sandbox.controllers import istio, istio_charts, istio_proxy
from sandbox.controllers.containers import Container
from sandbox.layout import PROJECT

pytestmark = pytest.mark.unit

POD: dict[str, Any] = {
    "metadata": {
        "name": "agent-network-1",
        "namespace": "sacred-council",
        "labels": {"app": "agent-network", "quoted": 'a"b'},
        "annotations": {istio.PROXY_STATUS: "{}"},
    },
    "spec": {"nodeName": "local-a", "serviceAccountName": "agent-network"},
    "status": {"podIP": "10.0.0.7", "hostIP": "10.0.0.1"},
}


def test_only_the_filter_that_stock_envoy_lacks_leaves_the_mesh_configuration() -> None:
    given = {"trustDomain": "x", "defaultProviders": {"metrics": ["prometheus", "other"], "tracing": ["otel"]}}
    left = yaml.safe_load(istio.mesh_configuration(yaml.safe_dump(given)))
    assert left == {"trustDomain": "x", "defaultProviders": {"metrics": ["other"], "tracing": ["otel"]}}
    charts_own = yaml.safe_dump({"defaultProviders": {"metrics": ["prometheus"]}, "rootNamespace": "istio-system"})
    assert yaml.safe_load(istio.mesh_configuration(charts_own)) == {"rootNamespace": "istio-system"}


def test_every_api_server_has_a_loopback_address_of_its_own() -> None:
    assert istio.loopback_address(20612) == "127.80.132.1"
    addresses = {istio.loopback_address(port) for port in range(1024, 65536)}
    assert len(addresses) == 65536 - 1024
    assert "127.0.0.1" not in addresses


def test_webhooks_are_answered_at_the_address_with_their_own_paths() -> None:
    service = {"name": "istiod", "namespace": "istio-system", "path": "/inject", "port": 443}
    configuration = {
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": "istio-sidecar-injector", "labels": {"istio.io/rev": "default"}},
        "webhooks": [{"name": "a.sidecar-injector.istio.io", "clientConfig": {"service": service, "caBundle": "old"}}],
    }
    answered = istio_charts.answered_at(configuration, "https://127.80.132.1:15017")
    assert answered["webhooks"] == [
        {"name": "a.sidecar-injector.istio.io", "clientConfig": {"url": "https://127.80.132.1:15017/inject"}}
    ]
    assert answered["metadata"]["labels"] == {"istio.io/rev": "default", **istio_charts.MARK}


def test_pods_without_a_proxy_are_found_if_something_replaces_them() -> None:
    def pod(owner: str, **metadata: Any) -> dict[str, Any]:
        return {"metadata": {"name": "a", "ownerReferences": [{"kind": owner}], **metadata}, "spec": {}}

    assert istio.lacks_proxy(pod("ReplicaSet"))
    assert not istio.lacks_proxy(pod("Job"))
    assert not istio.lacks_proxy(pod("ReplicaSet", labels={"sidecar.istio.io/inject": "false"}))
    assert not istio.lacks_proxy(pod("ReplicaSet", annotations={istio.PROXY_STATUS: "{}"}))
    assert not istio.lacks_proxy({"metadata": {"name": "alone"}, "spec": {}})


@pytest.fixture
def runner(tmp_path: Path) -> istio_proxy.IstioProxy:
    """A runner whose programs are text files."""
    for name in ("pilot-agent", "envoy", "template"):
        (tmp_path / name).write_text(name)
    return istio_proxy.IstioProxy(
        agent=tmp_path / "pilot-agent", envoy=tmp_path / "envoy", template=tmp_path / "template"
    )


def container(tmp_path: Path, name: str, *command: str, **environment: str) -> Container:
    spec = {"name": name, "securityContext": {"runAsUser": 1337, "runAsGroup": 1337}}
    folders = {"directory": tmp_path / "own", "root": tmp_path / "root"}
    return Container(
        region="local", pod=POD, spec=spec, command=command, environment=environment, namespace="pod-1", **folders
    )


def test_a_proxy_runs_with_the_pods_arguments_and_the_sandboxs_programs(
    tmp_path: Path, runner: istio_proxy.IstioProxy
) -> None:
    given = {"PROXY_CONFIG": '{"concurrency": 2}', "TRUST_DOMAIN": "sacred-council.love"}
    process = runner.process(container(tmp_path, "istio-proxy", "proxy", "router", **given))
    root = tmp_path / "root"
    assert process.command == ("./usr/local/bin/pilot-agent", "proxy", "router")
    assert (process.directory, process.user, process.group) == (root, 1337, 1337)
    assert json.loads(process.environment["PROXY_CONFIG"]) == {"concurrency": 2, "binaryPath": "./usr/local/bin/envoy"}
    assert process.environment["TRUST_DOMAIN"] == "sacred-council.love"
    assert (root / "usr/local/bin/envoy").read_text() == "envoy"
    assert (root / "var/lib/istio/envoy/envoy_bootstrap_tmpl.json").read_text() == "template"


def test_a_newer_program_replaces_the_old_one_in_the_containers_directory(
    tmp_path: Path, runner: istio_proxy.IstioProxy
) -> None:
    ran = container(tmp_path, "istio-proxy", "proxy", "sidecar")
    runner.process(ran)
    runner.envoy.unlink()
    runner.envoy.write_text("a newer envoy")
    runner.process(ran)
    assert (tmp_path / "root/usr/local/bin/envoy").read_text() == "a newer envoy"


def test_connections_are_redirected_as_root_and_then_checked_as_the_proxys_user(
    tmp_path: Path, runner: istio_proxy.IstioProxy
) -> None:
    command = ("istio-iptables", "-i", "*", "--run-validation", "--skip-rule-apply")
    process = runner.process(container(tmp_path, "istio-validation", *command))
    assert process.user == 0
    tools = tmp_path / "tools"
    tools.mkdir()
    (tmp_path / "root/usr/local/bin/pilot-agent").unlink()
    for path, prefix in ((tmp_path / "root/usr/local/bin/pilot-agent", "agent"), (tools / "setpriv", "setpriv")):
        path.write_text(f'#!/bin/sh\nprintf "{prefix}"; printf " [%s]" "$@"; echo\n')
        path.chmod(0o755)
    environment = {"PATH": f"{tools}:{os.environ['PATH']}"}
    said = subprocess.run(process.command, cwd=process.directory, env=environment, capture_output=True, text=True)
    identity = "[--reuid=1337] [--regid=1337] [--clear-groups]"
    assert said.stdout.splitlines() == [
        "agent [istio-iptables] [-i] [*]",
        f"setpriv {identity} [./usr/local/bin/pilot-agent] [istio-iptables] [-i] [*] [--run-validation]"
        " [--skip-rule-apply]",
    ]


def test_only_containers_that_istiod_added_are_run(runner: istio_proxy.IstioProxy) -> None:
    not_injected = {"metadata": {"name": "gateway"}, "spec": {}}
    assert runner.runs(POD, {"name": "istio-proxy"})
    assert runner.runs(POD, {"name": "istio-validation"})
    assert not runner.runs(POD, {"name": "agent-network"})
    assert not runner.runs(not_injected, {"name": "istio-proxy", "image": "auto"})


@pytest.mark.parametrize("binary", binaries.ISTIO, ids=lambda binary: str(binary.name))
def test_istios_programs_are_tools_of_one_pinned_module(binary: binaries.Binary) -> None:
    module = (PROJECT / "tools" / binary.tool / "go.mod").read_text()
    assert re.search(rf"^\t{re.escape(binary.package)}$", module, re.M)
    assert binaries.pinned_version(binary.tool, binary.module).startswith("v0.0.0-2026")
    assert (PROJECT / "tools" / binary.tool / "go.sum").is_file()
