"""The keys of a region's validators. They are made before any region, because all regions know all validators."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pulumi
import pulumi_tls as tls

from components.ledger import identities
from components.ledger.identities import Validator, ValidatorKeys
from components.ledger.settings import LedgerSettings


class LedgerKeys(pulumi.ComponentResource):
    """Two Ed25519 keys for each of `count` validators of `region`. They are secret in the state.

    Outputs: `validators` (not secret), `files` (secret: the region's own Secret).
    """

    validators: pulumi.Output[tuple[Validator, ...]]
    files: pulumi.Output[dict[str, str]]

    def __init__(self, name: str, region: str, count: int, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("sacred-council:ledger:LedgerKeys", name, None, opts)
        child = pulumi.ResourceOptions(parent=self)
        pems = pulumi.Output.all(*(self._pair(name, index, child) for index in range(count)))
        self.validators = pulumi.Output.unsecret(
            pems.apply(lambda known: tuple(_keys(pair).public(region, index) for index, pair in enumerate(known)))
        )
        self.files = pulumi.Output.secret(
            pems.apply(
                lambda known: {
                    file: text
                    for index, pair in enumerate(known)
                    for file, text in _keys(pair).files(identities.pod(index)).items()
                }
            )
        )
        self.register_outputs({"ids": self.validators.apply(lambda known: [one.node_id for one in known])})

    def _pair(self, name: str, index: int, child: pulumi.ResourceOptions) -> pulumi.Output[list[str]]:
        keys = [
            tls.PrivateKey(f"{name}-{index}-{purpose}", algorithm="ED25519", opts=child).private_key_pem
            for purpose in ("node", "vote")
        ]
        return pulumi.Output.all(*keys)


def _keys(pair: list[str]) -> ValidatorKeys:
    return ValidatorKeys(node_pem=pair[0], vote_pem=pair[1])


@dataclass(frozen=True, kw_only=True)
class LedgerMembers:
    """All validators, as each region's ledger sees them."""

    genesis_regions: pulumi.Output[tuple[Validator, ...]]
    """Those in the genesis: the first of each founding region, also of one that has left."""
    validators: pulumi.Output[tuple[Validator, ...]]
    """Those of all regions of the stack."""
    by_region: Mapping[str, pulumi.Output[tuple[Validator, ...]]]
    """Those of each region. Unlike `validators`, a region's are known before another region is made."""
    files: Mapping[str, pulumi.Output[dict[str, str]]]
    """The private keys of each region's validators, by region. Secret."""

    @classmethod
    def of(cls, regions: Iterable[str], settings: LedgerSettings, opts: pulumi.ResourceOptions) -> "LedgerMembers":
        """Make the keys of `regions`, and keep those of genesis regions that left. Names follow from the regions'."""
        here = sorted(regions)
        made = {region: LedgerKeys(f"{region}-ledger-keys", region, settings.validators, opts) for region in here}
        left = {
            region: LedgerKeys(f"{region}-ledger-keys", region, 1, opts)
            for region in founding(here, settings)
            if region not in made
        }
        keys = {**made, **left}
        return cls(
            genesis_regions=pulumi.Output.all(*(keys[region].validators for region in founding(here, settings))).apply(
                lambda known: tuple(validators[0] for validators in known)
            ),
            validators=pulumi.Output.all(*(made[region].validators for region in here)).apply(
                lambda known: tuple(one for validators in known for one in validators)
            ),
            by_region={region: one.validators for region, one in made.items()},
            files={region: one.files for region, one in made.items()},
        )


def founding(regions: Iterable[str], settings: LedgerSettings) -> list[str]:
    """Return the regions whose first validators are in the genesis, sorted."""
    return sorted(settings.genesis_regions or regions)
