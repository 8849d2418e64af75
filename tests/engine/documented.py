"""The commands that the pages tell readers to type, and which of them cannot be run by a test, with the reason."""

import re
import subprocess
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.rendering import ROOT

DOCS = ROOT / "docs"
_FIRST = (ROOT / "README.md", DOCS / "getting-started.md")
_LAST = (DOCS / "runbooks" / "lose-the-hub.md",)
PAGES = (*_FIRST, *sorted({*DOCS.rglob("*.md")} - {*_FIRST, *_LAST}), *_LAST)
"""In an order in which a reader could follow them: who loses a hub has shipped with one."""

BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
ASSIGNMENTS = r"(?:[A-Z_0-9]+=\S+ )*"
PROGRAMS = (
    "argocd|aws|az|cockroach|curl|docker|gcloud|git|helm|istioctl|kind|kubectl|kubelogin|make|molt|nats|pg_dump|pip"
    r"|psql|pulumi|(?:\.venv/bin/)?python3?"
)
TYPED = re.compile(rf"{ASSIGNMENTS}(?:{PROGRAMS}) \S.*")
"""A span of code that is a command, not a name."""

# What a reader replaces, and what it is in the sandbox's local stack.
PLACEHOLDERS = {
    "https://...": "https://alerts.example.org/hook",
    "alertWebhookToken ...": "alertWebhookToken made-up",
    "--secret KEY ...": "--secret cockroachdbLicense made-up",
    "cockroachdbLicense KEY": "cockroachdbLicense made-up",
    "alertWebhookUrl URL": "alertWebhookUrl https://alerts.example.org/hook",
    "Token TOKEN": "Token made-up",
    "exec -- kubectl ...": "exec -- kubectl get namespaces",
    "kubectl --context ...": "kubectl --context local get namespaces",
    "STACK=<stack>": "STACK=local",
    "publish STACK": "publish local",
    "plan STACK": "plan local",
    "REGION": "local",
    "<region>": "local",
    "<founder>": "local",
    "<namespace>": "redis",
    "--json --stack multiregion": "--json --stack local",
    "report multiregion": "report local",
    "before/multiregion.json": "before/local.json",
}
FIRST_POD = "$(kubectl -n {namespace} get pods -o jsonpath='{{.items[0].metadata.name}}')"

NOT_HERE: dict[str, tuple[str, ...]] = {
    "is the tests themselves": (r"make (test|test-unit|check|bench)", r".*-m benchmarks .*"),
    "takes long: tests/engine/test_preview_base.py does it": (r"make preview BASE=.*",),
    "takes long: tests/engine/test_policy_pack.py does it for every stack": (
        r"make policy STACK=(planetary|regional).*",
        r"make report STACK=(planetary|regional|multiregion)",
    ),
    "takes long: tests/engine/test_planetary.py does it": (r"PULUMI_SKIP_CHECKPOINTS=true make up STACK=planetary",),
    "takes long: tests/stacks/test_pictures.py does it": (r"make picture STACK=.*", r".*-m tests\.pictures"),
    "takes long: tests/unit/test_urns.py does it": (r".*-m tests\.golden",),
    "needs Docker or kind": (
        r"kind .*",
        r"make (up|down) CONTEXT=kind-.*",
        r"docker compose .*",
        r"curl http://localhost:9898/",
    ),
    "installs packages, which whoever runs the tests has": (r"python3 -m venv .*",),
    "is for the official engine and a login of one's own": (
        r"pulumi login .*",
        r"pulumi stack init .*",
        r"pulumi stack rm .*",
        r"pulumi stack change-secrets-provider .*",
        r"pulumi policy publish .*",
    ),
    "needs an account of a cloud": (
        r"pulumi \w+ .*(-s|--stack) regional.*",
        r"gcloud .*",
        r"kubectl config rename-context .*",
        r"kubelogin .*",
        r"pulumi refresh --target '\*\*ManagedCluster.*",
        r"aws .*",
        r"az .*",
    ),
    "needs a CDN in front, which the local stack has not": (
        r"pulumi up --(target-)?replace '\*\*edge-.*",
        r"pulumi stack output edge --json",
        r"curl -sI https://.*",
        r"kubectl .*certificate origin-certificate",
        r"kubectl .*challenges\.acme.*",
        r"kubectl .*requestauthentication token.*",
    ),
    "needs several regions: tests/engine/test_growth.py has them": (
        r"kubectl .* get service door-0",
        r"kubectl .* get endpoints peers.*",
        r"pulumi config set .*gitops\.hub' .*",
    ),
    "needs a container that runs": (
        r"kubectl .* logs .*",
        r"kubectl .* port-forward .*",
        r"rm -r .*; kill %1",
        r"curl -s localhost:8222/.*",
        r"cockroach .*",
        r"dump --.*",
        r"psql .*",
    ),
    "needs the stack's servers: tests/conformance/test_nats_more_servers.py has real ones": (
        r"nats (stream .*|bench)",
    ),
    "needs a database of one's own": (r"pg_dump .*", r"molt .*"),
    "needs a chart from a repository, which the sandbox cannot pull": (
        r"kubectl .*rollout restart deployment/(istiod|grafana)",
        r"kubectl .*delete service kube-prometheus-stack-kubelet",
        r"kubectl delete crd applications\.argoproj\.io .*",
        r"kubectl get crds -o name \| grep monitoring\.coreos\.com .*",
        r"helm show crds .*",
    ),
    "needs a running Argo CD or Rancher": (
        r"argocd .*",
        r"kubectl -n argocd rollout .*",
        r"kubectl .*cattle.*",
        r"pulumi up --replace '\*\*<region>-gitops-.*",
        r"pulumi stack output fleet",
    ),
    "is half a command": (r"helm install", r".*-m publish"),
}
"""Why no test types a command (it ...), and patterns of such commands as they are written."""

