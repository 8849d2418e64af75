"""Renders the document as Markdown. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from components.circles.configuration import CPU_LOAD_LIMIT
from report.capacity import CONNECTIONS_PER_POD, PEAK_SHARE
from report.sites import MESSAGE_BYTES, MESSAGES_PER_SECOND
from stacks.geography.carbon import SOURCE as GRID_SOURCE

Document = Mapping[str, Any]

_EDGES = ("least", "most")

_VERDICTS = {
    "within": "The known prices stay within it, even with every node and pod that autoscaling may add.",
    "may exceed": (
        "The known prices are within it at first, and **exceed it** with every node and pod that autoscaling may add."
    ),
    "exceeds": "The known prices **exceed it**.",
    "no limit": "It has no limit.",
}


def render(report: Document) -> str:
    """The report of one stack."""
    parts = (
        [f"# Stack {report['stack']}, stage {report['stage']}"],
        _cost(report),
        _capacity(report["capacity"], len(report["regions"])),
        edge_sites(report["edgeSites"]),
        _carbon(report["carbon"]),
    )
    return "\n\n".join(block for part in parts for block in part) + "\n"


def money(value: float | None) -> str:
    """Format US dollars."""
    return "unknown" if value is None else f"${value:,.2f}"


def span(least: float | None, most: float | None) -> str:
    """Format a range of US dollars."""
    return money(least) if least == most else f"{money(least)} to {money(most)}"


def left_out(one: Document) -> str:
    """Describe the lines that a sum leaves out."""
    counts = ((one["unknown"], "without a known price"), (one["byUse"], "paid by use"))
    return ", ".join(f"{count} {what}" for count, what in counts if count) or "nothing"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _cost(report: Document) -> Iterator[str]:
    cost, budget = report["cost"], report["budget"]
    whole = cost["total"]
    yield "## Cost"
    sums = f"**{span(whole['least'], whole['most'])} a month**, from the fewest machines to the most."
    yield f"{sums} Not counted: {left_out(whole)}."
    yield f"Budget of the stage: {budget['words']}. {_VERDICTS[budget['verdict']]}" + (
        " Items that are not counted come on top." if whole["unknown"] or whole["byUse"] else ""
    )
    for title, sums in (("Region", cost["byRegion"]), ("Component", cost["byComponent"])):
        yield table(
            [title, "A month", "Not counted"],
            [[name, span(one["least"], one["most"]), left_out(one)] for name, one in sums.items()],
        )
    yield "### Each charge"
    lines = _alike(cost["lines"])
    sources = _sources(lines)
    rows = (_row(line, sources) for line in lines)
    yield table(["Region", "Component", "What", "How many", "A month", "Price"], rows)
    if sources:
        yield "\n".join(f"- [{number}] {_link(source)}, {date}" for (source, date), number in sources.items())
    yield (
        "These are list prices in US dollars, without tax, discounts and free tiers. Machines have the price of their "
        "region. For everything else, most sources show a region in the United States or name no region; prices in "
        "other regions differ. Unknown means that no price was found."
    )


def _sources(lines: Iterable[Document]) -> dict[tuple[str, str], int]:
    """Number the sources (address, day) of the prices in the order of use."""
    prices = [line["price"] for line in lines if line["price"]]
    found = dict.fromkeys((price["source"], price["date"]) for price in prices)
    return {source: number for number, source in enumerate(found, start=1)}


def _link(address: str) -> str:
    return f"[{address.rstrip('/').rpartition('/')[2]}]({address})"


def _alike(lines: Iterable[Document]) -> list[dict[str, Any]]:
    """Merge lines of the same region, component and item."""
    merged: dict[tuple[str, str, str], dict[str, Any]] = {}
    for line in lines:
        key = (line["region"], line["component"], line["what"])
        one = merged.setdefault(key, {**line, "many": [0.0, 0.0], "least": 0.0, "most": 0.0})
        one["many"] = [sum_ + (line["quantity"][edge] or 0) for sum_, edge in zip(one["many"], _EDGES, strict=True)]
        for edge in _EDGES:
            one[edge] += line[edge] or 0
    return list(merged.values())


def _row(line: Document, sources: Mapping[tuple[str, str], int]) -> list[object]:
    by_use = line["quantity"]["least"] is None
    least, most = line["many"]
    many = f"{least:g}" if least == most else f"{least:g} to {most:g}"
    known = "by use" if by_use else span(round(line["least"], 2), round(line["most"], 2))
    return [
        line["region"],
        line["component"],
        line["what"],
        "by use" if by_use else many,
        "unknown" if line["price"] is None else known,
        _price(line["price"], sources),
    ]


def _price(price: Document | None, sources: Mapping[tuple[str, str], int]) -> str:
    if price is None:
        return "unknown"
    number = sources[(price["source"], price["date"])]
    return f"${price['usd']:.4g} a {price['unit']} [{number}]"


def _capacity(capacity: Document, regions: int) -> Iterator[str]:
    yield "## Capacity"
    lost = " with one region lost" if regions > 1 else ""
    answer = "enough for" if capacity["enough"] else "**not enough for**"
    yield f"**{capacity['users']:,} users**{lost}: {capacity['connections']:,} connections at the peak."
    yield (
        f"That is {answer} the {capacity['planned_users']:,} users that the stage is planned for: they need "
        f"{capacity['pods_needed']} pods of sacred-messaging in each region, and the settings allow {capacity['pods']}."
    )
    yield table(
        ["Messages a second, all regions", ""],
        [
            ["passed on", f"{capacity['messages_per_second']:,}"],
            ["stored, each confirmed", f"{capacity['stored_per_second']:,}"],
            ["stored, confirmed later", f"{capacity['stored_async_per_second']:,}"],
        ],
    )
    yield (
        f"By a model, not measured: {PEAK_SHARE:.0%} of the users at the peak, {CONNECTIONS_PER_POD:,} connections a "
        "pod, NATS in each region at a quarter of its vendor's benchmark (natsbench 2.12, one server on a laptop of "
        "ten cores, with one copy of stored messages; three copies are slower). The settings of `messaging` do not "
        "change these figures."
    )
    yield from _capacity_of_parts(capacity, lost)


def _capacity_of_parts(capacity: Document, lost: str) -> Iterator[str]:
    """What the parts that are off by default take, where they are on."""
    if capacity["streamed_bytes_per_second"]:
        rate = capacity["streamed_bytes_per_second"] / 2**20
        yield (
            f"Quotas let the services write {rate:,.0f} MiB a second to Kafka, all regions and brokers together; "
            "`streaming.produceRate` changes that. What the brokers can take was not measured."
        )
    if capacity["browsers"]:
        yield (
            f"Live collaboration takes {capacity['browsers']:,} browsers at once{lost}: a limit of the settings "
            "(`messaging.websocket`), not a measured one."
        )
    if capacity["embedding_servers"]:
        size = capacity["embedding_bytes"] / 2**30
        yield (
            f"Matching has at most {capacity['embedding_servers']} embedding servers in all regions; how many "
            "texts they take was not measured. "
            f"One embedding for each planned user is {size:,.2f} GiB, without index and copies."
        )
    if capacity["validators"]:
        yield (
            f"The ledger has {capacity['validators']} validators in all regions, and outlives "
            f"{capacity['validators_outlived']} that lie or die. How many transactions they take was not measured."
        )
    if capacity["participants"]:
        yield table(
            [f"Participants of circles' calls at once{lost}, if all calls are", ""],
            [[load, f"{number:,}"] for load, number in capacity["participants"].items()],
        )
        yield (
            "From a measurement of LiveKit's processor time on one machine (docs/benchmarks.md), with servers at "
            f"{CPU_LOAD_LIMIT:.0%} of `circles.cpu`. Everybody spoke all the time, so real calls need less. "
            "`circles.maxRate` and the cloud's network may allow fewer."
        )


def edge_sites(sites: Sequence[Document]) -> Iterator[str]:
    """The section about edge sites. Nothing without sites."""
    if not sites:
        return
    yield "## Edge sites"
    yield table(
        ["Site", "Home", "Disk of NATS", "Copies of streams, at most", "Outboxes, at most", "Outage that they bear"],
        [
            [
                one["site"],
                one["home"],
                _gib(one["diskBytes"]),
                _gib(one["copiesBytes"]),
                _gib(sum(outbox["bytes"] for outbox in one["outboxes"])),
                "; ".join(f"{outbox['stream']} {outbox['hours']:,g} h" for outbox in one["outboxes"])
                or "none: no stream lives in its home",
            ]
            for one in sites
        ],
    )
    yield (
        f"Computed, not measured: `maxSize` of each stream, while the site publishes {MESSAGES_PER_SECOND} messages of "
        f"{MESSAGE_BYTES / 2**10:g} KiB a second to it; at twice the rate it is half. What a site's machine can take "
        "was not measured."
    )


def _gib(size: int) -> str:
    return f"{size / 2**30:,.2f} GiB"


def _carbon(carbon: Document) -> Iterator[str]:
    yield "## Carbon"
    missing = carbon["unknownRegions"]
    yield f"**{carbon['leastKg']:,} to {carbon['mostKg']:,} kg CO2eq a year**" + (
        f", without {missing} region{'s' if missing > 1 else ''} for which it is unknown." if missing else "."
    )
    yield table(
        ["Region", "kWh a year", "g CO2eq per kWh", "kg CO2eq a year", "Unknown"],
        [
            [
                one["region"],
                _numbers(one["leastKwh"], one["mostKwh"]),
                _grid(one),
                _numbers(one["leastKg"], one["mostKg"]),
                "; ".join(one["unknown"]) or "",
            ]
            for one in carbon["regions"]
        ],
    )
    yield (
        f"Machines at half load and their disks. Energy: {carbon['source']}, {carbon['date']}. Grid: {GRID_SOURCE}. "
        "Not counted: control planes, managed services, networks, and the making of the machines."
    )


def _grid(one: Document) -> str:
    return "unknown" if one["gramsPerKwh"] is None else f"{one['gramsPerKwh']} ({one['gridYear']})"


def _numbers(least: float | None, most: float | None) -> str:
    if least is None or most is None:
        return "unknown"
    return f"{least:,.0f}" if least == most else f"{least:,.0f} to {most:,.0f}"
