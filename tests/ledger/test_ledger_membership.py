"""Real validators that are lost, lie, join and leave while others write: minutes."""

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest

from components.ledger.identities import pod
from tests.support.binaries import binary
from tests.support.ledger_regions import LedgerRegions, ledger_regions
from tests.support.regions import FIVE, MIXED, TAIWAN, ledgered

pytestmark = [pytest.mark.conformance, pytest.mark.campaign, pytest.mark.timeout(540)]

FOUR = (*MIXED, TAIWAN)
IOWA, VIRGINIA, AMSTERDAM, ASIA = (name for name, _ in FOUR)
(FIFTH,) = {name for name, _ in FIVE} - {name for name, _ in FOUR}
SILENT_SECONDS = 20


@pytest.fixture
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LedgerRegions]:
    """Four regions with one validator each."""
    names = [name for name, _ in FOUR]
    with ledger_regions(ledgered(*FOUR, genesis_regions=FOUR), tmp_path_factory.mktemp("ledger"), *names) as made:
        made.start()
        made.together()
        yield made


@contextmanager
def load(ledger: LedgerRegions, region: str) -> Iterator[list[str]]:
    """Write through a region until the block ends. Yields the keys whose writing was confirmed."""
    written: list[str] = []
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            key = f"load-{number}"
            ledger.put(region, key, "yes")
            written.append(key)
            number += 1

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield written
    finally:
        ended.set()
        writer.join(timeout=60)
    assert not writer.is_alive()


def test_with_two_killed_nothing_is_written_until_one_is_back_and_nothing_is_lost(ledger: LedgerRegions) -> None:
    before = ledger.put(IOWA, "before", "yes")
    ledger.kill(ASIA)
    ledger.kill(AMSTERDAM)
    # A block may be under way.
    time.sleep(2)
    stopped = ledger.height(IOWA)
    transaction = b"meanwhile=yes".hex()
    status, accepted = ledger.ask(IOWA, f"/broadcast_tx_sync?tx=0x{transaction}")
    assert (status, accepted["code"]) == (200, 0)
    time.sleep(SILENT_SECONDS)
    assert ledger.height(IOWA) == ledger.height(VIRGINIA) == stopped >= before
    assert ledger.value(VIRGINIA, "meanwhile") == ""
    ledger.start(AMSTERDAM)
    ledger.eventually(lambda: ledger.value(VIRGINIA, "meanwhile") == "yes", "what waited is written")
    ledger.put(AMSTERDAM, "with-three", "yes")
    ledger.start(ASIA)
    ledger.together()
    for region in ledger.nodes:
        assert [ledger.value(region, key) for key in ("before", "meanwhile", "with-three")] == ["yes"] * 3


def test_a_fifth_region_joins_and_leaves_under_load(ledger: LedgerRegions) -> None:
    four, five = ledgered(*FOUR, genesis_regions=FOUR), ledgered(*FIVE, genesis_regions=FOUR)
    ledger.put(IOWA, "history", "yes")
    with load(ledger, VIRGINIA) as written:
        # What `pulumi up` does: the others' list of peers changes in place, and nobody restarts.
        ledger.add(FIFTH)
        ledger.mount(five)
        ledger.start(FIFTH)
        done = ledger.job(five, FIFTH, "admit")
        assert done.returncode == 0, done.stdout + done.stderr
        ledger.together()
        key = ledger.key_of(FIFTH)
        assert ledger.voters(IOWA)[key] == 10
        again = ledger.job(five, FIFTH, "admit")
        assert (again.returncode, "Giving" in again.stdout) == (0, False)
        kept = ledger.job(five, IOWA, "remove")
        assert (kept.returncode, "Giving" in kept.stdout) == (0, False), kept.stderr
        assert ledger.value(FIFTH, "history") == "yes"
        # With five, another one may die.
        ledger.kill(ASIA)
        before = len(written)
        ledger.eventually(lambda: len(written) > before + 2, "four of five go on")
        ledger.start(ASIA)
        ledger.together()
        # The region leaves: first it is voted out, then it ends.
        gone = ledger.job(four, IOWA, "remove")
        assert gone.returncode == 0, gone.stdout + gone.stderr
        assert key not in ledger.voters(IOWA)
        ledger.stop(FIFTH)
        left = ledger.nodes.pop(FIFTH)
        ledger.mount(four)
        before = len(written)
        ledger.eventually(lambda: len(written) > before + 2, "four go on")
    assert left.endpoint.port
    assert len(written) > 10
    ledger.together()
    for region in ledger.nodes:
        assert [one for one in written if ledger.value(region, one) != "yes"] == []


