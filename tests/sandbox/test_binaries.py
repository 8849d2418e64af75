"""The sandbox's programs, and building the missing ones."""

import re
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from components import versions
from sandbox import binaries, deployment, golang
from sandbox.binaries import (
    ARGO_CD,
    CERT_MANAGER,
    CONTROL_PLANE,
    ENGINE,
    FOR_TESTS,
    HELM,
    ISTIO,
    KEDA,
    KUBERNETES_PROVIDER,
    KUBERNETES_PROVIDER_VERSION,
    NETWORK,
    Binary,
)
from sandbox.layout import PROJECT, Layout, SandboxError

pytestmark = pytest.mark.unit

MODULES = tuple(binary for binary in FOR_TESTS if not binary.package.startswith("."))
"""Those that are built from the module of others. Our own Go code is not a tool of its module."""
ALL = (ENGINE, *CONTROL_PLANE, *NETWORK, *MODULES, *ISTIO, *CERT_MANAGER[1:], ARGO_CD, *KEDA)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    """An empty sandbox."""
    return Layout(project=PROJECT, home=tmp_path, binaries=tmp_path / "built")


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A `go` that makes the file after `-o` and records its arguments in a list of calls."""
    command = tmp_path / "go"
    calls = tmp_path / "calls"
    command.write_text(
        f'#!/bin/sh\necho "$*" >> {calls}\n'
        'while [ $# -gt 0 ]; do [ "$1" = -o ] && echo made > "$2"; shift; done\n'
        f'[ -e {tmp_path}/broken ] && echo "compile error" && exit 1\nexit 0\n'
    )
    command.chmod(0o755)
    monkeypatch.setattr(golang, "find_or_install", lambda: command)
    return calls


@pytest.mark.parametrize("binary", ALL, ids=lambda binary: binary.name)
def test_every_program_is_pinned_by_a_module_that_names_it_as_a_tool(binary: Binary) -> None:
    module = (PROJECT / "tools" / binary.tool / "go.mod").read_text()
    assert re.search(rf"^(tool |\t){re.escape(binary.package)}$", module, re.M)
    assert re.fullmatch(r"v\d+\.\d+\.\d+(-\d{14}-[0-9a-f]{12})?", binaries.pinned_version(binary.tool, binary.module))
    assert (PROJECT / "tools" / binary.tool / "go.sum").is_file()


@pytest.mark.parametrize("official", [None, "/usr/local/bin/pulumi"])
def test_up_builds_the_engine_the_control_plane_and_the_provider_alone(
    official: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Helm, the linters and the controllers are for tests: whoever wants the local stack does not wait for them.
    monkeypatch.setattr("sandbox.engine.official", lambda: official)
    built = {binary.name for binary in deployment.needed_binaries()}
    servers = {"etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"}
    servers |= {"kwok", "kwokctl", "metrics-server"}
    assert built == servers | {"pulumi-resource-kubernetes"} | (set() if official else {"pulumi"})


def requirements(tool: str) -> dict[str, str]:
    """The modules that tools/<tool> needs, with their versions."""
    return dict(re.findall(r"^(?:require |\t)(\S+) (v\S+)", (PROJECT / "tools" / tool / "go.mod").read_text(), re.M))


def test_the_only_go_code_of_our_own_starts_official_programs_and_lies_to_a_ledger() -> None:
    tools = ("kubernetes-provider", "cert-manager", "collector", "cometbft/liar")
    provider, controller, collector, liar = (PROJECT / "tools" / tool / "main.go" for tool in tools)
    assert set((PROJECT / "tools").rglob("*.go")) == {provider, controller, collector, liar}
    statements = [line for line in provider.read_text().splitlines() if line and not line.startswith("//")]
    assert len(statements) == 10
    assert '\tprovider.Serve("kubernetes", version.Version, schema, nil)' in statements
    assert "range controller.Known()" in controller.read_text()
    assert "otelcol.NewCommand(" in collector.read_text()
    assert "consensus.VoteChannel" in liar.read_text()


def test_the_collector_has_the_version_of_its_image() -> None:
    version = versions.OPENTELEMETRY_COLLECTOR_IMAGE.rpartition(":")[2]
    assert binaries.pinned_version("collector", "go.opentelemetry.io/collector/otelcol") == f"v{version}"


def test_cert_manager_s_controller_has_the_version_of_its_chart() -> None:
    assert binaries.pinned_version("cert-manager", CERT_MANAGER[0].module) == versions.CERT_MANAGER.version


def test_the_kubernetes_provider_has_the_version_of_the_sdk() -> None:
    assert metadata.version("pulumi-kubernetes") == KUBERNETES_PROVIDER_VERSION
    # The commit of release v4.25.0.
    assert requirements("kubernetes-provider")[KUBERNETES_PROVIDER.module].endswith("-f47bc2d6f199")


def test_what_kwok_shares_with_the_control_plane_is_compiled_once() -> None:
    shared = compiled_with("kwok").keys() & compiled_with("sandbox").keys()
    assert len(shared) > 100
    different = {name for name in shared if compiled_with("kwok")[name] != compiled_with("sandbox")[name]}
    # KWOK reads logs with a function that older versions of this library lack.
    assert different == {"k8s.io/cri-api", "k8s.io/cri-client"}


def compiled_with(tool: str) -> dict[str, str]:
    """The modules that tools/<tool> needs, with the versions that are compiled: its replacements count."""
    text = (PROJECT / "tools" / tool / "go.mod").read_text()
    return requirements(tool) | dict(re.findall(r"^replace (\S+) => \S+ (v\S+)$", text, re.M))


def test_what_the_provider_shares_with_the_engine_is_compiled_once() -> None:
    mine, theirs = requirements("kubernetes-provider"), requirements("sandbox")
    shared = mine.keys() & theirs.keys()
    assert len(shared) > 200
    different = {name for name in shared if mine[name] != theirs[name]}
    # The provider's own code generator needs an older Pulumi.
    assert different == {"github.com/pulumi/pulumi/pkg/v3", "github.com/pulumi/pulumi/sdk/v3"}


def test_the_kubernetes_servers_know_their_version() -> None:
    server = next(binary for binary in CONTROL_PLANE if binary.name == "kube-apiserver")
    version = binaries.pinned_version("sandbox", "k8s.io/kubernetes")
    assert server.linker_flags == f"-s -w -X k8s.io/component-base/version.gitVersion={version}"


def test_argo_cd_and_its_engine_are_of_one_commit() -> None:
    """The engine's own version says the commit, and time, of release v3.5.3 of Argo CD."""
    module = (PROJECT / "tools" / "argocd" / "go.mod").read_text()
    assert binaries.pinned_version("argocd", ARGO_CD.module) == "v3.5.3"
    assert re.search(r"argo-cd/gitops-engine => \S+/gitops-engine v0\.0\.0-20260914071520-c9c369efcc5b$", module, re.M)


