"""Rules between the ledger's genesis regions and the regions. Pure."""

from collections.abc import Iterator
from typing import Final

from components.ledger.settings import SNAPSHOTS_KEPT
from components.settings.words import did_you_mean
from stacks.settings.errors import Mistake, shown
from stacks.settings.models import Settings
from stacks.settings.rules.lists import UNKNOWN_REGION
from stacks.settings.rules.paths import each_region


def several_regions_name_the_genesis_regions(settings: Settings) -> Iterator[Mistake]:
    """With several regions, the genesis does not follow from the list of regions."""
    ledger, names = settings.ledger, sorted(region.name for region in settings.regions)
    if ledger.enabled and not ledger.genesis_regions and len(names) > 1:
        yield Mistake(
            path="ledger.genesisRegions",
            rule="is missing: with several regions, the ledger must say which of them began it",
            remedy="for a ledger that exists, name the regions that it began with; for a new one, four or more regions "
            f"if there are so many: {', '.join(names)}",
            reads=("ledger.enabled", *each_region(settings, "name")),
        )


def genesis_regions_are_regions_or_have_left(settings: Settings) -> Iterator[Mistake]:
    """Every genesis region is a region of the stack, or is said to have left."""
    ledger, names = settings.ledger, [region.name for region in settings.regions]
    for genesis_region in ledger.genesis_regions:
        if genesis_region not in names and genesis_region not in ledger.former_genesis_regions:
            meant = did_you_mean(genesis_region, names)
            yield Mistake(
                path="ledger.genesisRegions",
                value=shown(genesis_region),
                rule=UNKNOWN_REGION,
                remedy=f"{meant if meant.endswith('?') else f'{meant}.'} If it has left, keep it here and name it in "
                "formerGenesisRegions, too",
                reads=("ledger.formerGenesisRegions", *each_region(settings, "name")),
            )


def former_genesis_regions_are_genesis_regions_without_a_region(settings: Settings) -> Iterator[Mistake]:
    """Only genesis regions can be former ones, and only those whose region is gone."""
    ledger, names = settings.ledger, [region.name for region in settings.regions]
    for former in ledger.former_genesis_regions:
        if former not in ledger.genesis_regions:
            yield Mistake(
                path="ledger.formerGenesisRegions",
                value=shown(former),
                rule="is not among the genesis regions",
                remedy="name it in genesisRegions, too, if the ledger began with it; otherwise remove it here",
                reads=("ledger.genesisRegions",),
            )
        elif former in names:
            yield Mistake(
                path="ledger.formerGenesisRegions",
                value=shown(former),
                rule="is a region of this stack",
                remedy="remove it here; leave it in genesisRegions",
                reads=("ledger.genesisRegions", *each_region(settings, "name")),
            )


def snapshots_need_an_application_of_yours(settings: Settings) -> Iterator[Mistake]:
    """The key-value application makes no snapshots, and deletes no blocks."""
    ledger = settings.ledger
    for key, value in (("snapshotInterval", ledger.snapshot_interval), ("retainBlocks", ledger.retain_blocks)):
        if value is not None and ledger.application.image is None:
            yield Mistake(
                path=f"ledger.{key}",
                value=shown(value),
                rule="needs an application that makes snapshots, which CometBFT's own does not",
                remedy="name its image in ledger.application.image, or remove this",
                reads=("ledger.application.image",),
            )


def what_is_kept_reaches_back_to_a_snapshot(settings: Settings) -> Iterator[Mistake]:
    """A new validator finds a snapshot, and all blocks since."""
    kept, interval = settings.ledger.retain_blocks, settings.ledger.snapshot_interval
    if kept is None or settings.ledger.application.image is None:
        return
    if interval is None or kept < SNAPSHOTS_KEPT * interval:
        yield Mistake(
            path="ledger.retainBlocks",
            value=shown(kept),
            rule=f"must be at least {SNAPSHOTS_KEPT} times snapshotInterval: new validators need a snapshot and all "
            "blocks since",
            remedy="set snapshotInterval" if interval is None else f"write {SNAPSHOTS_KEPT * interval} or more",
            reads=("ledger.snapshotInterval", "ledger.application.image"),
        )


RULES: Final = (
    snapshots_need_an_application_of_yours,
    what_is_kept_reaches_back_to_a_snapshot,
    several_regions_name_the_genesis_regions,
    genesis_regions_are_regions_or_have_left,
    former_genesis_regions_are_genesis_regions_without_a_region,
)
