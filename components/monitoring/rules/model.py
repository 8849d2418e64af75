"""The two kinds of rules: alerts, and series that Prometheus records. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Severity = Literal["critical", "warning"]


@dataclass(frozen=True, kw_only=True)
class Alert:
    """An alert."""

    name: str
    expr: str
    """PromQL. The alert fires while this has results."""
    wait: str
    """How long `expr` must have results first."""
    severity: Severity
    summary: str
    description: str
    runbook: str
    """Name of the runbook's file, without `.md`."""

    def rule(self, runbooks: str) -> dict[str, Any]:
        """Return the rule for Prometheus. `runbooks` is the URL or path of the runbooks."""
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
    """A recorded series."""

    record: str
    """The series' name."""
    expr: str
    """PromQL of the values."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Further labels of the series."""

    def rule(self, _runbooks: str) -> dict[str, Any]:
        """Return the rule for Prometheus."""
        labels = {"labels": dict(self.labels)} if self.labels else {}
        return {"record": self.record, "expr": self.expr, **labels}


Rules = Sequence[Alert | Recording]
