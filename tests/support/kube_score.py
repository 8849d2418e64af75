"""Run kube-score, and list the accepted findings with their reasons."""

import json
from dataclasses import dataclass
from typing import Any

from tests.support.binaries import run
from tests.support.manifests import Manifest, stream

CRITICAL = 1


@dataclass(frozen=True, order=True)
class Finding:
    """One critical finding: its object (as in `manifests.identity`), its test, and kube-score's message."""

    target: str
    test: str
    message: str


def critical_findings(manifests: list[Manifest], kubernetes: str) -> list[Finding]:
    """The critical findings about all `manifests` together, for a version such as v1.35."""
    result = run(
        "kube-score",
        "score",
        "--output-format=json",
        f"--kubernetes-version={kubernetes}",
        "-",
        stdin=stream(manifests),
    )
    assert result.stdout.startswith(("[", "null")), result.stderr
    return sorted(found for scored in json.loads(result.stdout) or [] for found in _findings(scored))


def _findings(scored: dict[str, Any]) -> list[Finding]:
    metadata = scored["object_meta"]
    target = "/".join(filter(None, [scored["type_meta"]["kind"], metadata.get("namespace"), metadata["name"]]))
    return [
        Finding(target, check["check"]["id"], "; ".join(_comment(c) for c in check["comments"] or []))
        for check in scored["checks"]
        if check["grade"] == CRITICAL and not check["skipped"]
    ]


def _comment(comment: dict[str, str]) -> str:
    return ": ".join(filter(None, [comment.get("path"), comment.get("summary"), comment.get("description")]))