@contextmanager
def liar(ledger: LedgerRegions, region: str, identity: str) -> Iterator[None]:
    """A second program with the key that the region's validator votes with, and with no memory of what that signed.

    It signs two blocks of one height and tells all others, which know it as `identity`.
    """
    keys = {name: ledger.nodes[name].home / "keys" for name in (region, identity)}
    chain = json.loads((ledger.nodes[region].home / "members" / "genesis.json").read_text())["chain_id"]
    ledger.running.start(
        "liar",
        [
            str(binary("cometbft-liar")),
            f"--chain={chain}",
            f"--vote-key={keys[region] / f'{pod(0)}.priv_validator_key.json'}",
            f"--node-key={keys[identity] / f'{pod(0)}.node_key.json'}",
            f"--listen=127.0.0.1:{ledger.nodes[identity].peers}",
            f"--validators={len(FOUR)}",
        ],
    )
    ledger.nodes[identity].endpoint.open()
    try:
        ledger.eventually(lambda: ledger.running.log("liar").count("two blocks") >= len(FOUR) - 1, "it has lied to all")
        yield
    finally:
        ledger.nodes[identity].endpoint.shut()
        ledger.running.stop("liar", kill=True)


def evidence(ledger: LedgerRegions, region: str) -> list[dict[str, Any]]:
    """What the blocks that the region has say about validators that lied."""
    found = []
    for height in range(1, ledger.height(region) + 1):
        found += ledger.rpc(region, f"block?height={height}")["block"]["evidence"]["evidence"]
    return found


def liars_in_the_newest_block(ledger: LedgerRegions, region: str) -> float:
    """The metric on which the alert looks."""
    with urllib.request.urlopen(f"http://127.0.0.1:{ledger.nodes[region].metrics}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    (sample,) = [line for line in lines if line.startswith("cometbft_consensus_byzantine_validators{")]
    return float(sample.rpartition(" ")[2])


def test_with_one_that_lies_blocks_go_on_and_the_runbook_s_step_votes_it_out(ledger: LedgerRegions) -> None:
    honest = (IOWA, VIRGINIA, AMSTERDAM)
    key, address = ledger.key_of(ASIA), ledger.rpc(ASIA, "status")["validator_info"]["address"]
    # The others take no peer whose key they do not know.
    ledger.add(FIFTH)
    ledger.mount(ledgered(*FIVE, genesis_regions=FOUR))
    with liar(ledger, ASIA, FIFTH):
        ledger.put(VIRGINIA, "while-it-lies", "yes")
        found = ledger.eventually(lambda: evidence(ledger, IOWA), "a block that says who lied")
        assert {(one["type"], one["value"]["vote_a"]["validator_address"]) for one in found} == {
            ("tendermint/DuplicateVoteEvidence", address)
        }
        for region in honest:
            ledger.eventually(
                lambda region=region: liars_in_the_newest_block(ledger, region) > 0, f"{region}'s metric shows it"
            )
        heights = [ledger.put(IOWA, f"it-lied-{number}", "yes") for number in range(3)]
        assert heights == sorted(set(heights))
        # The built-in application takes one vote of ten for each block that names it.
        ledger.eventually(lambda: 0 < ledger.voters(IOWA)[key] < 10, "it has lost a vote")
    ledger.nodes.pop(FIFTH)
    # What the runbook looks for in the logs, and the request that it has a person type.
    assert "duplicatevote" in ledger.running.log(IOWA).lower()
    transaction = f'"val=ed25519!{key}!0"'
    answer = ledger.rpc(IOWA, f"broadcast_tx_commit?tx={quote(transaction, safe='')}")
    assert answer["check_tx"]["code"] == answer["tx_result"]["code"] == 0, answer
    for region in honest:
        ledger.eventually(lambda region=region: key not in ledger.voters(region), f"{region} has it out")
    ledger.stop(ASIA)
    ledger.put(AMSTERDAM, "without-the-liar", "yes")
    for region in honest:
        ledger.eventually(
            lambda region=region: ledger.value(region, "without-the-liar") == "yes", f"{region} has what was written"
        )
