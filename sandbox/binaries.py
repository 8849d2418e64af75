"""The sandbox's programs: a list, and the build of those that are missing or out of date.

Each comes from a Go module under `tools/` that pins its version. A build writes to a temporary name first, so that an
interrupted one leaves no partial program. Go caches what it has compiled by then.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox import golang, lock, progress
from sandbox.layout import PROJECT, Layout, SandboxError

TOOLS = PROJECT / "tools"
ENGINE_DIRECTORY, PLUGIN_DIRECTORY, BIN_DIRECTORY = "engine", "plugins", "bin"


@dataclass(frozen=True)
class Change:
    """A text that is replaced in a source file of a module."""

    path: str
    """File in the module."""
    text: str
    replacement: str
    times: int = 1
    """How often the file has the text."""


@dataclass(frozen=True, kw_only=True)
class Binary:
    """A program that Go builds."""

    name: str
    tool: str
    """Folder under tools/."""
    package: str
    """Go package."""
    module: str
    """Go module that sets the version."""
    version_variable: str | None = None
    """Go variable that the linker sets to the module's version. None: the program needs none."""
    linker_values: tuple[tuple[str, str], ...] = ()
    """Other Go variables with the values that the linker sets."""
    tags: str = ""
    """Go build tags."""
    embedded: tuple[str, str] | None = None
    """A file that the package embeds: (path in tools/<tool>, path in the module)."""
    changed: Change | None = None
    """What is built differs in this from the module."""
    unoptimised: str = ""
    """Packages that the program links and hardly runs, as a pattern of Go: compiled quickly."""
    directory: str = BIN_DIRECTORY
    """Target folder of the build."""

    @property
    def compiler_flags(self) -> list[str]:
        """Options of `go build` for the compiler; of several that fit a package, the last counts."""
        # The linker drops the debug tables, so the compiler need not make them.
        quickly = [f"-gcflags={self.unoptimised}=-N -l -dwarf=false"] if self.unoptimised else []
        return ["-gcflags=all=-dwarf=false", *quickly]

    @property
    def linker_flags(self) -> str:
        """Options for `go build -ldflags`."""
        values = list(self.linker_values)
        if self.version_variable is not None:
            values.append((self.version_variable, pinned_version(self.tool, self.module)))
        # Without debug tables, a program is a third smaller and a third faster to write.
        return " ".join(["-s", "-w", *(f"-X {variable}={value}" for variable, value in values)])

    @property
    def stamp(self) -> str:
        """A text that changes whenever an input of the build changes."""
        digest = hashlib.sha256()
        for part in ("go.mod", "go.sum"):
            digest.update((TOOLS / self.tool / part).read_bytes())
        for source in sorted((TOOLS / self.tool / self.package).glob("*.go")):
            digest.update(source.read_bytes())
        digest.update(f"{self.package} {self.linker_flags}{self.tags}{self.embedded}".encode())
        if self.changed is not None:
            digest.update(f"{self.changed}".encode())
        digest.update(self.unoptimised.encode())
        return digest.hexdigest()


def pinned_version(tool: str, module: str) -> str:
    """The module's version in tools/<tool>/go.mod, such as `v1.35.0`."""
    found = re.search(rf"^\s*(?:require )?{re.escape(module)} (v\S+)", (TOOLS / tool / "go.mod").read_text(), re.M)
    if found is None:
        raise ValueError(f"tools/{tool}/go.mod does not require {module}")
    return found.group(1)


def _kubernetes(name: str) -> Binary:
    return Binary(
        name=name,
        tool="sandbox",
        package=f"k8s.io/kubernetes/cmd/{name}",
        module="k8s.io/kubernetes",
        version_variable="k8s.io/component-base/version.gitVersion",
    )


def _prometheus(name: str) -> Binary:
    return Binary(
        name=name,
        tool="promtool",
        package=f"github.com/prometheus/prometheus/cmd/{name}",
        module="github.com/prometheus/prometheus",
        # The SDKs of twenty clouds would take minutes to compile.
        tags="remove_all_sd,enable_dns_sd,enable_kubernetes_sd",
    )


