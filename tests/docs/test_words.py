"""Words that were given up stay away from code, configuration keys and pages.

Each had a meaning of its own here. What is said instead are words of Kubernetes, Istio, CockroachDB and Pulumi.
"""

import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.support.rendering import ROOT

pytestmark = pytest.mark.unit

OTHERS = ("CHANGELOG.md", "docs/pictures/", "tests/data/", "tests/docs/test_words.py")
"""Files not looked at: former names, drawings, tables of other projects, and this file."""
ENDINGS = {"", ".csv", ".go", ".json", ".md", ".py", ".sh", ".tpl", ".txt", ".yaml", ".yml"}
EXPECTED = (
    "__main__.py",
    "Makefile",
    "Pulumi.yaml",
    "README.md",
    "docs/configuration.md",
    "charts/sacred-council/values.yaml",
)
"""Some files that must be looked at: code, commands, configuration keys and pages."""

RANCHER = "the namespace that Rancher itself calls so"
LOGS = "AWS' own word for where logs go"
OBJECTS = "an object store of a cloud"
THANOS = "Thanos' own word"


@dataclass(frozen=True, kw_only=True)
class Word:
    """A word that was given up."""

    pattern: str
    """Regular expression that finds it in a line."""
    examples: tuple[str, ...]
    """Lines that break the rule."""
    instead: str
    allowed: dict[str, str] = field(default_factory=dict)
    """Files that may use it, with the reason."""


WORDS = {
    "door": Word(
        pattern=r"(?i)(?<!front )\bdoors?\b|StoreDoor|\bdoor[-_]\w",
        examples=("the door of a region", 'name="door-0"', "class StoreDoor:"),
        instead="peer endpoint",
    ),
    "ground": Word(
        pattern=r"(?i)\bgrounds?\b|RegionGround",
        examples=("ground = grounds[name]",),
        instead="cloud adapter, RegionCloud",
    ),
    "foundation": Word(
        pattern=r"(?i)\bfoundations?\b(?!-sdk| SDK)|RegionFoundation",
        examples=("the region's foundation",),
        instead="region base, RegionBase",
        allowed={"stacks/geography/carbon.py": "the Green Software Foundation"},
    ),
    "crossing": Word(
        pattern=r"(?i)crossings?\b", examples=("class MeshCrossing:", "crossings = {}"), instead="peering; east-west"
    ),
    "neighbour": Word(
        pattern=r"(?i)neighbou?r", examples=("neighbours: Sequence[str]", "Neighbourhood()"), instead="peers, MeshPeers"
    ),
    "founder": Word(pattern=r"(?i)\bfounders?\b", examples=("founder: europe",), instead="primary region; NATS: seeds"),
    "store": Word(
        pattern=(
            r"class \w*Store\b|\bSTORES\b|StoreKey|(?i:\bdata[ _-]stores?\b)|\bstore: str\b|\bfor store\b"
            r"|\bof_each_store\b|\bx-store\b"
            r"|(?i:(?<![^\W_])(a|the|each|every|managed|no)[ _]stores?(?![^\W_])(?! (of|that) state))"
        ),
        examples=(
            *("class Store:", "GkeStoreKey(name)", "each store is reached", "for store in STORES:"),
            "def test_a_store_of_azure()",
        ),
        instead="data service",
        allowed={
            "components/storage/__init__.py": OBJECTS,
            "components/storage/blob.py": OBJECTS,
            "components/storage/gcs.py": OBJECTS,
            "components/storage/s3.py": OBJECTS,
            "components/monitoring/rules/regions.py": THANOS,
            "docs/adr/0025-no-traffic-before-the-way-is-open.md": THANOS,
            "docs/adr/0030-the-forecast-reads-prometheus-own-weeks.md": THANOS,
            "sandbox/providers/cloud/store.py": "the store of a cloud stand-in's state",
        },
    ),
    "joined": Word(
        pattern=r"\b(is_)?joined\s*(: bool|=(?!=))|\b(plan|region)\.joined\b",
        examples=("joined: bool", "if plan.joined:"),
        instead="peering_enabled",
        allowed={"tests/support/cockroachdb_jobs.py": "regions that have joined the database"},
    ),
    "watched": Word(
        pattern=r"(?i:\bwatch(ing|ed)\b)|\bHere\(|city=\"Here\"",
        examples=("watched: pulumi.Input[str]", "Here(region)"),
        instead="monitoring targets, RegionLabels",
    ),
    "delivery": Word(
        pattern=r"(?i)\bdeliver(y|ed|ies)\b|\bit only delivers\b",
        examples=("delivered: bool", "class Delivery:"),
        instead="gitops, managed_by_argocd",
        allowed={
            "components/cdn/aws/serving.py": LOGS,
            "docs/deployer/aws-edge.json": LOGS,
            "policy/rules/exposure.py": LOGS,
            "sandbox/providers/aws/edge.py": LOGS,
            "components/monitoring/contracts/services.yaml": "messages between users",
            "components/monitoring/dashboards/flow.py": "messages between users",
            "docs/policy.md": "content delivery networks",
        },
    ),
    "fleet": Word(
        pattern=r"(?i)\bfleets?\b",
        examples=("fleet: {enabled: true}",),
        instead="rancher; control planes",
        allowed={
            "components/namespaces.py": RANCHER,
            "docs/runbooks/ship-with-argo-cd.md": RANCHER,
            "tests/gitops/test_hub_objects.py": RANCHER,
        },
    ),
    "flows": Word(
        pattern=r"\bopen_flows\b|(?<![-\w\"])flows\b(?!\")",
        examples=("open_flows(name)", "flows = []"),
        instead="network policies",
    ),
    "inside": Word(
        pattern=r"(?<![\w.])(inside|outside)\s*(=(?!=)|\()|opts=(inside|outside)\b",
        examples=("inside = pulumi.ResourceOptions(parent=self)", "opts=inside,", "def inside(provider)"),
        instead="child options; egress rules",
    ),
    "reader": Word(
        pattern=r"\breader_(token|account|role)|RemoteReader|-remote-reader",
        examples=("reader_token = token",),
        instead="remote-secret access",
    ),
    "admitted": Word(
        pattern=r"(?i)(?<![a-z])admitted(?![a-z])",
        examples=("admitted=addresses", "test_it_is_admitted_by_it"),
        instead="allowed source ranges",
    ),
    "edge guard": Word(
        pattern=r"(?i)edge[ _-]?guard", examples=("class EdgeGuard:", "edge_guard"), instead="origin authentication"
    ),
    "whichever": Word(
        pattern=r"(?i)whichever",
        examples=("opts=whichever(types)",),
        instead="engine aliases",
        allowed={"tests/deployer/test_rights_of_stacks.py": "any of the actions of AWS"},
    ),
    "apart": Word(
        pattern=r"(?<![ \w])apart\s*(\(|=(?!=))|\bdef apart\b|\bimport apart\b|\.apart\(",
        examples=("    affinity=workload.apart(app)", "def apart(app)"),
        instead="anti-affinity",
    ),
    "belonging": Word(pattern=r"\bBelonging\b", examples=("Belonging(app=APP)",), instead="app metadata"),
    "job patience": Word(pattern=r"(?i)job_?patience", examples=("job_patience(60)",), instead="job timeouts"),
}


