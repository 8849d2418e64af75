"""The report as one plain document: the JSON output, and the source of the Markdown. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from report import carbon, cost, sites
from report.budget import BUDGETS, verdict
from report.capacity import capacity
from report.cost import Line, Sum
from report.preview import Preview
from stacks.settings import parse

Document = dict[str, Any]


def document(preview: Preview) -> Document:
    """The whole report of a previewed stack. Raises SettingsError if its settings have mistakes."""
    settings = parse(preview.settings)
    found = cost.lines(preview.plan)
    return {
        "stack": preview.stack,
        "stage": settings.stage,
        "regions": list(preview.plan.regions),
        "cost": _cost(found),
        "budget": _budget(settings.stage, cost.total(found)),
        "capacity": {**asdict(capacity(settings)), "enough": capacity(settings).enough},
        "edgeSites": [_site(one) for one in sites.storages(settings)],
        "carbon": _carbon(carbon.footprints(preview.plan)),
    }


def _cost(found: Iterable[Line]) -> Document:
    counted = list(found)
    return {
        "currency": "USD",
        "total": _sum(cost.total(counted)),
        "byRegion": _sums(cost.by(counted, lambda line: line.region)),
        "byComponent": _sums(cost.by(counted, lambda line: line.part)),
        "byRegionAndComponent": _sums(cost.by(counted, lambda line: f"{line.region} {line.part}")),
        "lines": [_line(line) for line in counted],
    }


def _sums(sums: Mapping[str, Sum]) -> Document:
    return {name: _sum(one) for name, one in sums.items()}


def _sum(one: Sum) -> Document:
    return {"least": round(one.least, 2), "most": round(one.most, 2), "unknown": one.unknown, "byUse": one.by_use}


def _line(line: Line) -> Document:
    price = line.price
    return {
        "region": line.region,
        "component": line.part,
        "resource": line.resource,
        "what": line.charge.what,
        "item": line.charge.item,
        "kind": line.kind,
        "least": _rounded(line.least),
        "most": _rounded(line.most),
        "quantity": {"least": line.charge.least, "most": line.charge.highest},
        "price": asdict(price) if price else None,
        "note": line.charge.note,
    }


def _budget(stage: str, spent: Sum) -> Document:
    budget = BUDGETS[stage]
    return {"most": budget.most, "words": budget.words, "verdict": verdict(spent, budget.most)}


def _site(storage: sites.SiteStorage) -> Document:
    return {
        "site": storage.site,
        "home": storage.home,
        "diskBytes": storage.disk_bytes,
        "copiesBytes": storage.copies_bytes,
        "outboxes": [asdict(outbox) for outbox in storage.outboxes],
    }


def _carbon(found: Iterable[carbon.Footprint]) -> Document:
    regions = list(found)
    return {
        "source": carbon.SOURCE,
        "date": carbon.DATE,
        "leastKg": round(sum(one.least_kg or 0 for one in regions)),
        "mostKg": round(sum(one.most_kg or 0 for one in regions)),
        "unknownRegions": sum(one.least_kg is None for one in regions),
        "regions": [
            {
                "region": one.region,
                "leastKwh": _rounded(one.least_kwh),
                "mostKwh": _rounded(one.most_kwh),
                "gramsPerKwh": one.grams_per_kwh,
                "gridYear": one.grid_year,
                "leastKg": _rounded(one.least_kg),
                "mostKg": _rounded(one.most_kg),
                "unknown": list(one.unknown),
            }
            for one in regions
        ],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