LAST = ("pulumi destroy", "make down")
"""What takes all away, in the order in which a reader would."""


def commands(page: Path) -> list[str]:
    """What `page` tells to type, in its order: the statements of its shell blocks, and commands within its text."""
    text, position = page.read_text(), 0
    found: list[str] = []
    for block in BLOCK.finditer(text):
        found += _spans(text[position : block.start()])
        if block["language"] == "sh":
            found += _statements(textwrap.dedent(block["text"]))
        position = block.end()
    return [*found, *_spans(text[position:])]


def _spans(text: str) -> Iterator[str]:
    return (span for span in SPAN.findall(text) if TYPED.fullmatch(span))


def _statements(text: str) -> Iterator[str]:
    """The shell's statements, which may have several lines, without comments at their end."""
    lines: list[str] = []
    for line in text.splitlines():
        if lines or (line.strip() and not line.lstrip().startswith("#")):
            lines.append(re.sub(r"\s+# .*$", "", line))
        if lines and _is_whole("\n".join(lines)):
            yield "\n".join(lines)
            lines = []
    assert not lines, f"a shell block ends within a statement: {lines}"


def _is_whole(statement: str) -> bool:
    check = subprocess.run(["bash", "-n"], input=filled_in(statement), capture_output=True, text=True, check=False)
    return not statement.endswith("\\") and (check.returncode, check.stderr) == (0, "")


def filled_in(command: str) -> str:
    """`command` with what a reader replaces; what is left in angle brackets is only for commands that do not run."""
    for placeholder, value in PLACEHOLDERS.items():
        command = command.replace(placeholder, value)
    if namespace := re.search(r" -n ([\w-]+)", command):
        command = command.replace("<pod>", FIRST_POD.format(namespace=namespace[1]))
    return re.sub(r"<([a-z ]+)>", r"\1", command)


def reason(command: str) -> str | None:
    """Why no test types `command`; None for those that are typed."""
    return next((why for why, patterns in NOT_HERE.items() if any(fits(p, command) for p in patterns)), None)


def fits(pattern: str, command: str) -> bool:
    """Whether `command` is one of those that `pattern` stands for."""
    return re.fullmatch(pattern, command, re.DOTALL) is not None


REPLACEMENT = re.compile(r"pulumi up --replace '([^']+)'")
CHANGE = re.compile(r"pulumi (config set|state delete)|kubectl .*delete jobs")
DEPLOYMENT = re.compile(rf"{ASSIGNMENTS}pulumi up\b.*|.*-m publish .*")
"""What is worth to be typed again after a change."""


def sessions() -> dict[Path, list[str]]:
    """What is typed for each page, in one shell, as it is filled in.

    What was typed before is not typed again, except what deploys a change that the same page has made. All replacements
    of a page are one deployment: the engine takes any number of them.
    """
    typed = {_meaning(command) for command in LAST}
    planned = {page: _due(_merged(filled_in(c) for c in commands(page) if not reason(c)), typed) for page in PAGES}
    return {page: typing for page, typing in planned.items() if typing}


def _due(typing: list[str], typed: set[str]) -> list[str]:
    """Those that are to be typed; what they mean is added to what has been `typed`."""
    due: list[str] = []
    outdated: set[str] = set()
    for command in typing:
        meaning = _meaning(command)
        if meaning not in typed or meaning in outdated:
            due.append(command)
        typed.add(meaning)
        outdated = set() if "pulumi up" in command else outdated - {meaning}
        if CHANGE.match(command):
            outdated = {_meaning(other) for other in typing if DEPLOYMENT.fullmatch(other)}
    return due


def _meaning(command: str) -> str:
    """Commands with the same meaning do the same: the local stack is the one that is selected."""
    return re.sub(r"^python -m sandbox exec -- | (-s|--stack) local\b| STACK=local\b", "", command)


def _merged(commands: Iterable[str]) -> list[str]:
    typing = list(commands)
    globs = [found[1] for command in typing if (found := REPLACEMENT.fullmatch(command))]
    together = "pulumi up" + "".join(f" --replace '{glob}'" for glob in globs)
    merged = [together if REPLACEMENT.fullmatch(command) else command for command in typing]
    return [command for index, command in enumerate(merged) if command != together or command not in merged[:index]]
