"""Edges alone under mocks, and tests' questions about them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from tests.support.rendering import ROOT, Rendered, Resource, render, render_program

PROGRAM = ROOT / "tests" / "programs" / "edges.py"
CDNS = ("gcp", "aws", "azure")
DOMAIN = "example.org"
THREE = {"us-central1": "192.0.2.1", "europe-west1": "192.0.2.2", "asia-east1": "192.0.2.3"}
FIVE = {**THREE, "eu-west-3": "192.0.2.4,192.0.2.5", "francecentral": "192.0.2.6"}


RECORDS: Final = ("gcp:dns/recordSet:RecordSet", "aws:route53/record:Record", "azure-native:dns:RecordSet")


@dataclass(frozen=True, kw_only=True)
class DnsRecord:
    """A record set of an edge."""

    host: str
    kind: str
    """A, CNAME, ..."""
    target: str | None
    """Target of a CNAME."""


def edge(cdn: str, origins: Mapping[str, str] = THREE, **settings: Any) -> Rendered:
    """The edge of `cdn` in front of these gateways."""
    return _edge(cdn, json.dumps(origins), json.dumps(settings))


@cache
def _edge(cdn: str, origins: str, settings: str) -> Rendered:
    config = {"cdn": cdn, "origins": origins, **json.loads(settings)}
    return render_program("test", {f"edge:{key}": value for key, value in config.items()}, PROGRAM)


def planetary(cdn: str) -> Rendered:
    """The planetary stack with another CDN, and without monitoring, which the CDN does not affect."""
    edge = {"domain": DOMAIN, "cdn": cdn}
    without = {"sacred-council:monitoring": {"enabled": False}, "sacred-council:scaling": {}}
    return render("planetary", {"sacred-council:edge": edge, **without})


def only(rendered: Rendered, token: str) -> dict[str, Any]:
    """The inputs of the only resource of this type."""
    (found,) = rendered.of_type(token)
    return found.inputs


def by_urn(rendered: Rendered) -> dict[str, Resource]:
    """The resources by their URNs."""
    return {r.urn: r for r in rendered.resources}


def dns_records(rendered: Rendered) -> list[DnsRecord]:
    """The record sets of the edge, from any cloud."""
    return [_dns_record(r.inputs) for token in RECORDS for r in rendered.of_type(token)]


def _dns_record(inputs: dict[str, Any]) -> DnsRecord:
    if "relativeRecordSetName" in inputs:
        host = f"{inputs['relativeRecordSetName']}.{inputs['zoneName']}".removeprefix("@.")
        target = inputs.get("cnameRecord", {}).get("cname")
        return DnsRecord(host=host, kind=inputs["recordType"], target=target)
    values = inputs.get("rrdatas") or inputs.get("records") or []
    target = values[0].rstrip(".") if inputs["type"] == "CNAME" else None
    return DnsRecord(host=inputs["name"].rstrip("."), kind=inputs["type"], target=target)