ENGINE = Binary(
    name="pulumi",
    tool="sandbox",
    package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    module="github.com/pulumi/pulumi/pkg/v3",
    version_variable="github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
    directory=ENGINE_DIRECTORY,
)
KUBERNETES_PROVIDER_VERSION = "4.25.0"
"""The release whose commit tools/kubernetes-provider pins. The module's version cannot express it (docs/adr/0021)."""
KUBERNETES_PROVIDER = Binary(
    name="pulumi-resource-kubernetes",
    tool="kubernetes-provider",
    package=".",
    module="github.com/pulumi/pulumi-kubernetes/provider/v4",
    linker_values=(
        ("github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version", KUBERNETES_PROVIDER_VERSION),
    ),
    embedded=("schema.json", "cmd/pulumi-resource-kubernetes/schema.json"),
    # The types of all objects, for components that this program does not use.
    unoptimised="github.com/pulumi/pulumi-kubernetes/sdk/v4/...",
    directory=PLUGIN_DIRECTORY,
)
CONTROL_PLANE = (
    Binary(name="etcd", tool="sandbox", package="go.etcd.io/etcd/server/v3", module="go.etcd.io/etcd/server/v3"),
    _kubernetes("kube-apiserver"),
    _kubernetes("kube-controller-manager"),
    _kubernetes("kube-scheduler"),
    _kubernetes("kubectl"),
    # In a separate module: it needs a newer k8s.io/cri-client. All other libraries are those of the control plane, so
    # that they are compiled once.
    *(
        Binary(name=name, tool="kwok", package=f"sigs.k8s.io/kwok/cmd/{name}", module="sigs.k8s.io/kwok")
        for name in ("kwok", "kwokctl")
    ),
    Binary(
        name="metrics-server",
        tool="kwok",
        package="sigs.k8s.io/metrics-server/cmd/metrics-server",
        module="sigs.k8s.io/metrics-server",
        # Its OpenAPI document describes a type that Kubernetes has from 1.36 on. Nothing else needs it.
        changed=Change(
            "pkg/api/generated/openapi/zz_generated.openapi.go",
            "v1.ShardInfo{}.OpenAPIModelName()",
            '"io.k8s.apimachinery.pkg.apis.meta.v1.ShardInfo"',
            times=3,
        ),
    ),
)
KUBE_PROXY = _kubernetes("kube-proxy")
NETWORK = (KUBE_PROXY,)
"""What `python -m sandbox controllers` needs besides; `make up` does not build it."""
_KUBERNETES_VERSION = pinned_version("sandbox", "k8s.io/kubernetes").removeprefix("v").split(".")
HELM = Binary(
    name="helm",
    tool="sandbox",
    package="helm.sh/helm/v3/cmd/helm",
    module="helm.sh/helm/v3",
    version_variable="helm.sh/helm/v3/internal/version.version",
    # The Kubernetes version that `helm template` assumes by default.
    linker_values=(
        ("helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor", _KUBERNETES_VERSION[0]),
        ("helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor", _KUBERNETES_VERSION[1]),
    ),
)


def _istio(name: str) -> Binary:
    return Binary(name=name, tool="istio", package=f"istio.io/istio/pilot/cmd/{name}", module="istio.io/istio")