def tracked() -> list[Path]:
    """Every file of the repository, relative to it."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [Path(name) for name in listed.split("\0") if name]


FILES = tracked()
TEXTS = {
    str(name): (ROOT / name).read_text(errors="replace")
    for name in FILES
    if name.suffix in ENDINGS and not str(name).startswith(OTHERS) and (ROOT / name).is_file()
}


def uses(word: Word) -> dict[str, list[str]]:
    """Return the lines with the word, by file."""
    found = re.compile(word.pattern)
    lines = {name: [line.strip() for line in text.splitlines() if found.search(line)] for name, text in TEXTS.items()}
    return {name: those for name, those in lines.items() if those}


def test_code_keys_and_pages_are_looked_at() -> None:
    assert set(EXPECTED) <= TEXTS.keys()
    for folder, least in {"components": 100, "stacks": 30, "sandbox": 80, "tests": 150, "docs": 60}.items():
        assert sum(name.startswith(f"{folder}/") for name in TEXTS) > least, folder


@pytest.mark.parametrize("name", WORDS)
def test_the_pattern_finds_the_word(name: str) -> None:
    word = WORDS[name]
    assert word.examples
    assert [line for line in word.examples if not re.search(word.pattern, line)] == []


@pytest.mark.parametrize("name", WORDS)
def test_a_word_that_was_given_up_does_not_come_back(name: str) -> None:
    word = WORDS[name]
    found = {file: lines for file, lines in uses(word).items() if file not in word.allowed}
    assert found == {}, f"write {word.instead}"


@pytest.mark.parametrize("name", [name for name, word in WORDS.items() if word.allowed])
def test_every_exception_is_needed(name: str) -> None:
    word = WORDS[name]
    assert word.allowed.keys() - uses(word).keys() == set()


def test_no_module_is_called_plan() -> None:
    assert [str(name) for name in FILES if name.name == "plan.py"] == []
