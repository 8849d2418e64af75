"""What rules are made of: alerts, and series that Prometheus records. Pure: no resources."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["critical", "warning"]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """One alert: fires when `expr` has had results for the time `wait`. `runbook` is a file's name without `.md`."""

    name: str
    expr: str
    wait: str
    severity: Severity
    summary: str
    description: str
    runbook: str

    def rule(self, runbooks: str) -> dict[str, Any]:
        """The rule as Prometheus reads it. `runbooks` is where the runbooks are, a URL or a path."""
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": self.wait,
            "labels": {"severity": self.severity},
            "annotations": {
                "summary": self.summary,
                "description": self.description,
                "runbook_url": f"{runbooks.rstrip('/')}/{self.runbook}.md",
            },
        }


@dataclass(frozen=True, kw_only=True)
class Recording:
    """Series called `record` with the values of `expr`, and `labels` added to theirs."""

    record: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)

    def rule(self, _runbooks: str) -> dict[str, Any]:
        """The rule as Prometheus reads it."""
        labels = {"labels": dict(self.labels)} if self.labels else {}
        return {"record": self.record, "expr": self.expr, **labels}


Rules = Sequence[Alert | Recording]