PILOT_DISCOVERY, PILOT_AGENT = _istio("pilot-discovery"), _istio("pilot-agent")
ISTIO = (PILOT_DISCOVERY, PILOT_AGENT)
"""Istio's control plane, and the program that runs its proxies. `make up` needs neither."""
FOR_TESTS = (
    HELM,
    _prometheus("promtool"),
    _prometheus("prometheus"),
    Binary(
        name="thanos",
        tool="thanos",
        package="github.com/thanos-io/thanos/cmd/thanos",
        module="github.com/thanos-io/thanos",
        # Without it Thanos expects another layout of Prometheus' labels and panics.
        tags="slicelabels",
    ),
    Binary(
        name="otelcol",
        tool="collector",
        package=".",
        module="go.opentelemetry.io/collector/otelcol",
        version_variable="main.version",
    ),
    Binary(
        name="amtool",
        tool="alertmanager",
        package="github.com/prometheus/alertmanager/cmd/amtool",
        module="github.com/prometheus/alertmanager",
    ),
    Binary(
        name="kubeconform",
        tool="kubeconform",
        package="github.com/yannh/kubeconform/cmd/kubeconform",
        module="github.com/yannh/kubeconform",
    ),
    Binary(
        name="kube-score",
        tool="kube-score",
        package="github.com/zegl/kube-score/cmd/kube-score",
        module="github.com/zegl/kube-score",
    ),
    Binary(
        name="nats",
        tool="natscli",
        package="github.com/nats-io/natscli/nats",
        module="github.com/nats-io/natscli",
        version_variable="main.version",
    ),
    Binary(
        name="cometbft",
        tool="cometbft",
        package="github.com/cometbft/cometbft/cmd/cometbft",
        module="github.com/cometbft/cometbft",
    ),
    # A validator that lies, which the official program cannot do.
    Binary(
        name="cometbft-liar",
        tool="cometbft",
        package="./liar",
        module="github.com/cometbft/cometbft",
    ),
    Binary(
        name="livekit-server",
        tool="livekit",
        package="github.com/livekit/livekit-server/cmd/server",
        module="github.com/livekit/livekit-server",
    ),
    Binary(
        name="actionlint",
        tool="actionlint",
        package="github.com/rhysd/actionlint/cmd/actionlint",
        module="github.com/rhysd/actionlint",
    ),
    Binary(
        name="docker-compose",
        tool="compose",
        package="github.com/docker/compose/v5/cmd",
        module="github.com/docker/compose/v5",
        version_variable="github.com/docker/compose/v5/internal.Version",
    ),
)
_ARGO_CD = "github.com/argoproj/argo-cd/v3"
ARGO_CD = Binary(
    name="argocd",
    tool="argocd",
    # One program: it takes the part of the controller or server whose name it is started with.
    package=f"{_ARGO_CD}/cmd",
    module=_ARGO_CD,
    linker_values=((f"{_ARGO_CD}/common.version", pinned_version("argocd", _ARGO_CD).removeprefix("v")),),
    # No option has the address of the controller's metrics.
    changed=Change("controller/appcontroller.go", '"0.0.0.0:%d", metricsPort', '"127.0.0.1:%d", metricsPort'),
)
GITOPS = (ARGO_CD, HELM)
"""Argo CD's own controllers. Its repo server calls Helm."""

CERT_MANAGER = (
    Binary(
        name="cert-manager",
        tool="cert-manager",
        package=".",
        module="github.com/cert-manager/cert-manager",
        version_variable="github.com/cert-manager/cert-manager/pkg/util.AppVersion",
    ),
    *(
        Binary(
            name=name,
            tool="cert-manager",
            package=f"github.com/letsencrypt/pebble/v2/cmd/{name}",
            module="github.com/letsencrypt/pebble/v2",
        )
        for name in ("pebble", "pebble-challtestsrv")
    ),
)
"""cert-manager's controller, a test authority and its DNS server."""


def _keda(program: str) -> Binary:
    return Binary(
        name=f"keda-{program}",
        tool="keda",
        package=f"github.com/kedacore/keda/v2/cmd/{program}",
        module="github.com/kedacore/keda/v2",
    )


KEDA = (_keda("operator"), _keda("adapter"))
"""KEDA's operator and its server of metrics."""
FOR_CAMPAIGNS = (*NETWORK, *ISTIO, *CERT_MANAGER, *GITOPS, *KEDA)
"""Real controllers, for campaigns and for whoever starts them by hand. `make up` and `make test` do without them."""


def path_of(layout: Layout, binary: Binary) -> Path:
    """Path of the program, whether built or not."""
    return layout.binaries / binary.directory / binary.name


def _stamp_file(layout: Layout, binary: Binary) -> Path:
    return layout.binaries / "stamps" / binary.name