def test_a_changed_source_is_built_from_a_copy(layout: Layout, go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = layout.home / "module"
    (module / "controller").mkdir(parents=True)
    (module / "controller" / "appcontroller.go").write_text('listen(fmt.Sprintf("0.0.0.0:%d", metricsPort))\n')
    monkeypatch.setattr(golang, "module_folder", lambda *_: module)
    binaries.ensure(layout, [ARGO_CD])
    copy = layout.binaries / "changed" / "argocd"
    changed = (copy / "module" / "controller" / "appcontroller.go").read_text()
    assert changed == 'listen(fmt.Sprintf("127.0.0.1:%d", metricsPort))\n'
    assert f"replace {ARGO_CD.module} => {copy / 'module'}" in (copy / "go.mod").read_text()
    assert f"-modfile {copy / 'go.mod'}" in go.read_text()
    assert ARGO_CD.stamp != replace(ARGO_CD, changed=None).stamp


def test_a_source_that_no_longer_has_the_text_is_refused(
    layout: Layout, go: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = layout.home / "module"
    (module / "controller").mkdir(parents=True)
    (module / "controller" / "appcontroller.go").write_text("listen()\n")
    monkeypatch.setattr(golang, "module_folder", lambda *_: module)
    with pytest.raises(SandboxError, match=r"controller/appcontroller\.go has .* 0 times, not 1"):
        binaries.ensure(layout, [ARGO_CD])


def test_an_unknown_module_is_refused() -> None:
    with pytest.raises(ValueError, match=r"tools/kwok/go\.mod does not require example\.org/x"):
        binaries.pinned_version("kwok", "example.org/x")


def test_all_programs_share_what_is_compiled_but_the_packages_that_are_not_optimised() -> None:
    flags = {binary.name: binary.compiler_flags for binary in (*ALL, KUBERNETES_PROVIDER)}
    assert len({shared for shared, *_ in flags.values()}) == 1
    assert {name: own for name, (_, *own) in flags.items() if own} == {
        "pulumi-resource-kubernetes": ["-gcflags=github.com/pulumi/pulumi-kubernetes/sdk/v4/...=-N -l -dwarf=false"]
    }


def test_the_stamp_changes_with_what_determines_the_program() -> None:
    assert ENGINE.stamp != replace(ENGINE, package="other").stamp
    assert ENGINE.stamp != replace(ENGINE, linker_values=(("a.b", "c"),)).stamp
    assert ENGINE.stamp != replace(ENGINE, unoptimised="a.b/...").stamp
    assert HELM.stamp == replace(HELM).stamp


def test_what_is_missing_is_built_once(layout: Layout, go: Path) -> None:
    unchanged = [binary for binary in (HELM, *CONTROL_PLANE) if binary.changed is None]
    binaries.ensure(layout, unchanged)
    assert binaries.outdated(layout, unchanged) == []
    assert len(go.read_text().splitlines()) == len(unchanged) > 5
    binaries.ensure(layout, unchanged)
    assert len(go.read_text().splitlines()) == len(unchanged)


def test_a_new_version_is_built_again(layout: Layout, go: Path) -> None:
    binaries.ensure(layout, [HELM])
    newer = replace(HELM, version_variable=None)
    assert binaries.outdated(layout, [newer]) == [newer]


def test_a_failed_build_leaves_nothing_and_shows_what_go_said(layout: Layout, go: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with pytest.raises(SandboxError, match=r"(?s)\[1/1\] helm v.*go build failed.*compile error"):
        binaries.ensure(layout, [HELM])
    assert not binaries.path_of(layout, HELM).exists()
    (tmp_path / "broken").unlink()
    binaries.ensure(layout, [HELM])
    assert binaries.path_of(layout, HELM).read_text() == "made\n"


def test_a_half_written_program_without_its_stamp_is_built_again(layout: Layout, go: Path) -> None:
    path = binaries.path_of(layout, HELM)
    path.parent.mkdir(parents=True)
    path.write_text("half")
    binaries.ensure(layout, [HELM])
    assert path.read_text() == "made\n"


def test_without_go_and_without_a_virtual_environment_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("sandbox.golang.sys.executable", "/nowhere/python")
    monkeypatch.setattr("sandbox.golang.sys.prefix", "/usr")
    monkeypatch.setattr("sandbox.golang.sys.base_prefix", "/usr")
    with pytest.raises(SandboxError, match=r"Go is not installed\. Go 1\.26\S* or newer .* https://go\.dev/dl/"):
        golang.find_or_install()