def is_current(layout: Layout, binary: Binary) -> bool:
    """Whether the program exists and has the pinned version."""
    stamp = _stamp_file(layout, binary)
    return path_of(layout, binary).is_file() and stamp.is_file() and stamp.read_text() == binary.stamp


def outdated(layout: Layout, binaries: Iterable[Binary]) -> list[Binary]:
    """The programs that have to be built."""
    return [binary for binary in binaries if not is_current(layout, binary)]


def ensure(layout: Layout, binaries: Iterable[Binary]) -> None:
    """Build the missing or outdated programs one after the other, and report progress."""
    wanted = list(binaries)
    if not outdated(layout, wanted):
        return
    # Two simultaneous builds would do the same work, so the second waits and then finds it done.
    with lock.only_one(layout.binaries / "build.lock", "Another build is under way; waiting for it."):
        missing = outdated(layout, wanted)
        if missing:
            go = golang.find_or_install()
            names = ", ".join(binary.name for binary in missing)
            progress.say(
                f"Building {names}: this happens once and takes several minutes. You may press Ctrl-C and resume later."
            )
            for index, binary in enumerate(missing, start=1):
                _build(layout, go, binary, f"[{index}/{len(missing)}] {binary.name} {_version(binary)}")


def _version(binary: Binary) -> str:
    return pinned_version(binary.tool, binary.module)


def _build(layout: Layout, go: Path, binary: Binary, label: str) -> None:
    target = path_of(layout, binary)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{binary.name}.new")
    stamp = _stamp_file(layout, binary)
    stamp.parent.mkdir(parents=True, exist_ok=True)
    tags = ["-tags", binary.tags] if binary.tags else []
    with _overlay(go, binary) as overlay:
        options = [
            "-ldflags",
            binary.linker_flags,
            *binary.compiler_flags,
            *tags,
            *overlay,
            *_changed(layout, go, binary),
        ]
        golang.build(go, TOOLS / binary.tool, [*options, "-o", str(temporary), binary.package], label)
    temporary.replace(target)
    stamp.write_text(binary.stamp)


@contextmanager
def _overlay(go: Path, binary: Binary) -> Iterator[list[str]]:
    """Options with which Go finds the embedded file without a copy of it in the project."""
    if binary.embedded is None:
        yield []
        return
    place, source = binary.embedded
    module = golang.module_folder(go, TOOLS / binary.tool, binary.module)
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"Replace": {str(TOOLS / binary.tool / place): str(module / source)}}, file)
        file.flush()
        yield ["-overlay", file.name]


def _changed(layout: Layout, go: Path, binary: Binary) -> list[str]:
    """Options with which Go builds a copy of the module that has the replacement.

    Go takes no overlay of a downloaded module. The copy stays, so that Go need not compile it anew each time.
    """
    if binary.changed is None:
        return []
    folder = layout.binaries / "changed" / binary.name
    shutil.rmtree(folder, ignore_errors=True)
    module = golang.module_folder(go, TOOLS / binary.tool, binary.module)
    shutil.copytree(module, folder / "module", ignore=shutil.ignore_patterns("docs"), copy_function=shutil.copyfile)
    for parent, _, _ in os.walk(folder):
        Path(parent).chmod(0o755)  # Go's own copy is read-only
    source = folder / "module" / binary.changed.path
    source.write_text(_replaced(source.read_text(), binary.changed))
    tool = TOOLS / binary.tool
    (folder / "go.mod").write_text(f"{(tool / 'go.mod').read_text()}\nreplace {binary.module} => {folder / 'module'}\n")
    shutil.copyfile(tool / "go.sum", folder / "go.sum")
    return ["-modfile", str(folder / "go.mod")]


def _replaced(content: str, change: Change) -> str:
    """The content with the change. Raises `SandboxError` unless the text is there as often as the change says."""
    found = content.count(change.text)
    if found != change.times:
        raise SandboxError(
            f"{change.path} has {change.text!r} {found} times, not {change.times}: see sandbox/binaries.py"
        )
    return content.replace(change.text, change.replacement)
